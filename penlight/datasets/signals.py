"""Signals computed from a seed, for lessons on one-dimensional convolution."""

import numpy as np

import penlight


def stereo_signal(length=64, seed=0):
    """A short stereo signal: two channels that are easy to tell apart by eye.

    With t running from 0 to 1 over the length, the left channel is a slow wave with a fast one on it,
    ``0.6 sin(2π 2t) + 0.25 sin(2π 9t)``; the right one is a square wave that fades out,
    ``0.8 (1 - t) sign(sin(2π 3t + 0.3))``. Both carry normal noise of deviation 0.04 drawn from the seed.

    Args:
        length: samples in each channel, at least 1.
        seed: of the noise.

    Returns:
        float32 of shape (2, length): left, then right. A batch of one, as ``nn.Conv1d`` takes it, is
        ``stereo_signal()[None]``.

    Raises:
        TypeError: ``length`` or ``seed`` is not a whole number.
        ValueError: ``length`` is less than 1 or more than 100 million.

    Example:
        >>> import penlight as torch
        >>> from penlight.datasets import stereo_signal
        >>> torch.nn.Conv1d(2, 16, 3)(stereo_signal()[None]).shape
        torch.Size([1, 16, 62])
    """
    for name, value in (("length", length), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"stereo_signal(): {name} must be an int, got {type(value).__name__}")
    if not 1 <= length <= 100_000_000:
        raise ValueError(f"stereo_signal(): length must be from 1 to 100000000, got {length}")
    t = np.arange(length) / length
    left = 0.6 * np.sin(2 * np.pi * 2 * t) + 0.25 * np.sin(2 * np.pi * 9 * t)
    right = 0.8 * (1 - t) * np.sign(np.sin(2 * np.pi * 3 * t + 0.3))
    noise = penlight.randn(2, length, generator=penlight.Generator().manual_seed(seed))
    return penlight.from_numpy(np.stack([left, right]).astype(np.float32)) + 0.04 * noise

"""A signal one can hear, before and after a kernel, with spectrograms."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

import penlight
from penlight import Tensor
from penlight.viz.encode import array
from penlight.viz.picture import Picture

MOST_SECONDS = 60


class Audio(Picture):
    """Sounds to play, each with its signal and spectrogram."""


def audio(signal: Any, rate: int = 16000, kernel: Any = None) -> Audio:
    """A signal to listen to, and what a kernel makes of it.

    Args:
        signal: samples between -1 and 1, of shape (length,) or (channels, length); one or two channels are played as
            mono or stereo.
        rate: samples a second.
        kernel: a module, a function of a tensor of shape (1, channels, length), or taps of shape (size,), with which
            every channel is convolved ('same' padding). Left out, the signal alone is shown.

    Raises:
        TypeError: a signal that is no tensor, array or list of numbers, or a kernel that is none of the above.
        ValueError: sizes that do not fit, or more than a minute of sound.

    Spectrograms are SciPy's (``scipy.signal.ShortTimeFFT``, Hann window), in decibels below the loudest.

    Example::

        >>> import penlight as torch
        >>> tone = torch.sin(torch.arange(8000) * 2 * torch.pi * 440 / 8000)
        >>> heard = torch.viz.audio(tone, 8000, torch.ones(9) / 9)
        >>> heard.describe()["words"]
        '1.00 seconds at 8000 samples a second, 1 channel, before and after the kernel.'
    """
    x = _as_signal(signal)
    if rate <= 0:
        raise ValueError(f"audio(): rate should be positive, got {rate}")
    if x.shape[-1] > MOST_SECONDS * rate:
        raise ValueError(f"audio(): at most {MOST_SECONDS} seconds of sound, got {x.shape[-1] / rate:.1f}")
    sounds = [_sound("before" if kernel is not None else "signal", x, rate)]
    if kernel is not None:
        sounds.append(_sound("after", _filtered(x, kernel), rate))
    words = f"{x.shape[-1] / rate:.2f} seconds at {rate} samples a second, {x.shape[0]} channel{'s' * (len(x) != 1)}"
    words += ", before and after the kernel." if kernel is not None else "."
    return Audio({"kind": "audio", "title": "Sound", "words": words, "rate": rate, "sounds": sounds})


def _as_signal(signal: Any) -> Tensor:
    try:
        x = penlight.as_tensor(signal).detach().float()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"audio(): signal should be a tensor, array or list of numbers, got {type(signal).__name__}"
        ) from error
    if x.dim() == 1:
        x = x.unsqueeze(0)
    if x.dim() != 2 or x.shape[1] == 0 or x.shape[0] == 0:
        raise ValueError(
            f"audio(): signal should have the shape (length,) or (channels, length), got {tuple(x.shape)}"
        )
    return x


def _filtered(x: Tensor, kernel: Any) -> Tensor:
    with penlight.no_grad():
        if callable(kernel):
            y = kernel(x.unsqueeze(0))
            if not isinstance(y, Tensor) or y.dim() != 3 or y.shape[0] != 1:
                shape = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
                raise ValueError(
                    f"audio(): kernel should give a tensor of shape (1, channels, length), got {shape}"
                )
            return y[0]
        taps = penlight.as_tensor(kernel).detach().float()
        if taps.dim() != 1 or taps.numel() == 0:
            raise ValueError(f"audio(): taps should have the shape (size,), got {tuple(taps.shape)}")
        return penlight.nn.functional.conv1d(x.unsqueeze(1), taps.reshape(1, 1, -1), padding="same").squeeze(
            1
        )


def _sound(name: str, x: Tensor, rate: int) -> dict[str, Any]:
    values = np.nan_to_num(x.numpy())
    loudest = float(np.abs(values).max())
    played = values[:2] / max(loudest, 1.0)
    power, seconds, highest = _spectrogram(values.mean(0), rate)
    return {
        "name": name,
        "channels": int(values.shape[0]),
        "loudest": loudest,
        "wav": base64.b64encode(_wav(played, rate)).decode("ascii"),
        "signal": array(_envelope(values[:2])),
        "samples": int(values.shape[1]),
        "spectrogram": array(power.astype(np.float32)),
        "seconds": seconds,
        "highest": highest,
    }


def _wav(values: np.ndarray, rate: int) -> bytes:
    from scipy.io import wavfile

    file = io.BytesIO()
    wavfile.write(file, rate, np.round(values.T * 32767).astype(np.int16))
    return file.getvalue()


def _envelope(values: np.ndarray, columns: int = 800) -> np.ndarray:
    """Lowest and highest value in each of at most 800 columns: (channels, columns, 2)."""
    length = values.shape[1]
    columns = min(columns, length)
    edges = np.linspace(0, length, columns + 1).astype(int)[:-1]
    return np.stack(
        [np.minimum.reduceat(values, edges, 1), np.maximum.reduceat(values, edges, 1)], -1
    ).astype(np.float32)


def _spectrogram(values: np.ndarray, rate: int) -> tuple[np.ndarray, float, float]:
    """Decibels below the loudest, (frequencies, times), with the seconds and the highest frequency they span."""
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    size = min(512, max(16, 1 << (len(values) // 8).bit_length()))
    hop = max(size // 4, -(-len(values) // 600))
    transform = ShortTimeFFT(hann(size, sym=False), hop, rate)
    if len(values) < transform.win.size:
        values = np.pad(values, (0, transform.win.size - len(values)))
    power = transform.spectrogram(values)
    decibels = 10 * np.log10(np.maximum(power / max(power.max(), 1e-30), 1e-8))
    return decibels, len(values) / rate, rate / 2

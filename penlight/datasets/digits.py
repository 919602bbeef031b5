"""Handwritten digits: the test part of UCI's Optical Recognition of Handwritten Digits.

Source: E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository, https://doi.org/10.24432/C50P49,
under CC BY 4.0 (see DATA-LICENSE.md beside this file).
"""

from importlib import resources

import numpy as np

import penlight


def digits():
    """All 1,797 images of handwritten digits and what they show.

    Returns:
        ``(images, labels)``: ``images`` is uint8 of shape (1797, 8, 8), where a pixel is the number of inked
        points (0 to 16) in a 4×4 block of the scanned digit, 0 being blank paper; ``labels`` is int64 of
        shape (1797,), each 0 to 9. Every call gives tensors of its own.

    Example:
        >>> from penlight.datasets import digits
        >>> images, labels = digits()
        >>> images.shape, labels[:4]
        (torch.Size([1797, 8, 8]), tensor([0, 1, 2, 3]))
    """
    with resources.files(__package__).joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
        images, labels = arrays["images"], arrays["labels"].astype(np.int64)
    return penlight.from_numpy(images), penlight.from_numpy(labels)


def digits_split(seed=0, held_out=0.2):
    """The digits shuffled and cut in two, ready for a net: one part to learn from, one to be tested on.

    Args:
        seed: of the shuffle; the same seed gives the same split, always.
        held_out: the share of images in the second part, more than 0 and less than 1. The number of images is
            rounded to the nearest whole one.

    Returns:
        ``(images, labels, held_images, held_labels)``: images are float32 of shape (n, 1, 8, 8) with values
        from 0 (blank) to 1 (ink), labels are int64 of shape (n,).

    Raises:
        TypeError: ``seed`` is not a whole number or ``held_out`` is not a number.
        ValueError: ``held_out`` leaves one of the two parts empty.

    Example:
        >>> from penlight.datasets import digits_split
        >>> images, labels, held_images, held_labels = digits_split(seed=0)
        >>> images.shape, held_images.shape
        (torch.Size([1438, 1, 8, 8]), torch.Size([359, 1, 8, 8]))
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"digits_split(): seed must be an int, got {type(seed).__name__}")
    if isinstance(held_out, bool) or not isinstance(held_out, (int, float)):
        raise TypeError(f"digits_split(): held_out must be a float, got {type(held_out).__name__}")
    images, labels = digits()
    count = len(labels)
    kept_apart = round(count * held_out) if 0 < held_out < 1 else 0
    if not 0 < kept_apart < count:
        raise ValueError(
            f"digits_split(): held_out must be more than 0 and less than 1 and leave images in both parts, "
            f"got {held_out}"
        )
    order = penlight.randperm(count, generator=penlight.Generator().manual_seed(seed))
    images = (images.float() / 16).reshape(count, 1, 8, 8)[order]
    labels = labels[order]
    cut = count - kept_apart
    return images[:cut], labels[:cut], images[cut:], labels[cut:]

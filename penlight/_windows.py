"""Windows for spectra and filters: vectors that rise from the ends to the middle.

The formulas are those of F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier
transform", Proceedings of the IEEE 66 (1978). A periodic window is a symmetric one of one element more, without its
last.
"""

from __future__ import annotations

from math import pi
from typing import Any

from penlight import _C, Tensor
from penlight._arguments import explain_all
from penlight._device import check_cpu

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _made(name: str, length: int, periodic: bool, shape: Any, options: dict[str, Any]) -> Tensor:
    """shape: of places from 0 to 1, in float64."""
    kind = options.pop("dtype", None) or _C.get_default_dtype()
    requires_grad = options.pop("requires_grad", False)
    check_cpu(options.pop("device", None))
    unknown = set(options) - {"layout", "pin_memory"}
    if unknown:
        raise TypeError(f"{name}() got an unexpected keyword argument '{sorted(unknown)[0]}'")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    if not kind.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {kind}")
    if length <= 1:
        window = _C.ones(length, dtype=_C.float64)
    else:
        last = length if periodic else length - 1
        window = shape(_C.arange(length, dtype=_C.float64) / last)
    return window.to(kind).requires_grad_(requires_grad)


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """The Hann window, sin²(π t) for t from 0 to 1.

    Args:
        window_length: how many numbers.
        periodic: as the first numbers of a function of that period; else symmetric.
        dtype, device, requires_grad: as of all functions that make tensors.

    Raises:
        RuntimeError: a negative length, or a type that is not floating.

    Example::

        >>> penlight.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _made("hann_window", window_length, periodic, lambda t: 0.5 - 0.5 * (2 * pi * t).cos(), options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any
) -> Tensor:
    """The Hamming window, alpha - beta cos(2π t) for t from 0 to 1. See :func:`hann_window`."""
    return _made(
        "hamming_window", window_length, periodic, lambda t: alpha - beta * (2 * pi * t).cos(), options
    )


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """The Blackman window, 0.42 - 0.5 cos(2π t) + 0.08 cos(4π t) for t from 0 to 1. See :func:`hann_window`."""
    return _made(
        "blackman_window",
        window_length,
        periodic,
        lambda t: 0.42 - 0.5 * (2 * pi * t).cos() + 0.08 * (4 * pi * t).cos(),
        options,
    )


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """The Bartlett window, a triangle. See :func:`hann_window`."""
    return _made("bartlett_window", window_length, periodic, lambda t: 1 - (2 * t - 1).abs(), options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any) -> Tensor:
    """The Kaiser window, I₀(beta √(1 - (2t - 1)²)) / I₀(beta) for t from 0 to 1. See :func:`hann_window`."""
    import numpy as np

    def shape(t: Tensor) -> Tensor:
        inside = (1 - (2 * t - 1) ** 2).clamp(min=0).sqrt() * beta
        return _C.Tensor.__mul__(_from(np.i0(inside.numpy())), 1 / float(np.i0(beta)))

    return _made("kaiser_window", window_length, periodic, shape, options)


def _from(array: Any) -> Tensor:
    from penlight import from_numpy

    return from_numpy(array)


explain_all(globals())

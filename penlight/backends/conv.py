"""How penlight's own convolutions are computed.

``fast_algorithms`` (default True) lets float32 convolutions whose strides are 1 be computed by algorithms that take
fewer multiplications than the sum they stand for: nested Winograd short convolutions, two to three times as fast where
there are 16 channels or more, and Fourier transforms for long kernels. They round differently: errors are below 2e-5
of the largest result, where a direct sum's are below 2e-6, and a NaN or an infinity spreads over its tile, to some
outputs whose windows do not meet it. ``docs/fast-convolution.md`` has the algorithms and the measured errors. False
computes every convolution as a direct sum:

>>> import penlight as torch
>>> torch.backends.conv.fast_algorithms
True
>>> torch.backends.conv.fast_algorithms = False
>>> torch.backends.conv.algorithm((32, 64, 56, 56), (64, 64, 3, 3), padding=1)
'direct'
>>> torch.backends.conv.fast_algorithms = True

float64 convolutions are direct sums in either case.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

import penlight
from penlight import _C

__all__ = ["algorithm", "fast_algorithms"]

fast_algorithms: bool


def algorithm(
    input: Sequence[int],
    weight: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    part: str = "forward",
    dtype: penlight.dtype | None = None,
) -> str:
    """The name of the kernel that serves a convolution.

    Args:
        input: the input's sizes, ``(batch, in, ...)``.
        weight: the weight's sizes, ``(out, in / groups, ...)``.
        stride, padding, dilation, groups, padding_mode: as ``penlight.nn.functional.conv2d`` takes them.
        part: ``'forward'``, ``'input_gradient'`` or ``'weight_gradient'``.
        dtype: the default, ``float32``, or ``float64``.

    Returns:
        ``'pointwise'``, ``'direct'``, ``'implicit'``, ``'planes'``, ``'images'``, ``'grouped'``, ``'winograd'`` with
        its levels F(outputs, taps) for each axis, outermost first, as ``'winograd F(6, 3) F(6, 3)'``, or ``'fourier'``
        and the number of points.
        csrc/kernels/conv_select.h says what they are.

    Raises:
        RuntimeError: the sizes do not fit.
        ValueError: part is none of the three.
    """

    def sizes(value: int | Sequence[int]) -> list[int]:
        return [value] if isinstance(value, int) else list(value)

    return _C._conv_algorithm(
        list(input),
        list(weight),
        sizes(stride),
        sizes(padding),
        sizes(dilation),
        groups,
        padding_mode,
        part,
        dtype == penlight.float64,
    )


class _ConvModule(ModuleType):
    """A module one of whose names is kept by the core."""

    @property
    def fast_algorithms(self) -> bool:
        return _C._fast_convolutions()

    @fast_algorithms.setter
    def fast_algorithms(self, on: bool) -> None:
        if not isinstance(on, bool):
            raise TypeError(f"fast_algorithms must be True or False, but got {type(on).__name__}")
        _C._set_fast_convolutions(on)


sys.modules[__name__].__class__ = _ConvModule

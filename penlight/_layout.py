"""Layouts: in which order a tensor's elements lie in memory. Values and sizes do not depend on it."""

from __future__ import annotations

from typing import Any

from penlight import _C, Tensor


class layout:
    """How a tensor keeps its elements; ``strided``, the only one, is an array with a step along each axis."""

    def __repr__(self) -> str:
        return "torch.strided"

    def __reduce__(self) -> str:
        return "strided"


class memory_format:
    """An order of the axes in memory, for ``contiguous``, ``clone`` and ``to``."""

    def __init__(self, name: str, last_axes: int = 0) -> None:
        self._name = name
        self._last_axes = last_axes  # the number of axes where the channels, axis 1, lie closest together

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


strided = layout()
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last", 4)
channels_last_3d = memory_format("channels_last_3d", 5)


def order(format: Any, ndim: int) -> tuple[int, ...] | None:
    """The axes of a tensor that lies so, outermost first; None where it lies as another does.

    Raises:
        RuntimeError: ``channels_last`` for other than 4 axes (``channels_last_3d``: 5).
        TypeError: not a memory format.
    """
    _check(format)
    if format is preserve_format:
        return None
    axes = tuple(range(ndim))
    if not format._last_axes:
        return axes
    if ndim != format._last_axes:
        raise RuntimeError(
            f"required rank {format._last_axes} tensor to use {format._name} format, got rank {ndim}"
        )
    return (axes[0], *axes[2:], axes[1])


def contiguous(tensor: Tensor, format: Any) -> Tensor:
    """``tensor.contiguous(memory_format=format)``: itself if it lies so, or a copy that does.

    Raises:
        RuntimeError: ``channels_last`` for a tensor that has not 4 axes (``channels_last_3d``: 5), or
            ``preserve_format``.
        TypeError: not a memory format.
    """
    wanted = order(format, tensor.dim())
    if wanted is None:
        if tensor.is_contiguous():
            return tensor
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    return tensor if is_contiguous(tensor, format) else _C._clone_in_order(tensor, wanted)


def is_contiguous(tensor: Tensor, format: Any) -> bool:
    """``tensor.is_contiguous(memory_format=format)``: does it lie so?

    Raises:
        RuntimeError: for ``preserve_format``.
        TypeError: not a memory format.
    """
    _check(format)
    if format is preserve_format:
        raise RuntimeError("is_contiguous: preserve_format is no order of its own")
    if not format._last_axes:
        return tensor.is_contiguous()
    if tensor.dim() != format._last_axes:
        return False
    step = 1
    for axis in (1, *range(tensor.dim() - 1, 1, -1), 0):
        if tensor.size(axis) != 1:
            if tensor.stride(axis) != step:
                return False
            step *= tensor.size(axis)
    return True


def clone(tensor: Tensor, format: Any) -> Tensor:
    """``tensor.clone(memory_format=format)``: a copy that lies so.

    Raises:
        RuntimeError: ``channels_last`` for a tensor that has not 4 axes (``channels_last_3d``: 5).
        TypeError: not a memory format.
    """
    wanted = order(format, tensor.dim())
    return tensor.clone() if wanted is None else _C._clone_in_order(tensor, wanted)


def converted(tensor: Tensor, format: Any) -> Tensor:
    """``tensor.to(memory_format=format)``: itself where its strides are those, also of axes of length 1."""
    wanted = order(format, tensor.dim())
    if wanted is None:
        return tensor
    step, strides = 1, [0] * tensor.dim()
    for axis in reversed(wanted):
        strides[axis] = step
        step *= max(tensor.size(axis), 1)
    return tensor if tensor.stride() == tuple(strides) else _C._clone_in_order(tensor, wanted)


def _check(format: Any) -> None:
    if not isinstance(format, memory_format):
        raise TypeError(f"argument 'memory_format' must be torch.memory_format, not {type(format).__name__}")

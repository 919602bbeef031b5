"""``x[...]`` where tensors, lists, masks or truth values stand in the brackets.

Numbers, slices, None and Ellipsis make a view first; what is left are indices, one for each dimension of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as as_int
from typing import Any

import penlight
from penlight import _C, Tensor
from penlight import _functions as F


def getitem(x: Tensor, index: Any) -> Tensor:
    """``x[index]``."""
    view, indices = _split(x, index)
    return _C._index(view, indices) if indices else view


def setitem(x: Tensor, index: Any, value: Any) -> None:
    """``x[index] = value``."""
    view, indices = _split(x, index)
    if not isinstance(value, Tensor):
        try:
            value = F.as_tensor(value, dtype=x.dtype)
        except TypeError:
            name = penlight.typename(x)
            raise TypeError(f"can't assign a {type(value).__name__} to a {name}") from None
    if indices:
        view.index_put_(indices, value)
        return
    while value.dim() > view.dim() and value.size(0) == 1:
        value = value[0]
    view.copy_(value)


def _items(index: Any) -> tuple[Any, ...]:
    if isinstance(index, tuple):
        return index
    # A short list with something other than numbers in it is read like a tuple, as NumPy did of old.
    parts = (Sequence, Tensor, slice, type(None), type(Ellipsis))
    if isinstance(index, list) and len(index) < 32 and any(isinstance(item, parts) for item in index):
        return tuple(index)
    return (index,)


def _as_index(item: Any) -> Any:
    """Sequences and arrays as tensors, other numbers as ints; what is neither raises."""
    if item is None or item is Ellipsis or isinstance(item, (slice, bool, int, Tensor)):
        return item
    if isinstance(item, (Sequence, range)) or hasattr(item, "__array__"):
        tensor = F.as_tensor(list(item) if isinstance(item, range) else item)
        return tensor.long() if tensor.numel() == 0 and tensor.is_floating_point() else tensor
    if hasattr(item, "__index__"):
        return as_int(item)
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
        f"(got {type(item).__name__})"
    )


def _is_mask(item: Tensor) -> bool:
    return item.dtype is _C.bool or item.dtype is _C.uint8


def _consumed(item: Any) -> int:
    """How many of the tensor's dimensions an entry stands for."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    if isinstance(item, Tensor) and _is_mask(item):
        return item.dim()
    return 1


def _split(x: Tensor, index: Any) -> tuple[Tensor, list[Tensor | None]]:
    items = [_as_index(item) for item in _items(index)]
    used = sum(map(_consumed, items))
    if used > x.dim():
        raise IndexError(f"too many indices for tensor of dimension {x.dim()}")
    rest = x.dim() - used
    view, dim = x, 0
    indices: dict[int, Tensor] = {}
    for item in items:
        if item is None:
            view = view.unsqueeze(dim)
            dim += 1
        elif item is Ellipsis:
            dim, rest = dim + rest, 0
        elif isinstance(item, slice):
            view = view[(slice(None),) * dim + (item,)]
            dim += 1
        elif isinstance(item, bool) or (isinstance(item, Tensor) and item.dim() == 0 and _is_mask(item)):
            # A truth value is a mask over a new dimension of size 1.
            view = view.unsqueeze(dim)
            indices[dim] = _C.zeros(1 if item else 0, dtype=_C.int64)
            dim += 1
        elif isinstance(item, int) or (item.dim() == 0 and not item.is_floating_point()):
            view = view.select(dim, int(item))
        else:
            indices[dim] = item
            dim += item.dim() if _is_mask(item) else 1
    if not indices:
        return view if view is not x else x.view_as(x), []
    # A mask stands for several dimensions but is one entry.
    entries: list[Tensor | None] = []
    dim = 0
    while dim <= max(indices):
        item = indices.get(dim)
        entries.append(item)
        dim += item.dim() if item is not None and _is_mask(item) else 1
    return view, entries

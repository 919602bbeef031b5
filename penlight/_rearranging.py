"""Functions that cut, join and rearrange, made of others."""

from __future__ import annotations

from itertools import combinations as _choices
from itertools import combinations_with_replacement as _choices_with_replacement
from typing import Any

from penlight import _C, Tensor
from penlight import _functions as F
from penlight._arguments import explain_all

__all__ = [
    "as_strided_scatter", "block_diag", "column_stack", "combinations", "diagflat", "dsplit", "hsplit",
    "narrow_copy", "put", "repeat_interleave", "rot90", "row_stack", "tril_indices", "triu_indices",
    "unravel_index", "unsafe_chunk", "unsafe_split", "vander", "vsplit",
]  # fmt: skip


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Pieces side by side: of dimension 1, or of the only one."""
    if input.dim() < 1:
        raise RuntimeError(
            f"torch.hsplit requires a tensor with at least 1 dimension, but got a tensor with {input.dim()} dimensions!"
        )
    return _split("hsplit", input, indices_or_sections, 0 if input.dim() == 1 else 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Pieces one below the other: of dimension 0."""
    if input.dim() < 2:
        raise RuntimeError(
            f"torch.vsplit requires a tensor with at least 2 dimension, but got a tensor with {input.dim()} dimensions!"
        )
    return _split("vsplit", input, indices_or_sections, 0)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Pieces of dimension 2."""
    if input.dim() < 3:
        raise RuntimeError(
            f"torch.dsplit requires a tensor with at least 3 dimension, but got a tensor with {input.dim()} dimensions!"
        )
    return _split("dsplit", input, indices_or_sections, 2)


def _split(name: str, input: Tensor, indices_or_sections: Any, dim: int) -> tuple[Tensor, ...]:
    sections = indices_or_sections
    if isinstance(sections, int) and (sections <= 0 or input.size(dim) % sections != 0):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{input.size(dim)} is not divisible by the split_size {sections}!"
        )
    return F.tensor_split(input, sections, dim)


def column_stack(tensors: Any) -> Tensor:
    """Joined side by side, vectors as columns."""
    return _C.cat([t.reshape(t.numel(), 1) if t.dim() <= 1 else t for t in tensors], 1)


row_stack = F.vstack


def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element, or slice along ``dim``, so many times in a row.

    Args:
        repeats: a number, or integers, one for each; None: ``input`` itself are the numbers, and the result are places.
        dim: None: of the flattened input.
        output_size: how many there will be, where it is known.

    Raises:
        RuntimeError: negative repeats, or not as many as there are elements.

    Example::

        >>> penlight.repeat_interleave(penlight.tensor([1, 2]), penlight.tensor([1, 3]))
        tensor([1, 2, 2, 2])
    """
    if repeats is None:
        return _repeated_places(input, input.size(0) if input.dim() == 1 else -1, output_size)
    if dim is None:
        input, dim = input.reshape(-1), 0
    size = input.size(dim)
    if isinstance(repeats, int) or (isinstance(repeats, Tensor) and repeats.numel() == 1):
        count = int(repeats)
        if count < 0:
            raise RuntimeError("Repeats must be non-negative")
        places = _C.arange(size).unsqueeze(1).expand(size, count).reshape(-1)
    else:
        places = _repeated_places(F.as_tensor(repeats), size, output_size)
    return input.index_select(dim, places)


def _repeated_places(repeats: Tensor, size: int, total: int | None) -> Tensor:
    if repeats.dim() != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if repeats.is_floating_point() or repeats.dtype is _C.bool:
        raise RuntimeError("repeats has to be Long or Int tensor")
    if repeats.numel() != size:
        raise RuntimeError("repeats must have the same size as input along dim")
    if bool((repeats < 0).any()):
        raise RuntimeError("repeats can not be negative")
    ends = repeats.cumsum(0)
    count = int(ends[-1]) if size else 0
    if total is not None and total != count:
        raise RuntimeError("allocated size does not match required size")
    return _C.searchsorted(ends, _C.arange(count), right=True)


def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A copy of ``length`` slices along ``dim``, from ``start``."""
    return input.narrow(dim, start, length).clone()


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """As ``chunk``, but the pieces do not know of each other: they may be changed in place."""
    return tuple(_alone(input, part, dim) for part in _places(input.chunk(chunks, dim), dim))


def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """As ``split``, but the pieces do not know of each other: they may be changed in place."""
    return tuple(_alone(input, part, dim) for part in _places(input.split(split_size, dim), dim))


def _places(parts: Any, dim: int) -> list[tuple[int, int]]:
    starts, at = [], 0
    for part in parts:
        starts.append((at, part.size(dim)))
        at += part.size(dim)
    return starts


def _alone(input: Tensor, place: tuple[int, int], dim: int) -> Tensor:
    return input.narrow(dim, *place)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """The input with elements, counted as in the flattened input, replaced by (or added to) the source's."""
    if index.dtype is not _C.int64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {index.dtype}")
    if index.numel() != source.numel():
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source.numel()}, index.numel() = {index.numel()}"
        )
    flat = input.reshape(-1).index_put((index.reshape(-1),), source.reshape(-1), accumulate=accumulate)
    return flat.reshape(input.shape)


def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None
) -> Tensor:
    """A copy of the input in which the elements of a window, as of ``as_strided``, are the source's."""
    result = input.contiguous().clone()
    window = result.as_strided(size, stride, storage_offset or 0)
    if window.shape != src.shape:
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = "
            f"{list(window.shape)}"
        )
    window.copy_(src)
    return result


def block_diag(*tensors: Tensor) -> Tensor:
    """A matrix of zeros with the given ones along its diagonal; vectors count as rows."""
    blocks = []
    for i, t in enumerate(tensors):
        if t.dim() > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                f"Input {i} has {t.dim()} dimensions"
            )
        blocks.append(F.atleast_2d(t))
    if not blocks:
        return _C.empty(1, 0)
    width = sum(b.size(1) for b in blocks)
    rows, left = [], 0
    for b in blocks:
        rows.append(_C.constant_pad_nd(b, (left, width - left - b.size(1))))
        left += b.size(1)
    return _C.cat(rows, 0)


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix of zeros with all elements of the input along a diagonal."""
    return _C.diag(input.reshape(-1), offset)


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turned k times by a quarter, from the first of two dimensions towards the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    a, b = (d + input.dim() if d < 0 else d for d in dims)
    if input.dim() < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.dim()}")
    if a == b or abs(a - b) == input.dim():
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {a} and dim1 = {b}")
    for d in (a, b):
        if not 0 <= d < input.dim():
            raise RuntimeError(f"Rotation dim out of range, dim = {d}")
    turns = k % 4
    if turns == 0:
        return input.clone()
    if turns == 2:
        return input.flip((a, b))
    return input.flip((b if turns == 1 else a,)).transpose(a, b)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector, one a row, in order."""
    if input.dim() != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return _C.empty(0, dtype=input.dtype)
    if r > input.size(0) and not (with_replacement and input.size(0)):
        return _C.empty(0, r, dtype=input.dtype)
    choose = _choices_with_replacement if with_replacement else _choices
    _check_count(input.size(0) + r - 1 if with_replacement else input.size(0), r)
    places = list(choose(range(input.size(0)), r))
    if not places:
        return _C.empty(0, r, dtype=input.dtype)
    return input[F.tensor(places)]


def _check_count(n: int, r: int) -> None:
    """RuntimeError where there are too many choices of r among n to make."""
    count = 1
    for i in range(min(r, n - r)):
        count = count * (n - i) // (i + 1)
        if count > 2**28:
            raise RuntimeError(f"combinations(): there are more than 2**28 choices of {r} among {n} elements")


def _triangle(row: int, col: int, lower: bool, offset: int, dtype: Any) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(f"row and col must be non-negative, got {row} and {col}")
    ones = _C.ones(row, col, dtype=_C.bool)
    inside = _C.tril(ones, offset) if lower else _C.triu(ones, offset)
    places = inside.nonzero().t().contiguous()
    return places if dtype is None else places.to(dtype)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Rows and columns of the lower triangle's elements: (2, count)."""
    return _triangle(row, col, True, offset, dtype)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Rows and columns of the upper triangle's elements: (2, count)."""
    return _triangle(row, col, False, offset, dtype)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Places in a flattened tensor as coordinates in its shape."""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if not isinstance(indices, Tensor):
        raise TypeError(f"unravel_index(): argument 'indices' must be Tensor, not {type(indices).__name__}")
    if indices.is_floating_point():
        raise ValueError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    if 0 in sizes:
        raise RuntimeError(f"unravel_index(): 'shape' cannot have zeros, but got {sizes}")
    coordinates = []
    for size in reversed(sizes):
        coordinates.append(indices % size)
        indices = indices // size
    return tuple(reversed(coordinates))


def vander(x: Tensor, N: int | None = None, *, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements, a column each, the highest first unless ``increasing``."""
    if x.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.size(0) if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    exponents = _C.arange(count) if increasing else _C.arange(count).flip(0)
    return x.unsqueeze(1) ** exponents


explain_all(globals())

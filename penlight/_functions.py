"""Functions of the top level that are made of others."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from penlight import _C, Size, Tensor, dtype
from penlight._arguments import explain_all
from penlight._device import check_cpu

__all__ = [
    "allclose", "as_tensor", "asarray", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_shapes",
    "broadcast_tensors", "can_cast", "cartesian_prod", "count_nonzero", "diff", "dstack", "equal",
    "get_num_threads", "hstack", "is_nonzero", "isclose", "isin", "meshgrid", "norm", "set_default_dtype",
    "set_num_threads", "std_mean", "tensor", "tensor_split", "trapezoid", "var_mean", "vstack",
]  # fmt: skip


def tensor(
    data: Any,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new tensor with a copy of the data.

    Args:
        data: a number, nested sequences of numbers, a NumPy array or a tensor.
        dtype: the type of the elements; by default the data's own (float for Python floats, int64 for ints).
        device: the CPU, if anything.
        requires_grad: record the operations on it.
        pin_memory: without meaning on the CPU.

    Raises:
        ValueError: sequences of unequal lengths.
        TypeError: something that is not a number.
        RuntimeError: a number that the type cannot hold, or another device.

    Example::

        >>> import penlight
        >>> penlight.tensor([[1.0, -1.0], [1.0, -1.0]])
        tensor([[ 1., -1.],
                [ 1., -1.]])
    """
    check_cpu(device)
    if hasattr(data, "__array__") and not isinstance(data, (Tensor, list, tuple)):
        result = _from_array(data, copy=True)
        if dtype is not None:
            result = result.to(dtype)
    else:
        result = _C._tensor(data, dtype)
    return result.requires_grad_() if requires_grad else result


def plain_data(data: Any) -> Any:
    """Nested lists of numbers and tensors, made of any sequences and arrays."""
    if isinstance(data, (list, tuple)):
        return [plain_data(item) for item in data]
    if isinstance(data, (bool, int, float, Tensor)):
        return data
    if isinstance(data, (str, bytes, complex)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if hasattr(data, "__array__"):
        return _from_array(data, copy=True)
    if not hasattr(data, "__len__") or not hasattr(data, "__getitem__") or hasattr(data, "keys"):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    return plain_data([data[i] for i in range(len(data))])


def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """The data as a tensor, sharing memory and graph where that is possible (tensors, NumPy arrays)."""
    check_cpu(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if hasattr(data, "__array__"):
        shared = _from_array(data, copy=False)
        return shared if dtype is None else shared.to(dtype)
    return _C._tensor(data, dtype)


def asarray(
    obj: Any,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The object as a tensor; ``copy`` says whether it must (True) or must not (False) be copied."""
    result = as_tensor(obj, dtype, device)
    if copy and isinstance(obj, Tensor) and result is obj:
        result = result.clone()
    elif copy:
        result = result.detach().clone()
    return result.requires_grad_() if requires_grad else result


def _from_array(data: Any, copy: bool) -> Tensor:
    import numpy as np

    from penlight._interop import from_numpy

    array = np.asarray(data)
    if copy or any(stride < 0 for stride in array.strides) or not array.flags.writeable:
        array = array.copy()
    return from_numpy(array)


def set_default_dtype(d: dtype) -> None:
    """The type of floating tensors made without one."""
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    _C._set_default_dtype(d)


def get_num_threads() -> int:
    """How many threads share a large operation."""
    return _C._get_num_threads()


def set_num_threads(number: int) -> None:
    """Sets how many threads share a large operation. Results do not depend on it."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(number).__name__}")
    if number <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _C._set_num_threads(min(number, 4096))


# ---- comparisons


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """Where ``|input - other| <= atol + rtol * |other|``: bool."""
    if input.dtype != other.dtype:
        raise RuntimeError(f"{_name(input)} did not match {_name(other)}")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"rtol and atol must not be negative, got rtol={rtol}, atol={atol}")
    close = input == other
    if equal_nan:
        close = close | (input.isnan() & other.isnan())
    if not input.is_floating_point():
        input, other = input.to(_C.float64), other.to(_C.float64)
    return close | (
        ((input - other).abs() <= atol + rtol * other.abs()) & other.isfinite() & input.isfinite()
    )


def _name(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.").capitalize()


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Is every element close (see :func:`isclose`)?"""
    return bool(isclose(input, other, rtol, atol, equal_nan).all().item())


def equal(input: Tensor, other: Tensor) -> bool:
    """Are sizes and all elements equal?"""
    return input.shape == other.shape and bool((input == other).all().item())


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Which elements occur in ``test_elements``: bool."""
    elements, tests = as_tensor(elements), as_tensor(test_elements)
    found = (elements.unsqueeze(-1) == tests.reshape(-1)).any(-1)
    return ~found if invert else found


def is_nonzero(input: Tensor) -> bool:
    """The truth of a tensor with one element."""
    return bool(input)


def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not zero."""
    return (input != 0).sum(dim)


def can_cast(from_: dtype, to: dtype) -> bool:
    """May a result of one type be written to a tensor of another in place?"""

    def kind(d):
        return 2 if d.is_floating_point else 0 if d is _C.bool else 1

    return kind(from_) <= kind(to)


# ---- shapes


def broadcast_shapes(*shapes: Any) -> Size:
    """The common shape of several, each a sequence of sizes or an int."""
    result = Size(())
    for shape in shapes:
        if not isinstance(shape, (int, list, tuple)):
            raise RuntimeError(
                f"Input shapes should be of type ints or a tuple of ints, got {type(shape).__name__}"
            )
        result = _C._broadcast_shapes(result, shape if isinstance(shape, int) else tuple(shape))
    return result


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to their common shape."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    shape = broadcast_shapes(*(t.shape for t in tensors))
    return tuple(t.expand(shape) for t in tensors)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid, one tensor a dimension. ``indexing``: 'ij' (default) or 'xy'."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    lines = [t.reshape(-1) for t in tensors]
    swap = indexing == "xy" and len(lines) >= 2
    if swap:
        lines[0], lines[1] = lines[1], lines[0]
    shape = [len(line) for line in lines]
    grids = []
    for i, line in enumerate(lines):
        grids.append(line.reshape([-1 if j == i else 1 for j in range(len(lines))]).expand(shape))
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of the elements, one a row."""
    if len(tensors) == 1:
        return tensors[0]
    return _C.stack([grid.reshape(-1) for grid in meshgrid(*tensors, indexing="ij")], dim=1)


def _atleast(ndim: int, tensors: tuple[Any, ...]) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        return tuple(_atleast(ndim, (t,)) for t in tensors[0])
    if len(tensors) != 1:
        return tuple(_atleast(ndim, (t,)) for t in tensors)
    t = tensors[0]
    if ndim == 1:
        return t.reshape(1) if t.dim() == 0 else t
    if ndim == 2:
        return t.reshape(1, 1) if t.dim() == 0 else t.unsqueeze(0) if t.dim() == 1 else t
    if t.dim() == 0:
        return t.reshape(1, 1, 1)
    return t.reshape(1, -1, 1) if t.dim() == 1 else t.unsqueeze(-1) if t.dim() == 2 else t


def atleast_1d(*tensors: Any) -> Any:
    """The tensors with at least one dimension."""
    return _atleast(1, tensors)


def atleast_2d(*tensors: Any) -> Any:
    """The tensors with at least two dimensions."""
    return _atleast(2, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """The tensors with at least three dimensions."""
    return _atleast(3, tensors)


def _sequence(tensors: Any) -> tuple[Any, ...]:
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(f"tensors must be tuple of Tensors, not {type(tensors).__name__}")
    return tuple(tensors)


def hstack(tensors: Any) -> Tensor:
    """Joined side by side."""
    tensors = atleast_1d(_sequence(tensors))
    return _C.cat(tensors, 0 if tensors[0].dim() == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """Joined one below the other."""
    return _C.cat(atleast_2d(_sequence(tensors)), 0)


def dstack(tensors: Any) -> Tensor:
    """Joined along the third dimension."""
    return _C.cat(atleast_3d(_sequence(tensors)), 2)


MOST_SECTIONS = 2**24  # more are a mistake, and would fill memory


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces: so many of nearly equal length, or cut at the given places."""
    if input.dim() == 0:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    size = input.size(dim)
    if isinstance(indices_or_sections, int):
        n = indices_or_sections
        if n <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {n}")
        if n > MOST_SECTIONS:
            raise RuntimeError(f"number of sections must be at most {MOST_SECTIONS}, got {n}")
        cuts = [i * (size // n) + min(i, size % n) for i in range(n + 1)]
    else:
        cuts = [0, *(slice(None, i).indices(size)[1] for i in indices_or_sections), size]
    return tuple(_C._slice(input, dim, a, max(a, b)) for a, b in pairwise(cuts))


# ---- sums and differences


def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: dtype | None = None
) -> Tensor:
    """The p-norm of all elements, or along dimensions: ``sum(|x|^p)^(1/p)``."""
    if dtype is not None:
        input = input.to(dtype)
    if not input.is_floating_point():
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            + str(input.dtype).removeprefix("torch.").capitalize()
        )
    order = 2.0 if p in ("fro", None) else float(p)
    return _C._vector_norm(input, order, (dim,) if isinstance(dim, int) else dim, keepdim)


def var_mean(
    input: Tensor, dim: Any = None, *, correction: float = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """Variance and mean."""
    return input.var(dim, correction=correction, keepdim=keepdim), input.mean(dim, keepdim)


def std_mean(
    input: Tensor, dim: Any = None, *, correction: float = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean."""
    return input.std(dim, correction=correction, keepdim=keepdim), input.mean(dim, keepdim)


def diff(input: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    """Differences of neighbours, n times over."""
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    for _ in range(min(n, input.size(dim))):
        length = input.size(dim)
        input = input.narrow(dim, min(1, length), max(length - 1, 0)) - input.narrow(
            dim, 0, max(length - 1, 0)
        )
    return input


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The integral by the trapezoidal rule."""
    n = y.size(dim)
    if n == 0:
        return y.sum(dim)
    pairs = y.narrow(dim, 1, n - 1) + y.narrow(dim, 0, n - 1)
    if x is None:
        return (pairs * (dx / 2)).sum(dim)
    width = diff(x, dim=-1 if x.dim() == 1 else dim)
    return (pairs * width / 2).sum(dim)


def where_indices(condition: Tensor) -> tuple[Tensor, ...]:
    return condition.nonzero(as_tuple=True)


explain_all(globals())

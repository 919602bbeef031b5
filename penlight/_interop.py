"""Tensors and the rest of Python: NumPy, DLPack, copying, pickling.

Memory is shared, never copied, wherever the other side can read it: ``from_numpy`` and ``Tensor.numpy``,
``from_dlpack`` and ``Tensor.__dlpack__``. Writing on one side is then seen on the other, and autograd knows
nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import penlight
from penlight import _C, Tensor
from penlight._device import check_cpu

if TYPE_CHECKING:
    import numpy as np

_SUPPORTED = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
_SUPPORTED_CHARS = "dfelqihbB?"  # the same, as NumPy codes them


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor over the memory of a NumPy array: changing one changes the other.

    Raises:
        TypeError: not an array, or one of elements that no dtype holds.
        ValueError: an array with negative strides, foreign byte order, or elements that lie askew in memory.

    Example::

        >>> import numpy, penlight
        >>> array = numpy.zeros(2)
        >>> penlight.from_numpy(array).add_(1)
        tensor([1., 1.], dtype=torch.float64)
        >>> array
        array([1., 1.])
    """
    import numpy as np

    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {penlight.typename(ndarray)})")
    dtype = ndarray.dtype
    if ndarray.flags.carray and dtype.char in _SUPPORTED_CHARS and dtype.isnative:  # the usual case, quickly
        return _C._borrow(ndarray)
    if dtype.name not in _SUPPORTED:
        raise TypeError(
            f"can't convert np.ndarray of type {dtype.type.__module__}.{dtype.type.__name__}. "
            f"The only supported types are: {', '.join(_SUPPORTED[:-1])}, and {_SUPPORTED[-1]}."
        )
    if not dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. "
            "Conversion between byte orders is currently not supported."
        )
    steps = [
        stride
        for stride, size in zip(ndarray.strides, ndarray.shape, strict=True)
        if size > 1 and ndarray.size
    ]
    if any(stride < 0 for stride in steps):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are "
            "not currently supported. (You can probably work around this by making a copy of your array "
            " with array.copy().) "
        )
    if any(stride % ndarray.itemsize for stride in steps) or not ndarray.flags.aligned:
        raise ValueError(
            "given numpy array strides not a multiple of the element byte size. "
            "Copy the numpy array to reallocate the memory."
        )
    return _C._borrow(ndarray)


def frombuffer(
    buffer: Any,
    *,
    dtype: penlight.dtype,
    count: int = -1,
    offset: int = 0,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of one axis over the memory of an object with Python's buffer protocol.

    Args:
        buffer: bytes, bytearray, memoryview, array.array, ...
        dtype: of the elements that lie there.
        count: how many of them; -1 for all.
        offset: bytes to leave out at the start.
        requires_grad: record the operations on the tensor.

    Raises:
        ValueError: the buffer is empty, or too short, or no whole number of elements long.
        TypeError: NumPy has no such dtype (bfloat16).

    Example::

        >>> import penlight
        >>> penlight.frombuffer(bytearray(b"\\x01\\x02"), dtype=penlight.uint8)
        tensor([1, 2], dtype=torch.uint8)
    """
    import numpy as np

    if dtype == penlight.bfloat16:
        raise TypeError("Got unsupported ScalarType BFloat16")
    name = str(dtype).removeprefix("torch.")
    return from_numpy(np.frombuffer(buffer, name, count, offset)).requires_grad_(requires_grad)


def numpy(tensor: Tensor, *, force: bool = False) -> np.ndarray:
    """``tensor.numpy()``: an array over the tensor's memory: changing one changes the other.

    Args:
        tensor: any.
        force: detach the tensor from its graph first, where it has one.

    Raises:
        RuntimeError: the tensor requires grad, outside ``no_grad``, and ``force`` is not given.
        TypeError: NumPy has no such dtype (bfloat16).
    """
    if tensor.requires_grad and not force and _C.is_grad_enabled():
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    if tensor.dtype == penlight.bfloat16:
        raise TypeError("Got unsupported ScalarType BFloat16")
    return _C._lend_numpy(tensor)


def array(tensor: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    """``tensor.__array__()``: for ``numpy.asarray(tensor)`` and every function of NumPy."""
    shared = numpy(tensor)
    if dtype is not None and shared.dtype != dtype:
        if copy is False:
            raise ValueError(f"a tensor of {tensor.dtype} cannot become an array of {dtype} without a copy")
        return shared.astype(dtype)
    return shared.copy() if copy else shared


def array_wrap(tensor: Tensor, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Tensor:
    """``tensor.__array_wrap__()``: what a function of NumPy gives for a tensor is a tensor again.

    Truth values come as uint8, as in PyTorch.
    """
    import numpy as np

    if not isinstance(array, (np.ndarray, np.generic)):
        raise TypeError(
            f"__array_wrap__(): argument 'array' must be numpy.ndarray, not {type(array).__name__}"
        )
    return from_numpy(np.asarray(array, "uint8" if array.dtype == bool else None))


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of any object that speaks DLPack: changing one changes the other.

    Args:
        ext_tensor: an object with ``__dlpack__`` (an array of NumPy, a tensor of PyTorch), or a DLPack
            capsule, which is used up.
        device: the CPU, if anything.
        copy: ``True`` to copy the memory, ``False`` never to.

    Raises:
        AssertionError: another device than the CPU is asked for.
        RuntimeError: not such an object, or a capsule used before.
        BufferError: the object refuses.
        TypeError: elements that no dtype holds.
        ValueError: negative strides.
    """
    check_cpu(device)
    tensor = _C._borrow(_capsule(ext_tensor) if hasattr(ext_tensor, "__dlpack__") else ext_tensor)
    return tensor.clone() if copy else tensor


def _capsule(source: Any) -> Any:
    if hasattr(source, "__dlpack_device__"):
        kind = source.__dlpack_device__()[0]
        if kind != 1:
            raise BufferError(
                f"from_dlpack takes memory of the CPU (device type 1), got device type {int(kind)}"
            )
    try:
        return source.__dlpack__(max_version=(1, 0))
    except TypeError:  # made before versions were introduced
        return source.__dlpack__()


def dlpack(
    tensor: Tensor,
    *,
    stream: Any = None,
    max_version: Any = None,
    dl_device: Any = None,
    copy: bool | None = None,
) -> Any:
    """``tensor.__dlpack__()``: a DLPack capsule over the tensor's memory.

    Raises:
        BufferError: the tensor requires grad, or another device than the CPU is asked for.
    """
    if tensor.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    lent = _C._lend_dlpack(tensor.clone() if copy else tensor)
    return lent.__dlpack__(max_version=max_version, dl_device=dl_device)


def dlpack_device(tensor: Tensor) -> tuple[int, int]:
    """``tensor.__dlpack_device__()``: (1, 0), the CPU."""
    return 1, 0


def copied(tensor: Tensor) -> Tensor:
    """``copy.copy(tensor)``: another tensor over the same memory, a leaf of the same ``requires_grad``."""
    return _leaf(tensor.detach(), type(tensor), tensor.requires_grad, tensor.__dict__)


def deep_copied(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """``copy.deepcopy(tensor)``: values, ``requires_grad``, ``grad`` and attributes; for a leaf of the graph.

    Raises:
        RuntimeError: the tensor is a result of recorded operations.
    """
    from copy import deepcopy

    if id(tensor) in memo:
        return memo[id(tensor)]
    if not tensor.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
            "moment; use tensor.detach() first"
        )
    twin = _leaf(tensor.detach().clone(), type(tensor), tensor.requires_grad, {})
    memo[id(tensor)] = twin
    if tensor.grad is not None:
        twin.grad = deepcopy(tensor.grad, memo)
    twin.__dict__.update(deepcopy(tensor.__dict__, memo))
    return twin


def reduced(tensor: Tensor, protocol: int) -> tuple[Any, ...]:
    """``tensor.__reduce_ex__()``, for pickle: values, dtype, ``requires_grad`` and attributes."""
    values = tensor.detach()
    if tensor.dtype == penlight.bfloat16:
        values = values.float()  # NumPy has no bfloat16; float32 holds each of its values
    kind = None if type(tensor) is Tensor else type(tensor)
    return _restored, (values.numpy(), tensor.dtype, kind, tensor.requires_grad, tensor.__dict__)


def _restored(
    values: np.ndarray,
    dtype: penlight.dtype,
    kind: type[Tensor] | None,
    requires_grad: bool,
    attributes: dict[str, Any],
) -> Tensor:
    tensor = from_numpy(values if values.flags.writeable else values.copy())
    return _leaf(tensor.to(dtype), kind or Tensor, requires_grad, attributes)


def _leaf(tensor: Tensor, kind: type[Tensor], requires_grad: bool, attributes: dict[str, Any]) -> Tensor:
    if kind is not Tensor:
        tensor = _C._make_subclass(kind, tensor, requires_grad)
    tensor.requires_grad_(requires_grad)
    tensor.__dict__.update(attributes)
    return tensor


def contains(tensor: Tensor, element: Any) -> bool:
    """``element in tensor``: does any element equal this number or tensor?

    Raises:
        RuntimeError: neither a number nor a tensor.
    """
    if not isinstance(element, (Tensor, bool, int, float)):
        raise RuntimeError(
            f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
        )
    return bool((tensor == element).any().item())

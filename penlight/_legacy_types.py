"""The tensor types of old: ``FloatTensor`` and its kin, and what goes by their names.

``FloatTensor(2, 3)`` makes an uninitialised tensor, ``FloatTensor([1, 2])`` one of these values, and
``isinstance(x, FloatTensor)`` asks for the dtype.
"""

from __future__ import annotations

from typing import Any

import penlight
from penlight import _C, Size, Tensor
from penlight import dtype as Dtype
from penlight._device import check_cpu


class tensortype(type):
    """The type of ``FloatTensor`` and its kin."""

    dtype: Dtype

    def __new__(cls, name: str, dtype: Dtype) -> tensortype:
        made = super().__new__(
            cls, name, (), {"__module__": "torch", "__doc__": f"Makes tensors of {dtype}."}
        )
        made.dtype = dtype
        return made

    def __init__(cls, name: str, dtype: Dtype) -> None:
        super().__init__(name, (), {})

    def __call__(cls, *arguments: Any, device: Any = None) -> Tensor:  # type: ignore[override]
        check_cpu(device)
        return new_tensor(arguments, cls.dtype, same_dtype=True)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance.dtype == cls.dtype

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def new_tensor(arguments: tuple[Any, ...], dtype: Dtype, same_dtype: bool) -> Tensor:
    """What ``Tensor(*arguments)`` makes: from sizes, values of ``dtype``, or another tensor.

    Another tensor gives a view of it; where ``same_dtype`` is asked for, it must have ``dtype`` already.

    Raises:
        TypeError: for arguments of another kind.
    """
    if len(arguments) != 1:
        return penlight.empty(_sizes(arguments), dtype=dtype)
    (data,) = arguments
    if isinstance(data, Tensor):
        if same_dtype and data.dtype != dtype:
            raise TypeError(f"expected a tensor of {dtype}, got one of {data.dtype}")
        return data.view(data.shape)
    if isinstance(data, Size):
        return penlight.empty(data, dtype=dtype)
    if isinstance(data, str):
        raise TypeError("new(): invalid data type 'str'")
    if hasattr(data, "__index__") and not isinstance(data, bool) and not hasattr(data, "__len__"):
        return penlight.empty(_sizes(arguments), dtype=dtype)
    if not hasattr(data, "__len__") or not hasattr(data, "__getitem__"):
        raise TypeError(f"new(): data must be a sequence (got {type(data).__name__})")
    return penlight.tensor(data if hasattr(data, "__array__") else list(data), dtype=dtype)


def tensor_of_class(kind: type[Tensor], /, *arguments: Any, device: Any = None) -> Tensor:
    """``Tensor(*arguments)``, and the same for a class derived from it."""
    check_cpu(device)
    made = new_tensor(arguments, penlight.get_default_dtype(), same_dtype=False)
    return made if kind is Tensor else _C._make_subclass(kind, made)


def _sizes(arguments: tuple[Any, ...]) -> list[int]:
    for at, size in enumerate(arguments, 1):
        if not hasattr(size, "__index__") or isinstance(size, bool):
            raise TypeError(
                f"new(): argument 'size' failed to unpack the object at pos {at} with error "
                f'"type must be tuple of ints,but got {type(size).__name__}"'
            )
    return [size.__index__() for size in arguments] or [0]


FloatTensor = tensortype("FloatTensor", penlight.float32)
DoubleTensor = tensortype("DoubleTensor", penlight.float64)
HalfTensor = tensortype("HalfTensor", penlight.float16)
BFloat16Tensor = tensortype("BFloat16Tensor", penlight.bfloat16)
LongTensor = tensortype("LongTensor", penlight.int64)
IntTensor = tensortype("IntTensor", penlight.int32)
ShortTensor = tensortype("ShortTensor", penlight.int16)
CharTensor = tensortype("CharTensor", penlight.int8)
ByteTensor = tensortype("ByteTensor", penlight.uint8)
BoolTensor = tensortype("BoolTensor", penlight.bool)

_ALL = [
    FloatTensor, DoubleTensor, HalfTensor, BFloat16Tensor, LongTensor,
    IntTensor, ShortTensor, CharTensor, ByteTensor, BoolTensor,
]  # fmt: skip
_BY_NAME = {f"torch.{kind.__name__}": kind.dtype for kind in _ALL}
_NAMES = {dtype: name for name, dtype in _BY_NAME.items()}


def tensor_type(tensor: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """``tensor.type()``: its type's name, as ``"torch.FloatTensor"``; or the tensor in another dtype.

    Args:
        tensor: any.
        dtype: a dtype, ``"torch.DoubleTensor"`` or ``DoubleTensor``.
        non_blocking: without meaning on the CPU.

    Raises:
        ValueError: for the name of no type.
    """
    return _NAMES[tensor.dtype] if dtype is None else tensor.to(_dtype_of(dtype))


def set_default_tensor_type(t: Any) -> None:
    """Sets the dtype of new tensors by the name or the class of a tensor type. See ``set_default_dtype``.

    Raises:
        ValueError: for the name of no type.
        TypeError: for a type that is not floating-point.
    """
    penlight.set_default_dtype(_dtype_of(t))


def _dtype_of(kind: Any) -> Dtype:
    if isinstance(kind, str):
        if kind not in _BY_NAME:
            raise ValueError(f"invalid type: {kind!r}")
        return _BY_NAME[kind]
    if isinstance(kind, tensortype):
        return kind.dtype
    if isinstance(kind, Dtype):
        return kind
    raise TypeError(f"dtype must be a type, str, or dtype object, got {type(kind).__name__}")


def typename(obj: Any) -> str:
    """A readable name of an object's type: ``"torch.FloatTensor"``, ``"penlight.nn.Linear"``, ``"int"``."""
    if isinstance(obj, Tensor):
        return tensor_type(obj)
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(named, "__module__", None)
    return named.__qualname__ if module in (None, "builtins") else f"{module}.{named.__qualname__}"

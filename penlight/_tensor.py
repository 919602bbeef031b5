"""Methods of Tensor that are written in Python."""

# mypy: disable-error-code="attr-defined"
# (Tensor gets its attributes here.)

from __future__ import annotations

from typing import Any

import penlight
from penlight import _C, Tensor, _layout, dtype
from penlight import _functions as F
from penlight._arguments import explained
from penlight._device import check_cpu
from penlight._device import device as Device

_CPU = Device("cpu")
_PYTHON_TYPES = {float: _C.float64, int: _C.int64, bool: _C.bool}


def _attach(function: Any, name: str | None = None) -> None:
    setattr(Tensor, name or function.__name__, function)


# ---- conversions


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor with another type (and device: the CPU is the only one). Itself where nothing changes.

    Called as ``to(dtype)``, ``to(device, dtype)`` or ``to(other)``, with ``non_blocking``, ``copy`` and
    ``memory_format`` besides.
    """
    wanted = kwargs.pop("dtype", None)
    copy = kwargs.pop("copy", False)
    place = kwargs.pop("device", None)
    kwargs.pop("non_blocking", None)
    memory_format = kwargs.pop("memory_format", None)
    other = kwargs.pop("other", None)
    if kwargs:
        raise TypeError(f"to() got an unexpected keyword argument '{next(iter(kwargs))}'")
    flags = 0
    for argument in args:
        if isinstance(argument, dtype):
            wanted = argument
        elif isinstance(argument, Tensor):
            other = argument
        elif isinstance(argument, bool):
            if flags == 1:
                copy = argument
            flags += 1
        elif isinstance(argument, (str, int, Device)):
            place = argument
        elif argument in _PYTHON_TYPES:
            wanted = _PYTHON_TYPES[argument]
        elif argument is not None:
            raise TypeError(
                f"to() received an invalid combination of arguments - got ({type(argument).__name__})"
            )
    check_cpu(place)
    if other is not None:
        wanted = other.dtype
    result = self if wanted is None or wanted is self.dtype else self._cast(wanted)
    if memory_format is not None:
        result = _layout.converted(result, memory_format)
    return self.clone() if copy and result is self else result


def _caster(wanted: dtype) -> Any:
    def cast(self: Tensor, memory_format: Any = None) -> Tensor:
        result = self if self.dtype is wanted else self._cast(wanted)
        return result if memory_format is None else _layout.converted(result, memory_format)

    return cast


for _name, _dtype in {
    "float": _C.float32, "double": _C.float64, "half": _C.float16, "bfloat16": _C.bfloat16, "long": _C.int64,
    "int": _C.int32, "short": _C.int16, "char": _C.int8, "byte": _C.uint8, "bool": _C.bool,
}.items():  # fmt: skip
    _attach(_caster(_dtype), _name)


def _to_type(self: Tensor, *args: Any, **kwargs: Any) -> Any:
    from penlight._legacy_types import tensor_type

    return tensor_type(self, *args, **kwargs)


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor with another's type."""
    return self.to(other.dtype)


def new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """A tensor of the same type, of these sizes or values; as ``Tensor(...)`` makes one."""
    from penlight._legacy_types import new_tensor

    check_cpu(device)
    return new_tensor(args, self.dtype, same_dtype=True)


def as_subclass(self: Tensor, cls: type[Tensor]) -> Tensor:
    """The same memory as a tensor of another class.

    Raises:
        RuntimeError: the tensor is the result of recorded operations, which the new object could not tell of.
    """
    if not self.is_leaf:
        raise RuntimeError("as_subclass takes leaves of the graph: use tensor.detach() first")
    return _C._make_subclass(cls, self.detach(), self.requires_grad)


def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """Itself: there is no other place."""
    return self if memory_format is None else _layout.converted(self, memory_format)


def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Raises: penlight computes on the CPU alone."""
    check_cpu("cuda")
    raise AssertionError


# ---- as a Python object


def _one(self: Tensor) -> Any:
    if self.numel() != 1:
        if self.numel() == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
    return self.item()


def __bool__(self: Tensor) -> bool:
    return bool(_one(self))


def _number(self: Tensor) -> Any:
    if self.numel() != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return self.item()


def __int__(self: Tensor) -> int:
    return int(_number(self))


def __float__(self: Tensor) -> float:
    return float(_number(self))


def __complex__(self: Tensor) -> complex:
    return complex(_number(self))


def __index__(self: Tensor) -> int:
    if self.is_floating_point() or self.numel() != 1:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(self.item())


def __len__(self: Tensor) -> int:
    if self.dim() == 0:
        raise TypeError("len() of a 0-d tensor")
    return self.size(0)


def __iter__(self: Tensor) -> Any:
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


def __reversed__(self: Tensor) -> Tensor:
    return self if self.dim() == 0 else self.flip(0)


def __repr__(self: Tensor, *, tensor_contents: Any = None) -> str:
    from penlight._printing import tensor_repr

    return tensor_repr(self)


def __format__(self: Tensor, spec: str) -> str:
    from penlight._printing import tensor_format

    return tensor_format(self, spec)


def _interop(function: str) -> Any:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        from penlight import _interop

        return getattr(_interop, function)(self, *args, **kwargs)

    return method


for _method, _function in {
    "numpy": "numpy", "__array__": "array", "__array_wrap__": "array_wrap", "__dlpack__": "dlpack",
    "__dlpack_device__": "dlpack_device", "__copy__": "copied", "__deepcopy__": "deep_copied",
    "__reduce_ex__": "reduced", "__contains__": "contains",
}.items():  # fmt: skip
    _attach(_interop(_function), _method)


# ---- operations


def norm(self: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """See :func:`penlight.norm`."""
    return F.norm(self, p, dim, keepdim, dtype)


def _function_as_method(name: str) -> Any:
    function = getattr(F, name)

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__doc__ = function.__doc__
    return method


for _name in ("allclose", "isclose", "equal", "count_nonzero", "tensor_split", "diff"):
    _attach(_function_as_method(_name), _name)


def _late_method(name: str) -> Any:
    """A method that is a function of the library, looked up when it is called."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return getattr(penlight, name)(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"See :func:`penlight.{name}`."
    return method


for _name in (
    "as_strided_scatter", "bincount", "corrcoef", "cov", "cross", "diagflat", "dist", "dsplit", "float_power", "frexp",
    "gcd", "hardshrink", "histc", "hsplit", "isneginf", "isposinf", "isreal", "kron", "lcm", "ldexp", "mvlgamma",
    "nanquantile", "narrow_copy", "prelu", "put", "quantile", "renorm", "repeat_interleave", "rot90", "unsafe_chunk",
    "unsafe_split", "vsplit",
):  # fmt: skip
    _attach(_late_method(_name), _name)


def _in_place_of(name: str) -> Any:
    """The same in place: the result is carried over, with its place in the graph.

    It is the function of a copy: what is kept for backward must not change with the tensor.
    """

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        result = getattr(penlight, name)(self.clone(), *args, **kwargs)
        if result.shape != self.shape:
            raise RuntimeError(
                f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(result.shape)}"
            )
        return self.copy_(result)

    method.__name__ = f"{name}_"
    method.__doc__ = f":func:`penlight.{name}`, in place."
    return method


for _name in ("float_power", "gcd", "lcm", "ldexp", "mvlgamma", "put", "renorm"):
    _attach(_in_place_of(_name), f"{_name}_")


def positive(self: Tensor) -> Tensor:
    """Itself.

    Raises:
        RuntimeError: of a tensor of truth values.
    """
    return penlight.positive(self)


def fill_diagonal_(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Sets the elements whose indices are all the same.

    Args:
        wrap: of a matrix taller than wide, go on after a row left out.

    Raises:
        RuntimeError: fewer than 2 dimensions, or more than 2 of different sizes.
    """
    if self.dim() < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.dim() > 2:
        if len(set(self.shape)) > 1:
            raise RuntimeError("all dimensions of input must be of equal length")
        self.as_strided((self.size(0),), (sum(self.stride()),), self.storage_offset()).fill_(fill_value)
        return self
    self.diagonal().fill_(fill_value)
    columns = self.size(1)
    if wrap and columns:
        for start in range(columns + 1, self.size(0), columns + 1):
            self[start:].diagonal().fill_(fill_value)
    return self


def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Other sizes: the elements in memory are kept, in row-major order; more of them are whatever was in memory.

    Raises:
        RuntimeError: the tensor requires grad.
    """
    wanted = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    for size in wanted:
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(f"resize_(): argument 'size' must be tuple of ints, not {type(size).__name__}")
        if size < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {size}: {list(wanted)}")
    if memory_format not in (None, penlight.contiguous_format):
        raise RuntimeError(
            f"resize_: memory_format must be None or torch.contiguous_format, got {memory_format}"
        )
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    count = 1
    for size in wanted:
        count *= size
    room = self.untyped_storage().nbytes() // self.element_size() - self.storage_offset()
    if count <= room:
        step, strides = 1, []
        for size in reversed(wanted):
            strides.append(step)
            step *= max(size, 1)
        return self.set_(self.as_strided(wanted, tuple(reversed(strides)), self.storage_offset()).detach())
    larger = _C.empty(count, dtype=self.dtype)
    kept = self.as_strided((room,), (1,), self.storage_offset())
    larger[:room].copy_(kept)
    return self.set_(larger.view(wanted))


def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """The sizes of another tensor: see :meth:`resize_`."""
    return resize_(self, tuple(the_template.shape))


def untyped_storage(self: Tensor) -> Any:
    """The memory behind the tensor, shared by all its views."""
    from penlight._storage import UntypedStorage

    return UntypedStorage(self)


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Are both the very same window on the same memory?"""
    return (self.data_ptr(), self.shape, self.stride()) == (tensor.data_ptr(), tensor.shape, tensor.stride())


def _h(self: Tensor) -> Tensor:
    if self.dim() not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.dim()}-D tensor."
        )
    return self.transpose(0, 1) if self.dim() else self


def is_nonzero(self: Tensor) -> bool:
    """The truth of a tensor with one element."""
    return bool(self)


def is_same_size(self: Tensor, other: Tensor) -> bool:
    """Have both the same sizes?"""
    return self.shape == other.shape


def apply_(self: Tensor, function: Any) -> Tensor:
    """Every element replaced by ``function(element)``. Slow: for trying things out."""
    values = penlight.tensor([function(v) for v in self.detach().reshape(-1).tolist()], dtype=self.dtype)
    with penlight.no_grad():
        return self.copy_(values.reshape(self.shape))


for _written in (
    to, type_as, new, as_subclass, cpu, cuda, untyped_storage, is_set_to, __bool__, __int__, __float__,
    __complex__, __index__, __len__, __iter__, __reversed__, __repr__, __format__, norm, is_nonzero,
    is_same_size, apply_, positive, fill_diagonal_, resize_, resize_as_,
):  # fmt: skip
    _attach(_written if _written.__name__.startswith("__") else explained(_written), _written.__name__)

_attach(explained(_to_type), "type")


def _constant(value: Any) -> property:
    return property(lambda self: value)


for _name, _value in {
    "device": _CPU, "is_cpu": True, "is_cuda": False, "is_sparse": False, "is_quantized": False, "is_mps": False,
    "is_meta": False, "name": None, **dict.fromkeys(
        ("is_ipu", "is_maia", "is_mkldnn", "is_mtia", "is_nested", "is_sparse_csr", "is_vulkan", "is_xla", "is_xpu"),
        False,
    ),
}.items():  # fmt: skip
    _attach(_constant(_value), _name)
_attach(property(lambda self: penlight.strided), "layout")
_attach(property(_h), "H")
# Numbers are real: what concerns complex ones changes nothing.
_attach(property(lambda self: self), "real")
for _name in ("conj", "resolve_conj", "resolve_neg"):
    _attach(lambda self: self, _name)
for _name in ("is_conj", "is_neg"):
    _attach(lambda self: False, _name)
_attach(lambda self: -1, "get_device")
_attach(lambda self: False, "is_pinned")
_attach(lambda self: False, "is_shared")
_attach(lambda self: False, "is_distributed")
_attach(lambda self: self, "pin_memory")
_attach(1000, "__array_priority__")  # NumPy leaves operators to the tensor
_attach(staticmethod(_C._make_subclass), "_make_subclass")
Tensor.__module__ = dtype.__module__ = "torch"  # as printed: <class 'torch.Tensor'>

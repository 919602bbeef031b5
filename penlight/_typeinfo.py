"""What a number type can hold: ``finfo`` and ``iinfo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penlight import dtype as Dtype

# name: (significant bits, least and greatest exponent of a normal number, exact decimal digits),
# as IEEE 754 lays them down; bfloat16 is float32 with 16 bits of its significand cut off.
_FLOATS = {
    "float16": (11, -14, 15, 3),
    "bfloat16": (8, -126, 127, 2),
    "float32": (24, -126, 127, 6),
    "float64": (53, -1022, 1023, 15),
}


def dtype_named(name: str) -> Dtype:
    """The dtype of this name, for unpickling."""
    from penlight import _C

    return getattr(_C, name)


def _name(dtype: Dtype) -> str:
    return str(dtype).removeprefix("torch.")


class finfo:
    """The limits of a floating-point dtype (the default dtype if none is given).

    ``bits``, ``eps`` (distance from 1 to the next number), ``min``, ``max``, ``tiny`` and ``smallest_normal``
    (the least positive number of full precision), ``resolution`` (of decimals), ``dtype`` (its name).

    Raises:
        TypeError: for a dtype that is not floating-point.

    Example::

        >>> import penlight
        >>> penlight.finfo(penlight.float32).eps
        1.1920928955078125e-07
    """

    def __init__(self, type: Dtype | None = None) -> None:
        if type is None:
            from penlight import get_default_dtype

            type = get_default_dtype()
        if _name(type) not in _FLOATS:
            raise TypeError(
                "torch.finfo() requires a floating point input type. "
                f"Use torch.iinfo to handle 'torch.finfo' (got {type})"
            )
        digits, least, greatest, decimals = _FLOATS[_name(type)]
        self.dtype = _name(type)
        self.bits = type.itemsize * 8
        self.eps = 2.0 ** (1 - digits)
        self.max = (2.0 - self.eps) * 2.0**greatest
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0**least
        self.resolution = float(f"1e-{decimals}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """The limits of an integer dtype: ``bits``, ``min``, ``max``, ``dtype`` (its name).

    Raises:
        TypeError: for a dtype that is not an integer type.

    Example::

        >>> import penlight
        >>> penlight.iinfo(penlight.int8).max
        127
    """

    def __init__(self, type: Dtype) -> None:
        name = _name(type)
        if name == "bool":
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if "int" not in name:
            raise TypeError(
                "torch.iinfo() requires an integer input type. "
                f"Use torch.finfo to handle 'torch.iinfo' (got {type})"
            )
        self.dtype = name
        self.bits = type.itemsize * 8
        self.min = -(2 ** (self.bits - 1)) if type.is_signed else 0
        self.max = self.min + 2**self.bits - 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

"""Padding as modules; the modes are explained in :func:`penlight.nn.functional.pad`."""

from penlight.nn import functional as F
from penlight.nn.modules._sizes import tuple_of
from penlight.nn.modules.module import Module


class _Pad(Module):
    """Pads the last dimensions by ``padding``: a number, or ``(left, right, top, bottom, ...)``."""

    dims: int
    mode: str

    def __init__(self, padding):
        super().__init__()
        self.padding = tuple_of(type(self).__name__, "padding", padding, 2 * self.dims)

    def forward(self, input):
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self):
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """Pads the last dimensions with ``value``."""

    mode = "constant"

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pads ``(..., L)`` with ``value``."""

    dims = 1


class ConstantPad2d(_ConstantPad):
    """Pads ``(..., H, W)`` with ``value``."""

    dims = 2


class ConstantPad3d(_ConstantPad):
    """Pads ``(..., D, H, W)`` with ``value``."""

    dims = 3


class ZeroPad1d(ConstantPad1d):
    """Pads ``(..., L)`` with zeros."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Pads ``(..., H, W)`` with zeros."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Pads ``(..., D, H, W)`` with zeros."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ReflectionPad1d(_Pad):
    """Pads ``(N, C, L)`` with its reflection."""

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Pads ``(N, C, H, W)`` with its reflection."""

    dims, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Pads ``(N, C, D, H, W)`` with its reflection."""

    dims, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Pads ``(N, C, L)`` with its edge elements."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Pads ``(N, C, H, W)`` with its edge elements."""

    dims, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Pads ``(N, C, D, H, W)`` with its edge elements."""

    dims, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Pads ``(N, C, L)`` with its other end."""

    dims, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Pads ``(N, C, H, W)`` with its other end."""

    dims, mode = 2, "circular"


class CircularPad3d(_Pad):
    """Pads ``(N, C, D, H, W)`` with its other end."""

    dims, mode = 3, "circular"

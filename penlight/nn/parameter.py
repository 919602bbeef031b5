"""Tensors that a module keeps: parameters, which are trained, and buffers, which are not."""

import penlight
from penlight import Tensor


class Parameter(Tensor):
    """A tensor that a module registers as one of its parameters when it is assigned as an attribute.

    Args:
        data: a tensor; the parameter shares its memory. An empty tensor when left out.
        requires_grad: whether gradients are recorded for it.

    Raises:
        RuntimeError: ``data`` holds integers or booleans and ``requires_grad`` is true.

    >>> import penlight
    >>> penlight.nn.Parameter(penlight.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            data = penlight.empty(0)
        elif not isinstance(data, Tensor):
            raise TypeError(f"Parameter: data must be a Tensor, got {type(data).__name__}")
        if requires_grad and not data.is_floating_point():
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        return Tensor._make_subclass(cls, data, requires_grad)

    def __init__(self, data=None, requires_grad=True):
        pass

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        copy = type(self)(self.data.clone(), self.requires_grad)
        memo[id(self)] = copy
        return copy

    def __reduce_ex__(self, protocol):
        return _rebuild_parameter, (type(self), self.data, self.requires_grad)


def _rebuild_parameter(cls, data, requires_grad):
    return cls(data, requires_grad)


class _BufferMeta(type):
    """Makes ``isinstance(t, Buffer)`` true for tensors made by ``Buffer(...)``, which are plain tensors."""

    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(metaclass=_BufferMeta):
    """A tensor that a module registers as one of its buffers when it is assigned as an attribute.

    Args:
        data: a tensor; the buffer shares its memory. An empty tensor when left out.
        persistent: whether the buffer is part of the module's ``state_dict``.
    """

    def __new__(cls, data=None, *, persistent=True):
        if data is None:
            data = penlight.empty(0)
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


def is_lazy(parameter):
    """Whether the parameter has no shape yet; penlight has no such parameters."""
    return False

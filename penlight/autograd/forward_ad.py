"""Forward mode: tangents carried along with the values they belong to.

A dual tensor is a tensor with a tangent, the direction in which it is taken to change. Operations on it give results
with the tangent that follows: the Jacobian times the tangent, without the Jacobian. A level is the stretch of a program
in which one set of tangents lives; levels nest, for second derivatives.

    >>> import penlight as torch
    >>> import penlight.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     x = fwAD.make_dual(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0]))
    ...     fwAD.unpack_dual(x * x).tangent
    tensor([2., 0.])
"""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple

from penlight import _C, Tensor

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]


def enter_dual_level() -> int:
    """Begins a level of tangents; its number goes to :func:`exit_dual_level`."""
    return _C._begin_dual_level()


def exit_dual_level(*, level: int | None = None) -> None:
    """Ends the innermost level: its tangents are taken from all tensors.

    Raises:
        RuntimeError: no level has begun, or ``level`` is not the innermost.
    """
    innermost = _C._innermost_dual_level()
    if innermost == 0:
        raise RuntimeError(
            "Trying to exit a forward AD level that has not been entered: no dual level is running."
        )
    if level is not None and level != innermost:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    _C._end_dual_level(innermost)


class dual_level:
    """A context manager for a level of tangents.

    Example::

        >>> import penlight
        >>> from penlight.autograd import forward_ad as fwAD
        >>> with fwAD.dual_level():
        ...     x = fwAD.make_dual(penlight.tensor(0.0), penlight.tensor(1.0))
        ...     fwAD.unpack_dual(x.sin()).tangent
        tensor(1.)
    """

    def __enter__(self) -> int:
        self._level = enter_dual_level()
        return self._level

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _C._end_dual_level(self._level)


def _current(level: int | None, caller: str) -> int:
    found = _C._innermost_dual_level() if level is None else level
    if found == 0:
        raise RuntimeError(
            f"Trying to {caller} outside of a forward AD level. Make sure you enter one before calling the function "
            "(with forward_ad.dual_level())."
        )
    return found


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """The tensor (as a view) with a tangent.

    Args:
        tensor: floating point.
        tangent: of the same shape and type.
        level: of which level; by default the innermost.

    Raises:
        RuntimeError: outside of a level, or shapes or types that differ.
    """
    return _C._make_dual(
        tensor, tangent, _current(level, "create a dual Tensor for forward AD but no level exists,")
    )


class UnpackedDualTensor(NamedTuple):
    """A dual tensor's two parts; ``tangent`` is None where there is none, which means zero."""

    primal: Tensor
    tangent: Tensor | None


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The primal and the tangent of a tensor, which need not be dual."""
    found = _C._innermost_dual_level() if level is None else level
    if found == 0:
        return UnpackedDualTensor(tensor, None)
    return UnpackedDualTensor(_C._primal(tensor, found), _C._tangent(tensor, found))

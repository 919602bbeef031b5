"""Forward mode as a transform: Jacobian-vector products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight import _C, Tensor
from penlight.func._trees import flatten
from penlight.func.gradients import _split_aux, tensors_of, transform

__all__ = ["jvp"]


def jvp(
    func: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """The function's value, and its change along a direction: the Jacobian times the tangents.

    Args:
        func: takes the primals, gives a tensor or a nested container of tensors (and, with ``has_aux``, a second
            value).
        primals: a tuple of arguments; tensors or nested containers of them.
        tangents: a tuple of the same structure, shapes and types.
        strict: raise where an output does not depend on the primals, instead of counting its change as zero.

    Returns:
        ``(output, output_tangent)``, or ``(output, output_tangent, aux)``; both of the output's structure. J v has the
        shape of the *output*, where :func:`vjp`'s Jᵀv has the input's.

    Raises:
        RuntimeError: structures, shapes or types that do not fit.

    Example::

        >>> import penlight
        >>> from penlight.func import jvp
        >>> jvp(penlight.sin, (penlight.tensor(0.0),), (penlight.tensor(1.0),))
        (tensor(0.), tensor(1.))
    """
    for given, name in ((primals, "primals"), (tangents, "tangents")):
        if not isinstance(given, tuple):
            raise RuntimeError(
                f"jvp(f, primals, tangents): Expected {name} to be a tuple. E.g. it should be valid to call "
                "f(*primals)."
            )
    leaves, tree = tensors_of(primals, "jvp(f, primals, tangents)")
    directions, direction_tree = tensors_of(tangents, "jvp(f, primals, tangents)")
    if tree != direction_tree:
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals and tangents to have the same python structure. For example, "
            "if primals is a tuple of 3 tensors, tangents also must be."
        )
    if not leaves:
        raise RuntimeError("jvp(f, primals, tangents): Expected at least one Tensor in primals.")
    level = _C._begin_dual_level()
    try:
        with transform():
            duals = [_C._own(_C._make_dual(x, t, level)) for x, t in zip(leaves, directions, strict=True)]
            result, aux = _split_aux(func(*tree.build(duals)), has_aux, "jvp(f, primals, tangents)")
        outputs, output_tree = flatten(result)
        values, changes = [], []
        for output in outputs:
            if not isinstance(output, Tensor):
                raise RuntimeError(
                    "jvp(f, primals, tangents): Expected f(*primals) to return only tensors, got unsupported type "
                    f"{type(output)}"
                )
            change = _C._tangent(output, level)
            if change is None:
                if strict:
                    raise RuntimeError(
                        "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This "
                        "is not allowed with strict=True."
                    )
                change = _C.zeros_like(output.detach())
            values.append(_C._primal(output, level))
            changes.append(change)
        if has_aux:
            found, aux_tree = flatten(aux)
            aux = aux_tree.build([_C._primal(a, level) if isinstance(a, Tensor) else a for a in found])
    finally:
        _C._end_dual_level(level)
    answer = (output_tree.build(values), output_tree.build(changes))
    return (*answer, aux) if has_aux else answer

"""Jacobians and Hessians: products with all unit vectors at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight import _C, Tensor
from penlight.func._trees import Tree, flatten
from penlight.func.forward import jvp
from penlight.func.gradients import Argnums, _named, chosen, replaced, tensors_of, vjp
from penlight.func.mapping import vmap

__all__ = ["hessian", "jacfwd", "jacrev"]


def _units(tensors: list[Tensor]) -> list[Tensor]:
    """For all elements of all tensors together a unit vector: (count, *shape) for each tensor."""
    counts = [t.numel() for t in tensors]
    total, start, rows = sum(counts), 0, []
    for tensor, count in zip(tensors, counts, strict=True):
        block = _C.zeros(total, count, dtype=tensor.dtype)
        if count:
            block[start : start + count].diagonal().fill_(1)
        rows.append(block.reshape((total, *tensor.shape)))
        start += count
    return rows


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """A function that computes the Jacobian of ``func``, row by row, by reverse mode.

    The Jacobian of a function from (n,) to (m,) is the (m, n) matrix with entry [i, j] = ∂ output i / ∂ input j. In
    general it has the shape ``(*output.shape, *input.shape)``. A gradient is something else: ``backward`` multiplies
    by the *transpose*. For a function with a single number as its value, J is one row, (1, n), and the gradient is the
    column Jᵀ, stored with the shape of the input, so that ``x - rate * gradient`` makes sense. For several outputs
    the gradient of a loss is Jᵀ times the loss's gradient by the outputs (a vector-Jacobian product): the sizes are
    the input's again, whatever the output's sizes were.

    Reverse mode makes a row for each output element at the cost of one backward pass; :func:`jacfwd` makes a column
    for each input element. So jacrev is the choice where there are fewer outputs than inputs.

    Args:
        func: gives a tensor or a nested container of tensors (and, with ``has_aux``, a second value).
        argnums: by which positional arguments: one or a tuple; each a tensor or a nested container.
        has_aux: ``func`` gives a tuple (output, aux), and so does the result.
        chunk_size: how many rows at a time; None for all at once.

    Returns:
        A function of the same arguments. For each output it gives the structure of the argument(s), with a tensor of
        shape ``(*output.shape, *input.shape)`` for each pair.

    Raises:
        ValueError: a chunk size that is not positive. RuntimeError: an argnum out of range, an output that is no
        tensor.

    Example::

        >>> import penlight
        >>> from penlight.func import grad, jacrev
        >>> x = penlight.tensor([1.0, 2.0, 3.0])
        >>> f = lambda x: penlight.stack([x[0] * x[1], x.sum()])
        >>> jacrev(f)(x)
        tensor([[2., 1., 0.],
                [1., 1., 1.]])
        >>> weights = penlight.tensor([10.0, 1.0])
        >>> grad(lambda x: (weights * f(x)).sum())(x)
        tensor([21., 11.,  1.])
        >>> jacrev(f)(x).T @ weights
        tensor([21., 11.,  1.])
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"jacrev: `chunk_size` should be greater than 0, got {chunk_size}")

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        inputs, tree = tensors_of(chosen(args, argnums), "jacrev")

        def function(*own: Tensor) -> Any:
            return func(*replaced(args, argnums, tree.build(list(own))), **kwargs)

        result = vjp(function, *inputs, has_aux=has_aux)
        outputs, output_tree = tensors_of(result[0], "jacrev")

        def rows(*units: Tensor) -> tuple[Tensor, ...]:
            return result[1](output_tree.build(list(units)))

        units = _units(outputs)
        found = vmap(rows, chunk_size=chunk_size, randomness="same")(*units) if units[0].shape[0] else [
            _C.zeros((0, *x.shape), dtype=x.dtype) for x in inputs
        ]  # fmt: skip
        blocks, start = [], 0
        for output in outputs:
            count = output.numel()
            blocks.append(
                tree.build(
                    [
                        g.narrow(0, start, count).reshape((*output.shape, *x.shape))
                        for g, x in zip(found, inputs, strict=True)
                    ]
                )
            )
            start += count
        answer = output_tree.build(blocks)
        return (answer, result[2]) if has_aux else answer

    return _named(wrapper, func)


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    chunk_size: int | None = None,
    randomness: str = "error",
) -> Callable[..., Any]:
    """A function that computes the Jacobian of ``func``, column by column, by forward mode.

    The result is that of :func:`jacrev`, which explains its shape. Forward mode runs the function once and pushes a
    tangent for each input element through it: the choice where there are fewer inputs than outputs.

    Args:
        func, argnums, has_aux: as for :func:`jacrev`.
        chunk_size: how many columns at a time; None for all at once.
        randomness: what random operations in ``func`` do; see :func:`vmap`.

    Example::

        >>> import penlight
        >>> from penlight.func import jacfwd
        >>> jacfwd(lambda x: x * x)(penlight.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        inputs, tree = tensors_of(chosen(args, argnums), "jacfwd")
        shape: list[Tree] = []

        def function(*own: Tensor) -> Any:
            return func(*replaced(args, argnums, tree.build(list(own))), **kwargs)

        def columns(*units: Tensor) -> Any:
            result = jvp(function, tuple(inputs), units, has_aux=has_aux)
            changes, output_tree = flatten(result[1])
            shape[:] = [output_tree]
            aux, aux_tree = flatten(result[2] if has_aux else ())
            shape.append(aux_tree)
            return tuple(changes), tuple(aux)

        changes, aux = vmap(columns, chunk_size=chunk_size, randomness=randomness, out_dims=(-1, -1))(
            *_units(inputs)
        )
        output_tree = shape[0]
        blocks = []
        for change in changes:
            start, parts = 0, []
            for x in inputs:
                part = change.narrow(-1, start, x.numel())
                parts.append(part.reshape((*change.shape[:-1], *x.shape)))
                start += x.numel()
            blocks.append(tree.build(parts))
        answer = output_tree.build(blocks)
        if not has_aux:
            return answer
        return answer, shape[1].build([a.select(-1, 0) if isinstance(a, Tensor) else a for a in aux])

    return _named(wrapper, func)


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that computes the Hessian of ``func``: forward mode over reverse mode.

    Args:
        func: gives a tensor.
        argnums: by which positional arguments.

    Returns:
        A function of the same arguments; the tensors have the shape ``(*output.shape, *input.shape, *input.shape)``.

    Example::

        >>> import penlight
        >>> from penlight.func import hessian
        >>> hessian(lambda x: (x**3).sum())(penlight.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)

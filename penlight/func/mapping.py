"""vmap: a function of one example, mapped over a dimension of examples.

The dimension is hidden from the function: its tensors have the sizes of one example, and every operation does the work
of all of them at once (``csrc/tensor/batch.h``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight import _C, Tensor
from penlight.func._trees import Tree, flatten

__all__ = ["vmap"]


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that applies ``func`` to every example along a dimension of its inputs.

    Args:
        func: a function of one example; takes and gives tensors or nested containers of them.
        in_dims: which dimension of each positional input holds the examples: an int for all, or a nested structure as
            that of the inputs; None for an input that is the same for all examples. Keyword arguments are the same for
            all.
        out_dims: where the examples go in each output: an int for all, or a structure as that of the outputs.
        randomness: what random operations do inside: raise ("error"), draw for each example ("different"), or draw
            once for all ("same").
        chunk_size: how many examples at a time, to bound memory; None for all at once.

    Raises:
        ValueError: inputs that do not fit ``in_dims``, no input with examples, or numbers of examples that differ.
        RuntimeError: inside, the values of a tensor are asked for (control flow that depends on data), something that
            is the same for all examples is changed in place by what is not, or a random operation runs under "error".

    Example::

        >>> import penlight
        >>> from penlight.func import grad, vmap
        >>> rows = penlight.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> vmap(penlight.dot)(rows, rows)
        tensor([ 5., 25.])
        >>> vmap(grad(lambda w, x: (w * x).sum().sin()), in_dims=(None, 0))(penlight.zeros(2), rows)
        tensor([[1., 2.],
                [3., 4.]])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        name = getattr(func, "__name__", repr(func))
        leaves, tree, dims, size = _inputs(name, in_dims, args)
        if chunk_size is None or chunk_size >= size:
            results, shape, where = _run(func, name, leaves, tree, dims, size, out_dims, randomness, kwargs)
            return shape.build(results)
        pieces = []
        for start in range(0, size, chunk_size):
            count = min(chunk_size, size - start)
            part = [x if d is None else x.narrow(d, start, count) for x, d in zip(leaves, dims, strict=True)]
            results, shape, where = _run(func, name, part, tree, dims, count, out_dims, randomness, kwargs)
            pieces.append(results)
        joined = [
            None if d is None else _C.cat(list(column), d)
            for column, d in zip(zip(*pieces, strict=True), where, strict=True)
        ]
        return shape.build(joined)

    from penlight.func.gradients import _named

    return _named(wrapped, func)


def _inputs(name: str, in_dims: Any, args: tuple[Any, ...]) -> tuple[list[Any], Tree, list[Any], int]:
    call = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, (int, tuple, list)):
        raise ValueError(
            f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
            f"got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
            "function with no inputs. The latter is unsupported."
        )
    leaves, tree = flatten(args)
    dims = tree.spread(tuple(in_dims) if isinstance(in_dims, list) else in_dims)
    if dims is None:
        raise ValueError(
            f"{call}: in_dims is not compatible with the structure of `inputs`: it should be an int, or have the "
            f"structure of the {len(args)} inputs."
        )
    wrapped: list[int | None] = []
    sizes = []
    for x, d in zip(leaves, dims, strict=True):
        if d is None:
            wrapped.append(None)
            continue
        if not isinstance(d, int) or isinstance(d, bool):
            raise ValueError(
                f"{call}: Got in_dim={d} for an input but in_dim must be either an integer dimension or None."
            )
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{call}: Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap over "
                "non-Tensor arguments, please use None as the respective in_dim"
            )
        if not -x.dim() <= d < x.dim():
            raise ValueError(
                f"{call}: Got in_dim={d} for some input, but that input is a Tensor of dimensionality {x.dim()} so "
                f"expected in_dim to satisfy -{x.dim()} <= in_dim < {x.dim()}."
            )
        wrapped.append(d % x.dim())
        sizes.append(x.shape[d])
    if not sizes:
        raise ValueError(f"{call}: at least one input must have an in_dim that is not None.")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return leaves, tree, wrapped, sizes[0]


def _run(
    func: Callable[..., Any],
    name: str,
    leaves: list[Any],
    tree: Tree,
    dims: list[int | None],
    size: int,
    out_dims: Any,
    randomness: str,
    kwargs: dict[str, Any],
) -> tuple[list[Any], Tree, list[int | None]]:
    level = _C._begin_vmap(size, randomness)
    try:
        hidden = [x if d is None else _C._hide_dim(x, d, level) for x, d in zip(leaves, dims, strict=True)]
        outputs, shape = flatten(func(*tree.build(hidden), **kwargs))
        where = shape.spread(out_dims)
        if where is None:
            raise ValueError(
                f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
                f"`outputs`, which are {len(outputs)} tensors."
            )
        results: list[Any] = []
        places: list[int | None] = []
        for output, d in zip(outputs, where, strict=True):
            if not isinstance(output, Tensor):
                if d is None:
                    results.append(output)
                    places.append(None)
                    continue
                raise ValueError(
                    f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(output)}. Did you mean to "
                    "set out_dims= to None for output?"
                )
            if d is None:
                if _C._hides(output, level):
                    raise ValueError(
                        f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
                    )
                results.append(output)
                places.append(None)
                continue
            rank = output.dim() + 1
            if not -rank <= d < rank:
                raise IndexError(
                    f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {d})"
                )
            results.append(_C._show_dim(output, d % rank, level, size))
            places.append(d % rank)
    finally:
        _C._end_vmap(level)
    return results, shape, places

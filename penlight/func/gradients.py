"""Reverse mode as a transform: gradients and vector-Jacobian products.

Inside of a transform the function sees tensors of its own in place of its inputs. They are leaves where nobody outside
asks for a derivative, and recorded views of the inputs where somebody does: then the derivative is recorded as well,
which is what lets transforms nest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from penlight import _C, Tensor
from penlight.autograd.grad_mode import enable_grad
from penlight.func._trees import Tree, flatten, map_tree

__all__ = ["grad", "grad_and_value", "linearize", "vjp"]

Argnums = int | tuple[int, ...]


def chosen(args: tuple[Any, ...], argnums: Argnums) -> Any:
    """The arguments that are differentiated: one, or a tuple of them."""
    if not isinstance(argnums, (int, tuple)) or isinstance(argnums, bool):
        raise RuntimeError(
            f"argnum must be int or Tuple[int, ...], got: {type(argnums)}"
        )  # fmt: skip
    if isinstance(argnums, tuple):
        if len(argnums) == 0:
            raise RuntimeError("argnums must be non-empty")
        wrapped = [_position(i, len(args)) for i in argnums]
        if len(set(wrapped)) != len(wrapped):
            raise RuntimeError(f"argnums elements must be unique, got {argnums}")
        return tuple(args[i] for i in wrapped)
    return args[_position(argnums, len(args))]


def _position(i: int, count: int) -> int:
    if not -count <= i < count:
        raise RuntimeError(f"Got argnum={i}, but only {count} positional inputs")
    return i % count


def replaced(args: tuple[Any, ...], argnums: Argnums, values: Any) -> tuple[Any, ...]:
    """The arguments with the differentiated ones exchanged."""
    changed = list(args)
    if isinstance(argnums, int):
        changed[argnums % len(args)] = values
    else:
        for i, value in zip(argnums, values, strict=True):
            changed[i % len(args)] = value
    return tuple(changed)


def tensors_of(values: Any, what: str) -> tuple[list[Tensor], Tree]:
    leaves, tree = flatten(values)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise ValueError(f"{what}: Expected all leaves to be Tensors, but got {type(leaf).__name__}")
    return leaves, tree


@contextmanager
def transform() -> Iterator[None]:
    """While it runs, tensors from outside may not be changed in place: only own ones, given or made inside."""
    before = _C._begin_transform()
    try:
        yield
    finally:
        _C._end_transform(before)


def handed_over(x: Any) -> Any:
    """A tensor as the function sees it: the same memory, which the function may change in place."""
    if not isinstance(x, Tensor):
        return x
    return _C._own(x.view_as(x)) if x.requires_grad else _C._fresh(x)


class Pullback:
    """A function's run on inputs of its own, and what backward does from its outputs.

    It runs inside of :func:`transform`.
    """

    def __init__(self, function: Callable[..., Any], primals: list[Tensor]) -> None:
        self.outside = _C.is_grad_enabled()
        since = _C._next_sequence_nr()
        with enable_grad():
            self.inputs = [
                _C._own(x.view_as(x)) if self.outside and x.requires_grad else _C._fresh(x).requires_grad_()
                if x.is_floating_point() else handed_over(x)
                for x in primals
            ]  # fmt: skip
            self.result = function(self.inputs)
        self.since = since

    def recorded(self, outputs: list[Tensor]) -> bool:
        """Is somebody outside to differentiate these again?"""
        return self.outside and _C._leads_outside(outputs, self.inputs, self.since)

    def back(self, outputs: list[Tensor], weights: list[Tensor], keep: bool, create: bool) -> list[Tensor]:
        used = [(o, w) for o, w in zip(outputs, weights, strict=True) if o.requires_grad]
        inputs = [x for x in self.inputs if x.requires_grad]
        found: list[Tensor | None] = [None] * len(inputs)
        if used and inputs:
            found = _C._run_backward(
                [o for o, _ in used], [w for _, w in used], inputs, keep or create, create, False
            )
        by_input = dict(zip(map(id, inputs), found, strict=True))
        grads = []
        for x in self.inputs:
            g = by_input.get(id(x))
            grads.append(_C.zeros_like(x.detach()) if g is None else g)
        return grads


def _outward(tensor: Any, recorded: bool) -> Any:
    """A value as the outside sees it: with its place in the graph only where that is to be differentiated."""
    if not isinstance(tensor, Tensor) or recorded or not tensor.requires_grad:
        return tensor
    return _C._fresh(tensor)


def _outward_all(values: Any, pullback: Pullback) -> Any:
    leaves, tree = flatten(values)
    return tree.build(
        [_outward(x, isinstance(x, Tensor) and x.requires_grad and pullback.recorded([x])) for x in leaves]
    )


def _split_aux(result: Any, has_aux: bool, caller: str) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{caller}: output of function f should be a tuple: (output, aux) if has_aux is True, got {type(result)}"
        )
    return result


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that computes the gradient of ``func`` and its value.

    Args:
        func: gives a tensor of one element (and, with ``has_aux``, a second value that is passed through).
        argnums: which positional arguments to differentiate by: one, or a tuple of them. Each may be a nested
            container of tensors.
        has_aux: ``func`` gives a tuple (value, other).

    Returns:
        ``(gradient, value)``, or ``(gradient, (value, other))``. The gradient has the structure of the arguments, and
        its tensors have their shapes.

    Raises:
        RuntimeError: the value is no tensor of one element, or an argnum is out of range.

    Example::

        >>> import penlight
        >>> from penlight.func import grad_and_value
        >>> grad_and_value(lambda x: (x * x).sum())(penlight.tensor([1.0, 2.0]))
        (tensor([2., 4.]), tensor(5.))
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        primals, tree = tensors_of(chosen(args, argnums), "grad")
        aux = None

        def run(own: list[Tensor]) -> Tensor:
            nonlocal aux
            nothing = None if isinstance(argnums, int) else [None] * len(argnums)
            others, named = map_tree(handed_over, (replaced(args, argnums, nothing), kwargs))
            result = func(*replaced(others, argnums, tree.build(own)), **named)
            output, aux = _split_aux(result, has_aux, "grad_and_value(f)(*args)")
            if not isinstance(output, Tensor):
                raise RuntimeError(
                    f"Expected f(*args) to return a Tensor, got type {type(output)}"
                )  # fmt: skip
            if output.dim() != 0 and output.numel() != 1:
                raise RuntimeError(
                    "Expected f(*args) to return a scalar tensor, got tensor with "
                    f"{output.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            return output

        with transform():
            pullback = Pullback(run, primals)
            output = pullback.result
            recorded = output.requires_grad and pullback.recorded([output])
            ones = _C.ones_like(output.detach())
            grads = tree.build(pullback.back([output], [ones], False, recorded))
        value = _outward(output, recorded)
        return (grads, (value, _outward_all(aux, pullback))) if has_aux else (grads, value)

    return _named(wrapper, func)


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that computes the gradient of ``func``; arguments as for :func:`grad_and_value`.

    The result may be differentiated again, and mapped with :func:`vmap` over examples.

    Example::

        >>> import penlight
        >>> from penlight.func import grad
        >>> grad(penlight.sin)(penlight.tensor(0.0))
        tensor(1.)
        >>> grad(grad(lambda x: x**3))(penlight.tensor(2.0))
        tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return _named(wrapper, func)


def _named(wrapper: Callable[..., Any], func: Callable[..., Any]) -> Callable[..., Any]:
    from functools import update_wrapper

    return update_wrapper(wrapper, func) if hasattr(func, "__name__") else wrapper


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The function's value, and a function that multiplies a vector by the transposed Jacobian.

    Args:
        func: takes the primals, gives a tensor or a nested container of tensors (and, with ``has_aux``, a second
            value).
        primals: tensors, or nested containers of them, at which to differentiate.

    Returns:
        ``(output, vjp_fn)``, or ``(output, vjp_fn, aux)``. ``vjp_fn`` takes a tensor for each output, of its shape
        (what backward calls the gradient of the output), and gives a tuple with a tensor for each primal, of *its*
        shape: Jᵀv has as many entries as the input. It may be called again and again.

    Raises:
        RuntimeError: no primals, an output that is no tensor, or cotangents of another structure than the output.

    Example::

        >>> import penlight
        >>> from penlight.func import vjp
        >>> output, vjp_fn = vjp(lambda x: x * x, penlight.tensor([1.0, 2.0]))
        >>> vjp_fn(penlight.tensor([1.0, 10.0]))
        (tensor([ 2., 40.]),)
    """
    if not primals:
        raise RuntimeError(
            "vjp(f, *primals): Expected at least one primal, but got none. Maybe you forgot to pass them?"
        )
    leaves, tree = tensors_of(primals, "vjp(f, *primals)")
    aux = None

    def run(own: list[Tensor]) -> Any:
        nonlocal aux
        output, aux = _split_aux(func(*tree.build(own)), has_aux, "vjp(f, *primals)")
        return output

    with transform():
        pullback = Pullback(run, leaves)
    outputs, output_tree = flatten(pullback.result)
    for output in outputs:
        if not isinstance(output, Tensor):
            raise RuntimeError(
                f"vjp(f, *primals): Expected f(*primals) to return only tensors, got unsupported type {type(output)}"
            )
    outside = pullback.recorded(outputs)

    def vjp_fn(
        cotangents: Any, *more: Any, retain_graph: bool = True, create_graph: bool | None = None
    ) -> Any:
        given, given_tree = flatten((cotangents, *more) if more else cotangents)
        if given_tree != output_tree:
            raise RuntimeError(
                f"Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                f"function. It has {len(given)} tensors, the outputs are {len(outputs)}"
            )
        for v, output in zip(given, outputs, strict=True):
            if v.shape != output.shape:
                raise RuntimeError(
                    f"vjp_fn: expected a cotangent of shape {tuple(output.shape)}, as the output's, but got "
                    f"{tuple(v.shape)}"
                )
        create = create_graph
        if create is None:
            create = _C.is_grad_enabled() and (outside or any(v.requires_grad for v in given))
        grads = pullback.back(outputs, given, retain_graph, create)
        result = tree.build(grads)
        return result

    value = output_tree.build([_outward(o, outside and pullback.recorded([o])) for o in outputs])
    return (value, vjp_fn, _outward_all(aux, pullback)) if has_aux else (value, vjp_fn)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The function's value, and its derivative there as a linear function of tangents.

    The function is run once. Backward is linear in the gradient it is given; recorded once for a trial gradient, its
    own backward is J v, which is computed as often as asked without running the function again.

    Args:
        func: takes the primals, gives a tensor or a nested container of tensors.
        primals: tensors, or nested containers of them.

    Returns:
        ``(output, jvp_fn)``; ``jvp_fn(*tangents)`` gives J v in the structure of the output.

    Example::

        >>> import penlight
        >>> from penlight.func import linearize
        >>> output, push = linearize(penlight.sin, penlight.tensor([0.0, 1.0]))
        >>> push(penlight.tensor([1.0, 0.0]))
        tensor([1., 0.])
    """
    if not primals:
        raise RuntimeError("linearize(f, *primals): Expected at least one primal, but got none.")
    leaves, tree = tensors_of(primals, "linearize(f, *primals)")
    with transform():
        pullback = Pullback(lambda own: func(*tree.build(own)), leaves)
    outputs, output_tree = tensors_of(pullback.result, "linearize(f, *primals)")
    outside = pullback.recorded(outputs)
    trials = [_C.zeros_like(o.detach()).requires_grad_() for o in outputs]
    with enable_grad():
        pulled = pullback.back(outputs, trials, True, True)

    def jvp_fn(*tangents: Any) -> Any:
        given, given_tree = tensors_of(tangents, "jvp_fn(*tangents)")
        if given_tree != tree:
            raise RuntimeError(
                "linearize: expected the tangents to have the structure of the primals, "
                f"which are {len(leaves)} tensors, got {len(given)}"
            )
        for t, x in zip(given, leaves, strict=True):
            if t.shape != x.shape or t.dtype != x.dtype:
                raise RuntimeError(
                    f"linearize: expected a tangent of shape {tuple(x.shape)} and type {x.dtype}, got "
                    f"{tuple(t.shape)} and {t.dtype}"
                )
        create = _C.is_grad_enabled() and (outside or any(t.requires_grad for t in given))
        used = [(p, t) for p, t in zip(pulled, given, strict=True) if p.requires_grad]
        found: list[Any] = [None] * len(trials)
        if used:
            found = _C._run_backward([p for p, _ in used], [t for _, t in used], trials, True, create, False)
        return output_tree.build(
            [_C.zeros_like(u.detach()) if f is None else f for f, u in zip(found, trials, strict=True)]
        )

    value = output_tree.build([_outward(o, outside) for o in outputs])
    return value, jvp_fn

"""Jacobians, Hessians and their products with vectors, by backward passes.

A product with a vector on the right (``jvp``, ``hvp``) is had by differentiating twice: g ↦ Jᵀg is linear in g, and
its own transpose is J.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight import _C, Tensor
from penlight.autograd import grad
from penlight.autograd.grad_mode import enable_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

_Tensors = tuple[Tensor, ...]


def _as_tuple(values: Any, what: str, caller: str) -> tuple[bool, _Tensors]:
    """Was it several? And the tensors."""
    several = isinstance(values, tuple)
    tensors = values if several else (values,)
    for i, tensor in enumerate(tensors):
        if isinstance(tensor, Tensor):
            continue
        if several:
            raise TypeError(
                f"The {what} given to {caller} must be either a Tensor or a tuple of Tensors but the value at index "
                f"{i} of the given {what} has type {type(tensor)}."
            )
        raise TypeError(
            f"The {what} given to {caller} must be either a Tensor or a tuple of Tensors but the given {what} has "
            f"type {type(tensor)}."
        )
    return several, tensors


def _as_inputs(inputs: Any, caller: str, create_graph: bool) -> tuple[bool, _Tensors]:
    """The inputs as tensors of their own, so that gradients with respect to them are asked for alone."""
    several, tensors = _as_tuple(inputs, "inputs", caller)
    own = tuple(
        t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_() for t in tensors
    )
    return several, own


def _vector(v: Any, targets: _Tensors, caller: str) -> _Tensors:
    _, vectors = _as_tuple(v, "v", caller)
    if len(vectors) != len(targets):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(targets)} but got {len(vectors)}."
        )
    for i, (x, target) in enumerate(zip(vectors, targets, strict=True)):
        if x.shape != target.shape:
            entry = f"Entry {i} in v" if len(targets) > 1 else "v"
            raise RuntimeError(f"{entry} has invalid size: should be {target.shape} but got {x.shape}.")
    return vectors


def _call(func: Callable[..., Any], inputs: _Tensors, caller: str, strict: bool) -> tuple[bool, _Tensors]:
    several, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", caller)
    if strict:
        for i, output in enumerate(outputs):
            if not output.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be "
                    "computed in a differentiable manner from the input when running in strict mode."
                )
    return several, outputs


def _grad(
    outputs: _Tensors, inputs: _Tensors, weights: Any, create_graph: bool, strict: bool, what: str = "output"
) -> _Tensors:
    """Gradients, zeros where there is no path."""
    used = [(o, w) for o, w in zip(outputs, weights, strict=True) if o.requires_grad]
    found: Any = (None,) * len(inputs)
    if used:
        found = grad(
            [o for o, _ in used], inputs, [w for _, w in used], retain_graph=True, create_graph=create_graph,
            allow_unused=True,
        )  # fmt: skip
    if strict and any(g is None for g in found):
        missing = next(i for i, g in enumerate(found) if g is None)
        raise RuntimeError(
            f"The {what} of the user-provided function is independent of input {missing}. This is not allowed in "
            "strict mode."
        )
    return tuple(_C.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True))


def _finish(values: _Tensors, several: bool, create_graph: bool) -> Any:
    if not create_graph:
        values = tuple(v.detach() for v in values)
    return values if several else values[0]


def _ones(outputs: _Tensors) -> _Tensors:
    if len(outputs) != 1 or outputs[0].numel() != 1:
        raise RuntimeError(
            "The vector v can only be None if the user-provided function returns a single Tensor with a single element."
        )
    return (_C.ones_like(outputs[0]),)


@enable_grad()
def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The function's value, and vᵀJ: what backward computes.

    Args:
        func: takes tensors, gives a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of tensors.
        v: sized as the function's value; may be left out where that has one element.
        create_graph: make the result differentiable.
        strict: raise where a value does not depend on an input, instead of counting its derivative as zero.

    Raises:
        TypeError: something that is no tensor. RuntimeError: a vector of the wrong sizes.

    Example::

        >>> import penlight
        >>> x = penlight.tensor([1.0, 2.0])
        >>> penlight.autograd.functional.vjp(lambda x: x * x, x, penlight.ones(2))
        (tensor([1., 4.]), tensor([2., 4.]))
    """
    several_in, own = _as_inputs(inputs, "vjp", create_graph)
    several_out, outputs = _call(func, own, "vjp", strict)
    vectors = _ones(outputs) if v is None else _vector(v, outputs, "vjp")
    result = _grad(outputs, own, vectors, create_graph, strict)
    return _finish(outputs, several_out, create_graph), _finish(result, several_in, create_graph)


def _push_forward(
    outputs: _Tensors, inputs: _Tensors, vectors: _Tensors, create_graph: bool, strict: bool
) -> _Tensors:
    """J v, the transpose of the linear g ↦ Jᵀ g."""
    weights = tuple(_C.zeros_like(o).requires_grad_() for o in outputs)
    pulled = _grad(outputs, inputs, weights, True, strict)
    return _grad(pulled, weights, vectors, create_graph, strict)


@enable_grad()
def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The function's value, and Jv: how it changes along v. Arguments as for :func:`vjp`, v sized as the inputs.

    Example::

        >>> import penlight
        >>> x = penlight.tensor([1.0, 2.0])
        >>> penlight.autograd.functional.jvp(lambda x: x * x, x, penlight.tensor([1.0, 0.0]))
        (tensor([1., 4.]), tensor([2., 0.]))
    """
    _, own = _as_inputs(inputs, "jvp", create_graph)
    if v is None:
        if len(own) != 1 or own[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the input to the user-provided function is a single Tensor with a "
                "single element."
            )
        vectors: _Tensors = (_C.ones_like(own[0]),)
    else:
        vectors = _vector(v, own, "jvp")
    several_out, outputs = _call(func, own, "jvp", strict)
    result = _push_forward(outputs, own, vectors, create_graph, strict)
    return _finish(outputs, several_out, create_graph), _finish(result, several_out, create_graph)


@enable_grad()
def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian: for each output and input a tensor sized ``(*output.shape, *input.shape)``.

    Its entry [i, j] is the derivative of output element i by input element j. ``backward`` multiplies by its
    transpose, which is why a gradient has the sizes of the input.

    Args:
        func, inputs, create_graph, strict: as for :func:`vjp`.
        vectorize: without effect here.
        strategy: "reverse-mode" or "forward-mode": without effect on the result.

    Example::

        >>> import penlight
        >>> penlight.autograd.functional.jacobian(lambda x: x * x, penlight.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(
            f'Expected strategy to be either "reverse-mode" or "forward-mode", got {strategy!r}.'
        )
    several_in, own = _as_inputs(inputs, "jacobian", create_graph)
    several_out, outputs = _call(func, own, "jacobian", strict)
    rows = []
    for output in outputs:
        columns: list[list[Tensor]] = [[] for _ in own]
        for i in range(output.numel()):
            unit = _C.zeros(output.numel(), dtype=output.dtype)
            unit[i] = 1
            for column, g in zip(
                columns,
                _grad((output,), own, (unit.reshape(output.shape),), create_graph, strict),
                strict=True,
            ):
                column.append(g)
        blocks = tuple(
            (_C.stack(column) if column else _C.empty(0, dtype=x.dtype)).reshape((*output.shape, *x.shape))
            for column, x in zip(columns, own, strict=True)
        )
        rows.append(_finish(blocks, several_in, create_graph))
    return tuple(rows) if several_out else rows[0]


@enable_grad()
def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a function with one value: for each pair of inputs a tensor of second derivatives.

    Raises:
        RuntimeError: the function gives more than one number.

    Example::

        >>> import penlight
        >>> penlight.autograd.functional.hessian(lambda x: (x**3).sum(), penlight.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    several, _ = _as_tuple(inputs, "inputs", "hessian")

    def gradient(*xs: Tensor) -> Any:
        _, outputs = _call(func, xs, "hessian", strict)
        _single(outputs, "hessian")
        found = _grad(outputs, xs, (_C.ones_like(outputs[0]),), True, strict)
        return found if several else found[0]

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def _single(outputs: _Tensors, caller: str) -> None:
    if len(outputs) != 1:
        raise RuntimeError(f"The function given to {caller} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {caller} should contain a single element"
        )


@enable_grad()
def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The function's value, and vᵀH.

    Example::

        >>> import penlight
        >>> x = penlight.tensor([1.0, 2.0])
        >>> penlight.autograd.functional.vhp(lambda x: (x**3).sum(), x, penlight.ones(2))
        (tensor(9.), tensor([ 6., 12.]))
    """
    several, own = _as_inputs(inputs, "vhp", create_graph)
    vectors = (
        _C.ones_like(own[0]) if v is None and len(own) == 1 and own[0].numel() == 1 else None,
    ) if v is None else _vector(v, own, "vhp")  # fmt: skip
    if vectors[0] is None:
        raise RuntimeError(
            "The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
            "element."
        )
    _, outputs = _call(func, own, "vhp", strict)
    _single(outputs, "vhp")
    first = _grad(outputs, own, (_C.ones_like(outputs[0]),), True, strict)
    result = _grad(first, own, vectors, create_graph, strict, "jacobian")
    return _finish(outputs, False, create_graph), _finish(result, several, create_graph)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The function's value, and Hv; the Hessian being symmetric, the same as :func:`vhp`.

    Example::

        >>> import penlight
        >>> x = penlight.tensor([1.0, 2.0])
        >>> penlight.autograd.functional.hvp(lambda x: (x**3).sum(), x, penlight.ones(2))
        (tensor(9.), tensor([ 6., 12.]))
    """
    return vhp(func, inputs, v, create_graph, strict)

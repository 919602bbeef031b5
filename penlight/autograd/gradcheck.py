"""Derivatives checked against differences of values.

The numeric derivative is the central difference (f(x + h) - f(x - h)) / 2h, whose error is of order h² (Abramowitz
and Stegun, 25.3.21); the analytic one is what backward gives, row by row of the Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import penlight
from penlight import Tensor
from penlight.autograd import grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """The derivatives differ, or a function cannot be checked."""


def _tensors(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, (tuple, list)) else (values,)


def _differentiable(values: Any) -> list[Tensor]:
    return [
        v for v in _tensors(values) if isinstance(v, Tensor) and v.is_floating_point() and v.requires_grad
    ]


def _outputs(values: Any) -> list[Tensor]:
    return [v for v in _tensors(values) if isinstance(v, Tensor) and v.is_floating_point()]


def _numeric(
    function: Callable[..., Any], inputs: Sequence[Any], x: Tensor, eps: float
) -> list[list[list[float]]]:
    """For each output, a row for each element of x: the differences of the output's elements."""
    rows: list[list[list[float]]] = []
    for place in _places(penlight.arange(x.numel()).reshape(x.shape).tolist()):
        entry = x.data[place] if place != () else x.data
        before = entry.item()
        values = []
        for step in (eps, -eps):
            entry.fill_(before + step)
            values.append([o.detach().reshape(-1).tolist() for o in _outputs(function(*inputs))])
        entry.fill_(before)
        rows.append(
            [
                [(a - b) / (2 * eps) for a, b in zip(high, low, strict=True)]
                for high, low in zip(*values, strict=True)
            ]
        )
    outputs = len(rows[0]) if rows else 0
    return [[row[o] for row in rows] for o in range(outputs)]


def _places(nested: Any, prefix: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    if not isinstance(nested, list):
        return [prefix]
    return [place for i, item in enumerate(nested) for place in _places(item, (*prefix, i))]


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Checks the gradients of ``func`` at ``inputs`` against differences of its values.

    Args:
        func: takes the inputs, gives a tensor or several.
        inputs: tensors (those with ``requires_grad`` are checked; float64 is wanted) and other arguments.
        eps: the step of the differences.
        atol, rtol: a numeric and an analytic value may differ by ``atol + rtol * |numeric|``.
        raise_exception: raise instead of giving False.
        nondet_tol: how far two backward passes may differ.

    Raises:
        GradcheckError: with the worst entry, both its values, and the operation at the end of the graph.
        ValueError: no input requires grad.

    Example::

        >>> import penlight
        >>> x = penlight.rand(3, dtype=penlight.float64, requires_grad=True)
        >>> penlight.autograd.gradcheck(penlight.sin, (x,))
        True
    """
    try:
        _check(func, _tensors(inputs), eps, atol, rtol, nondet_tol, check_undefined_grad)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check(
    func: Callable[..., Any],
    inputs: tuple[Any, ...],
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
    check_undefined: bool,
) -> None:
    checked = _differentiable(inputs)
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, "
            "but none of the them have requires_grad=True."
        )
    outputs = _outputs(func(*inputs))
    if not any(o.requires_grad for o in outputs):
        for x in checked:
            for rows in _numeric(func, inputs, x, eps):
                if any(abs(v) > atol for row in rows for v in row):
                    raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    for at, x in enumerate(checked):
        numeric = _numeric(func, inputs, x, eps)
        for number, output in enumerate(_outputs(func(*inputs))):
            if x.numel() == 0 or output.numel() == 0:
                continue
            columns = _analytic(output, x)
            again = _analytic(output, x)
            _compare(numeric[number], columns, output, at, number, atol, rtol)
            for first, second in zip(columns, again, strict=True):
                worst = max(abs(a - b) for a, b in zip(first, second, strict=True))
                if worst > nondet_tol:
                    raise GradcheckError(
                        f"Backward is not reentrant, i.e., running backward with same input and grad_output multiple "
                        f"times gives different values (by {worst}), although analytical gradient matches numerical "
                        f"gradient. The tolerance for nondeterminism was {nondet_tol}."
                    )
    if check_undefined:
        _check_undefined(func, inputs, checked)


def _analytic(output: Tensor, x: Tensor) -> list[list[float]]:
    """A column for each element of the output: the gradient it alone gives x."""
    if not output.requires_grad:
        return [[0.0] * x.numel() for _ in range(output.numel())]
    columns = []
    for i in range(output.numel()):
        unit = penlight.zeros(output.numel(), dtype=output.dtype)
        unit[i] = 1
        (g,) = grad(output, x, unit.reshape(output.shape), retain_graph=True, allow_unused=True)
        columns.append([0.0] * x.numel() if g is None else g.detach().reshape(-1).tolist())
        if g is not None and g.shape != x.shape:
            raise GradcheckError(f"the gradient has sizes {tuple(g.shape)}, its tensor {tuple(x.shape)}")
    return columns


def _compare(
    numeric: list[list[float]],
    columns: list[list[float]],
    output: Tensor,
    at: int,
    number: int,
    atol: float,
    rtol: float,
) -> None:
    worst, entry = -1.0, (0, 0)
    for i, row in enumerate(numeric):
        for j, value in enumerate(row):
            analytic = columns[j][i]
            if value != value and analytic != analytic:
                continue
            excess = abs(value - analytic) - (atol + rtol * abs(value))
            if not excess <= 0 and not excess <= worst:
                worst, entry = excess, (i, j)
    if worst <= -1.0:
        return
    i, j = entry
    raise GradcheckError(
        f"Jacobian mismatch for output {number} with respect to input {at},\n"
        f"worst at input element {i}, output element {j}:\n"
        f"numerical: {numeric[i][j]}\nanalytical: {columns[j][i]}\n" + _suspects(output)
    )


def _suspects(output: Tensor) -> str:
    """Where to look first: custom Functions, whose backward nobody else has checked; else what came last."""
    nodes: list[Any] = [output.grad_fn] if output.grad_fn else []
    seen = set(nodes)
    for node in nodes:  # grows on the way
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                nodes.append(following)
    custom = list(dict.fromkeys(node.name() for node in nodes if isinstance(node, penlight._C._FunctionNode)))
    if custom:
        return f"Suspect first: {', '.join(custom)}, with a backward of its own in this graph."
    return f"The last operation before this output is {nodes[0].name() if nodes else 'none'}."


def _check_undefined(func: Callable[..., Any], inputs: tuple[Any, ...], checked: list[Tensor]) -> None:
    """A gradient that never arrives counts as zero."""
    outputs = [o for o in _outputs(func(*inputs)) if o.requires_grad]
    if len(outputs) < 2:
        return
    for i, output in enumerate(outputs):
        alone = grad(output, checked, penlight.ones_like(output), retain_graph=True, allow_unused=True)
        weights = [penlight.ones_like(o) if j == i else penlight.zeros_like(o) for j, o in enumerate(outputs)]
        together = grad(outputs, checked, weights, retain_graph=True, allow_unused=True)
        for a, b in zip(alone, together, strict=True):
            a = penlight.zeros(1, dtype=penlight.float64) if a is None else a
            b = penlight.zeros_like(a) if b is None else b
            if not bool((a == b).all() if a.shape == b.shape else (b == 0).all()):
                raise GradcheckError(
                    "Expected backward function to handle undefined output grads: a gradient that does not arrive "
                    f"must count as zero (output {i})"
                )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Checks second derivatives: :func:`gradcheck` of the gradients as a function of inputs and ``grad_outputs``.

    Args:
        grad_outputs: gradients of the outputs; numbers between -1 and 1 where not given.

    Raises:
        GradcheckError: as :func:`gradcheck`.

    Example::

        >>> import penlight
        >>> x = penlight.rand(3, dtype=penlight.float64, requires_grad=True)
        >>> penlight.autograd.gradgradcheck(penlight.sin, (x,))
        True
    """
    arguments = _tensors(inputs)
    checked = _differentiable(arguments)
    outputs = [o for o in _outputs(func(*arguments)) if o.requires_grad]
    if grad_outputs is None:
        weights = []
        for o in outputs:
            # Regular but unlike numbers: the check does not depend on the state of the random generator.
            ramp = penlight.arange(o.numel(), dtype=o.dtype) * 0.7 + 0.3
            weights.append(ramp.sin().reshape(o.shape).requires_grad_())
    else:
        weights = [g.detach().clone().requires_grad_() for g in _tensors(grad_outputs)]
    count = len(arguments)

    def gradients(*everything: Any) -> Any:
        results = [o for o in _outputs(func(*everything[:count])) if o.requires_grad]
        wanted = _differentiable(everything[:count])
        found = grad(results, wanted, list(everything[count:]), create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None and g.requires_grad) or tuple(
            penlight.zeros_like(x) for x in wanted
        )

    del checked
    return gradcheck(
        gradients, (*arguments, *weights), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad,
    )  # fmt: skip

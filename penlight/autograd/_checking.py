"""The checks of ``gradcheck``: Jacobians, zeros, batches (``_jacobian.py`` has the three ways to a Jacobian)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import penlight
from penlight import Tensor
from penlight.autograd import _jacobian as jacobian
from penlight.autograd import forward_ad, grad
from penlight.autograd.gradcheck import GradcheckError


@dataclass(frozen=True)
class Check:
    """A function at a point, and what is to be checked of it."""

    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    undefined: bool
    dtypes: bool
    batched: bool
    batched_forward: bool
    forward: bool
    backward: bool
    fast: bool

    def checked(self) -> list[tuple[int, Tensor]]:
        """The inputs that are differentiated, with their places among the arguments."""
        return [(i, x) for i, x in enumerate(self.inputs) if jacobian.differentiable(x)]

    def outputs(self) -> list[Tensor]:
        return jacobian.floating(self.function(*self.inputs))


def run(check: Check) -> None:
    checked = check.checked()
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, "
            "but none of the them have requires_grad=True."
        )
    for at, x in checked:
        if x.dtype != penlight.float64:
            warnings.warn(
                f"Input #{at} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=4,
            )
        if any(size > 1 and step == 0 for size, step in zip(x.shape, x.stride(), strict=True)):
            raise RuntimeError(
                f"The {at}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call "
                ".contiguous on the input before passing it to gradcheck."
            )
    if not any(o.requires_grad for o in check.outputs()):
        for _, x in checked:
            for rows in jacobian.by_differences(check.function, check.inputs, x, check.eps):
                if not (np.abs(rows) <= check.atol).all():
                    raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    (_compare_along if check.fast else _compare_all)(check)
    if check.backward:
        _check_zero_gradient(check)
        if check.undefined:
            _check_undefined(check)
        if check.batched:
            _check_batched(check)
    if check.forward:
        if check.undefined:
            _check_undefined_tangents(check)
        if check.batched_forward:
            _check_batched_tangents(check)


# ---- the Jacobian


def _compare_all(check: Check) -> None:
    for at, x in check.checked():
        if x.numel() == 0:
            continue
        numeric = jacobian.by_differences(check.function, check.inputs, x, check.eps)
        outputs = check.outputs()
        if check.forward:
            forward = jacobian.by_forward(check.function, check.inputs, at)
            for number, output in enumerate(outputs):
                kind = "Jacobian computed with forward mode mismatch"
                _compare(check, kind, numeric[number], forward[number], output, at, number)
        if not check.backward:
            continue
        for number, output in enumerate(outputs):
            if output.numel() == 0:
                continue
            columns = jacobian.by_backward(output, x)
            _compare(check, "Jacobian mismatch", numeric[number], columns, output, at, number)
            _check_gradient(check, output, x)
            _check_again(check, columns, jacobian.by_backward(output, x))


def _compare_along(check: Check) -> None:
    """The product v · (J u) for regular u and v: no entry can be wrong without changing it, but by accident."""
    for at, x in check.checked():
        if x.numel() == 0:
            continue
        direction = jacobian.regular(x)
        numeric = jacobian.differences_along(check.function, check.inputs, x, direction, check.eps)
        forward = jacobian.pushed(check.function, check.inputs, {at: direction}) if check.forward else []
        for number, output in enumerate(check.outputs()):
            if output.numel() == 0:
                continue
            weights = jacobian.regular(output)
            v = jacobian.numbers(weights)
            expected = np.asarray([[v @ numeric[number]]])
            if check.forward:
                tangent = forward[number][1]
                found = 0.0 if tangent is None else v @ jacobian.numbers(tangent)
                _compare_products(
                    check, "Jacobian computed with forward mode mismatch", expected, found, at, number
                )
            if check.backward:
                products = []
                for _ in range(2):
                    g = jacobian.pulled(output, x, weights)
                    products.append(0.0 if g is None else jacobian.numbers(g) @ jacobian.numbers(direction))
                _compare_products(check, "Jacobian mismatch", expected, products[0], at, number)
                _check_gradient(check, output, x)
                _check_again(check, np.asarray(products[0]), np.asarray(products[1]))


def _compare_products(
    check: Check, kind: str, expected: np.ndarray, found: float, at: int, number: int
) -> None:
    """Where the products differ, the whole Jacobian tells where."""
    if not _worst(check, expected, np.asarray([[found]])):
        return
    x, output = check.inputs[at], check.outputs()[number]
    numeric = jacobian.by_differences(check.function, check.inputs, x, check.eps)[number]
    if "forward" in kind:
        analytic = jacobian.by_forward(check.function, check.inputs, at)[number]
    else:
        analytic = jacobian.by_backward(output, x)
    _compare(check, kind, numeric, analytic, output, at, number)
    raise GradcheckError(
        f"{kind} for output {number} with respect to input {at},\nnumerical: {expected.item()}\nanalytical: {found}\n"
        "The above quantities relating the numerical and analytical jacobians are computed in fast mode, of a product "
        "with the Jacobian. Each of its entries alone is within the tolerance.\n" + _suspects(output)
    )


def _worst(check: Check, numeric: np.ndarray, analytic: np.ndarray) -> tuple[int, int] | None:
    """The entry that differs most beyond the tolerance, or None. A NaN that both have is no difference."""
    with np.errstate(invalid="ignore"):
        excess = np.abs(numeric - analytic) - (check.atol + check.rtol * np.abs(numeric))
        agreed = (excess <= 0) | (numeric == analytic) | (np.isnan(numeric) & np.isnan(analytic))
    if agreed.all():
        return None
    excess = np.where(agreed, -np.inf, np.where(np.isnan(excess), np.inf, excess))
    i, j = np.unravel_index(int(np.argmax(excess)), excess.shape)
    return int(i), int(j)


def _compare(
    check: Check, kind: str, numeric: np.ndarray, analytic: np.ndarray, output: Tensor, at: int, number: int
) -> None:
    entry = _worst(check, numeric, analytic)
    if entry is None:
        return
    raise GradcheckError(
        f"{kind} for output {number} with respect to input {at},\n"
        f"numerical:{penlight.from_numpy(numeric)}\nanalytical:{penlight.from_numpy(analytic)}\n\n"
        f"worst at input element {entry[0]}, output element {entry[1]}:\n"
        f"numerical: {numeric[entry]}\nanalytical: {analytic[entry]}\n" + _suspects(output)
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


def _check_gradient(check: Check, output: Tensor, x: Tensor) -> None:
    g = jacobian.pulled(output, x, penlight.zeros_like(output))
    if g is None:
        return
    if g.shape != x.shape:
        raise GradcheckError(
            f"Analytical gradient has incorrect size: {tuple(g.shape)}, its tensor's is {tuple(x.shape)}"
        )
    if check.dtypes and g.dtype != x.dtype:
        raise GradcheckError(f"Analytical gradient has dtype {g.dtype}, its tensor {x.dtype}")


def _check_again(check: Check, first: np.ndarray, second: np.ndarray) -> None:
    with np.errstate(invalid="ignore"):
        worst = float(np.nanmax(np.abs(first - second), initial=0.0))
    if worst > check.nondet_tol:
        raise GradcheckError(
            "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives "
            f"different values (by {worst}), although analytical gradient matches numerical gradient. The tolerance "
            f"for nondeterminism was {check.nondet_tol}."
        )


# ---- gradients and tangents of zero, and such as never arrive


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        there = b if a is None else a
        return there is None or bool((there == 0).all())
    return penlight.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)


def _recorded(check: Check) -> list[Tensor]:
    return [o for o in check.outputs() if o.requires_grad]


def _check_zero_gradient(check: Check) -> None:
    outputs, inputs = _recorded(check), [x for _, x in check.checked()]
    zeros = [penlight.zeros_like(o) for o in outputs]
    for at, g in enumerate(grad(outputs, inputs, zeros, retain_graph=True, allow_unused=True)):
        if g is not None and not bool((g == 0).all()):
            raise GradcheckError(f"backward not multiplied by grad_output (input {at})")


def _check_undefined(check: Check) -> None:
    """A gradient that never arrives counts as zero."""
    outputs, inputs = _recorded(check), [x for _, x in check.checked()]
    for i, output in enumerate(outputs if len(outputs) > 1 else []):
        alone = grad(output, inputs, penlight.ones_like(output), retain_graph=True, allow_unused=True)
        weights = [penlight.ones_like(o) if j == i else penlight.zeros_like(o) for j, o in enumerate(outputs)]
        together = grad(outputs, inputs, weights, retain_graph=True, allow_unused=True)
        if not all(map(_same, alone, together)):
            raise GradcheckError(
                "Expected backward function to handle undefined output grads: a gradient that does not arrive "
                f"must count as zero (output {i})"
            )


def _check_undefined_tangents(check: Check) -> None:
    """A tangent that an input has not counts as zero."""
    checked = check.checked()
    for at, x in checked if len(checked) > 1 else []:
        direction = {at: jacobian.regular(x)}
        zeros = {i: penlight.zeros_like(y) for i, y in checked}
        alone = jacobian.pushed(check.function, check.inputs, direction)
        together = jacobian.pushed(check.function, check.inputs, zeros | direction)
        if not all(_same(a, b) for (_, a), (_, b) in zip(alone, together, strict=True)):
            raise GradcheckError(
                f"Expected forward mode to handle undefined tangents as zeros (where input {at} alone has one)"
            )
        if check.dtypes and any(t is not None and t.dtype != o.dtype for o, t in alone):
            raise GradcheckError("Expected the tangent to have the dtype of its output")


# ---- several at once


def _check_batched(check: Check) -> None:
    inputs = [x for _, x in check.checked()]
    for number, output in enumerate(_recorded(check)):
        pair = penlight.stack([jacobian.regular(output), 1 - jacobian.regular(output)])
        single = [grad(output, inputs, w, retain_graph=True, allow_unused=True) for w in pair]
        try:
            both = grad(output, inputs, pair, retain_graph=True, allow_unused=True, is_grads_batched=True)
        except RuntimeError as error:
            raise GradcheckError(
                f"While computing batched gradients, got: {error}\n\n{_batched_message(number)}"
            ) from error
        for at, (one, other, rows) in enumerate(zip(*single, both, strict=True)):
            if not (rows is None and one is None) and not _same_rows(rows, one, other):
                raise GradcheckError(f"For output {number} and input {at}:\n\n{_batched_message(number)}")


def _same_rows(rows: Tensor | None, *each: Tensor | None) -> bool:
    return all(_same(None if rows is None else rows[i], g) for i, g in enumerate(each))


def _batched_message(number: int) -> str:
    return (
        "gradcheck or gradgradcheck failed while testing batched gradient computation. This could have been invoked in "
        f"a number of ways (via a test that calls gradcheck/gradgradcheck directly or via an autogenerated test). A "
        f"batch of gradients of output {number} does not give what they give one after the other: an operation of the "
        "backward pass treats the examples of vmap wrongly."
    )


def _check_batched_tangents(check: Check) -> None:
    from penlight.func import vmap

    for at, x in check.checked():
        pair = penlight.stack([jacobian.regular(x), 1 - jacobian.regular(x)])

        def push(change: Tensor, at: int = at) -> tuple[Tensor, ...]:
            with forward_ad.dual_level():
                arguments: Sequence[Any] = [
                    forward_ad.make_dual(a.detach(), change) if i == at else a
                    for i, a in enumerate(check.inputs)
                ]
                found = [forward_ad.unpack_dual(o) for o in jacobian.floating(check.function(*arguments))]
                return tuple(penlight.zeros_like(p.primal) if p.tangent is None else p.tangent for p in found)

        single = [push(change) for change in pair]
        try:
            both = vmap(push)(pair)
        except RuntimeError as error:
            raise GradcheckError(f"While computing batched gradients, got: {error}") from error
        for number, (one, other, rows) in enumerate(zip(*single, both, strict=True)):
            if not _same_rows(rows, one, other):
                raise GradcheckError(
                    f"For output {number} and input {at}: a batch of tangents does not give what they give one after "
                    "the other: an operation treats the examples of vmap wrongly in forward mode."
                )

"""Jacobians as arrays, three ways: by differences of values, by backward and by forward mode.

Each has a row for each element of one input and a column for each element of one output. The difference is the central
one, (f(x + h) - f(x - h)) / 2h, whose error is of order h² (Abramowitz and Stegun, 25.3.21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

import penlight
from penlight import Tensor
from penlight.autograd import forward_ad, grad

Function = Callable[..., Any]


def tensors(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, (tuple, list)) else (values,)


def differentiable(values: Any) -> list[Tensor]:
    return [v for v in tensors(values) if isinstance(v, Tensor) and v.is_floating_point() and v.requires_grad]


def floating(values: Any) -> list[Tensor]:
    return [v for v in tensors(values) if isinstance(v, Tensor) and v.is_floating_point()]


def numbers(x: Tensor) -> np.ndarray:
    """The elements in a row, as float64. A copy: a function may give its input itself."""
    return np.array(x.detach().double().reshape(-1).numpy())


def regular(x: Tensor) -> Tensor:
    """Regular but unlike numbers of x's sizes and type: a check does not depend on the state of the generator."""
    ramp = penlight.arange(x.numel(), dtype=penlight.float64) * 0.7 + 0.3
    return ramp.sin().reshape(x.shape).to(x.dtype)


def by_differences(function: Function, inputs: Sequence[Any], x: Tensor, eps: float) -> list[np.ndarray]:
    """The Jacobians of all outputs by x, whose elements are moved one after the other and put back."""

    def results() -> list[np.ndarray]:
        return [numbers(o) for o in floating(function(*inputs))]

    rows: list[list[np.ndarray]] = []
    for place in product(*map(range, x.shape)):
        entry = x.data[place] if place else x.data
        before = entry.item()
        entry.fill_(before + eps)
        high = results()
        entry.fill_(before - eps)
        low = results()
        entry.fill_(before)
        rows.append([(a - b) / (2 * eps) for a, b in zip(high, low, strict=True)])
    return [np.stack(column) for column in zip(*rows, strict=True)]


def differences_along(
    function: Function, inputs: Sequence[Any], x: Tensor, direction: Tensor, eps: float
) -> list[np.ndarray]:
    """How the outputs change where x goes in a direction: one pair of calls for all of its elements."""
    before = x.detach().clone()
    found = []
    for step in (eps, -eps):
        x.data.copy_(before + direction * step)
        found.append([numbers(o) for o in floating(function(*inputs))])
    x.data.copy_(before)
    return [(a - b) / (2 * eps) for a, b in zip(*found, strict=True)]


def pulled(output: Tensor, x: Tensor, weights: Tensor) -> Tensor | None:
    """The gradient of one output by x."""
    if not output.requires_grad:
        return None
    return grad(output, x, weights, retain_graph=True, allow_unused=True)[0]


def units(x: Tensor) -> Iterator[Tensor]:
    for i in range(x.numel()):
        unit = penlight.zeros(x.numel(), dtype=x.dtype)
        unit[i] = 1
        yield unit.reshape(x.shape)


def by_backward(output: Tensor, x: Tensor) -> np.ndarray:
    """The Jacobian of one output, a column at a time: the gradient that one element of it alone gives x."""
    columns = []
    for unit in units(output):
        g = pulled(output, x, unit)
        columns.append(np.zeros(x.numel()) if g is None else numbers(g))
    return np.stack(columns, axis=1)


def pushed(
    function: Function, inputs: Sequence[Any], changes: dict[int, Tensor]
) -> list[tuple[Tensor, Tensor | None]]:
    """The floating outputs and their tangents, where inputs (by number) have the given ones."""
    with forward_ad.dual_level():
        arguments = list(inputs)
        for at, change in changes.items():
            arguments[at] = forward_ad.make_dual(inputs[at], change)
        parts = [forward_ad.unpack_dual(o) for o in floating(function(*arguments))]
        return [(p.primal, None if p.tangent is None else p.tangent.detach().clone()) for p in parts]


def by_forward(function: Function, inputs: Sequence[Any], at: int) -> list[np.ndarray]:
    """The Jacobians of all outputs by an input, a row at a time: the tangents that one element of it alone gives."""
    rows = [
        [np.zeros(o.numel()) if t is None else numbers(t) for o, t in pushed(function, inputs, {at: unit})]
        for unit in units(inputs[at])
    ]
    return [np.stack(column) for column in zip(*rows, strict=True)]

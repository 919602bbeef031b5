"""Forward mode, derivatives of derivatives, and vmap, of every operation in the table of tests/op_cases.py."""

from __future__ import annotations

import numpy as np
import pytest
from op_cases import ROWS

import penlight as P
from penlight.func import grad, jvp, vjp, vmap

CASES = [pytest.param(row, i, id=f"{row.name}-{i}") for row in ROWS for i in range(len(row.samples))]
SECOND = [c for c in CASES if c.values[0].twice]
over_cases = pytest.mark.parametrize("row, number", CASES)


class Case:
    """A row's call as a function of the arrays that are differentiated."""

    def __init__(self, row, number, dtype=np.float64):
        self.row, self.sample = row, row.samples[number]
        self.places = [
            i for i, a in enumerate(self.sample) if isinstance(a, np.ndarray) and a.dtype == np.float64
        ]
        self.inputs = tuple(P.from_numpy(self.sample[i].astype(dtype)) for i in self.places)
        self.random = np.random.default_rng(3)
        values = self(*self.inputs)
        self.outputs = [tuple(v.shape) for v in values]
        self.weights = tuple(self.like(v) for v in values)

    def __call__(self, *inputs):
        arguments = list(self.sample)
        for place, value in zip(self.places, inputs, strict=True):
            arguments[place] = value
        arguments = [P.from_numpy(a.copy()) if isinstance(a, np.ndarray) else a for a in arguments]
        made = self.row.call(P, *arguments)
        made = made if isinstance(made, (tuple, list)) else (made,)
        return tuple(m for m in made if m.is_floating_point())

    def weighted(self, *inputs):
        """One number."""
        values = self(*inputs)
        return sum((w * v).sum() for w, v in zip(self.weights, values, strict=True)) + 0 * inputs[0].sum()

    def gradient(self, *inputs):
        return grad(self.weighted, tuple(range(len(inputs))))(*inputs)

    def like(self, tensor):
        return P.from_numpy(np.asarray(self.random.standard_normal(tuple(tensor.shape)))).to(tensor.dtype)

    def directions(self):
        return tuple(self.like(x) for x in self.inputs)


def inner(a, b):
    return sum(float((x * y).sum()) for x, y in zip(a, b, strict=True))


def assert_near(found, expected, tolerance):
    for f, e in zip(found, expected, strict=True):
        f, e = f.detach().numpy(), e.detach().numpy()
        assert f.shape == e.shape and f.dtype == e.dtype
        scale = 1 + np.abs(e[np.isfinite(e)]).max(initial=0)
        np.testing.assert_allclose(f, e, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


@over_cases
def test_forward_mode_is_the_transpose_of_backward(row, number):
    """u . (J v) = (J^T u) . v; backward itself is checked against differences."""
    case = Case(row, number)
    v = case.directions()
    values, change = jvp(case, case.inputs, v)
    assert_near(values, case(*case.inputs), 1e-12)
    _, pull = vjp(case, *case.inputs)
    left, right = inner(case.weights, change), inner(pull(case.weights), v)
    assert left == pytest.approx(right, rel=row.tolerance, abs=row.tolerance, nan_ok=True)
    for c, value in zip(change, values, strict=True):
        assert c.shape == value.shape and c.dtype == value.dtype


@over_cases
def test_forward_mode_is_the_slope_along_a_direction(row, number):
    case = Case(row, number)
    v = case.directions()
    step = 1e-5
    _, change = jvp(case, case.inputs, v)
    if row.tolerance > 1e-7:
        return  # computed in less than double precision: differences say nothing
    ahead = case(*(x + step * d for x, d in zip(case.inputs, v, strict=True)))
    behind = case(*(x - step * d for x, d in zip(case.inputs, v, strict=True)))
    slope = [(a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)]
    for c, s in zip(change, slope, strict=True):
        finite = np.isfinite(s.numpy())  # differences of infinities are none
        np.testing.assert_allclose(c.numpy()[finite], s.numpy()[finite], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("row, number", SECOND)
def test_second_derivatives_are_the_same_in_all_four_orders(row, number):
    case = Case(row, number)
    x, v, w = case.inputs, case.directions(), case.directions()
    tolerance = max(1e-9, row.tolerance)
    slope = lambda *p: jvp(case.weighted, p, v)[1]  # noqa: E731
    count = tuple(range(len(x)))
    reverse_reverse = grad(
        lambda *p: sum((g * d).sum() for g, d in zip(case.gradient(*p), v, strict=True)), count
    )(*x)
    forward_reverse = jvp(case.gradient, x, v)[1]
    reverse_forward = grad(slope, count)(*x)
    assert_near(forward_reverse, reverse_reverse, tolerance)
    assert_near(reverse_forward, reverse_reverse, tolerance)
    forward_forward = jvp(slope, x, w)[1]
    assert float(forward_forward) == pytest.approx(inner(reverse_reverse, w), rel=1e-7, abs=1e-7, nan_ok=True)


def examples(case):
    """Three examples of each input: itself, and its elements in other orders."""
    return tuple(
        P.stack([x, x.flatten().flip(0).reshape(x.shape), x.flatten().roll(1).reshape(x.shape)])
        for x in case.inputs
    )


def pick(many, batched, i):
    return [x[i].clone() if b else x for x, b in zip(many, batched, strict=True)]


@over_cases
def test_vmap_is_a_loop(row, number):
    case = Case(row, number)
    tolerance = max(1e-10, row.tolerance)
    choices = {(True,) * len(case.inputs)}
    for i in range(len(case.inputs)):
        choices.add(tuple(j == i for j in range(len(case.inputs))))
    for batched in sorted(choices):
        many = [e if b else x for e, x, b in zip(examples(case), case.inputs, batched, strict=True)]
        dims = tuple(0 if b else None for b in batched)
        try:
            looped = [case(*pick(many, batched, i)) for i in range(3)]
        except (RuntimeError, ValueError):
            continue  # the elements' order matters to the operation
        if any(tuple(v.shape) != s for values in looped for v, s in zip(values, case.outputs, strict=True)):
            continue
        expected = [P.stack(list(column)) for column in zip(*looped, strict=True)]
        try:
            found = vmap(case, in_dims=dims)(*many)
        except RuntimeError as error:
            # What is the same for all examples has no room for values that are not: PyTorch raises, too.
            assert "changed in place by values that differ" in str(error) and not batched[0]
            continue
        assert_near(found, expected, tolerance)
        if row.name == "as_strided":
            continue  # about memory, which differs where the examples come last
        last = [x.movedim(0, -1) if b else x for x, b in zip(many, batched, strict=True)]
        assert_near(vmap(case, in_dims=tuple(-1 if b else None for b in batched))(*last), expected, tolerance)
        looped = [case.gradient(*pick(many, batched, i)) for i in range(3)]
        expected = [P.stack(list(column)) for column in zip(*looped, strict=True)]
        assert_near(vmap(case.gradient, in_dims=dims)(*many), expected, tolerance)

        # The gradient of the mapped function: shared inputs get the sum over the examples.
        def total(*p, dims=dims):
            return sum(
                ((w * v).sum()) for w, v in zip(case.weights, vmap(case, in_dims=dims)(*p), strict=True)
            )

        found = grad(total, tuple(range(len(many))))(*many)
        summed = [e if b else e.sum(0) for e, b in zip(expected, batched, strict=True)]
        assert_near(found, summed, max(tolerance, 1e-9))


@over_cases
def test_vmap_of_forward_mode_is_a_loop(row, number):
    case = Case(row, number)
    directions = [P.stack([case.like(x) for _ in range(3)]) for x in case.inputs]
    push = lambda *v: jvp(case, case.inputs, v)[1]  # noqa: E731
    looped = [push(*(d[i] for d in directions)) for i in range(3)]
    expected = [P.stack(list(column)) for column in zip(*looped, strict=True)]
    assert_near(vmap(push)(*directions), expected, max(1e-10, row.tolerance))


@over_cases
def test_single_precision_goes_forward_and_is_mapped(row, number):
    case = Case(row, number, np.float32)
    if any(v.dtype != P.float32 for v in case(*case.inputs)):
        return  # the row asks for another type
    _, change = jvp(case, case.inputs, case.directions())
    assert all(c.dtype == P.float32 for c in change)
    assert all(y.dtype == P.float32 for y in vmap(case)(*(x.expand(2, *x.shape) for x in case.inputs)))

"""Every general test of an operation and its derivatives, over the rows of tests/op_cases.py."""

from __future__ import annotations

import numpy as np
import pytest
from op_cases import ROWS, Row

import penlight as P
from penlight.autograd import grad, gradcheck, gradgradcheck

CASES = [pytest.param(row, i, id=f"{row.name}-{i}") for row in ROWS for i in range(len(row.samples))]
IN_PLACE = [c for c in CASES if c.values[0].in_place]
over_cases = pytest.mark.parametrize("row, number", CASES)


def tensors(library, sample, dtype=np.float64, dense=True):
    """The sample's arrays as tensors: float64 ones ask for their gradient."""

    def tensor(value):
        if not isinstance(value, np.ndarray):
            return value
        real = value.dtype == np.float64
        if real:
            value = value.astype(dtype)
        made = library.from_numpy(value.copy())
        if not dense:
            # Every second element of a wider tensor, transposed.
            wide = library.zeros((*made.shape[::-1], 2), dtype=made.dtype)
            window = wide.permute(*reversed(range(made.dim())), made.dim()).select(-1, 1)
            window.copy_(made)
            made = window
        return made.detach().requires_grad_() if real else made

    return [tensor(value) for value in sample]


def results(row: Row, library, arguments):
    """The call's floating results."""
    made = row.call(library, *arguments)
    made = made if isinstance(made, (tuple, list)) else (made,)
    return [m for m in made if m.is_floating_point()]


def wanted(arguments):
    return [a for a in arguments if hasattr(a, "requires_grad") and a.requires_grad]


def values_and_gradients(row: Row, library, arguments):
    """Numbers of the results, and of the gradients of a weighted sum of them."""
    out = results(row, library, arguments)
    weights = []
    for o in out:
        count = int(np.prod(o.shape))
        weight = np.cos(np.arange(count) * 0.7 + 0.2).reshape(tuple(o.shape))
        weights.append(library.from_numpy(np.asarray(weight)).to(o.dtype))
    used = [(o, w) for o, w in zip(out, weights, strict=True) if o.requires_grad]
    gradients = library.autograd.grad(
        [o for o, _ in used], wanted(arguments), [w for _, w in used], allow_unused=True
    )
    return [o.detach().double().numpy() for o in out], [
        np.zeros(tuple(x.shape)) if g is None else g.detach().double().numpy()
        for x, g in zip(wanted(arguments), gradients, strict=True)
    ]


def function(row: Row, arguments):
    """The call as a function of the tensors that are differentiated."""
    places = [i for i, a in enumerate(arguments) if isinstance(a, P.Tensor) and a.requires_grad]

    def call(*inputs):
        full = list(arguments)
        for place, value in zip(places, inputs, strict=True):
            full[place] = value
        return tuple(results(row, P, full))

    return call, tuple(arguments[p] for p in places)


def assert_close(a, b, tolerance):
    for x, y in zip(a, b, strict=True):
        assert x.shape == y.shape
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


@over_cases
def test_gradients_match_differences(row, number):
    tolerance = {"eps": 1e-3, "atol": 1e-2} if row.tolerance > 1e-9 else {}
    assert gradcheck(*function(row, tensors(P, row.samples[number])), **tolerance)


@pytest.mark.parametrize("row, number", [c for c in CASES if c.values[0].twice])
def test_second_derivatives_match_differences(row, number):
    assert gradgradcheck(*function(row, tensors(P, row.samples[number])), atol=1e-4)


@pytest.mark.parametrize("row, number", [c for c in CASES if c.values[0].torch])
def test_values_and_gradients_are_pytorchs(row, number):
    torch = pytest.importorskip("torch")
    ours = values_and_gradients(row, P, tensors(P, row.samples[number]))
    theirs = values_and_gradients(row, torch, tensors(torch, row.samples[number]))
    for a, b in zip(ours, theirs, strict=True):
        assert_close(a, b, max(row.tolerance, 1e-12) * 10)


@over_cases
def test_float32_agrees_with_float64(row, number):
    double = values_and_gradients(row, P, tensors(P, row.samples[number]))
    single = values_and_gradients(row, P, tensors(P, row.samples[number], np.float32))
    for a, b in zip(single, double, strict=True):
        assert_close(a, b, 3e-4)


@over_cases
def test_strided_input_gives_the_same(row, number):
    dense = values_and_gradients(row, P, tensors(P, row.samples[number]))
    try:
        strided = values_and_gradients(row, P, tensors(P, row.samples[number], dense=False))
    except RuntimeError as error:
        assert row.name in ("Tensor.view", "Tensor.view_as") and "view size is not compatible" in str(error)
        return
    if row.name == "as_strided":  # reads the memory itself
        return
    for a, b in zip(strided, dense, strict=True):
        assert_close(a, b, 1e-12)


@pytest.mark.parametrize("row, number", IN_PLACE)
def test_in_place_gives_the_same(row, number):
    sample = row.samples[number]
    out_of_place = values_and_gradients(row, P, tensors(P, sample))
    arguments = tensors(P, sample)
    if results(row, P, arguments)[0].shape != arguments[0].shape and row.in_place not in (
        "t_", "transpose_", "squeeze_", "unsqueeze_",
    ):  # fmt: skip
        with pytest.raises(RuntimeError):
            getattr(arguments[0].clone(), row.in_place)(*arguments[1:])
        return

    def call(_, x, *rest):
        copy = x.clone()
        result = getattr(copy, row.in_place)(*rest)
        assert result is copy
        return copy

    in_place = values_and_gradients(Row(row.name, row.samples, call), P, arguments)
    for a, b in zip(in_place, out_of_place, strict=True):
        assert_close(a, b, 1e-12)


def changed_in_place(row, arguments):
    """The operation in place, on a copy and on a window of a larger tensor, as functions of what is differentiated."""
    call, inputs = function(row, arguments)
    del call
    places = [i for i, a in enumerate(arguments) if isinstance(a, P.Tensor) and a.requires_grad]

    def of_a_copy(*given):
        full = list(arguments)
        for place, value in zip(places, given, strict=True):
            full[place] = value
        copy = full[0] * 1
        getattr(copy, row.in_place)(*full[1:])
        return copy

    def of_a_window(*given):
        full = list(arguments)
        for place, value in zip(places, given, strict=True):
            full[place] = value
        base = P.stack([full[0], full[0] * 2])
        getattr(base[0], row.in_place)(*full[1:])
        return base

    return of_a_copy, of_a_window, inputs


SHAPES_KEPT = [
    c
    for c in IN_PLACE
    if c.values[0].twice and c.values[0].in_place not in ("t_", "transpose_", "squeeze_", "unsqueeze_")
]


@pytest.mark.parametrize("row, number", SHAPES_KEPT)
def test_in_place_second_derivatives_match_differences(row, number):
    arguments = tensors(P, row.samples[number])
    if results(row, P, arguments)[0].shape != arguments[0].shape:
        return
    of_a_copy, of_a_window, inputs = changed_in_place(row, arguments)
    for changed in (of_a_copy, of_a_window):
        assert gradgradcheck(changed, inputs, atol=1e-4)


@pytest.mark.parametrize("row, number", SHAPES_KEPT)
def test_in_place_forward_mode_matches_differences(row, number):
    arguments = tensors(P, row.samples[number])
    if results(row, P, arguments)[0].shape != arguments[0].shape:
        return
    of_a_copy, of_a_window, inputs = changed_in_place(row, arguments)
    for changed in (of_a_copy, of_a_window):
        assert gradcheck(changed, inputs, check_forward_ad=True)
        assert gradgradcheck(changed, inputs, atol=1e-4, check_fwd_over_rev=True, check_rev_over_rev=False)


@pytest.mark.parametrize("row, number", IN_PLACE)
def test_in_place_without_gradient_writes_into_the_memory(row, number):
    arguments = [a.detach() if isinstance(a, P.Tensor) else a for a in tensors(P, row.samples[number])]
    expected = results(row, P, arguments)[0]
    if expected.shape != arguments[0].shape or row.in_place in ("t_", "transpose_", "squeeze_", "unsqueeze_"):
        return
    x = arguments[0].clone()
    address, version = x.data_ptr(), x._version
    getattr(x, row.in_place)(*arguments[1:])
    assert x.data_ptr() == address and x._version > version
    np.testing.assert_allclose(x.numpy(), expected.numpy(), rtol=1e-12)


@over_cases
def test_inputs_are_left_alone(row, number):
    arguments = tensors(P, row.samples[number])
    before = [a.detach().clone() if isinstance(a, P.Tensor) else a for a in arguments]
    results(row, P, arguments)
    for a, b in zip(arguments, before, strict=True):
        if isinstance(a, P.Tensor):
            np.testing.assert_array_equal(a.detach().numpy(), b.numpy())
            assert a.is_leaf


def test_gradient_of_a_gradient_keeps_the_graph():
    x = P.tensor(2.0, dtype=P.float64, requires_grad=True)
    (first,) = grad(x**3, x, create_graph=True)
    (second,) = grad(first, x, create_graph=True)
    (third,) = grad(second, x)
    assert (first.item(), second.item(), third.item()) == (12.0, 12.0, 6.0)

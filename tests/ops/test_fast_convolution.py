"""Fast convolutions: where they are taken, what they compute at every edge, their errors, and their switch."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conv_cases import conv_cases, convolution, error, strided, transpose_cases, transposed_convolution
from hypothesis import HealthCheck, given, settings

import penlight
import penlight.nn.functional as F
from penlight import _C
from penlight.backends import conv as backend

MANY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
BOUND = 2e-5  # of the largest result: what docs/fast-convolution.md says

# Input, weight, arguments; the algorithm of forward, input gradient and weight gradient must be a fast one.
MEANT = [
    ((32, 64, 56, 56), (64, 64, 3, 3), dict(padding=1)),
    ((16, 256, 14, 14), (256, 256, 3, 3), dict(padding=1)),
    ((64, 32, 26, 26), (64, 32, 3, 3), {}),
    ((8, 32, 64, 64), (32, 32, 3, 3), dict(dilation=2)),
    ((8, 16, 64, 64), (16, 16, 5, 5), dict(padding=2, padding_mode="circular")),
    ((1, 20, 64, 128), (16, 20, 3, 5), {}),
    ((16, 64, 4000), (64, 64, 9), {}),
    ((8, 3, 224, 224), (64, 3, 7, 7), dict(stride=2, padding=3)),
    ((4, 32, 56, 56), (64, 32, 4, 4), dict(stride=2, padding=1)),
    ((2, 8, 16, 32, 32), (16, 8, 3, 3, 3), {}),  # registers half as wide are filled by 8 channels
]


@pytest.fixture
def always():
    """Fast algorithms wherever there is one, however small the convolution."""
    _C._set_fast_convolutions(True, True)
    yield
    _C._set_fast_convolutions(True)


def tensor(array, layout="contiguous"):
    return None if array is None else penlight.from_numpy(strided(np.asarray(array, np.float32), layout))


def single(*arrays):
    return [None if a is None else a.astype(np.float32) for a in arrays]


def gradients_by_definition(x, w, g, stride, padding, dilation, groups, mode):
    """Of the sum of g * convolution, by convolving with every unit vector's place at once: both are linear."""
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for index in np.ndindex(*w.shape[1:]):
        unit = np.zeros(w.shape)
        unit[(slice(None), *index)] = 1
        seen = convolution(x, unit, None, stride, padding, dilation, groups, mode)
        dw[(slice(None), *index)] = np.sum(seen * g, axis=(0, *range(2, g.ndim)))
    for index in np.ndindex(*x.shape[1:]):
        unit = np.zeros(x.shape)
        unit[(slice(None), *index)] = 1
        seen = convolution(unit[:1], w, None, stride, padding, dilation, groups, mode)
        dx[(slice(None), *index)] = np.sum(seen * g, axis=tuple(range(1, g.ndim)))
    return dx, dw


# ---- where they are taken


@pytest.mark.parametrize(("input", "weight", "arguments"), MEANT)
@pytest.mark.parametrize("part", ["forward", "input_gradient", "weight_gradient"])
def test_shapes_meant_for_a_fast_algorithm_get_it(input, weight, arguments, part):
    assert backend.algorithm(input, weight, part=part, **arguments).startswith("winograd F(")


@pytest.mark.parametrize("taps", [255, 256, 1023, 2500])
@pytest.mark.parametrize("part", ["forward", "input_gradient", "weight_gradient"])
def test_long_filters_are_transformed(taps, part):
    assert backend.algorithm((1, 1, 20000), (1, 1, taps), part=part).startswith("fourier ")
    assert backend.algorithm((8, 16, 9, 3000), (16, 1, 1, taps), part=part, groups=16).startswith("fourier ")
    double = backend.algorithm((1, 1, 20000), (1, 1, taps), part=part, dtype=penlight.float64)
    assert not double.startswith("fourier")


@pytest.mark.parametrize(
    ("input", "weight", "arguments"),
    [
        ((1, 1, 8, 8), (1, 1, 3, 3), {}),
        ((32, 64, 56, 56), (64, 64, 1, 1), {}),
        ((32, 64, 56, 56), (64, 64, 3, 3), dict(stride=2)),
        ((32, 64, 56, 56), (64, 1, 3, 3), dict(groups=64)),
        ((32, 64, 56, 56), (64, 64, 3, 3), dict(dtype=penlight.float64)),
    ],
)
def test_others_do_not(input, weight, arguments):
    assert not backend.algorithm(input, weight, **arguments).startswith("winograd")


def test_the_switch_turns_all_of_them_off_and_on_again():
    assert backend.fast_algorithms is True
    x = penlight.randn(5, 32, 30, 30, requires_grad=True)
    w = penlight.randn(32, 32, 3, 3, requires_grad=True)
    names = ("forward", "input_gradient", "weight_gradient")

    def run():
        y = F.conv2d(x, w, padding=1)
        return [y.detach(), *penlight.autograd.grad(y, [x, w], penlight.ones_like(y))]

    fast = run()
    try:
        backend.fast_algorithms = False
        assert backend.fast_algorithms is False
        for input, weight, arguments in MEANT:
            for part in names:
                assert "winograd" not in backend.algorithm(input, weight, part=part, **arguments)
                assert "fourier" not in backend.algorithm((1, 1, 20000), (1, 1, 1023), part=part)
        direct = run()
    finally:
        backend.fast_algorithms = True
    for a, b in zip(fast, direct, strict=True):
        assert not penlight.equal(a, b)  # they do compute differently
        assert error(a.numpy(), b.numpy().astype(np.float64)) <= BOUND
    assert all(penlight.equal(a, b) for a, b in zip(fast, run(), strict=True))


def test_the_weights_of_small_nets_keep_gradients_that_are_exactly_zero():
    x = penlight.relu(penlight.randn(8, 16, 8, 8))
    x[:, :, :, 5:] = 0  # the last columns are blank ...
    w = penlight.randn(32, 16, 3, 3, requires_grad=True)
    g = penlight.zeros(8, 32, 8, 8)
    g[:, :, :, 6:] = 1  # ... where gradients come from
    F.conv2d(x, w, padding=1).backward(g)
    assert backend.algorithm(x.shape, w.shape, padding=1).startswith("winograd")
    assert not backend.algorithm(x.shape, w.shape, padding=1, part="weight_gradient").startswith("winograd")
    assert (w.grad == 0).all()


def test_the_switch_takes_only_bools_and_parts_have_names():
    with pytest.raises(TypeError, match="fast_algorithms must be True or False, but got int"):
        backend.fast_algorithms = 1
    with pytest.raises(ValueError, match="part must be 'forward'"):
        backend.algorithm((1, 1, 3), (1, 1, 3), part="backward")
    with pytest.raises(RuntimeError, match="channels"):
        backend.algorithm((1, 2, 3), (1, 1, 3))


# ---- values


@MANY
@given(case=conv_cases())
def test_forward_is_the_definition(case, always):
    x, w, b = single(*case.arrays())
    arguments = dict(stride=tuple(case.stride), padding=tuple(case.padding), dilation=tuple(case.dilation))
    arguments |= dict(groups=case.groups, padding_mode=case.mode)
    got = CONV[case.dims](tensor(x, case.layout), tensor(w, case.layout), tensor(b), **arguments)
    want = convolution(x, w, b, case.stride, case.pairs, case.dilation, case.groups, case.mode)
    assert error(got.numpy(), want, x, w) <= BOUND


@MANY
@given(case=transpose_cases())
def test_transposed_is_the_definition(case, always):
    x, w, b = single(*case.arrays(transposed=True))
    got = TRANSPOSED[case.dims](
        tensor(x, case.layout),
        tensor(w, case.layout),
        tensor(b),
        tuple(case.stride),
        tuple(case.padding),
        tuple(case.output_padding),
        case.groups,
        tuple(case.dilation),
    )
    want = transposed_convolution(
        x, w, b, case.stride, case.padding, case.output_padding, case.groups, case.dilation
    )
    assert error(got.numpy(), want, x, w) <= BOUND


@MANY
@given(case=conv_cases(batches=(0, 1, 2), channels=(1, 2, 3)))
def test_gradients_are_the_definition(case, always):
    case.stride = [1] * case.dims
    x, w, _ = single(*case.arrays())
    arguments = dict(padding=tuple(case.padding), dilation=tuple(case.dilation), groups=case.groups)
    leaves = [tensor(a).requires_grad_() for a in (x, w)]
    y = CONV[case.dims](*leaves, **arguments, padding_mode=case.mode)
    g = np.random.default_rng(case.seed).standard_normal(y.shape).astype(np.float32)
    dx, dw = penlight.autograd.grad(y, leaves, tensor(g))
    if x[:1].size > 300:
        # Too many unit vectors: products with random directions instead.
        rng = np.random.default_rng(0)
        v, u = rng.standard_normal(x.shape), rng.standard_normal(w.shape)
        rest = ([1] * case.dims, case.pairs, case.dilation, case.groups, case.mode)
        for gradient, direction, change in (
            (dx, v, convolution(v, w, None, *rest)),
            (dw, u, convolution(x, u, None, *rest)),
        ):
            found = np.sum(gradient.numpy().astype(np.float64) * direction)
            scale = np.linalg.norm(g) * np.linalg.norm(change)
            assert abs(found - np.sum(g * change)) <= BOUND * (1 + scale)
        return
    want = gradients_by_definition(
        x, w, g, [1] * case.dims, case.pairs, case.dilation, case.groups, case.mode
    )
    for got, exact, factor in zip((dx, dw), want, (w, x), strict=True):
        assert error(got.numpy(), exact, g, factor) <= BOUND


@pytest.mark.parametrize("channels", [(1, 16), (2, 33), (3, 17), (5, 7), (7, 5), (17, 3), (31, 2), (16, 1)])
@pytest.mark.parametrize("size", [5, 6, 7, 11, 12, 13, 17, 19, 24, 25])
def test_sizes_around_the_tiles(channels, size, always):
    ins, outs = channels
    rng = np.random.default_rng(size)
    x, w = single(rng.standard_normal([2, ins, size, size + 1]), rng.standard_normal([outs, ins, 3, 3]))
    leaves = [tensor(a).requires_grad_() for a in (x, w)]
    y = F.conv2d(*leaves, padding=1)
    g = rng.standard_normal(y.shape).astype(np.float32)
    dx, dw = penlight.autograd.grad(y, leaves, tensor(g))
    assert error(y.detach().numpy(), convolution(x, w, None, [1, 1], [(1, 1)] * 2, [1, 1], 1)) <= BOUND
    flipped = np.ascontiguousarray(w[:, :, ::-1, ::-1].swapaxes(0, 1))
    assert error(dx.numpy(), convolution(g, flipped, None, [1, 1], [(1, 1)] * 2, [1, 1], 1)) <= BOUND
    by_weight = convolution(x.swapaxes(0, 1), g.swapaxes(0, 1), None, [1, 1], [(1, 1)] * 2, [1, 1], 1)
    assert error(dw.numpy(), by_weight.swapaxes(0, 1)) <= BOUND


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 25, 27, 31, 45, 63])
@pytest.mark.parametrize("length", [1, 2, 97, 640])
def test_kernels_of_every_length(kernel, length, always):
    rng = np.random.default_rng(kernel)
    x, w = single(rng.standard_normal([3, 5, length + kernel - 1]), rng.standard_normal([18, 5, kernel]))
    leaves = [tensor(a).requires_grad_() for a in (x, w)]
    y = F.conv1d(*leaves)
    g = rng.standard_normal(y.shape).astype(np.float32)
    dx, dw = penlight.autograd.grad(y, leaves, tensor(g))
    assert error(y.detach().numpy(), convolution(x, w, None, [1], [(0, 0)], [1], 1)) <= BOUND
    flipped = np.ascontiguousarray(w[:, :, ::-1].swapaxes(0, 1))
    pad = [(kernel - 1, kernel - 1)]
    assert error(dx.numpy(), convolution(g, flipped, None, [1], pad, [1], 1)) <= BOUND
    by_weight = convolution(x.swapaxes(0, 1), g.swapaxes(0, 1), None, [1], [(0, 0)], [1], 1)
    assert error(dw.numpy(), by_weight.swapaxes(0, 1)) <= BOUND


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("taps", [13, 64, 129, 1000])
@pytest.mark.parametrize(
    ("channels", "outs", "groups"), [(1, 1, 1), (2, 5, 1), (3, 3, 3), (1, 17, 1), (18, 6, 6)]
)
@pytest.mark.parametrize("dilation", [1, 3])
def test_long_filters(taps, channels, outs, groups, dilation, mode, always):
    rng = np.random.default_rng(taps)
    shape, weight = (2, channels, 3, dilation * (taps + 37)), (outs, channels // groups, 1, taps)
    arguments = dict(padding=(0, 11), dilation=(1, dilation), groups=groups, padding_mode=mode)
    for part in ("forward", "input_gradient", "weight_gradient"):
        name = backend.algorithm(shape, weight, part=part, **arguments)
        assert name.startswith("fourier" if taps > 64 else ("fourier", "winograd"))
    x, w, b = single(rng.standard_normal(shape), rng.standard_normal(weight), rng.standard_normal(outs))
    leaves = [tensor(a, layout).requires_grad_() for a, layout in ((x, "stepped"), (w, "transposed"))]
    y = F.conv2d(*leaves, tensor(b), **arguments)
    rest = ([1, 1], [(0, 0), (11, 11)], [1, dilation], groups, mode)
    assert error(y.detach().numpy(), convolution(x, w, b, *rest)) <= BOUND
    g, v, u = (rng.standard_normal(shape) for shape in (y.shape, x.shape, w.shape))
    g = g.astype(np.float32)
    y.backward(tensor(g))
    for leaf, direction, change in (
        (leaves[0], v, convolution(v, w, None, *rest)),
        (leaves[1], u, convolution(x, u, None, *rest)),
    ):
        found = np.sum(leaf.grad.numpy().astype(np.float64) * direction)
        scale = np.linalg.norm(g) * np.linalg.norm(change)
        assert abs(found - np.sum(g * change)) <= BOUND / 4 * (1 + scale)


@pytest.mark.parametrize("isa", ["baseline", "avx2"])
def test_lesser_instruction_sets_compute_the_same(isa):
    # Where the processor has not the one asked for, its best is tested again.
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider", "-q", __file__]
    done = subprocess.run(
        [*command, "-k", "definition or tiles or every_length or every_shape or test_long_filters"],
        env={**os.environ, "PENLIGHT_ISA": isa},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]


# ---- errors


@pytest.mark.parametrize(
    ("input", "weight", "arguments"),
    [
        *MEANT[3:6],
        ((2, 64, 56, 56), (64, 64, 3, 3), dict(padding=1)),
        ((2, 256, 14, 14), (64, 256, 3, 3), dict(padding=1)),
        ((2, 64, 1500), (32, 64, 9), {}),
        ((1, 32, 40, 40), (32, 32, 7, 7), {}),
        ((2, 16, 12, 20, 20), (16, 16, 3, 3, 3), {}),
        ((1, 2, 20000), (3, 2, 1023), {}),
        ((2, 3, 224, 224), (64, 3, 7, 7), dict(stride=2, padding=3)),
        ((2, 32, 56, 56), (64, 32, 4, 4), dict(stride=2, padding=1)),
        ((1, 3, 227, 227), (64, 3, 11, 11), dict(stride=4)),
        ((2, 8, 16, 32, 32), (16, 8, 3, 3, 3), {}),
    ],
)
def test_errors_stay_within_the_bound_for_every_shape(input, weight, arguments):
    rng = np.random.default_rng(0)
    x, w = single(rng.standard_normal(input), rng.standard_normal(weight))
    dims = len(input) - 2
    assert backend.algorithm(input, weight, **arguments).startswith(("winograd", "fourier"))

    def run(x, w):
        leaves = [penlight.tensor(a, requires_grad=True) for a in (x, w)]
        y = CONV[dims](*leaves, **arguments)
        g = np.random.default_rng(1).standard_normal(y.shape).astype(x.dtype)
        return [y.detach(), *penlight.autograd.grad(y, leaves, penlight.tensor(g))]

    for got, want in zip(run(x, w), run(x.astype(np.float64), w.astype(np.float64)), strict=True):
        # The double one's direction is not rounded to float32: a part in 10^7.
        assert error(got.numpy(), want.numpy()) <= BOUND


# ---- promises


LONG = ((3, 2, 9000), (3, 2, 500), dict(padding=7))


@pytest.mark.parametrize(("input", "weight", "arguments"), [*MEANT[3:6], LONG])
def test_the_same_bits_at_any_number_of_threads(input, weight, arguments):
    rng = np.random.default_rng(0)
    x, w = single(rng.standard_normal(input), rng.standard_normal(weight))
    before = penlight.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            penlight.set_num_threads(threads)
            leaves = [tensor(a).requires_grad_() for a in (x, w)]
            y = CONV[len(input) - 2](*leaves, **arguments)
            made = [y, *penlight.autograd.grad(y, leaves, penlight.ones_like(y))]
            results.append([t.detach().numpy().tobytes() for t in made])
    finally:
        penlight.set_num_threads(before)
    assert results[0] == results[1] == results[2]

"""Products and convolutions around the sizes of their blocks: tiles, panels, blocks of positions."""

import itertools

import numpy as np
import pytest

import penlight
import penlight.nn.functional as F
from penlight.backends import conv as backend
from tests.ops.conv_cases import convolution, error, gradients, wanted_gradients

TYPES = {penlight.float32: 1e-5, penlight.float64: 1e-13}


@pytest.fixture(autouse=True)
def direct_arithmetic():
    before = backend.fast_algorithms
    backend.fast_algorithms = False
    yield
    backend.fast_algorithms = before


def check(shape, weight, dtype, stride=1, padding=0, dilation=1, groups=1, mode="zeros"):
    options = [(value,) * (len(shape) - 2) for value in (stride, padding, dilation)]
    check_axes(shape, weight, *options, mode, dtype, groups)


def check_axes(shape, weight, stride, padding, dilation, mode, dtype=penlight.float32, groups=1):
    dims, options = len(shape) - 2, [stride, padding, dilation]
    rng = np.random.default_rng(3)
    x, w, b = rng.standard_normal(shape), rng.standard_normal(weight), rng.standard_normal(weight[0])
    wanted = convolution(x, w, b, options[0], [(p, p) for p in options[1]], options[2], groups, mode)
    g = rng.standard_normal(wanted.shape)
    call = dict(stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=mode)
    got = gradients(dims, x, w, b, g, dtype, **call)
    found = (wanted, *wanted_gradients(x, w, g, *options, groups, mode))
    for value, reference in zip(got, found, strict=True):
        assert error(value.detach().numpy(), reference) < TYPES[dtype]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("ins", [1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33])
def test_channels_around_registers_and_rows_around_panels(ins, dtype):
    for outs in (1, 5, 7, 8, 13, 14, 15, 29):
        check((2, ins, 5, 11), (outs, ins, 3, 2), dtype, padding=1)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("width", [1, 13, 383, 384, 385, 511, 512, 513, 1031, 2047, 2049])
def test_widths_around_blocks_of_positions(width, dtype):
    check((1, 8, width), (9, 8, 3), dtype, padding=1)
    check((2, 3, width + 4), (8, 3, 5), dtype, stride=2)


@pytest.mark.parametrize("batch", [1, 2, 7, 8, 9, 17])
def test_batches_around_blocks_of_whole_planes(batch):
    check((batch, 16, 7, 7), (14, 16, 3, 3), penlight.float32, padding=1)
    check((batch, 4, 3, 5, 5), (9, 4, 3, 3, 3), penlight.float32, padding=1)


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(1, 2, 1), (2, 5, 1), (4, 4, 1), (3, 1, 3), (3, 2, 3), (2, 5, 2)]
)
def test_strides_and_dilations_as_they_are_stored(kernel, stride, dilation, mode):
    for ins in (3, 16):
        check((2, ins, 17, 19), (8, ins, kernel, kernel), penlight.float64, stride, 1, dilation, mode=mode)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("ins", [28, 29, 151, 152, 303])
def test_sums_around_the_blocks_that_few_rows_gather(ins, dtype):
    for outs in (1, 3):
        check((2, ins, 4, 4, 3), (outs, ins, 3, 3, 3), dtype, padding=1, stride=2)


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_rows_without_taps_of_their_own_are_one_long_row(mode):
    for kernel, padding, dilation in (
        ((3, 1), (1, 0), 1),
        ((2, 1), (2, 0), 2),
        ((1, 1), 0, 1),
        ((1, 1), 1, 1),
    ):
        options = [value if isinstance(value, tuple) else (value,) * 2 for value in (1, padding, dilation)]
        for size in ((6, 5), (14, 14), (9, 33)):
            check_axes((3, 20, *size), (17, 20, *kernel), *options, mode)
    check_axes((2, 9, 4, 5, 6), (10, 9, 2, 1, 1), (1, 1, 1), (1, 0, 0), (1, 1, 1), mode)
    check_axes((2, 9, 5, 5, 6), (10, 9, 2, 3, 1), (2, 1, 1), (1, 1, 0), (1, 1, 1), mode)


def test_a_batch_of_none_has_zero_gradients():
    x, w = penlight.zeros(0, 16, 9, 9, requires_grad=True), penlight.randn(16, 16, 3, 3, requires_grad=True)
    F.conv2d(x, w).sum().backward()
    assert x.grad.shape == x.shape and bool((w.grad == 0).all())


@pytest.mark.parametrize(
    ("kernel", "part", "input", "weight", "options"),
    [
        ("direct", "forward", (4, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
        ("direct", "forward", (1, 3, 224, 224), (64, 3, 7, 7), {"padding": 3, "stride": 2}),
        ("direct", "input_gradient", (8, 32, 56, 56), (64, 32, 3, 3), {"padding": 1, "stride": 2}),
        ("implicit", "forward", (4, 256, 14, 14), (256, 256, 3, 3), {"padding": 1}),
        ("implicit", "weight_gradient", (4, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
        ("implicit", "weight_gradient", (4, 64, 56, 56), (128, 64, 3, 3), {"padding": 1, "stride": 2}),
        ("direct", "weight_gradient", (4, 1, 64, 64), (4, 1, 3, 3), {}),
        ("pointwise", "forward", (4, 64, 56, 56), (256, 64, 1, 1), {}),
        ("pointwise", "input_gradient", (1, 256, 14, 14), (256, 256, 1, 1), {}),
        ("implicit", "forward", (4, 256, 14, 14), (256, 256, 1, 1), {}),
        ("implicit", "input_gradient", (4, 256, 28, 28), (256, 256, 1, 1), {}),
    ],
)
def test_shapes_get_the_kernel_meant_for_them(kernel, part, input, weight, options):
    assert backend.algorithm(input, weight, part=part, dtype=penlight.float64, **options) == kernel


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("k", [1, 16, 127, 129, 255, 257])
def test_products_around_tiles_with_every_layout(k, dtype):
    rng = np.random.default_rng(k)
    for m, n in itertools.product((1, 5, 13, 14, 15, 29), (1, 8, 15, 16, 17, 31, 32, 33, 65)):
        a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
        for turn_a, turn_b in itertools.product((False, True), repeat=2):
            left = penlight.tensor(a.T.copy(), dtype=dtype).t() if turn_a else penlight.tensor(a, dtype=dtype)
            right = (
                penlight.tensor(b.T.copy(), dtype=dtype).t() if turn_b else penlight.tensor(b, dtype=dtype)
            )
            assert error((left @ right).numpy(), a @ b) < TYPES[dtype]


def test_the_same_bits_at_any_number_of_threads():
    before, found = penlight.get_num_threads(), []
    x, w, g = penlight.randn(3, 48, 30, 31), penlight.randn(40, 48, 3, 3), penlight.randn(3, 40, 30, 31)
    a, b = penlight.randn(300, 200), penlight.randn(150, 200).t()
    try:
        for threads in (1, 2, 3):
            penlight.set_num_threads(threads)
            x.requires_grad_(), w.requires_grad_()
            y = F.conv2d(x, w, padding=1)
            parts = (y.detach(), *penlight.autograd.grad(y, (x, w), g), a @ b)
            found.append([part.numpy().tobytes() for part in parts])
    finally:
        penlight.set_num_threads(before)
    assert found[1:] == found[:1] * 2

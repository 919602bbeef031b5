"""Strided convolutions by phases: where they are run so, and what they compute at every edge."""

import itertools

import numpy as np
import pytest

import penlight
import penlight.nn.functional as F
from penlight import _C
from penlight.backends import conv as backend
from tests.ops.conv_cases import NUMPY_MODE, convolution, error, gradients, wanted_gradients

PARTS = ("forward", "input_gradient", "weight_gradient")
BOUND = {penlight.float32: 2e-5, penlight.float64: 1e-12}


@pytest.fixture
def always():
    """Fast algorithms wherever there is one, however small the convolution."""
    _C._set_fast_convolutions(True, True)
    yield
    _C._set_fast_convolutions(True)


def check(shape, weight, stride, padding, dilation, groups=1, mode="zeros", dtype=penlight.float32):
    dims = len(shape) - 2
    stride, padding, dilation = (
        value if isinstance(value, tuple) else (value,) * dims for value in (stride, padding, dilation)
    )
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, weight[2:], strict=True)]
    if any(n + 2 * p < r for n, p, r in zip(shape[2:], padding, reach, strict=True)):
        return
    rng = np.random.default_rng(5)
    x, w, b = (rng.standard_normal(size) for size in (shape, weight, weight[:1]))
    x, w, b = (value.astype(np.float32).astype(np.float64) for value in (x, w, b))
    wanted = convolution(x, w, b, stride, [(p, p) for p in padding], dilation, groups, mode)
    g = rng.standard_normal(wanted.shape)
    call = dict(stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=mode)
    got = gradients(dims, x, w, b, g, dtype, **call)
    found = (wanted, *wanted_gradients(x, w, g, stride, padding, dilation, groups, mode))
    for value, reference in zip(got, found, strict=True):
        assert error(value.detach().numpy(), reference) < BOUND[dtype]


@pytest.mark.parametrize(
    ("input", "weight", "options"),
    [
        ((8, 3, 224, 224), (64, 3, 7, 7), dict(stride=2, padding=3, padding_mode="circular")),
        ((8, 32, 56, 56), (64, 32, 4, 4), dict(stride=2, padding=1)),
        ((8, 64, 56, 56), (64, 64, 5, 5), dict(stride=2, padding=1)),
        ((16, 32, 4000), (32, 32, 9), dict(stride=2)),
    ],
)
@pytest.mark.parametrize("part", PARTS)
def test_strided_shapes_get_a_fast_algorithm(input, weight, options, part):
    assert backend.algorithm(input, weight, part=part, **options).startswith("winograd F(")


def test_the_input_gradient_of_patches_is_one_product():
    def names(part, dtype):
        return backend.algorithm((8, 3, 224, 224), (768, 3, 16, 16), part=part, stride=16, dtype=dtype)

    for dtype in (penlight.float32, penlight.float64):
        assert names("input_gradient", dtype) in ("pointwise", "implicit")


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 7])
@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_kernels_strides_and_padding(always, kernel, stride, padding):
    for size in (5, 8, 13, 16, 30):
        check((2, 3, size, size + 1), (5, 3, kernel, kernel), stride, padding, 1)


@pytest.mark.parametrize("mode", NUMPY_MODE)
@pytest.mark.parametrize("channels", [1, 2, 7, 17])
def test_modes_and_channels(always, channels, mode):
    for groups in (1, channels):
        check((2, channels, 17, 19), (2 * channels, channels // groups, 5, 4), 2, 3, 1, groups, mode)


@pytest.mark.parametrize("dilation", [2, 3])
@pytest.mark.parametrize("stride", [2, 3, 4, 6])
def test_dilation_with_and_without_a_common_divisor(always, stride, dilation):
    for kernel, padding in itertools.product((2, 5), (0, 4)):
        check((1, 3, 40), (4, 3, kernel), stride, padding, dilation)
        check((1, 2, 23, 14), (3, 2, kernel, 2), stride, padding, dilation)


def test_strides_that_differ_by_axis_and_three_axes(always):
    check((2, 3, 9, 20), (4, 3, 3, 5), (1, 2), (1, 2), 1)
    check((2, 3, 20, 9), (4, 3, 5, 3), (2, 1), (2, 0), (1, 2))
    check((2, 3, 7, 8, 9), (4, 3, 3, 2, 4), (2, 1, 2), (1, 0, 2), 1)
    check((1, 2, 7, 8, 9), (4, 2, 4, 4, 4), 2, 1, 1)


@pytest.mark.parametrize("dtype", BOUND)
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (4, 2), (3, 3), (16, 16), (17, 17), (1, 2)])
def test_kernels_that_their_stride_divides(kernel, stride, dtype):
    for size in (kernel, kernel + stride, 3 * stride + kernel - 1, 5 * stride + 1):
        check((3, 3, size, size), (9, 3, kernel, kernel), stride, 0, 1, dtype=dtype)
        check((3, 3, size, size), (9, 3, kernel, kernel), stride, 1, 1, dtype=dtype)
        check((3, 4, size), (6, 2, kernel), stride, 1, 1, groups=2, dtype=dtype)


def test_more_images_than_are_split_at_a_time():
    check((40, 4, 96, 97), (8, 4, 4, 4), 2, 1, 1)


def test_a_nan_stays_within_the_windows_that_meet_it():
    x, w = penlight.zeros(1, 8, 40, 40), penlight.ones(8, 8, 3, 3)
    x[0, 0, 9, 9] = float("nan")
    before, backend.fast_algorithms = backend.fast_algorithms, False
    try:
        y = F.conv2d(x, w, stride=2)
        back = F.conv_transpose2d(x, w, stride=2)
    finally:
        backend.fast_algorithms = before
    assert int(penlight.isnan(y[0, 0]).sum()) == 1
    assert int(penlight.isnan(back[0, 0]).sum()) == 9


def test_the_same_bits_at_any_number_of_threads():
    before, found = penlight.get_num_threads(), []
    x, w, g = penlight.randn(9, 16, 96, 96), penlight.randn(24, 16, 4, 4), penlight.randn(9, 24, 47, 47)
    try:
        for threads in (1, 2, 3):
            penlight.set_num_threads(threads)
            x.requires_grad_(), w.requires_grad_()
            y = F.conv2d(x, w, stride=2)
            parts = (y.detach(), *penlight.autograd.grad(y, (x, w), g))
            found.append([part.numpy().tobytes() for part in parts])
    finally:
        penlight.set_num_threads(before)
    assert found[1:] == found[:1] * 2

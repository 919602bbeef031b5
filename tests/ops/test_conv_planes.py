"""Convolutions of groups of one channel, computed plane by plane."""

import itertools

import numpy as np
import pytest

import penlight
import penlight.nn.functional as F
from penlight import _C
from tests.ops.conv_cases import (
    NUMPY_MODE,
    check_bits_at_any_number_of_threads,
    check_definition,
    convolution,
    error,
)
from tests.ops.test_conv_grouped import sizes_and_rest

MODES = tuple(NUMPY_MODE)


def path(shape, weight, groups, **options):
    return _C._conv_kernels(shape, weight, groups=groups, **options)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("results", [1, 3])
@pytest.mark.parametrize("rows", [1, 3, 4, 5, 7])
def test_values_around_the_numbers_of_rows_and_lanes(rows, results, mode):
    groups = 3
    for width, dtype in itertools.product(
        (10, 15, 16, 17, 31, 33, 63, 65), (penlight.float32, penlight.float64)
    ):
        if mode == "reflect" and rows == 1:
            continue
        shape, weight = sizes_and_rest(groups, (1, results), (rows, width), (3, 3))
        if 5 * width >= 3 * 16 * -(-width // 16):
            assert path(shape, weight, groups, padding=1, padding_mode=mode, dtype=dtype) == (
                "planes",
                "planes",
            )
        rng = np.random.default_rng(width)
        x, w, b = rng.standard_normal(shape), rng.standard_normal(weight), rng.standard_normal(weight[0])
        y = F.conv2d(
            *(penlight.tensor(value, dtype=dtype) for value in (x, w, b)),
            padding=1,
            groups=groups,
            padding_mode=mode,
        )
        wanted = convolution(x, w, b, (1, 1), [(1, 1)] * 2, (1, 1), groups, mode)
        assert error(y.numpy(), wanted) < (1e-5 if dtype is penlight.float32 else 1e-13)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "kernel", [(1, 1), (2, 3), (3, 2), (4, 1), (5, 5), (6, 9), (7, 7), (8, 3), (1, 12), (9, 1)]
)
def test_kernels_of_every_shape(kernel, mode):
    check_definition(*sizes_and_rest(2, (1, 1), (11, 18), kernel), groups=2, padding=1, mode=mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("dilation", "padding"), [(2, 2), (3, 3), (5, 4), (2, 0), (1, 5)])
def test_dilation_and_wide_padding(dilation, padding, mode):
    check_definition(
        *sizes_and_rest(3, (1, 2), (14, 17), (3, 3)), groups=3, dilation=dilation, padding=padding, mode=mode
    )


@pytest.mark.parametrize(
    ("spatial", "kernel", "padding"),
    [
        ((4100,), (9,), 4),
        ((20,), (3,), 1),
        ((5, 6, 14), (3, 2, 3), 1),
        ((40, 300), (5, 5), 2),
        ((130, 64), (3, 3), 1),
    ],
)
def test_rows_longer_than_a_block_and_every_number_of_axes(spatial, kernel, padding):
    shape, weight = sizes_and_rest(2, (1, 1), spatial, kernel, batch=1)
    assert path(shape, weight, groups=2, padding=padding) == ("planes", "planes")
    check_definition(shape, weight, groups=2, padding=padding)


def test_an_infinity_stays_with_the_taps_that_meet_it():
    # Of the first column's taps only the middle and the right one do; the left one reads the padding.
    x, w = penlight.zeros(1, 2, 6, 20), penlight.ones(2, 1, 3, 3, requires_grad=True)
    x[0, 0, 3, 0] = float("inf")
    y = F.conv2d(x, w, padding=1, groups=2)
    assert penlight.isinf(y[0, 0, 2:5, :2]).all()
    assert penlight.isinf(y).sum() == 6
    (slope,) = penlight.autograd.grad(y, w, penlight.ones(1, 2, 6, 20))
    assert penlight.isinf(slope[0, 0, :, :2]).all()
    assert (slope[0, 0, :, 2] == 0).all()
    assert (slope[1] == 0).all()


@pytest.mark.parametrize("batch", [1, 5])
def test_batches_of_every_size(batch):
    check_definition(*sizes_and_rest(4, (1, 1), (9, 16), (3, 3), batch=batch), groups=4, padding=1)


def test_no_images_give_weights_no_gradient():
    x, w = penlight.zeros(0, 4, 9, 16), penlight.ones(4, 1, 3, 3, requires_grad=True)
    y = F.conv2d(x, w, padding=1, groups=4)
    assert y.shape == (0, 4, 9, 16)
    (slope,) = penlight.autograd.grad(y.sum(), w)
    assert slope.shape == w.shape
    assert (slope == 0).all()


def test_the_same_bits_at_any_number_of_threads():
    check_bits_at_any_number_of_threads((3, 40, 30, 31), (80, 1, 3, 3), padding=1, groups=40)

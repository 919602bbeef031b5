"""Convolutions of small planes of many images: the kernel with a lane for each image."""

import pytest

import penlight
import penlight.nn.functional as F
from tests.ops.conv_cases import NUMPY_MODE, check_bits_at_any_number_of_threads, check_definition

MODES = tuple(NUMPY_MODE)


def path(shape, weight, part="forward", **options):
    return penlight.backends.conv.algorithm(shape, weight, part=part, **options)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("batch", [11, 15, 16, 17, 27, 33])
def test_batches_around_the_number_of_lanes(batch, mode):
    check_definition((batch, 2, 7, 6), (5, 2, 3, 3), padding=1, mode=mode)


@pytest.mark.parametrize("rows", [1, 2, 5, 6, 7, 8, 9, 16, 17])
@pytest.mark.parametrize("width", [3, 5, 8, 9, 12, 30])
def test_rows_and_positions_around_the_size_of_a_tile(rows, width):
    shape, weight = (16, 3, 4, width), (rows, 3, 3, 3)
    if rows >= 5 and width > 3:
        assert path(shape, weight) == "images"
    check_definition(shape, weight)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"),
    [(2, 1, 1, 1), (3, 2, 1, 1), (1, 2, 2, 1), (2, 3, 2, 1), (1, 4, 1, 1), (1, 1, 1, 3)],
)
def test_strides_dilation_padding_and_groups(mode, stride, padding, dilation, groups):
    check_definition(
        (16, 9, 8, 7),
        (12, 9 // groups, 3, 3),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        mode=mode,
    )


@pytest.mark.parametrize(
    ("shape", "weight", "padding"),
    [
        ((32, 4, 20), (6, 4, 5), 2),
        ((16, 3, 5, 6, 7), (8, 3, 3, 2, 3), 1),
        ((16, 40, 6, 6), (8, 40, 2, 3), 0),
        ((16, 130, 5, 5), (4, 130, 3, 3), 1),
        ((40, 5, 30, 11), (7, 5, 5, 5), 2),
    ],
)
def test_every_number_of_axes_and_more_than_a_block(shape, weight, padding):
    assert path(shape, weight, padding=padding) == "images"
    check_definition(shape, weight, padding=padding)


def test_all_three_parts_are_taken_for_a_small_net():
    shape, weight = (64, 6, 12, 12), (20, 6, 5, 5)
    for part in ("forward", "input_gradient"):
        assert path(shape, weight, part, dtype=penlight.float64) == "images"
    shape, weight = (64, 3, 16, 16), (16, 3, 3, 5)
    assert path(shape, weight, "weight_gradient", padding=1) == "images"
    assert path((1, 3, 16, 16), weight, padding=1) != "images"  # too few images


def test_an_image_of_infinities_stays_alone():
    x = penlight.ones(17, 3, 8, 8)
    x[16] = float("inf")
    w = penlight.ones(4, 3, 3, 3, requires_grad=True)
    y = F.conv2d(x, w)
    assert (y[:16] == 27).all()
    assert penlight.isinf(y[16]).all()
    (slope,) = penlight.autograd.grad(y, w, penlight.ones_like(y))
    assert (slope == float("inf")).all()


def test_the_same_bits_at_any_number_of_threads():
    check_bits_at_any_number_of_threads((37, 6, 12, 12), (16, 6, 5, 5))

"""Convolutions of many groups of few channels: the kernel with a lane for each group."""

import itertools

import numpy as np
import pytest

import penlight
import penlight.nn.functional as F
from penlight import _C
from tests.ops.conv_cases import (
    NUMPY_MODE,
    check_bits_at_any_number_of_threads,
    convolution,
    error,
    gradients,
    wanted_gradients,
)

MODES = tuple(NUMPY_MODE)


def sizes_and_rest(groups, channels, spatial, kernel, batch=2):
    ins, outs = channels
    return (batch, groups * ins, *spatial), (groups * outs, ins, *kernel)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("groups", [15, 16, 17, 33])
@pytest.mark.parametrize("channels", [(1, 1), (1, 3), (2, 1), (2, 3), (3, 5), (4, 4), (8, 8)])
def test_values_around_the_numbers_of_lanes_and_rows(groups, channels, mode):
    rng = np.random.default_rng(groups)
    for width, dtype in itertools.product((1, 7, 8, 15, 16, 17, 33), (penlight.float32, penlight.float64)):
        if mode == "reflect" and width == 1:
            continue
        shape, weight = sizes_and_rest(groups, channels, (3, width), (3, 3))
        # (Wide rows of groups of one channel go plane by plane.)
        found = _C._conv_kernels(shape, weight, padding=1, groups=groups, padding_mode=mode, dtype=dtype)
        assert found == ("grouped", "grouped") or (
            found == ("planes", "planes") and channels[0] == 1 and width > 4
        )
        x, w, b = rng.standard_normal(shape), rng.standard_normal(weight), rng.standard_normal(weight[0])
        given = [penlight.tensor(value, dtype=dtype) for value in (x, w, b)]
        y = F.conv2d(*given, padding=1, groups=groups, padding_mode=mode)
        wanted = convolution(x, w, b, (1, 1), [(1, 1)] * 2, (1, 1), groups, mode)
        assert error(y.numpy(), wanted) < (1e-5 if dtype is penlight.float32 else 1e-13)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("stride", "dilation", "padding"), [(1, 1, 1), (2, 1, 1), (3, 1, 2), (1, 2, 2), (2, 3, 3)]
)
@pytest.mark.parametrize("channels", [(1, 1), (1, 2), (2, 2)])
def test_gradients_are_the_definition(mode, stride, dilation, padding, channels):
    groups, kernel, spatial = 13, (2, 3), (6, 5)
    shape, weight = sizes_and_rest(groups, channels, spatial, kernel)
    assert _C._conv_kernels(shape, weight, stride, padding, dilation, groups, mode)[1] in (
        "grouped",
        "direct",
        "planes",
    )
    rng = np.random.default_rng(3)
    x, w, b = rng.standard_normal(shape), rng.standard_normal(weight), rng.standard_normal(weight[0])
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    lists = ((stride,) * 2, (padding,) * 2, (dilation,) * 2)
    out = convolution(x, w, b, lists[0], [(padding, padding)] * 2, lists[2], groups, mode)
    g = rng.standard_normal(out.shape)
    wanted = (out, *wanted_gradients(x, w, g, *lists, groups, mode))
    for dtype, bound in ((penlight.float32, 1e-5), (penlight.float64, 1e-13)):
        found = gradients(2, x, w, b, g, dtype, padding_mode=mode, **options)
        for got, want in zip(found, wanted, strict=True):
            assert error(got.detach().numpy(), want) < bound


@pytest.mark.parametrize(
    ("spatial", "kernel", "options"),
    [
        ((4100,), (9,), {"padding": 4}),
        ((5, 6, 7), (3, 2, 3), {"padding": 1, "stride": 2}),
        ((40, 300), (5, 5), {"padding": 2}),
        ((64, 64), (7, 7), {"padding": 3, "dilation": 1}),
    ],
)
@pytest.mark.parametrize("channels", [(1, 1), (2, 2), (3, 2)])
def test_rows_longer_than_a_block_and_every_number_of_axes(spatial, kernel, options, channels):
    groups, dims = 16, len(spatial)
    shape, weight = sizes_and_rest(groups, channels, spatial, kernel, batch=1)
    rng = np.random.default_rng(5)
    x, w, b = rng.standard_normal(shape), rng.standard_normal(weight), rng.standard_normal(weight[0])
    stride, padding = (options.get("stride", 1),) * dims, (options["padding"],) * dims
    wanted = convolution(x, w, b, stride, [(p, p) for p in padding], (1,) * dims, groups)
    g = rng.standard_normal(wanted.shape)
    y, dx, dw, db = gradients(dims, x, w, b, g, penlight.float32, groups=groups, **options)
    assert error(y.detach().numpy(), wanted) < 1e-5
    # The three are each other's transposes: <y - b, g> = <x, dx> = <w, dw>.
    inner = float(np.sum((wanted - b.reshape(-1, *[1] * dims)) * g))
    scale = float(np.linalg.norm(wanted) * np.linalg.norm(g))
    assert abs(float(np.sum(x * dx.numpy())) - inner) < 1e-6 * scale
    assert abs(float(np.sum(w * dw.numpy())) - inner) < 1e-6 * scale
    assert error(db.numpy(), g.sum((0, *range(2, g.ndim)))) < 1e-5


def test_the_same_bits_at_any_number_of_threads():
    check_bits_at_any_number_of_threads((3, 80, 30, 31), (80, 2, 3, 3), padding=1, groups=40)

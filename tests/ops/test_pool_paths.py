"""Max pooling's ways of going through memory: pairs in registers, tables for short rows, rows of columns."""

import numpy as np
import pytest

import penlight
import penlight.nn.functional as F

FUNCTIONS = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def pooled(x, kernel, stride):
    """Values and flat places by definition: the first of the largest, or the last NaN."""
    dims = len(kernel)
    spatial = x.shape[-dims:]
    counts = [(n - k) // s + 1 for n, k, s in zip(spatial, kernel, stride, strict=True)]
    values, places = (
        np.empty((*x.shape[:-dims], *counts), x.dtype),
        np.empty((*x.shape[:-dims], *counts), np.int64),
    )
    for lead in np.ndindex(*x.shape[:-dims]):
        for o in np.ndindex(*counts):
            best = None
            for t in np.ndindex(*kernel):
                at = tuple(i * s + j for i, s, j in zip(o, stride, t, strict=True))
                value = x[lead + at]
                if best is None or value > values[lead + o] or np.isnan(value):
                    best, values[lead + o] = at, value
            places[lead + o] = np.ravel_multi_index(best, spatial)
    return values, places


@pytest.mark.parametrize("dtype", [penlight.float32, penlight.float64])
@pytest.mark.parametrize("width", [2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 34, 67])
@pytest.mark.parametrize(
    ("kernel", "stride"),
    [
        ((2, 2), (2, 2)),
        ((3, 2), (1, 2)),
        ((2, 2), (3, 2)),
        ((1, 2), (1, 2)),
        ((3, 3), (2, 2)),
        ((2, 2), (1, 1)),
    ],
)
@pytest.mark.parametrize("planes", [(1, 3), (4, 5)])
def test_values_places_and_gradients_by_definition(width, kernel, stride, planes, dtype):
    if width < kernel[1]:
        return
    rng = np.random.default_rng(width)
    # Few different values, so that many are equal, and some that are no number.
    x = rng.integers(-2, 3, (*planes, 7, width)).astype(np.float64)
    x[rng.random(x.shape) < 0.05] = np.nan
    x[rng.random(x.shape) < 0.1] = -np.inf
    values, places = pooled(x, kernel, stride)
    given = penlight.tensor(x, dtype=dtype, requires_grad=True)
    y, at = F.max_pool2d(given, kernel, stride, return_indices=True)
    np.testing.assert_array_equal(y.detach().numpy(), values)
    np.testing.assert_array_equal(at.numpy(), places)
    np.testing.assert_array_equal(F.max_pool2d(given.detach(), kernel, stride).numpy(), values)
    slope = rng.standard_normal(values.shape)
    (found,) = penlight.autograd.grad(y, given, penlight.tensor(slope, dtype=dtype))
    wanted = np.zeros((*planes, 7 * width))
    for lead in np.ndindex(*planes):
        np.add.at(wanted[lead], places[lead].ravel(), slope[lead].ravel())
    tolerance = 1e-6 if dtype is penlight.float32 else 1e-14
    np.testing.assert_allclose(found.numpy(), wanted.reshape(x.shape), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((20, 40), {"kernel_size": 2}),
        ((20, 41), {"kernel_size": 2, "ceil_mode": True}),
        ((5, 3, 6, 7, 10), {"kernel_size": 2}),
        ((9, 2, 8, 9), {"kernel_size": 3, "stride": 2, "padding": 1}),
        ((9, 2, 12, 12), {"kernel_size": 3, "stride": 1, "dilation": 2}),
        ((9, 2, 12, 12), {"kernel_size": 2, "ceil_mode": True, "stride": 3}),
    ],
)
def test_many_planes_are_pooled_as_each_alone(shape, options):
    function = FUNCTIONS[max(1, len(shape) - 2)]
    x = penlight.randn(*shape, dtype=penlight.float64)
    y = function(x, **options)
    for plane in range(shape[0]):
        assert (y[plane] == function(x[plane : plane + 1], **options)[0]).all()

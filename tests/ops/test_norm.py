"""Normalisation of columns and rows around the sizes of the kernels' blocks, against NumPy in float64."""

import numpy as np
import pytest

import penlight
from penlight.nn.functional import batch_norm, layer_norm

# One row less and more than the parts and blocks of rows, one column less and more than a tile.
SIZES = [
    (2, 1),
    (3, 7),
    (31, 5),
    (33, 16),
    (97, 511),
    (131, 512),
    (300, 513),
    (5000, 3),
    (65537, 1),
    (40, 1700),
]


def inputs(sizes):
    random = np.random.default_rng(sum(sizes))
    x = random.normal(3, 2, sizes) + np.linspace(0, 5, sizes[0])[:, None]
    return x, random.normal(size=sizes), random.normal(size=sizes[1]), random.normal(size=sizes[1])


def normalized(x, along):
    mean, variance = x.mean(along, keepdims=True), x.var(along, keepdims=True)
    rstd = 1 / np.sqrt(variance + 1e-5)
    return (x - mean) * rstd, rstd


def tensors(*arrays, dtype):
    return [penlight.from_numpy(a).to(dtype).requires_grad_() for a in arrays]


@pytest.mark.parametrize("dtype", [penlight.float32, penlight.float64])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("along", [0, 1])
def test_values_and_gradients(sizes, along, dtype):
    x, g, weight, bias = inputs(sizes)
    unit, rstd = normalized(x, along)
    inner = g * weight
    back = inner - inner.mean(along, keepdims=True) - unit * (inner * unit).mean(along, keepdims=True)
    a, w, b = tensors(x, weight, bias, dtype=dtype)
    y = batch_norm(a, None, None, w, b, training=True) if along == 0 else layer_norm(a, sizes[1:], w, b)
    found = penlight.autograd.grad(y, (a, w, b), penlight.from_numpy(g).to(dtype))
    most = 2e-5 if dtype == penlight.float32 else 1e-12
    for result, expected in zip(
        (y, *found), (unit * weight + bias, back * rstd, (g * unit).sum(0), g.sum(0)), strict=True
    ):
        size = np.abs(expected).max() + np.sqrt(sizes[0])
        np.testing.assert_allclose(result.detach().numpy(), expected, rtol=0, atol=most * size)


@pytest.mark.parametrize("sizes", [(300, 513), (5000, 30), (40, 1700)])
def test_the_same_bits_at_any_number_of_threads(sizes):
    x, g, weight, bias = inputs(sizes)
    before, results = penlight.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            penlight.set_num_threads(threads)
            a, w, b = tensors(x, weight, bias, dtype=penlight.float32)
            for y in (batch_norm(a, None, None, w, b, training=True), layer_norm(a, sizes[1:], w, b)):
                found = penlight.autograd.grad(y, (a, w, b), penlight.from_numpy(g).float())
                results.append([t.detach().clone() for t in (y, *found)])
    finally:
        penlight.set_num_threads(before)
    for one, other in zip(results, results[2:], strict=False):
        assert all(penlight.equal(p, q) for p, q in zip(one, other, strict=True))

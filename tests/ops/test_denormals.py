"""Numbers below the normal format: zero inside products, kept everywhere else."""

import pytest

import penlight
from penlight.nn import functional as F

TINY = 1e-40  # below 1.18e-38, the smallest normal float32


@pytest.mark.parametrize("size", [3, 200])
def test_matrix_product_counts_them_as_zero(size):
    x = penlight.full((size, size), TINY)
    assert (x @ penlight.ones(size, size)).abs().max().item() == 0.0


def test_convolution_and_its_gradients_count_them_as_zero():
    x = penlight.full((2, 3, 8, 8), TINY, requires_grad=True)
    w = penlight.ones(4, 3, 3, 3, requires_grad=True)
    y = F.conv2d(x, w)
    assert y.detach().abs().max().item() == 0.0
    y.backward(penlight.ones_like(y))
    assert w.grad.abs().max().item() == 0.0
    assert x.grad.min().item() == 4.0  # a corner meets one tap of each of four kernels


def test_everything_else_keeps_them_also_after_a_product():
    x = penlight.full((300, 300), TINY)
    for _ in range(2):
        assert (x * 2).min().item() == pytest.approx(2 * TINY, rel=1e-4)
        assert x.sum().item() == pytest.approx(90000 * TINY, rel=1e-3)
        x @ x

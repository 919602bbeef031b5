"""Losses of a distance around the sizes of the kernels' chunks, against NumPy in float64."""

import numpy as np
import pytest

import penlight
from penlight.nn import functional as F

LIMIT = 0.7
LOSSES = {
    "mse": (F.mse_loss, np.square, lambda d: 2 * d),
    "smooth l1": (
        lambda *a, **k: F.smooth_l1_loss(*a, beta=LIMIT, **k),
        lambda d: np.where(np.abs(d) < LIMIT, d * d / (2 * LIMIT), np.abs(d) - LIMIT / 2),
        lambda d: np.clip(d / LIMIT, -1, 1),
    ),
    "huber": (
        lambda *a, **k: F.huber_loss(*a, delta=LIMIT, **k),
        lambda d: np.where(np.abs(d) < LIMIT, d * d / 2, LIMIT * (np.abs(d) - LIMIT / 2)),
        lambda d: np.clip(d, -LIMIT, LIMIT),
    ),
}
MOST = {penlight.float32: 1e-6, penlight.float64: 1e-13, penlight.float16: 2e-3, penlight.bfloat16: 2e-2}


def pair(n):
    random = np.random.default_rng(n)
    return random.normal(size=n) / 2, random.normal(size=n) / 2  # a sum of squares fits float16


@pytest.mark.parametrize("dtype", MOST)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("n", [1, 31, 513, 16383, 16385, 40000])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_values_and_gradients(name, n, reduction, dtype):
    function, value, slope = LOSSES[name]
    x, t = (penlight.from_numpy(a).to(dtype).requires_grad_() for a in pair(n))
    d = (x.detach().to(dtype) - t.detach()).double().numpy()  # as the type holds it
    loss = function(x, t, reduction=reduction)
    expected = {"mean": np.mean, "sum": np.sum, "none": np.array}[reduction](value(d))
    most = MOST[dtype]
    np.testing.assert_allclose(loss.detach().double().numpy(), expected, rtol=10 * most, atol=most)
    for_x, for_t = penlight.autograd.grad(loss.sum(), (x, t))
    share = slope(d) / (n if reduction == "mean" else 1)
    np.testing.assert_allclose(for_x.double().numpy(), share, rtol=10 * most, atol=most / (n**0.5))
    assert penlight.equal(for_t, -for_x)


@pytest.mark.parametrize("name", LOSSES)
def test_a_gradient_for_each_element_of_a_broadcast_pair(name):
    function, _, slope = LOSSES[name]
    x = penlight.randn(5, 6, dtype=penlight.float64).requires_grad_()
    t = penlight.randn(6, dtype=penlight.float64).requires_grad_()
    g = penlight.randn(6, 5, dtype=penlight.float64).t()
    with pytest.warns(UserWarning, match="target size"):
        loss = function(x, t, reduction="none")
    for_x, for_t = penlight.autograd.grad(loss, (x, t), g)
    expected = g.numpy() * slope(x.detach().numpy() - t.detach().numpy())
    np.testing.assert_allclose(for_x.numpy(), expected, rtol=1e-13)
    np.testing.assert_allclose(for_t.numpy(), -expected.sum(0), rtol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_the_same_bits_at_any_number_of_threads(name):
    x, t = (penlight.from_numpy(a).float().requires_grad_() for a in pair(300_000))
    before, results = penlight.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            penlight.set_num_threads(threads)
            loss = LOSSES[name][0](x, t)
            results.append((loss, *penlight.autograd.grad(loss, (x, t))))
    finally:
        penlight.set_num_threads(before)
    for other in results[1:]:
        assert all(penlight.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_the_graph_is_pytorchs():
    torch = pytest.importorskip("torch")
    for call in (
        lambda lib, x, t: lib.nn.functional.smooth_l1_loss(x, t, beta=LIMIT),
        lambda lib, x, t: lib.nn.functional.huber_loss(x, t, reduction="sum", delta=LIMIT),
    ):
        nodes = []
        for lib in (penlight, torch):
            x, t = lib.ones(3, requires_grad=True), lib.zeros(3)
            node = call(lib, x, t).grad_fn
            saved = {name: getattr(node, name) for name in dir(node) if name.startswith("_saved_")}
            numbers = {name: value for name, value in saved.items() if isinstance(value, int | float)}
            nodes.append((node.name(), sorted(saved), numbers))
        assert nodes[0] == nodes[1]

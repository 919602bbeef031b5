"""penlight.autograd.functional: published identities, and PyTorch's results and errors."""

import pytest

import penlight
from penlight.autograd import functional


def _numbers(*shape):
    count = 1
    for size in shape:
        count *= size
    return (penlight.arange(count, dtype=penlight.float64) * 0.7 + 0.3).sin().reshape(shape)


def _function(x, y):
    return (x.exp() * y.sin()).sum() + (x * x * y).sum() + (x[0] * y[1]).pow(3)


def test_hessian_is_symmetric():
    h = functional.hessian(_function, (_numbers(3), _numbers(3) * 2))
    assert penlight.allclose(h[0][1], h[1][0].T)
    assert penlight.allclose(h[0][0], h[0][0].T)


def test_hvp_is_hessian_times_vector():
    x, y, v, w = _numbers(3), _numbers(3) * 2, _numbers(3) - 0.4, _numbers(3) * 0.3
    h = functional.hessian(_function, (x, y))
    _, (a, b) = functional.hvp(_function, (x, y), (v, w))
    assert penlight.allclose(a, (h[0][0] * v).sum(1) + (h[0][1] * w).sum(1))
    assert penlight.allclose(b, (h[1][0] * v).sum(1) + (h[1][1] * w).sum(1))


def test_jvp_and_vjp_are_transposes():
    def f(x):
        return (x.tanh() * x.flip(0)).cumsum(0)

    x, v, u = _numbers(5), _numbers(5) + 0.2, _numbers(5) * 3
    _, right = functional.jvp(f, x, v)
    _, left = functional.vjp(f, x, u)
    assert penlight.allclose((u * right).sum(), (left * v).sum())


def test_jacobian_of_a_linear_map_is_its_matrix():
    x = _numbers(4)
    jacobian = functional.jacobian(lambda x: x.cumsum(0), x)
    assert jacobian.tolist() == penlight.ones(4, 4, dtype=penlight.float64).tril().tolist()


def test_create_graph_gives_third_derivatives():
    x = penlight.tensor(0.7, dtype=penlight.float64, requires_grad=True)
    second = functional.hessian(penlight.sin, x, create_graph=True)
    (third,) = penlight.autograd.grad(second, x)
    assert third.item() == pytest.approx(-x.cos().item())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("jacobian", lambda t: (lambda x: (x * 2, x.sum()), t.ones(2))),
        ("jacobian", lambda t: (lambda x: t.ones(2), t.ones(2))),
        ("jacobian", lambda t: (lambda x, y: x[:, None] * y, (t.ones(2), t.ones(3)))),
        ("vjp", lambda t: (lambda x: x.exp(), t.ones(2), t.ones(2))),
        ("jvp", lambda t: (lambda x: (x.exp(), x.sum()), t.ones(2), t.ones(2))),
        ("vhp", lambda t: (lambda x: x.pow(3).sum(), t.ones(2), t.ones(2))),
        ("hessian", lambda t: (lambda x: x.pow(3).sum(), t.ones(2, 2))),
        ("jacobian", lambda t: (lambda x: x, 3)),
        ("jacobian", lambda t: (lambda x: x.tolist(), t.ones(2))),
        ("hessian", lambda t: (lambda x: x * x, t.ones(2))),
        ("vjp", lambda t: (lambda x: x * x, t.ones(2))),
        ("vjp", lambda t: (lambda x: x * x, t.ones(2), t.ones(3))),
        ("hvp", lambda t: (lambda x, y: (x * y).sum(), (t.ones(2), t.ones(2)), t.ones(2))),
        ("jacobian", lambda t: (lambda x: t.ones(2), t.ones(2), False, True)),
    ],
)
def test_results_and_errors_are_those_of_pytorch(name, arguments):
    torch = pytest.importorskip("torch")

    def outcome(module):
        try:
            return repr(getattr(module.autograd.functional, name)(*arguments(module)))
        except (RuntimeError, TypeError) as error:
            return f"{type(error).__name__}: {error}"

    assert outcome(penlight) == outcome(torch)

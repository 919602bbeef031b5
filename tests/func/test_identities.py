"""Identities that any correct differentiation obeys, and programs from the literature."""

import pytest

import penlight as torch
from penlight.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap

torch64 = torch.float64


def numbers(*sizes):
    return torch.randn(*sizes, dtype=torch64)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def near(a, b, tolerance=1e-9):
    torch_difference = (a - b).abs().max().item() if a.numel() else 0.0
    assert a.shape == b.shape and torch_difference <= tolerance


def net(x):
    weight = torch.linspace(-1, 1, 15, dtype=torch64).reshape(5, 3)
    return (weight @ x).tanh().pow(2).sum() + x.prod()


JACOBIANS = [jacfwd, jacrev]


@pytest.mark.parametrize("outer", JACOBIANS)
@pytest.mark.parametrize("inner", JACOBIANS)
def test_the_hessian_is_symmetric_and_the_same_in_all_orders(outer, inner):
    x = numbers(3)
    h = outer(inner(net))(x)
    near(h, h.T)
    near(h, hessian(net)(x))


def test_a_hessian_vector_product_is_the_hessian_times_the_vector():
    x, v = numbers(3), numbers(3)
    h = hessian(net)(x) @ v
    near(jvp(grad(net), (x,), (v,))[1], h)
    near(grad(lambda x: torch.dot(grad(net)(x), v))(x), h)
    near(vjp(grad(net), x)[1](v)[0], h)
    near(linearize(grad(net), x)[1](v), h)


def test_third_derivatives_of_sin_are_minus_cos():
    x = torch.linspace(-3, 3, 7, dtype=torch64)
    near(vmap(grad(grad(grad(torch.sin))))(x), -x.cos())
    push = lambda f: lambda x: jvp(f, (x,), (torch.ones_like(x),))[1]  # noqa: E731
    near(push(push(push(torch.sin)))(x), -x.cos())
    near(vmap(grad(push(grad(torch.sin))))(x), -x.cos())
    near(push(vmap(grad(push(torch.sin))))(x), -x.cos())


def test_divergence_and_laplacian_of_known_functions():
    field = lambda p: torch.stack([p[0] ** 2 * p[1], p[1] * p[2].sin(), p[2] ** 3])  # noqa: E731
    points = numbers(6, 3)
    x, y, z = points.unbind(1)
    divergence = vmap(lambda p: jacfwd(field)(p).trace())(points)
    near(divergence, 2 * x * y + z.sin() + 3 * z**2)
    potential = lambda p: p[0] ** 2 * p[1] + p[2].exp()  # noqa: E731
    near(vmap(lambda p: hessian(potential)(p).trace())(points), 2 * y + z.exp())
    near(vmap(lambda p: jacrev(grad(potential))(p).trace())(points), 2 * y + z.exp())


def test_mixed_derivatives_do_not_mix_up_directions():
    """d/dx (x * d/dy (x + y)) at x = 1 is 1; a confusion of the two directions gives 2."""
    one = torch.tensor(1.0)
    push = lambda f, x: jvp(f, (x,), (one,))[1]  # noqa: E731
    assert push(lambda x: x * push(lambda y: x + y, one), one).item() == 1.0
    assert grad(lambda x: x * grad(lambda y: x + y)(one))(one).item() == 1.0
    assert grad(lambda x: x * push(lambda y: x + y, one))(one).item() == 1.0
    assert push(lambda x: x * grad(lambda y: x + y)(one), one).item() == 1.0


def test_a_physics_informed_loss_trains():
    """u'' = -u, u(0) = 0, u'(0) = 1: the sine, by a net that is told the equation alone."""
    model = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1)).double()
    times = torch.linspace(0, 1.5, 12, dtype=torch64)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)

    def u(t):
        return t + t**2 * model(t.reshape(1))[0]

    def loss():
        return vmap(lambda t: (grad(grad(u))(t) + u(t)) ** 2)(times).mean()

    first = loss().item()
    for _ in range(300):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
    assert value.item() < first * 0.02
    with torch.no_grad():
        near(vmap(u)(times), times.sin(), 0.1)


def test_the_implicit_function_theorem_gives_the_derivative_of_a_solution():
    """z(a) with z = a cos(z): dz/da = -F_a / F_z for F(z, a) = z - a cos(z)."""
    f = lambda z, a: z - a * z.cos()  # noqa: E731

    def solve(a):
        z = torch.zeros_like(a)
        for _ in range(60):
            z = z - f(z, a) / grad(f)(z, a)
        return z

    a = torch.tensor(0.8, dtype=torch64)
    z = solve(a)
    implicit = -grad(f, argnums=1)(z, a) / grad(f)(z, a)
    near(grad(solve)(a), implicit)
    near(jvp(solve, (a,), (torch.ones_like(a),))[1], implicit)


def test_a_gradient_goes_through_an_inner_update():
    """Model-agnostic meta-learning: the loss after a step, differentiated by the weights before it."""
    x, y = numbers(4, 5, 3), numbers(4, 5)
    w = numbers(3)
    loss = lambda w, x, y: ((x @ w - y) ** 2).mean()  # noqa: E731

    def adapted(w, x, y):
        return loss(w - 0.1 * grad(loss)(w, x, y), x, y)

    found = grad(lambda w: vmap(adapted, in_dims=(None, 0, 0))(w, x, y).mean())(w)
    # The step is linear in w: (I - 0.2 / n x^T x) times the gradient there.
    expected = torch.zeros(3, dtype=torch64)
    for xi, yi in zip(x, y, strict=True):
        step = torch.eye(3, dtype=torch64) - 0.1 * 2 / 5 * xi.T @ xi
        moved = w - 0.1 * 2 / 5 * xi.T @ (xi @ w - yi)
        expected = expected + step @ (2 / 5 * xi.T @ (xi @ moved - yi)) / 4
    near(found, expected)


def test_gradients_of_each_example_sum_to_that_of_the_batch():
    model = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.Tanh(), torch.nn.AvgPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(27, 4),
    ).double()  # fmt: skip
    images, labels = numbers(5, 2, 6, 6), torch.arange(5) % 4
    parameters = {k: v.detach() for k, v in model.named_parameters()}

    def loss(parameters, image, label):
        scores = functional_call(model, parameters, (image.unsqueeze(0),))
        return torch.nn.functional.cross_entropy(scores, label.unsqueeze(0))

    each = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, images, labels)
    torch.nn.functional.cross_entropy(model(images), labels, reduction="sum").backward()
    for name, parameter in model.named_parameters():
        near(each[name].sum(0), parameter.grad)

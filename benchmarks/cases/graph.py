"""Small graphs, where the time is the libraries' own overhead, and double backward."""

from benchmarks.case import Case, normal


def tiny(lib):
    x = lib.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)

    def run():
        x.grad = None
        (3 * (x - 2) ** 2).mean().backward()

    return run


def chain(lib):
    x = lib.ones(2, 2, requires_grad=True)

    def run():
        x.grad = None
        y = x
        for _ in range(100):
            y = y * 1.01
        y.sum().backward()

    return run


def jax_gradient(function):
    def build(jax):
        x = jax.numpy.ones((2, 2))
        step = jax.jit(jax.grad(lambda x: function(jax.numpy, x)))
        return lambda: step(x).block_until_ready()

    return build


def jax_chain(jnp, x):
    for _ in range(100):
        x = x * 1.01
    return x.sum()


def multiply_recorded(lib):
    x = lib.ones(2, 2, requires_grad=True)
    return lambda: x * 1.5


def add_plain(lib):
    x, y = lib.ones(2, 2), lib.ones(2, 2)
    return lambda: x + y


def linear_step(lib):
    layer, x = lib.nn.Linear(8, 8), normal(lib, 4, 8)

    def run():
        layer(x).sum().backward()

    return run


def gradient_penalty(lib):
    """A conv net's gradient for its input, and the gradient of that gradient's size for the weights."""
    nn = lib.nn
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.Tanh(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.Tanh(),
        nn.Conv2d(16, 1, 3),
    )
    x = normal(lib, 8, 1, 28, 28, requires_grad=True)

    def run():
        net.zero_grad()
        (slope,) = lib.autograd.grad(net(x).sum(), x, create_graph=True)
        (slope**2).sum().backward()

    return run


def cases():
    yield Case("graph", "tiny", tiny, jax_gradient(lambda jnp, x: (3 * (x - 2) ** 2).mean()))
    yield Case("graph", "chain100", chain, jax_gradient(jax_chain))
    yield Case("graph", "mul recorded 2x2", multiply_recorded)
    yield Case("graph", "add 2x2", add_plain)
    yield Case("graph", "linear 8x8 step", linear_step)
    yield Case("graph", "gradient penalty", gradient_penalty)

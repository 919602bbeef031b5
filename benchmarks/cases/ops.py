"""Single operations on 4 Mi elements (a 2048 by 2048 matrix), and matrix products."""

from benchmarks.case import Case, normal

SIDE = 2048
BYTES = 4 * SIDE * SIDE


def elementwise(function, inputs=1, positive=False):
    """function(lib, *inputs) without recording."""

    def build(lib):
        tensors = [
            abs(normal(lib, SIDE, SIDE)) + 0.5 if positive else normal(lib, SIDE, SIDE) for _ in range(inputs)
        ]

        def run():
            with lib.no_grad():
                function(lib, *tensors)

        return run

    return build


def with_gradient(function):
    """function(lib, x) forward and backward."""

    def build(lib):
        x, gradient = normal(lib, SIDE, SIDE, requires_grad=True), normal(lib, SIDE, SIDE)
        return lambda: lib.autograd.grad(function(lib, x), x, gradient)

    return build


def in_jax(function, inputs=1):
    def build(jax):
        import numpy

        random = numpy.random.default_rng(0)
        arrays = [jax.numpy.asarray(random.standard_normal((SIDE, SIDE)), "float32") for _ in range(inputs)]
        compiled = jax.jit(lambda *a: function(jax, *a))
        return lambda: compiled(*arrays).block_until_ready()

    return build


def row_vector(lib, x):
    return x + x[0]


def column_vector(lib, x):
    return x * x[:, :1]


ELEMENTWISE = [
    # name, function, function in JAX, inputs, arrays read and written
    ("add", lambda lib, x, y: x + y, lambda jax, x, y: x + y, 2, 3),
    ("mul scalar", lambda lib, x: x * 1.5, lambda jax, x: x * 1.5, 1, 2),
    ("add row", row_vector, row_vector, 1, 2),
    ("mul column", column_vector, column_vector, 1, 2),
    ("relu", lambda lib, x: lib.relu(x), lambda jax, x: jax.nn.relu(x), 1, 2),
    ("clamp", lambda lib, x: lib.clamp(x, -1, 1), lambda jax, x: jax.numpy.clip(x, -1, 1), 1, 2),
    (
        "where",
        lambda lib, x, y: lib.where(x > 0, x, y),
        lambda jax, x, y: jax.numpy.where(x > 0, x, y),
        2,
        3,
    ),
    ("exp", lambda lib, x: lib.exp(x), lambda jax, x: jax.numpy.exp(x), 1, 2),
    ("tanh", lambda lib, x: lib.tanh(x), lambda jax, x: jax.numpy.tanh(x), 1, 2),
    ("sigmoid", lambda lib, x: lib.sigmoid(x), lambda jax, x: jax.nn.sigmoid(x), 1, 2),
    ("erf", lambda lib, x: lib.erf(x), lambda jax, x: jax.scipy.special.erf(x), 1, 2),
    ("sin", lambda lib, x: lib.sin(x), lambda jax, x: jax.numpy.sin(x), 1, 2),
    ("cos", lambda lib, x: lib.cos(x), lambda jax, x: jax.numpy.cos(x), 1, 2),
    ("sqrt", lambda lib, x: lib.sqrt(x * x), None, 1, 4),
    ("copy transposed", lambda lib, x: x.t().contiguous(), None, 1, 2),
    ("clone", lambda lib, x: x.clone(), None, 1, 2),
    ("sum", lambda lib, x: x.sum(), lambda jax, x: x.sum(), 1, 1),
    ("sum rows", lambda lib, x: x.sum(1), lambda jax, x: x.sum(1), 1, 1),
    ("sum columns", lambda lib, x: x.sum(0), lambda jax, x: x.sum(0), 1, 1),
    ("mean", lambda lib, x: x.mean(), lambda jax, x: x.mean(), 1, 1),
    ("amax", lambda lib, x: x.amax(), lambda jax, x: x.max(), 1, 1),
    ("max rows", lambda lib, x: x.max(1), None, 1, 1),
    ("argmax rows", lambda lib, x: x.argmax(1), lambda jax, x: x.argmax(1), 1, 1),
    ("var", lambda lib, x: x.var(), lambda jax, x: x.var(), 1, 1),
    (
        "softmax 1024",
        lambda lib, x: lib.softmax(x.view(-1, 1024), 1),
        lambda jax, x: jax.nn.softmax(x.reshape(-1, 1024), 1),
        1,
        2,
    ),
    (
        "log_softmax 1024",
        lambda lib, x: lib.log_softmax(x.view(-1, 1024), 1),
        lambda jax, x: jax.nn.log_softmax(x.reshape(-1, 1024), 1),
        1,
        2,
    ),
    (
        "gelu",
        lambda lib, x: lib.nn.functional.gelu(x),
        lambda jax, x: jax.nn.gelu(x, approximate=False),
        1,
        2,
    ),
    ("layer norm 1024", lambda lib, x: lib.nn.functional.layer_norm(x.view(-1, 1024), (1024,)), None, 1, 2),
]
POSITIVE = [
    ("log", lambda lib, x: lib.log(x), lambda jax, x: jax.numpy.log(x)),
    ("log1p", lambda lib, x: lib.log1p(x), lambda jax, x: jax.numpy.log1p(x)),
    ("pow 1.5", lambda lib, x: x**1.5, lambda jax, x: x**1.5),
]
GRADIENTS = [
    ("tanh both", lambda lib, x: lib.tanh(x), 5),
    ("relu both", lambda lib, x: lib.relu(x), 5),
    ("gelu both", lambda lib, x: lib.nn.functional.gelu(x), 5),
    ("softmax 1024 both", lambda lib, x: lib.softmax(x.view(-1, 1024), 1).view(SIDE, SIDE), 5),
    (
        "layer norm 1024 both",
        lambda lib, x: lib.nn.functional.layer_norm(x.view(-1, 1024), (1024,)).view(SIDE, SIDE),
        5,
    ),
]


def product(n):
    def build(lib):
        a, b = normal(lib, n, n), normal(lib, n, n)

        def run():
            with lib.no_grad():
                a @ b

        return run

    return build


def product_in_jax(n):
    def build(jax):
        a, b = jax.numpy.ones((n, n)), jax.numpy.ones((n, n))
        compiled = jax.jit(lambda a, b: a @ b)
        return lambda: compiled(a, b).block_until_ready()

    return build


def cases():
    for name, function, jax_function, inputs, passes in ELEMENTWISE:
        in_other = in_jax(jax_function, inputs) if jax_function else None
        yield Case("op", name, elementwise(function, inputs), in_other, bytes=passes * BYTES)
    for name, function, jax_function in POSITIVE:
        yield Case("op", name, elementwise(function, 1, True), in_jax(jax_function), bytes=2 * BYTES)
    for name, function, passes in GRADIENTS:
        yield Case("op", name, with_gradient(function), bytes=passes * BYTES)
    for n in (64, 256, 512, 1024):
        yield Case("op", f"matmul {n}", product(n), product_in_jax(n), flops=2 * n**3, bytes=12 * n * n)

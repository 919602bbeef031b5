"""Transforms of functions: Jacobians, Hessians, gradients for each example, directional derivatives."""

import itertools

from benchmarks.case import Case, normal
from benchmarks.cases import transforms_in_jax


def mlp(lib, sizes):
    """A net as a function of its parameters, and the parameters."""
    parameters = [(normal(lib, m, n) * n**-0.5, normal(lib, m)) for n, m in itertools.pairwise(sizes)]

    def net(x):
        for weight, bias in parameters[:-1]:
            x = lib.tanh(lib.nn.functional.linear(x, weight, bias))
        return lib.nn.functional.linear(x, *parameters[-1])

    return net


def convnet(lib):
    nn = lib.nn
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 10),
    )
    images = normal(lib, 64, 1, 28, 28)
    labels = lib.arange(64) % 10
    return net, {name: p.detach() for name, p in net.named_parameters()}, images, labels


def jacobian(mode):
    def build(lib):
        net, x = mlp(lib, (64, 128, 32)), normal(lib, 64)
        function = getattr(lib.func, mode)(net)
        return lambda: function(x)

    return build


def hessian(lib):
    net, x = mlp(lib, (32, 64, 1)), normal(lib, 32)
    function = lib.func.hessian(lambda x: net(x).sum())
    return lambda: function(x)


def hessian_by_reverse_mode(lib):
    net, x = mlp(lib, (32, 64, 1)), normal(lib, 32)
    function = lib.func.jacrev(lib.func.jacrev(lambda x: net(x).sum()))
    return lambda: function(x)


def per_sample_gradients(lib):
    net, parameters, images, labels = convnet(lib)

    def loss(parameters, image, label):
        scores = lib.func.functional_call(net, parameters, (image.unsqueeze(0),))
        return lib.nn.functional.cross_entropy(scores, label.unsqueeze(0))

    function = lib.func.vmap(lib.func.grad(loss), in_dims=(None, 0, 0))
    return lambda: function(parameters, images, labels)


def batched_gradient(lib):
    """The same net's gradient for the whole batch: what the one above is compared with."""
    net, parameters, images, labels = convnet(lib)

    def loss(parameters):
        scores = lib.func.functional_call(net, parameters, (images,))
        return lib.nn.functional.cross_entropy(scores, labels)

    function = lib.func.grad(loss)
    return lambda: function(parameters)


def jvp(lib):
    net, parameters, images, _ = convnet(lib)
    direction = {name: normal(lib, *p.shape) for name, p in parameters.items()}

    def forward(parameters):
        return lib.func.functional_call(net, parameters, (images,))

    return lambda: lib.func.jvp(forward, (parameters,), (direction,))


def forward_alone(lib):
    """The same net forward: what the one above is compared with."""
    net, parameters, images, _ = convnet(lib)
    return lambda: lib.func.functional_call(net, parameters, (images,))


def hessian_vector_product(lib):
    net, x = mlp(lib, (256, 256, 1)), normal(lib, 256)
    gradient = lib.func.grad(lambda x: net(x).sum())
    return lambda: lib.func.jvp(gradient, (x,), (x,))


def third_derivative(lib):
    x = lib.tensor(0.3)
    function = lib.func.grad(lib.func.grad(lib.func.grad(lib.sin)))
    return lambda: function(x)


def ensemble(lib):
    """Eight nets at once."""
    net, parameters, images, _ = convnet(lib)
    stacked = {name: lib.stack([p] * 8) for name, p in parameters.items()}
    few = images[:8]
    function = lib.func.vmap(lambda p: lib.func.functional_call(net, p, (few,)))
    return lambda: function(stacked)


def cases():
    for name, build, in_jax in (
        ("jacrev mlp 64-128-32", jacobian("jacrev"), transforms_in_jax.jacobian("jacrev")),
        ("jacfwd mlp 64-128-32", jacobian("jacfwd"), transforms_in_jax.jacobian("jacfwd")),
        ("hessian mlp 32-64-1", hessian, transforms_in_jax.hessian),
        ("jacrev of jacrev mlp 32-64-1", hessian_by_reverse_mode, transforms_in_jax.hessian_by_reverse_mode),
        ("per-sample gradients convnet b64", per_sample_gradients, transforms_in_jax.per_sample_gradients),
        ("batched gradient convnet b64", batched_gradient, transforms_in_jax.batched_gradient),
        ("jvp convnet b64", jvp, transforms_in_jax.jvp),
        ("forward convnet b64", forward_alone, transforms_in_jax.forward_alone),
        ("hvp mlp 256-256-1", hessian_vector_product, transforms_in_jax.hessian_vector_product),
        ("third derivative of sin", third_derivative, transforms_in_jax.third_derivative),
        ("ensemble of 8 convnets b8", ensemble, transforms_in_jax.ensemble),
    ):
        yield Case("func", name, build, **transforms_in_jax.builders(in_jax))

"""The cases of transforms.py as JAX has them: each gives a function and its arguments."""

import itertools

import numpy


def normal(jax, *sizes):
    return jax.numpy.asarray(numpy.random.default_rng(0).standard_normal(sizes, dtype=numpy.float32))


def mlp(jax, sizes):
    parameters = [(normal(jax, m, n) * n**-0.5, normal(jax, m)) for n, m in itertools.pairwise(sizes)]

    def net(x):
        for weight, bias in parameters[:-1]:
            x = jax.numpy.tanh(weight @ x + bias)
        weight, bias = parameters[-1]
        return weight @ x + bias

    return net


def convnet(jax):
    lax, jnp = jax.lax, jax.numpy
    parameters = {
        "first": (normal(jax, 16, 1, 3, 3) / 3, normal(jax, 16)),
        "second": (normal(jax, 32, 16, 3, 3) / 12, normal(jax, 32)),
        "last": (normal(jax, 10, 800) / 28, normal(jax, 10)),
    }

    def layer(x, weight, bias):
        x = jnp.maximum(lax.conv(x, weight, (1, 1), "VALID") + bias[:, None, None], 0)
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def net(parameters, images):
        x = layer(layer(images, *parameters["first"]), *parameters["second"])
        weight, bias = parameters["last"]
        return x.reshape(len(x), -1) @ weight.T + bias

    def loss(parameters, images, labels):
        scores = jax.nn.log_softmax(net(parameters, images))
        return -jnp.take_along_axis(scores, labels[:, None], 1).mean()

    return net, loss, parameters, normal(jax, 64, 1, 28, 28), jnp.arange(64) % 10


def jacobian(mode):
    return lambda jax: (getattr(jax, mode)(mlp(jax, (64, 128, 32))), (normal(jax, 64),))


def hessian(jax):
    net = mlp(jax, (32, 64, 1))
    return jax.hessian(lambda x: net(x).sum()), (normal(jax, 32),)


def hessian_by_reverse_mode(jax):
    net = mlp(jax, (32, 64, 1))
    return jax.jacrev(jax.jacrev(lambda x: net(x).sum())), (normal(jax, 32),)


def per_sample_gradients(jax):
    _, loss, parameters, images, labels = convnet(jax)
    single = jax.grad(lambda p, image, label: loss(p, image[None], label[None]))
    return jax.vmap(single, in_axes=(None, 0, 0)), (parameters, images, labels)


def batched_gradient(jax):
    _, loss, parameters, images, labels = convnet(jax)
    return jax.grad(loss), (parameters, images, labels)


def jvp(jax):
    net, _, parameters, images, _ = convnet(jax)
    return lambda p: jax.jvp(lambda p: net(p, images), (p,), (p,)), (parameters,)


def forward_alone(jax):
    net, _, parameters, images, _ = convnet(jax)
    return net, (parameters, images)


def hessian_vector_product(jax):
    net = mlp(jax, (256, 256, 1))
    gradient = jax.grad(lambda x: net(x).sum())
    return lambda x: jax.jvp(gradient, (x,), (x,)), (normal(jax, 256),)


def third_derivative(jax):
    return jax.grad(jax.grad(jax.grad(jax.numpy.sin))), (jax.numpy.float32(0.3),)


def ensemble(jax):
    net, _, parameters, images, _ = convnet(jax)
    stacked = jax.tree.map(lambda p: jax.numpy.stack([p] * 8), parameters)
    return jax.vmap(net, in_axes=(0, None)), (stacked, images[:8])


def builders(make):
    """How a Case builds it for JAX, compiled and not."""

    def build(compiled):
        def runner(jax):
            function, arguments = make(jax)
            function = jax.jit(function) if compiled else function
            return lambda: jax.block_until_ready(function(*arguments))

        return runner

    return {"build_jax": build(True), "build_jax_eager": build(False)}

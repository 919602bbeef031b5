"""Layers other than convolutions and products: pooling, normalisation, losses, embedding, dropout; forward, and
both ways."""

from benchmarks.case import Case, normal

IMAGES = (32, 64, 56, 56)


def functional(name, *arguments, **options):
    return lambda lib, x: getattr(lib.nn.functional, name)(x, *arguments, **options)


def batch_norm(training):
    def run(lib, x):
        channels = x.shape[1]
        mean, variance = lib.zeros(channels), lib.ones(channels)
        return lib.nn.functional.batch_norm(x, mean, variance, variance, mean, training)

    return run


def group_norm(lib, x):
    ones = lib.ones(x.shape[1])
    return lib.nn.functional.group_norm(x, 8, ones, ones)


def layer_norm(lib, x):
    ones = lib.ones(x.shape[-1])
    return lib.nn.functional.layer_norm(x, (x.shape[-1],), ones, ones)


def cross_entropy(lib, x):
    return lib.nn.functional.cross_entropy(x, lib.arange(x.shape[0]) % x.shape[1])


def against_zero(name):
    return lambda lib, x: getattr(lib.nn.functional, name)(x, lib.zeros_like(x))


LAYERS = [
    # name, function, input
    ("max pool 2", functional("max_pool2d", 2), IMAGES),
    ("max pool 3 s2", functional("max_pool2d", 3, 2, 1), IMAGES),
    ("max pool 1d", functional("max_pool1d", 2), (32, 64, 3136)),
    ("max pool 3d", functional("max_pool3d", 2), (4, 32, 16, 56, 56)),
    ("average pool 2", functional("avg_pool2d", 2), IMAGES),
    ("average pool 3 s1", functional("avg_pool2d", 3, 1, 1), IMAGES),
    ("global average pool", functional("adaptive_avg_pool2d", 1), IMAGES),
    ("adaptive average pool 7", functional("adaptive_avg_pool2d", 7), IMAGES),
    ("batch norm", batch_norm(True), IMAGES),
    ("batch norm eval", batch_norm(False), IMAGES),
    ("batch norm of rows", batch_norm(True), (4096, 512)),
    ("group norm", group_norm, IMAGES),
    ("layer norm", layer_norm, (4096, 512)),
    ("dropout", functional("dropout", 0.5), (4096, 512)),
    ("cross entropy 1000", cross_entropy, (1024, 1000)),
    ("cross entropy 10", cross_entropy, (64, 10)),
    ("mse", against_zero("mse_loss"), (4096, 512)),
    ("smooth l1", against_zero("smooth_l1_loss"), (4096, 512)),
    ("silu", functional("silu"), (4096, 512)),
    ("elu", functional("elu"), (4096, 512)),
    ("softplus", functional("softplus"), (4096, 512)),
    ("mish", functional("mish"), (4096, 512)),
    ("upsample nearest", functional("interpolate", scale_factor=2.0), (8, 32, 56, 56)),
    ("upsample bilinear", functional("interpolate", scale_factor=2.0, mode="bilinear"), (8, 32, 56, 56)),
]


def forward(function, sizes):
    def build(lib):
        x = normal(lib, *sizes)

        def run():
            with lib.no_grad():
                function(lib, x)

        return run

    return build


def both(function, sizes):
    def build(lib):
        x = normal(lib, *sizes, requires_grad=True)
        gradient = lib.ones_like(function(lib, x))
        return lambda: lib.autograd.grad(function(lib, x), x, gradient)

    return build


def embedding(lib):
    weight = normal(lib, 10000, 256, requires_grad=True)
    index = lib.arange(4096) * 7 % 10000

    def run():
        lib.autograd.grad(lib.nn.functional.embedding(index, weight).sum(), weight)

    return run


def cases():
    for name, function, sizes in LAYERS:
        yield Case("layer", name, forward(function, sizes))
        yield Case("layer", f"{name} both", both(function, sizes))
    yield Case("layer", "embedding both", embedding)

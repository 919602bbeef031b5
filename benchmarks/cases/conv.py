"""Convolutions: forward, and forward with the gradients of input, weight and bias."""

import math
from dataclasses import dataclass

from benchmarks.case import Case, normal


@dataclass(frozen=True)
class Shape:
    name: str
    input: tuple  # batch, channels, sizes
    channels: int
    kernel: tuple
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    mode: str = "zeros"
    transposed: bool = False

    @property
    def dims(self):
        return len(self.kernel)

    @property
    def output(self):
        sizes = []
        for size, k in zip(self.input[2:], self.kernel, strict=True):
            reach = self.dilation * (k - 1)
            if self.transposed:
                sizes.append((size - 1) * self.stride - 2 * self.padding + reach + 1)
            else:
                sizes.append((size + 2 * self.padding - reach - 1) // self.stride + 1)
        return (self.input[0], self.channels, *sizes)

    @property
    def flops(self):
        places = math.prod(self.input) if self.transposed else math.prod(self.output)
        other = self.channels if self.transposed else self.input[1]
        return 2 * places * (other // self.groups) * math.prod(self.kernel)


TABLE = [
    Shape("hyperspectral 20c 3x5", (1, 20, 64, 128), 16, (3, 5)),
    Shape("mnist first 1c", (64, 1, 28, 28), 32, (3, 3)),
    Shape("mnist second", (64, 32, 26, 26), 64, (3, 3)),
    Shape("resnet 56x56x64", (32, 64, 56, 56), 64, (3, 3), padding=1),
    Shape("resnet 14x14x256", (16, 256, 14, 14), 256, (3, 3), padding=1),
    Shape("pointwise 256", (16, 256, 14, 14), 256, (1, 1)),
    Shape("depthwise 64", (32, 64, 56, 56), 64, (3, 3), padding=1, groups=64),
    Shape("stem 7x7 s2", (8, 3, 224, 224), 64, (7, 7), stride=2, padding=3),
    Shape("dilated 2", (8, 32, 64, 64), 32, (3, 3), dilation=2),
    Shape("circular 5x5", (8, 16, 64, 64), 16, (5, 5), padding=2, mode="circular"),
    Shape("1d tiny stereo", (1, 2, 64), 16, (3,)),
    Shape("1d audio stereo k25", (16, 2, 16000), 16, (25,)),
    Shape("1d 64c k9", (16, 64, 4000), 64, (9,)),
    Shape("1d filter k1023", (1, 1, 160000), 1, (1023,)),
    Shape("3d 8c", (2, 8, 16, 32, 32), 16, (3, 3, 3)),
    Shape("transpose 4x4 s2", (8, 64, 28, 28), 32, (4, 4), stride=2, padding=1, transposed=True),
]


def layer(lib, shape):
    kind = f"Conv{'Transpose' if shape.transposed else ''}{shape.dims}d"
    options = {
        "stride": shape.stride,
        "padding": shape.padding,
        "dilation": shape.dilation,
        "groups": shape.groups,
    }
    if not shape.transposed:
        options["padding_mode"] = shape.mode
    return getattr(lib.nn, kind)(shape.input[1], shape.channels, shape.kernel, **options)


def forward(shape, channels_last=False):
    def build(lib):
        module, x = layer(lib, shape), normal(lib, *shape.input)
        if channels_last:
            module, x = (value.to(memory_format=lib.channels_last) for value in (module, x))

        def run():
            with lib.no_grad():
                module(x)

        return run

    return build


def both(shape, channels_last=False):
    def build(lib):
        module = layer(lib, shape)
        x = normal(lib, *shape.input)
        if channels_last:
            module, x = (value.to(memory_format=lib.channels_last) for value in (module, x))
        x.requires_grad_()
        gradient = normal(lib, *shape.output)
        if channels_last:
            gradient = gradient.to(memory_format=lib.channels_last)
        wanted = [x, module.weight, module.bias]

        def run():
            lib.autograd.grad(module(x), wanted, gradient)

        return run

    return build


def jax_case(shape, with_gradients):
    def build(jax):
        import numpy

        jnp, lax = jax.numpy, jax.lax
        letters = "WHD"[: shape.dims][::-1]
        layout = (f"NC{letters}", f"OI{letters}", f"NC{letters}")
        random = numpy.random.default_rng(0)

        def array(*sizes):
            return jnp.asarray(random.standard_normal(sizes), jnp.float32)

        fan = shape.input[1] // shape.groups
        if shape.transposed:
            weight = array(shape.channels, shape.input[1], *shape.kernel)
        else:
            weight = array(shape.channels, fan, *shape.kernel)
        x, bias = array(*shape.input), array(shape.channels)
        edge = {"circular": "wrap", "reflect": "reflect", "replicate": "edge"}.get(shape.mode)
        pads = [(shape.padding, shape.padding)] * shape.dims
        reach = [shape.dilation * (k - 1) for k in shape.kernel]

        def convolve(x, weight, bias):
            padding, stride, grown = pads, shape.stride, 1
            if edge and shape.padding:
                x, padding = jnp.pad(x, [(0, 0), (0, 0), *pads], mode=edge), [(0, 0)] * shape.dims
            if shape.transposed:
                padding = [(r - shape.padding, r - shape.padding) for r in reach]
                stride, grown = 1, shape.stride
            y = lax.conv_general_dilated(
                x,
                weight,
                (stride,) * shape.dims,
                padding,
                lhs_dilation=(grown,) * shape.dims,
                rhs_dilation=(shape.dilation,) * shape.dims,
                dimension_numbers=layout,
                feature_group_count=shape.groups,
            )
            return y + bias.reshape(1, -1, *[1] * shape.dims)

        if not with_gradients:
            compiled = jax.jit(convolve)
            return lambda: compiled(x, weight, bias).block_until_ready()
        gradient = array(*shape.output)

        @jax.jit
        def step(x, weight, bias, gradient):
            y, pull = jax.vjp(convolve, x, weight, bias)
            return y, pull(gradient)

        return lambda: jax.block_until_ready(step(x, weight, bias, gradient))

    return build


def cases_of(family, shapes):
    for shape in shapes:
        last = shape.dims == 2
        x, y = 4 * math.prod(shape.input), 4 * math.prod(shape.output)
        yield Case(
            family,
            f"{shape.name} forward",
            forward(shape),
            jax_case(shape, False),
            build_channels_last=forward(shape, True) if last else None,
            flops=shape.flops,
            bytes=x + y,
            tags={"part": "forward"},
        )
        yield Case(
            family,
            f"{shape.name} both",
            both(shape),
            jax_case(shape, True),
            build_channels_last=both(shape, True) if last else None,
            flops=3 * shape.flops,
            bytes=3 * x + 2 * y,  # x read, y written; then x and y's gradient read, x's gradient written
            tags={"part": "both"},
        )


def cases():
    yield from cases_of("conv", TABLE)

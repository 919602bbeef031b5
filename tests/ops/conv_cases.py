"""Convolutions by definition, in float64 NumPy, and generated arguments for them."""

import math
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import penlight
import penlight.nn.functional as F

NUMPY_MODE = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge"}


def convolution(x, w, b, stride, padding, dilation, groups, mode="zeros"):
    """x (n, c, ...), w (o, c / groups, ...); padding is a pair (left, right) for each axis."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    kernel = w.shape[2:]
    padded = np.pad(x, [(0, 0), (0, 0), *padding], NUMPY_MODE[mode])
    size = [
        (padded.shape[2 + i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(len(kernel))
    ]
    out = np.zeros([x.shape[0], w.shape[0], *size])
    ins, outs = x.shape[1] // groups, w.shape[0] // groups
    for tap in np.ndindex(*kernel):
        window = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, s, n in zip(tap, dilation, stride, size, strict=True)
        )
        seen = padded[(slice(None), slice(None), *window)]
        for g in range(groups):
            out[:, g * outs : (g + 1) * outs] += np.einsum(
                "nc...,oc->no...",
                seen[:, g * ins : (g + 1) * ins],
                w[(slice(g * outs, (g + 1) * outs), slice(None), *tap)],
            )
    return out if b is None else out + np.asarray(b, np.float64).reshape([-1] + [1] * len(kernel))


def transposed_convolution(x, w, b, stride, padding, output_padding, groups, dilation):
    """x (n, c, ...), w (c, o / groups, ...): every input element adds a kernel's worth of weight to the output."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    kernel, spatial = w.shape[2:], x.shape[2:]
    ins, outs = x.shape[1] // groups, w.shape[1]
    span = [
        (n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(spatial, stride, dilation, kernel, strict=True)
    ]
    full = np.zeros([x.shape[0], outs * groups, *(n + o for n, o in zip(span, output_padding, strict=True))])
    for tap in np.ndindex(*kernel):
        window = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, s, n in zip(tap, dilation, stride, spatial, strict=True)
        )
        for g in range(groups):
            full[(slice(None), slice(g * outs, (g + 1) * outs), *window)] += np.einsum(
                "nc...,co->no...",
                x[:, g * ins : (g + 1) * ins],
                w[(slice(g * ins, (g + 1) * ins), slice(None), *tap)],
            )
    cut = tuple(slice(p, n - p) for p, n in zip(padding, full.shape[2:], strict=True))
    out = full[(slice(None), slice(None), *cut)]
    return out if b is None else out + np.asarray(b, np.float64).reshape([-1] + [1] * len(kernel))


@dataclass
class ConvCase:
    dims: int
    batch: int
    input: list  # spatial sizes
    channels: tuple  # in, out
    kernel: list
    stride: list
    padding: list
    dilation: list
    groups: int
    mode: str
    bias: bool
    seed: int
    layout: str = "contiguous"
    output_padding: list | None = None

    def arrays(self, transposed=False):
        rng = np.random.default_rng(self.seed)
        ins, outs = self.channels
        shape = [ins, outs // self.groups] if transposed else [outs, ins // self.groups]
        x = rng.standard_normal([self.batch, ins, *self.input])
        w = rng.standard_normal([*shape, *self.kernel])
        return x, w, rng.standard_normal(outs) if self.bias else None

    @property
    def pairs(self):
        return [(p, p) for p in self.padding]


def strided(array, layout):
    """The same numbers in other memory."""
    if layout == "transposed":
        return np.ascontiguousarray(array.T).T
    if layout == "stepped":
        wide = np.zeros([*array.shape[:-1], 2 * array.shape[-1]], array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    return np.ascontiguousarray(array)


@st.composite
def conv_cases(draw, modes=tuple(NUMPY_MODE), batches=(0, 1, 2, 3), channels=(1, 2, 3, 5, 8, 17)):
    """Arguments that fit: the input is as large as kernel, dilation and padding ask for, and some more."""
    dims = draw(st.integers(1, 3))
    per_axis = lambda values: [draw(st.sampled_from(values)) for _ in range(dims)]  # noqa: E731
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    kernel = per_axis([1, 2, 3, 5] if dims < 3 else [1, 2, 3])
    dilation = per_axis([1, 1, 2, 3])
    padding = per_axis([0, 0, 1, 2, 7])
    mode = draw(st.sampled_from(modes))
    sizes = []
    for k, d, p in zip(kernel, dilation, padding, strict=True):
        least = max(d * (k - 1) + 1 - 2 * p, 2 if mode == "reflect" else 1)
        sizes.append(least + draw(st.integers(0, {1: 40, 2: 9, 3: 3}[dims])))
    return ConvCase(
        dims=dims,
        batch=draw(st.sampled_from(batches)),
        input=sizes,
        channels=(groups * draw(st.sampled_from(channels)), groups * draw(st.sampled_from(channels))),
        kernel=kernel,
        stride=per_axis([1, 1, 2, 3, 6]),
        padding=padding,
        dilation=dilation,
        groups=groups,
        mode=mode,
        bias=draw(st.booleans()),
        seed=draw(st.integers(0, 2**32 - 1)),
        layout=draw(st.sampled_from(["contiguous", "transposed", "stepped"])),
    )


@st.composite
def transpose_cases(draw):
    case = draw(conv_cases(modes=("zeros",), batches=(1, 2), channels=(1, 2, 3, 9)))
    case.input = [draw(st.integers(1, {1: 20, 2: 6, 3: 3}[case.dims])) for _ in range(case.dims)]
    case.output_padding = [
        draw(st.integers(0, max(s, d) - 1)) for s, d in zip(case.stride, case.dilation, strict=True)
    ]
    for i in range(case.dims):  # leave an output of at least one
        span = (case.input[i] - 1) * case.stride[i] + case.dilation[i] * (case.kernel[i] - 1)
        case.padding[i] = min(case.padding[i], (span + case.output_padding[i]) // 2)
    return case


def error(got, wanted, *factors):
    """The largest difference, relative to the largest number wanted; of factors: or to their largest product.

    That is for algorithms that transform the whole of what they multiply: where no product is wanted, since every
    tap lies in the padding, theirs cancel only up to rounding.
    """
    assert got.shape == wanted.shape
    if wanted.size == 0:
        return 0.0
    difference = float(np.max(np.abs(np.asarray(got, np.float64) - wanted)))
    product = math.prod(float(np.max(np.abs(f), initial=0)) for f in factors) if factors else 0.0
    return difference / (max(float(np.max(np.abs(wanted))), product) + math.ulp(1.0))


def gradients(dims, x, w, b, g, dtype, **options):
    x, w, b = (penlight.tensor(value, dtype=dtype, requires_grad=True) for value in (x, w, b))
    y = getattr(F, f"conv{dims}d")(x, w, b, **options)
    return y, *penlight.autograd.grad(y, (x, w, b), penlight.tensor(g, dtype=dtype))


def wanted_gradients(x, w, g, stride, padding, dilation, groups, mode):
    """By definition, tap by tap: padding says which input element each padded position is, or none (-1)."""
    pairs = [(p, p) for p in padding]
    fill = {"constant_values": -1} if mode == "zeros" else {}
    spatial, kernel = x.shape[2:], w.shape[2:]
    source = np.pad(np.arange(np.prod(spatial)).reshape(spatial), pairs, NUMPY_MODE[mode], **fill)
    flat = np.concatenate([x.reshape(*x.shape[:2], -1), np.zeros((*x.shape[:2], 1))], -1)  # [-1] is the zero
    dx, dw = np.zeros_like(flat), np.zeros_like(w)
    ins, outs = x.shape[1] // groups, w.shape[0] // groups
    for tap in np.ndindex(*kernel):
        seen = source[
            tuple(
                slice(t * d, t * d + (n - 1) * s + 1, s)
                for t, d, s, n in zip(tap, dilation, stride, g.shape[2:], strict=True)
            )
        ].ravel()
        slopes = g.reshape(*g.shape[:2], -1)
        for group in range(groups):
            i, o = slice(group * ins, (group + 1) * ins), slice(group * outs, (group + 1) * outs)
            dw[(o, slice(None), *tap)] = np.einsum("nop,ncp->oc", slopes[:, o], flat[:, i][..., seen])
            arriving = np.einsum("nop,oc->ncp", slopes[:, o], w[(o, slice(None), *tap)])
            np.add.at(dx, (slice(None), i, seen), arriving)
    return dx[..., :-1].reshape(x.shape), dw, g.sum((0, *range(2, g.ndim)))


def check_definition(shape, weight, *, stride=1, padding=0, dilation=1, groups=1, mode="zeros"):
    """Values and all three gradients are the definition, in both precisions."""
    rng, dims = np.random.default_rng(sum(shape)), len(shape) - 2
    x, w, b = rng.standard_normal(shape), rng.standard_normal(weight), rng.standard_normal(weight[0])
    lists = ((stride,) * dims, (padding,) * dims, (dilation,) * dims)
    out = convolution(x, w, b, lists[0], [(padding, padding)] * dims, lists[2], groups, mode)
    g = rng.standard_normal(out.shape)
    wanted = (out, *wanted_gradients(x, w, g, *lists, groups, mode))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    for dtype, bound in ((penlight.float32, 2e-5), (penlight.float64, 1e-13)):
        found = gradients(dims, x, w, b, g, dtype, padding_mode=mode, **options)
        for got, want in zip(found, wanted, strict=True):
            assert error(got.detach().numpy(), want) < bound


def check_bits_at_any_number_of_threads(shape, weight, **options):
    """A 2-D convolution and its gradients."""
    x, w = penlight.randn(*shape), penlight.randn(*weight)
    g = penlight.randn_like(F.conv2d(x, w, **options))
    found = []
    before = penlight.get_num_threads()
    try:
        for threads in (1, 2, 3, 5):
            penlight.set_num_threads(threads)
            a, b = x.clone().requires_grad_(), w.clone().requires_grad_()
            y = F.conv2d(a, b, **options)
            slopes = penlight.autograd.grad(y, (a, b), g)
            found.append([value.numpy().tobytes() for value in (y.detach(), *slopes)])
    finally:
        penlight.set_num_threads(before)
    assert all(other == found[0] for other in found[1:])

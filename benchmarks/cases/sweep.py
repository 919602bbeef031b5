"""Convolutions of random shapes from a fixed seed, so that no shape is tuned for alone.

1-D, 2-D and 3-D in turn, the four padding modes in turn, groups from one to depthwise with multipliers, and some
transposed.
"""

import random

from benchmarks.cases.conv import Shape, cases_of

COUNT = 72
LARGEST = 4e8  # operations of one forward: a case takes milliseconds


def shapes(count=COUNT, seed=20240607):
    draw = random.Random(seed)
    found = []
    while len(found) < count:
        dims = 1 + len(found) % 3
        mode = ("zeros", "reflect", "replicate", "circular")[len(found) // 3 % 4]
        shape = draw_shape(draw, dims, mode)
        if min(shape.output) >= 1 and 1e5 <= shape.flops <= LARGEST:
            found.append(shape)
    return found


def draw_shape(draw, dims, mode):
    kernel = tuple(draw.choice((1, 2, 3, 3, 3, 5, 7, 11 if dims == 1 else 4)) for _ in range(dims))
    longest = {1: 8000, 2: 160, 3: 32}[dims]
    sizes = tuple(max(8, int(longest * draw.random() ** 1.5)) for _ in range(dims))
    channels = draw.choice((1, 2, 3, 4, 7, 8, 16, 17, 24, 32, 64, 96))
    outputs = draw.choice((1, 2, 4, 6, 8, 16, 20, 32, 48, 64, 128))
    transposed = mode == "zeros" and draw.random() < 0.4
    if draw.random() < 0.15:
        outputs = channels * draw.choice((1, 1, 2))  # depthwise, perhaps with two rows for each channel
    groups = draw.choice(
        [g for g in (1, 1, 1, 2, 4, channels) if channels % g == 0 and outputs % g == 0] or [1]
    )
    padding = draw.choice((0, 1, 2)) if mode == "zeros" else draw.choice((1, 2, 3))
    stride, dilation = draw.choice((1, 1, 1, 2)), draw.choice((1, 1, 1, 2))
    batch = draw.choice((1, 2, 4, 8, 16, 32))
    kind = f"{dims}d{' transposed' if transposed else ''}"
    name = (
        f"{kind} {batch}x{channels}x{'x'.join(map(str, sizes))} to {outputs} k{'x'.join(map(str, kernel))} "
        f"s{stride} p{padding} d{dilation} g{groups} {mode}"
    )
    return Shape(
        name, (batch, channels, *sizes), outputs, kernel, stride, padding, dilation, groups, mode, transposed
    )


def cases():
    yield from cases_of("sweep", shapes())

"""The report's pictures: digits, learning curves, kernels, feature maps, and a signal under Conv1d.

Each function takes numbers and gives HTML. A group of small pictures is described once, by its caption.
"""

from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, floor, log10

import penlight
from penlight.demo.svg import MINUS, Svg, heat_map, largest, number


def figure(picture: str, caption: str, style: str = "") -> str:
    """A picture with words under it; ``caption`` is HTML."""
    kind = f' class="{style}"' if style else ""
    return f'<figure{kind}><div class="picture">{picture}</div><figcaption>{caption}</figcaption></figure>'


def tiles(pictures: Iterable[str], description: str, style: str = "") -> str:
    """Small pictures side by side, wrapping as the page asks; described as one."""
    inside = "".join(f'<div class="tile">{picture}</div>' for picture in pictures)
    return f'<div class="tiles {style}" role="img" aria-label="{escape(description)}">{inside}</div>'


def digit(image: penlight.Tensor, below: str = "", cell: float = 8) -> str:
    """An image of shape (1, 8, 8) as ink on paper, with words (HTML) under it."""
    words = f'<div class="below">{below}</div>' if below else ""
    return heat_map(image[0].tolist(), cell, 1.0) + words


def curves(
    lines: Sequence[tuple[str, str, Sequence[float]]], *, title: str, percent: bool = False, log: bool = False
) -> str:
    """Lines over the epochs, each given as (name, style, one value an epoch), named at their ends.

    ``percent`` writes the values as shares; ``log`` takes a logarithmic scale, for values that fall
    over decades.
    """
    left, right, top, bottom, width, height = 48.0, 66.0, 34.0, 30.0, 364.0, 250.0
    epochs = len(lines[0][2])
    values = [value for _, _, line in lines for value in line if value == value and value != float("inf")]
    low, high, marks = _log_scale(values) if log else _even_scale(values, 1.0 if percent else None)

    def across(epoch):
        return left + (width - left - right) * ((epoch - 1) / (epochs - 1) if epochs > 1 else 0.5)

    def up(value):
        if value != value:
            value = low
        place = (log10(value) if value > 0 else low) if log else value
        return height - bottom - (height - top - bottom) * min(max((place - low) / (high - low), 0), 1)

    sheet = Svg(width, height)
    sheet.text(2, 16, title, "strong")
    for mark in marks:
        sheet.line([(left, up(mark)), (width - right, up(mark))], "grid")
        sheet.text(left - 7, up(mark) + 4, f"{mark:.0%}" if percent else number(mark), "small muted", "end")
    for epoch in _epoch_marks(epochs):
        sheet.text(across(epoch), height - bottom + 18, epoch, "small muted", "middle")
    sheet.text(width - right + 16, height - bottom + 18, "epoch", "small muted")

    ends = []
    for name, style, line in lines:
        points = [(across(i + 1), up(value)) for i, value in enumerate(line)]
        sheet.line(points, f"line thick {style}")
        sheet.circle(*points[-1], 3.5, f"dot {style}")
        ends.append((points[-1][1], name, style))
    floor_of_text = float("inf")
    for y, name, style in sorted(ends, reverse=True):  # from the foot up, each label clear of the one below
        floor_of_text = min(y + 4, floor_of_text - 15)
        sheet.text(width - right + 10, floor_of_text, name, f"small {style}")

    shown = "; ".join(
        f"{name} from {_shown(line[0], percent)} to {_shown(line[-1], percent)}" for name, _, line in lines
    )
    return sheet.render(f"{title} over {epochs} epochs: {shown}.", "chart")


def kernel_pairs(first: penlight.Tensor, learned: penlight.Tensor) -> str:
    """Kernels of shape (n, 1, h, w) as they started and as they were learned, side by side."""
    scale = max(largest(first.tolist()), largest(learned.tolist()))
    cell, gap = 14.0, 24.0
    pictures = []
    for k, (before, after) in enumerate(zip(first.tolist(), learned.tolist(), strict=True)):
        rows, columns = len(after[0]), len(after[0][0])
        sheet = Svg(2 * columns * cell + gap + 2, rows * cell + 2)
        sheet.heat(1, 1, cell, before[0], scale, "warm")
        middle = 1 + rows * cell / 2
        sheet.arrow(columns * cell + 6, middle, columns * cell + gap - 4, middle, "faint")
        sheet.heat(1 + columns * cell + gap, 1, cell, after[0], scale, "warm")
        pictures.append(sheet.render("", "heat") + f'<div class="below">{k}</div>')
    words = (
        f"{len(pictures)} kernels before and after learning, with weights up to {number(scale, 3)} in size."
    )
    return tiles(pictures, words, "kernels") + scale_bar(scale)


def scale_bar(scale: float) -> str:
    """What the colours of signed heat maps mean."""
    steps = 13
    sheet = Svg(260, 34)
    sheet.heat(24, 2, 212 / steps, [[scale * (2 * i / (steps - 1) - 1) for i in range(steps)]], scale, "warm")
    for place, value in ((24, -scale), (130, 0.0), (236, scale)):
        sheet.text(place, 31, number(value, 3), "small muted", "middle")
    return sheet.render(f"Colours run from {number(-scale, 3)} through 0 to {number(scale, 3)}.", "scale")


def feature_maps(maps: penlight.Tensor, description: str, style: str) -> str:
    """Maps of shape (channels, h, w), all on one scale; ``style`` says how many stand in a row."""
    values = maps.tolist()
    scale = largest(values)
    pictures = [heat_map(channel, 64 / len(channel), scale, "glow") for channel in values]
    return tiles(pictures, f"{description}; the largest value is {number(scale, 3)}.", style)


def certainty_bars(shares: Sequence[float], wanted: int) -> str:
    """Ten bars: how sure the net is of each digit."""
    sheet = Svg(330, 10 * 20 + 4)
    for name, share in enumerate(shares):
        y = 2 + 20 * name
        sheet.text(14, y + 14, name, "mono strong" if name == wanted else "mono muted", "middle")
        sheet.rect(30, y + 3, 240, 14, "track", 3)
        sheet.rect(30, y + 3, max(240 * share, 0.5), 14, "fill warm" if name == wanted else "fill cold", 3)
        sheet.text(326, y + 14, f"{share:.1%}", "small muted", "end")
    said = ", ".join(f"{name}: {share:.1%}" for name, share in enumerate(shares))
    return sheet.render(f"How sure the net is of each digit: {said}.", "bars")


def lanes(signal: penlight.Tensor, names: Sequence[str], window: tuple[int, int]) -> str:
    """Channels of a signal of shape (channels, length), one lane each; ``window`` (start, size) is marked."""
    width, title, lane = 420.0, 24.0, 120.0
    values = signal.tolist()
    sheet = Svg(width, lane * len(values) + 20)
    scale, length = largest(values) or 1.0, len(values[0])
    step = (width - 6) / max(length - 1, 1)
    start, size = window
    sheet.rect(3 + step * (start - 0.5), 1, step * size, lane * len(values) - 2, "window", 4)
    for channel, line in enumerate(values):
        half = (lane - title) / 2
        base = lane * channel + title + half
        sheet.text(2, lane * channel + 16, names[channel], "strong")
        sheet.line([(2, base), (width - 2, base)], "grid")
        points = [(3 + step * t, base - value / scale * (half - 6)) for t, value in enumerate(line)]
        sheet.line(points, "line thick values")
        for x, y in points[start : start + size]:
            sheet.circle(x, y, 3.5, "dot values")
    sheet.text(2, sheet.height - 4, "t = 0", "small muted")
    sheet.text(width - 2, sheet.height - 4, f"t = {length - 1}", "small muted", "end")
    return sheet.render(f"{len(values)} lanes of {length} samples: {', '.join(names)}.", "wide")


def conv1d_rows(weight: penlight.Tensor, bias: penlight.Tensor, out: penlight.Tensor, marked: int) -> str:
    """A row a kernel: its weights (in, size), bias, and the lane it makes; sample ``marked`` has a dot."""
    kernels, made, biases = weight.tolist(), out.tolist(), bias.tolist()
    scale, loudest, cell = largest(kernels), largest(made) or 1.0, 13.0
    width, height, start = 340.0, 40.0, 138.0
    pictures = []
    for k, (kernel, line) in enumerate(zip(kernels, made, strict=True)):
        sheet = Svg(width, height)
        sheet.text(16, height / 2 + 4, k, "small muted", "end")
        sheet.heat(24, (height - cell * len(kernel)) / 2, cell, kernel, scale, "warm")
        sheet.text(106, height / 2 + 4, f"{biases[k]:+.2f}".replace("-", MINUS), "small muted", "end")
        sheet.arrow(112, height / 2, 130, height / 2, "faint")
        step = (width - start - 4) / max(len(line) - 1, 1)
        zero = height / 2
        sheet.line([(start, zero), (width - 2, zero)], "grid")
        points = [
            (start + step * t, zero - value / loudest * (height / 2 - 3)) for t, value in enumerate(line)
        ]
        sheet.line(points, "line values")
        if k == 0:
            sheet.circle(*points[marked], 4, "dot gradients")
        pictures.append(sheet.render(""))
    words = (
        f"{len(kernels)} kernels of {len(kernels[0])} by {len(kernels[0][0])} weights, "
        f"each beside the lane of {len(made[0])} samples it makes."
    )
    return tiles(pictures, words, "rows") + scale_bar(scale)


def _log_scale(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """The first and last power of ten round the values, as exponents, and the powers from one to the other."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = floor(log10(min(positive))), floor(log10(max(positive))) + 1
    return low, high, [10.0**power for power in range(low, high + 1)]


def _even_scale(values: Sequence[float], most: float | None) -> tuple[float, float, list[float]]:
    """Round numbers below and above the values, the upper one not over ``most``, and the marks between."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    step = _round_step(high - low)
    start, end = floor(low / step) * step, ceil(high / step) * step
    end = max(end if most is None else min(end, most), start + step)
    return start, end, [start + step * i for i in range(round((end - start) / step) + 1)]


def _round_step(spread: float) -> float:
    """1, 2 or 5 times a power of ten, so that at most five steps make the spread."""
    power = 10.0 ** floor(log10(max(spread, 1e-3) / 4))
    return next(power * factor for factor in (1, 2, 5, 10) if spread / (power * factor) <= 5)


def _epoch_marks(epochs: int) -> list[int]:
    """The first and the last epoch, and round ones between that leave room for both."""
    step = max(1, round(_round_step(epochs)))
    return [
        1,
        *(e for e in range(step, epochs, step) if 1 < e <= epochs - step / 2),
        *([epochs] if epochs > 1 else []),
    ]


def _shown(value: float, percent: bool) -> str:
    return f"{value:.1%}" if percent else number(value)

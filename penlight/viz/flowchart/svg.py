"""Drawing tools for cards: text that is escaped, numbers between brackets, tiny histograms."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import numpy as np

from penlight.explain.glimpse import Glimpse, flat, number, summarize

CHARACTER = 7.25  # width of a monospaced character of 12 units
LINE = 17
MOST_ROWS, MOST_COLUMNS = 6, 5  # of numbers on a card


Shape = list[Any]  # [tag, attributes] or [tag, attributes, text or list of shapes]


class Sheet:
    """Shapes put one after the other, as plain data; classes name the colours (style.py).

    The page's view makes elements from it, ``to_svg`` writes it as text: in both, text stays text.
    """

    def __init__(self) -> None:
        self.shapes: list[Shape] = []

    def rect(
        self, x: float, y: float, width: float, height: float, style: str, radius: float = 0, **more: Any
    ) -> None:
        rounded = {"rx": short(radius)} if radius else {}
        box = {"x": short(x), "y": short(y), "width": short(width), "height": short(height)}
        self.shapes.append(["rect", {"class": style, **box, **rounded, **more}])

    def path(self, d: str, style: str) -> None:
        self.shapes.append(["path", {"class": style, "d": d}])

    def text(self, x: float, y: float, content: str, style: str, anchor: str = "") -> None:
        where = {"text-anchor": anchor} if anchor else {}
        self.shapes.append(["text", {"class": style, "x": short(x), "y": short(y), **where}, clean(content)])

    def group(self, shapes: list[Shape], style: str = "", at: tuple[float, float] | None = None) -> None:
        attributes = {"class": style} if style else {}
        if at is not None:
            attributes["transform"] = f"translate({short(at[0])} {short(at[1])})"
        self.shapes.append(["g", attributes, shapes])


def to_svg(shapes: list[Shape]) -> str:
    """Shapes as markup, with all text escaped.

    >>> to_svg([["text", {"x": "1"}, "<b>"]])
    '<text x="1">&lt;b&gt;</text>'
    """
    parts = []
    for tag, attributes, *content in shapes:
        head = tag + "".join(f' {name}="{escape(str(text))}"' for name, text in attributes.items())
        if not content:
            parts.append(f"<{head}/>")
        else:
            inside = escape(content[0]) if isinstance(content[0], str) else to_svg(content[0])
            parts.append(f"<{head}>{inside}</{tag}>")
    return "".join(parts)


def short(value: float) -> str:
    """A coordinate in few characters.

    >>> short(3.1400001)
    '3.14'
    """
    return f"{round(value, 2):g}" if abs(value) < 1000 else f"{round(value, 1):.7g}"


def clean(text: str) -> str:
    """Without the control characters that XML has no place for."""
    return "".join(c if c >= " " or c in "\t\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def clip(text: str, most: int) -> str:
    """Text cut to a number of characters, with an ellipsis in place of the rest."""
    return text if len(text) <= most else text[: most - 1] + "…"


def rows_of(values: Any) -> list[list[Any]]:
    """Nested values as rows: leading dimensions one below the other.

    >>> rows_of([[[1, 2]], [[3, 4]]])
    [[1, 2], [3, 4]]
    """
    if not isinstance(values, list):
        return [[values]]
    if not values:
        return [[]]
    if not isinstance(values[0], list):
        return [values]
    return [row for item in values for row in rows_of(item)]


def value_size(seen: Glimpse | None) -> tuple[float, float]:
    """Width and height that ``value`` takes."""
    if seen is None:
        return 0, 0
    if _readable(seen):
        rows, wide = _texts(seen)
        return 14 + max(len(rows[0]), 1) * (wide * CHARACTER + 8), len(rows) * LINE + 4
    return 13 * CHARACTER + 74, 46


def _readable(seen: Glimpse) -> bool:
    """Are the values here, and few enough for a card?"""
    if not seen.few:
        return False
    rows = rows_of(seen.values)
    return len(rows) <= MOST_ROWS and len(rows[0]) <= MOST_COLUMNS


def _texts(seen: Glimpse) -> tuple[list[list[str]], int]:
    rows = [[number(v, 3) for v in row] for row in rows_of(seen.values)]
    return rows, max((len(text) for row in rows for text in row), default=1)


def value(sheet: Sheet, x: float, y: float, seen: Glimpse, style: str) -> None:
    """Numbers between brackets, or a histogram with the range and the mean."""
    width, height = value_size(seen)
    if not _readable(seen):
        _summary(sheet, x, y, seen, style)
        return
    rows, wide = _texts(seen)
    if seen.shape:
        for side, turn in ((x, 4), (x + width, -4)):
            sheet.path(
                f"M{short(side + turn)} {short(y)}H{short(side)}V{short(y + height)}H{short(side + turn)}",
                f"bracket {style}",
            )
    largest = max(
        (abs(v) for v in flat(seen.values) if not isinstance(v, bool) and math.isfinite(v)), default=0
    )
    cell = wide * CHARACTER + 8
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            raw = rows_of(seen.values)[i][j]
            if largest and seen.shape and not isinstance(raw, bool) and math.isfinite(raw) and raw:
                shade = round(0.05 + 0.28 * abs(raw) / largest, 3)
                sheet.rect(
                    x + 7 + j * cell, y + 2 + i * LINE, cell, LINE, f"heat {style}{' cold' if raw < 0 else ''}",
                    **{"fill-opacity": shade},
                )  # fmt: skip
            sheet.text(x + 7 + (j + 1) * cell - 4, y + 15 + i * LINE, text, f"num {style}", "end")


def _summary(sheet: Sheet, x: float, y: float, seen: Glimpse, style: str) -> None:
    summary = seen.summary or summarize(np.array(flat(seen.values), dtype=float))
    if "histogram" not in summary:
        sheet.text(x, y + 14, "no finite value", f"num {style}")
        return
    counts = summary["histogram"]
    top = max(counts)
    bars = "".join(
        f"M{short(x + 5 * i)} {short(y + 38)}v{short(-max(36 * count / top, 1 if count else 0))}h4v"
        f"{short(max(36 * count / top, 1 if count else 0))}z"
        for i, count in enumerate(counts)
    )
    sheet.path(bars, f"bars {style}")
    lines = (
        f"{number(summary['low'], 3)} …",
        f"{number(summary['high'], 3)}",
        f"μ {number(summary['mean'], 3)}",
    )
    broken = summary["nan"] + summary["inf"]
    if broken:
        lines = (lines[0] + " " + lines[1], lines[2], f"{broken} not finite")
    for i, text in enumerate(lines):
        sheet.text(x + 68, y + 11 + 14 * i, text, f"num small {style}")


def spoken(seen: Glimpse | None) -> str:
    """A value in words, for those who do not see it."""
    if seen is None:
        return "unknown"
    if seen.few:
        rows = [" ".join(number(v) for v in row) for row in rows_of(seen.values)]
        return "; ".join(rows) if seen.shape else rows[0]
    summary = seen.summary or {}
    if "low" not in summary:
        return "no finite value"
    words = f"from {number(summary['low'])} to {number(summary['high'])}, mean {number(summary['mean'])}"
    broken = summary["nan"] + summary["inf"]
    return words + (f", {broken} not finite" if broken else "")

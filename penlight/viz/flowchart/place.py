"""Where everything stands in pixels: the second half of the layout. The page's twin is place.js; a test compares them.

Columns stand side by side. Within a column boxes keep their order; each moves as near to the mean height of its
neighbours as the others allow, which is least squares under an order: solved exactly by pooling neighbours that
push each other (the pool-adjacent-violators algorithm, R. E. Barlow et al. 1972).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

COLUMN_GAP = 54
ROW_GAP = 16
STAND_IN = 4  # height of a place kept free for a passing edge
PADDING = 14  # inside a box
TITLE = 26  # of a box
PASSES = 8
MANY = 600  # children of one box; from here on half the passes do
WIDE = 3600  # a wider chart goes on in further lines
LINE_GAP = 56  # between lines
TURN = 30  # room beside a line, where edges turn to the next


def place(description: dict[str, Any], folded: set[str]) -> dict[str, Any]:
    """Positions for a state of folds.

    Args:
        description: as made by ``describe``: cards, groups and levels.
        folded: names of the groups that are closed.

    Returns:
        ``{"width", "height", "at": {name: [x, y, width, height]}, "gaps"}`` with the upper left corner and size of
        every visible card and box, and of the stand-ins, named ``group/d0``; ``gaps`` are the heights halfway between
        the lines of a chart that is too wide for one.
    """
    at: dict[str, list[float]] = {}

    def inside(name: str, x: float, y: float) -> None:
        """Positions of a box's children, whose upper left corner is (x, y)."""
        for child, (cx, cy, width, height) in corners[name].items():
            key = f"{name}/{child}" if child[0] == "d" else child
            at[key] = [x + cx, y + cy, width, height]
            if child[0] == "g" and child not in folded:
                inside(child, x + cx + PADDING, y + cy + TITLE + PADDING)

    corners: dict[str, dict[str, tuple[float, float, float, float]]] = {}
    inner: dict[str, tuple[float, float]] = {}

    def size(name: str) -> tuple[float, float]:
        if name[0] == "d":
            return 0.0, STAND_IN
        if name[0] == "c":
            card = description["cards"][int(name[1:])]
            return card["width"], card["height"]
        group = description["groups"][name]
        if name in folded:
            return group["width"], group["height"]
        width, height = inner[name]
        return max(width + 2 * PADDING, group["titleWidth"]), height + 2 * PADDING + TITLE

    # A group stands after the groups inside it.
    for name in [*description["order"], "root"]:
        if name not in folded:
            corners[name], inner[name] = _level(description["levels"][name], size)
    corners["root"], inner["root"], gaps = wrapped(
        description["levels"]["root"]["columns"], corners["root"], inner["root"]
    )
    inside("root", 0, 0)
    return {"width": inner["root"][0], "height": inner["root"][1], "at": at, "gaps": gaps}


def _level(
    level: dict[str, Any], size: Callable[[str], tuple[float, float]]
) -> tuple[dict[str, tuple[float, float, float, float]], tuple[float, float]]:
    columns = level["columns"]
    near_left: dict[str, list[str]] = {}
    near_right: dict[str, list[str]] = {}
    for source, target in level["joins"]:
        near_right.setdefault(source, []).append(target)
        near_left.setdefault(target, []).append(source)
    left: dict[str, tuple[float, float]] = {}  # with the width: a stand-in is as wide as its column
    x = 0.0
    for column in columns:
        widths = [size(name)[0] for name in column]
        widest = max(widths)
        for name, width in zip(column, widths, strict=True):
            left[name] = (x, widest) if name[0] == "d" else (x + (widest - width) / 2, width)
        x += widest + COLUMN_GAP
    middle: dict[str, float] = {}
    heights = {name: size(name)[1] for column in columns for name in column}
    for column in columns:
        y = 0.0
        for name in column:
            middle[name] = y + heights[name] / 2
            y += heights[name] + ROW_GAP
    for turn in range(PASSES if len(middle) <= MANY else PASSES // 2):
        near = near_left if turn % 2 == 0 else near_right
        for column in columns if turn % 2 == 0 else reversed(columns):
            if len(column) == 1:
                if others := near.get(column[0]):
                    middle[column[0]] = sum(middle[other] for other in others) / len(others)
                continue
            wanted = []
            for name in column:
                others = near.get(name)
                wanted.append(
                    sum(middle[other] for other in others) / len(others) if others else middle[name]
                )
            for name, y in zip(column, settle(wanted, [heights[name] for name in column]), strict=True):
                middle[name] = y
    top = min(middle[name] - heights[name] / 2 for name in middle)
    bottom = max(middle[name] + heights[name] / 2 for name in middle)
    corners = {
        name: (left[name][0], y - heights[name] / 2 - top, left[name][1], heights[name])
        for name, y in middle.items()
    }
    return corners, (x - COLUMN_GAP, bottom - top)


def wrapped(
    columns: list[list[str]],
    corners: dict[str, tuple[float, float, float, float]],
    whole: tuple[float, float],
) -> tuple[dict[str, tuple[float, float, float, float]], tuple[float, float], list[float]]:
    """A wide level cut into lines, one below the other, about as wide as all are high: positions, size and gaps."""
    width, height = whole
    if width <= WIDE:
        return corners, whole, []
    count = math.ceil(width / max(WIDE / 2, math.sqrt(width * (height + LINE_GAP))))
    lines: list[list[str]] = [[]]
    start = 0.0
    for column in columns:
        left = min(corners[name][0] for name in column)
        right = max(corners[name][0] + corners[name][2] for name in column)
        if lines[-1] and right - start > width / count:
            lines.append([])
            start = left
        lines[-1] += column
    moved: dict[str, tuple[float, float, float, float]] = {}
    gaps: list[float] = []
    top = widest = 0.0
    for line in lines:
        boxes = [corners[name] for name in line]
        left, highest = min(box[0] for box in boxes), min(box[1] for box in boxes)
        for name, (x, y, w, h) in zip(line, boxes, strict=True):
            moved[name] = (x - left + TURN, y - highest + top, w, h)
        widest = max(widest, *(box[0] + box[2] - left for box in boxes))
        top += max(box[1] + box[3] for box in boxes) - highest + LINE_GAP
        gaps.append(top - LINE_GAP / 2)
    return moved, (widest + 2 * TURN, top - LINE_GAP), gaps[:-1]


def settle(wanted: list[float], heights: list[float]) -> list[float]:
    """Middles as near to the wanted ones as possible, in order and without overlap.

    >>> settle([0.0, 0.0], [10.0, 10.0])
    [-13.0, 13.0]
    """
    shifts = [0.0]
    for i in range(1, len(wanted)):
        shifts.append(shifts[-1] + (heights[i - 1] + heights[i]) / 2 + ROW_GAP)
    pools: list[list[float]] = []  # sum of free positions, count
    for y, shift in zip(wanted, shifts, strict=True):
        pools.append([y - shift, 1.0])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            last = pools.pop()
            pools[-1][0] += last[0]
            pools[-1][1] += last[1]
    free = [total / count for total, count in pools for _ in range(int(count))]
    return [y + shift for y, shift in zip(free, shifts, strict=True)]

"""A flow chart as SVG: the cards where the layout puts them, boxes around, edges between."""

from __future__ import annotations

import itertools
from html import escape
from typing import Any

from penlight.viz.flowchart.place import TURN, place
from penlight.viz.flowchart.style import plain_sheet
from penlight.viz.flowchart.svg import Sheet, clean, short, to_svg

BORDER = 18


def draw(description: dict[str, Any], gradients: bool, theme: str = "auto") -> str:
    """The picture as one SVG document.

    Args:
        description: as made by ``describe``.
        gradients: show the layer of gradients.
        theme: ``light``, ``dark``, or ``auto`` for the reader's own choice.
    """
    folded = set(description["folded"])
    placed = place(description, folded)
    at = placed["at"]
    notice = description["notice"]
    top = BORDER + (24 if notice else 0)
    width = placed["width"] + 2 * BORDER
    if notice:
        width = max(width, 7.4 * len(notice) + 2 * BORDER)
    height = placed["height"] + top + BORDER
    gradients = gradients and description["hasGradients"]
    chart = Sheet()
    for name, group in sorted(description["groups"].items(), key=lambda item: item[1]["depth"]):
        if name in at and name not in folded:
            x, y, w, h = at[name]
            chart.rect(x, y, w, h, "frame", 10)
            chart.text(x + 12, y + 18, f"▾ {group['title']}", "small")
    tips = Sheet()
    for edge in visible_edges(description, folded, at):
        _edge(chart, tips, edge, gradients, placed["gaps"])
    for name, (x, y, _, _) in at.items():
        drawn = description["cards"][int(name[1:])] if name[0] == "c" else description["groups"].get(name)
        if drawn is not None and (name[0] == "c" or name in folded):
            chart.group([["title", {}, clean(drawn["words"])], *drawn["shapes"]], at=(x, y))
    out = Sheet()
    out.rect(0, 0, width, height, "paper")
    if notice:
        out.text(BORDER, BORDER + 6, notice, "notice")
    out.group(chart.shapes + tips.shapes, at=(BORDER, top))
    words = escape(clean(describe_in_words(description)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flow{"" if gradients else " plain"}" '
        f'width="{short(width)}" height="{short(height)}" viewBox="0 0 {short(width)} {short(height)}" '
        f'role="img" aria-label="{words}">'
        f"<style>{plain_sheet(theme)}</style>{to_svg(out.shapes)}</svg>"
    )


def visible_edges(
    description: dict[str, Any], folded: set[str], at: dict[str, list[float]]
) -> list[dict[str, Any]]:
    """The edges to draw, with their points: ends on closed boxes where a card is folded away, each pair once."""
    found: list[dict[str, Any]] = []
    seen = set()
    for edge in description["edges"]:
        ends = [_shown(description, f"c{edge[end][0]}", folded) for end in ("from", "to")]
        ports = [edge["from"][1], edge["to"][1]]
        key = (*ends, *ports) if all(end[0] == "c" for end in ends) else tuple(ends)
        if ends[0] == ends[1] or key in seen:
            continue
        seen.add(key)
        points = [_port(description, ends[0], ports[0], at, True)]
        for stand_in in edge.get("way", ()):
            if stand_in in at:
                x, y, width, height = at[stand_in]
                points += [(x, y + height / 2), (x + width, y + height / 2)]
        points.append(_port(description, ends[1], ports[1], at, False))
        found.append({**edge, "points": points, "ends": ends})
    return found


def _shown(description: dict[str, Any], card: str, folded: set[str]) -> str:
    """The card, or the outermost closed box it is in."""
    name, shown = description["cards"][int(card[1:])]["parent"], card
    while name != "root":
        if name in folded:
            shown = name
        name = description["groups"][name]["parent"]
    return shown


def _port(
    description: dict[str, Any], name: str, port: int, at: dict[str, list[float]], out: bool
) -> tuple[float, float]:
    x, y, width, height = at[name]
    count = description["cards"][int(name[1:])]["out" if out else "in"] if name[0] == "c" else 1
    return (x + width if out else x), y + height * (min(port, max(count, 1) - 1) + 1) / (max(count, 1) + 1)


def curve(points: list[tuple[float, float]], gaps: list[float]) -> str:
    """A smooth way through points, level at each. A way back to the left leads to the next line, through its gap."""
    parts = [f"M{short(points[0][0])} {short(points[0][1])}"]
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        between = [gap for gap in gaps if y < gap < to_y]
        if between and to_x < x:
            gap = between[-1]
            parts.append(
                f"C{short(x + TURN)} {short(y)} {short(x + TURN)} {short(gap)} {short(x)} {short(gap)}"
            )
            parts.append(f"H{short(to_x)}")
            parts.append(
                f"C{short(to_x - TURN)} {short(gap)} {short(to_x - TURN)} {short(to_y)} {short(to_x)} {short(to_y)}"
            )
            continue
        bend = max((to_x - x) / 2, 18)
        parts.append(
            f"C{short(x + bend)} {short(y)} {short(to_x - bend)} {short(to_y)} {short(to_x)} {short(to_y)}"
        )
    return "".join(parts)


def _edge(out: Sheet, tips: Sheet, edge: dict[str, Any], gradients: bool, gaps: list[float]) -> None:
    points = edge["points"]
    end_x, end_y = points[-1]
    style = "edge constant" if edge["kind"] == "constant" else "edge"
    out.path(curve([*points[:-1], (end_x - 5, end_y)], gaps), style)
    tips.path(f"M{short(end_x)} {short(end_y)}l-7 -4v8z", "tip")
    if not gradients or "label" not in edge:
        return
    back = [(x, y + 5) for x, y in points]
    x, y = back[0]
    line, tip = Sheet(), Sheet()
    line.path(curve([(x + 5, y), *back[1:]], gaps), "edge back")
    out.group(line.shapes, "layer")
    tip.path(f"M{short(x)} {short(y)}l7 -4v8z", "tip back")
    if edge.get("shared"):
        tip.text(end_x - 6, end_y + 17, edge["label"], "small grads halo", "end")
    tips.group(tip.shapes, "layer")


def describe_in_words(description: dict[str, Any], most: int = 60) -> str:
    """The chart in words, from the leaves to the result."""
    cards = description["cards"]
    said = ["Flow chart of the recorded graph.", description["notice"]] + [
        c["words"] + "." for c in cards[:most]
    ]
    if len(cards) > most:
        said.append(f"And {len(cards) - most} more.")
    return " ".join(filter(None, said))

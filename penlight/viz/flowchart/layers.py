"""Which box stands in which column, and in which order within it: the first half of a layered layout.

The method is that of K. Sugiyama, S. Tagawa and M. Toda (1981), *Methods for Visual Understanding of Hierarchical
System Structures*: longest-path layers, stand-ins where an edge passes columns, and an order found by sweeping over
the columns and putting each box at the mean of its neighbours. A folding box is laid out inside on its own, so its
columns do not depend on what is folded elsewhere; where everything stands in pixels is a later step (place.py), done
again at every fold.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS = 6
MANY = 600  # children of one box; from here on half the sweeps do
MOST_STAND_INS = 20_000


@dataclass
class Level:
    """The inside of one box: columns of names, and the pairs of names that are joined."""

    columns: list[list[str]] = field(default_factory=list)
    joins: list[tuple[str, str]] = field(default_factory=list)
    ways: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # stand-ins along a long edge


def arrange(
    children: list[str],
    edges: dict[tuple[str, str], int],
    late: set[str],
    entries: dict[str, int],
    exits: set[str],
) -> Level:
    """Columns for the children of one box.

    Args:
        children: their names, in an order in which every edge leads forwards.
        edges: pairs of children, with the number of the input that is reached.
        late: children without inputs that stand right before their first use, as parameters do.
        entries: children that edges from outside the box lead to, with the number of the input; the way in is kept
            free, as ``ways["", child]``.
        exits: children that edges lead out from; the way out is ``ways[child, ""]``.
    """
    below: dict[str, list[str]] = defaultdict(list)
    above: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        below[source].append(target)
        above[target].append(source)
    column = dict.fromkeys(children, 0)
    for name in children:
        for source in above[name]:
            column[name] = max(column[name], column[source] + 1)
    for name in children:
        if name in late and below[name] and not above[name]:
            column[name] = max(0, min(column[target] for target in below[name]) - 1)

    level = Level([[] for _ in range(1 + max(column.values(), default=0))])
    for name in children:
        level.columns[column[name]].append(name)
    count = 0
    column[""] = -1
    ways = edges | {("", name): entries[name] for name in children if name in entries}
    ways |= {(name, ""): 0 for name in children if name in exits}
    ports: dict[tuple[str, str], int] = {}
    for (source, target), port in ways.items():
        between = range(column[source] + 1, column[target] if target else len(level.columns))
        if count + len(between) > MOST_STAND_INS:
            between = range(0)
        way = [f"d{count + i}" for i in range(len(between))]
        count += len(way)
        for name, place in zip(way, between, strict=True):
            level.columns[place].append(name)
        if way:
            level.ways[source, target] = way
        chain = [name for name in (source, *way, target) if name]
        joins = list(pairwise(chain))
        level.joins += joins
        if joins and target:
            ports[joins[-1]] = port
    _order(level, ports)
    return level


def _order(level: Level, ports: dict[tuple[str, str], int]) -> None:
    """Sweeps to and fro; what leads into the upper inputs of a box stands above what leads into the lower."""
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for source, target in level.joins:
        after[source].append(target)
        before[target].append(source)
    rank = {name: float(i) for column in level.columns for i, name in enumerate(column)}
    for sweep in range(SWEEPS if len(rank) <= MANY else SWEEPS // 2):
        forwards = sweep % 2 == 0
        neighbours = before if forwards else after
        for column in level.columns if forwards else reversed(level.columns):
            if len(column) == 1:
                continue
            mean = {}
            for name in column:
                near = neighbours[name]
                if not near:
                    mean[name] = rank[name]
                elif forwards:
                    mean[name] = sum(rank[other] for other in near) / len(near)
                else:
                    heights = [rank[other] + min(ports.get((name, other), 0), 9) / 10 for other in near]
                    mean[name] = sum(heights) / len(near)
            column.sort(key=mean.__getitem__)
            for i, name in enumerate(column):
                rank[name] = float(i)

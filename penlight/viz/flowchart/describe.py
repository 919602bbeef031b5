"""The description of a flow chart in plain data, which pictures and pages are made from: cards, boxes and edges."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from penlight.explain.flow import Passage
from penlight.explain.glimpse import Glimpse, flat, glimpse, norm, number
from penlight.explain.labels import input_names, labels
from penlight.explain.reading import Graph, Step
from penlight.explain.recording import shape_text
from penlight.explain.rules import put_in, rule
from penlight.viz.flowchart import cards
from penlight.viz.flowchart.layers import arrange
from penlight.viz.flowchart.style import sheet
from penlight.viz.flowchart.svg import clip

MOST_NODES = 2000  # drawn; what is beyond is folded
DETAILED = 120  # cards with values; where there are more, cards are small
OPEN = 150  # cards that stand open at first


class Describer:
    """Collects the description of one graph."""

    def __init__(self, graph: Graph, passages: list[Passage], depth: int | None) -> None:
        self._graph = graph
        self._names = labels(graph)
        self._depth = depth
        self._cards: list[cards.Card] = []
        self._parents: list[str] = []  # the box each card stands in
        self._groups: dict[str, dict[str, Any]] = {}
        self._keys: dict[Any, str] = {}  # of boxes by what they stand for
        self._edges: list[dict[str, Any]] = []
        self._grads = {p.step: [None if g is None else glimpse(g) for g in p.incoming] for p in passages}
        self._shares = {
            (p.step, position): glimpse(g)
            for p in passages
            for position, g in enumerate(p.outgoing)
            if g is not None
        }
        self._uses = Counter((edge.source, edge.output) for edge in graph.edges)
        self._late: set[str] = set()
        self.drawn: list[tuple[int, Step]] = []
        self._pending_constants: list[tuple[int, int, int]] = []
        self._left_out = _middle(graph)

    def describe(self) -> dict[str, Any]:
        graph = self._graph
        self._root = self._names[graph.roots[0]] if len(graph.roots) == 1 else "the results"
        if graph.failure is not None:
            self._root = "the forward that failed"
        compact = len(graph.steps) - len(self._left_out) > DETAILED
        card_of: dict[int, int] = {}
        for step in graph.steps:
            if step.index in self._left_out:
                continue
            own = cards.step_card(step, self._names, self._grads.get(step.index, []), self._root, compact)
            parent = self._box_of(step)
            for number_, constant in enumerate(step.constants[:3]):
                self._constant(step, number_, constant, parent, compact)
            card_of[step.index] = self._add(own, parent)
            self.drawn.append((card_of[step.index], step))
            if step.leaf:
                self._late.add(f"c{card_of[step.index]}")
        self._fold_middle(card_of)
        for edge in graph.edges:
            self._join(edge, card_of)
        self._attach_constants(card_of)
        self._fail(card_of)
        return self._finish()

    # ---- cards and boxes

    def _add(self, card: cards.Card, parent: str) -> int:
        self._cards.append(card)
        self._parents.append(parent)
        return len(self._cards) - 1

    def _constant(self, step: Step, position: int, constant: Any, parent: str, compact: bool) -> None:
        place = self._add(cards.constant_card(constant, compact), parent)
        self._late.add(f"c{place}")
        self._pending_constants.append((place, step.index, position))

    def _attach_constants(self, card_of: dict[int, int]) -> None:
        for place, step, position in self._pending_constants:
            if step in card_of:
                port = sum(edge is not None for edge in self._graph.steps[step].inputs) + position
                self._edges.append({"from": [place, 0], "to": [card_of[step], port], "kind": "constant"})

    def _box_of(self, step: Step) -> str:
        """The box for the module calls a step was made in, made where it is not there yet."""
        parent = "root"
        calls = step.module
        if step.leaf and calls and calls[0].number == 0:
            return self._box_of_parameter(step)
        for depth, call in enumerate(calls):
            key = calls[: depth + 1]
            if key not in self._keys:
                again = f" (call {call.number})" if call.number > 1 else ""
                self._group(key, parent, f"{call.path}: {call.kind}{again}", depth)
            parent = self._keys[key]
        return parent

    def _box_of_parameter(self, step: Step) -> str:
        """A parameter stands with its first use, where that was recorded, otherwise alone."""
        for edge in self._graph.edges:
            if edge.source == step.index:
                return self._box_of(self._graph.steps[edge.target])
        return "root"

    def _group(self, key: Any, parent: str, title: str, depth: int) -> str:
        name = f"g{len(self._groups)}"
        self._keys[key] = name
        title = clip(title, 48)
        self._groups[name] = {
            "parent": parent, "title": title, "depth": depth, "titleWidth": cards.title_width(title),
        }  # fmt: skip
        return name

    def _fold_middle(self, card_of: dict[int, int]) -> None:
        if not self._left_out:
            return
        text = f"{len(self._left_out):,} nodes in the middle, folded"
        place = self._add(cards.group_card(text, len(self._left_out), 0), "root")
        self._cards[place].kind = "folded"
        for index in self._left_out:
            card_of[index] = place

    # ---- edges

    def _join(self, edge: Any, card_of: dict[int, int]) -> None:
        source, target = card_of[edge.source], card_of[edge.target]
        if source == target:
            return
        inputs = self._graph.steps[edge.target].inputs
        port = sum(other is not None for other in inputs[: edge.position])
        joined: dict[str, Any] = {"from": [source, edge.output], "to": [target, port], "kind": "value"}
        joined["shared"] = self._uses[edge.source, edge.output] > 1
        share = self._shares.get((edge.target, edge.position))
        if share is not None:
            joined["grad"] = share.as_json()
            joined["label"] = _edge_label(share)
            joined["strength"] = norm(share)
        if edge.source in self._left_out or edge.target in self._left_out:
            joined["from"][1] = joined["to"][1] = 0
        self._edges.append(joined)

    def _fail(self, card_of: dict[int, int]) -> None:
        failure = self._graph.failure
        if failure is None:
            return
        lines = [
            f"{name}: {shape_text(shape)} {dtype.removeprefix('torch.')}"
            for name, shape, dtype in failure.met
        ]
        lines.append(clip(f"{type(failure.error).__name__}: {failure.error}".replace("\n", " "), 90))
        if failure.place is not None:
            lines.append(f"line {failure.place.line} in {failure.place.function}")
        title = failure.place.expression or failure.place.text if failure.place else "the forward"
        place = self._add(cards.failure_card(title, lines), "root")
        for position, (node, output) in enumerate(failure.inputs):
            step = next((s for s in self._graph.steps if s.node is node), None)
            if step is not None and step.index in card_of:
                self._edges.append(
                    {"from": [card_of[step.index], output], "to": [place, position], "kind": "value"}
                )

    # ---- details for the panel of a page

    def details(self) -> dict[str, Any]:
        """What a page shows of a card that is looked at closely, by the card's number."""
        return {str(card): self._detail(step) for card, step in self.drawn}

    def _detail(self, step: Step) -> dict[str, Any]:
        known = rule(step.name)
        inputs = input_names(step, self._names)
        detail: dict[str, Any] = {
            "node": "leaf" if step.leaf else step.name,
            "outputs": [
                {
                    "name": self._names[step.index, i],
                    "shape": shape_text(output.shape),
                    "dtype": output.dtype,
                    "source": output.source,
                    "value": output.value.as_json() if output.value else None,
                    "grad": grad.as_json() if grad else None,
                }
                for i, (output, grad) in enumerate(
                    zip(step.outputs, [*self._grads.get(step.index, []), *[None] * 99], strict=False)
                )
            ],
        }
        if known is not None and not step.leaf:
            detail["rule"] = known.words[0].upper() + known.words[1:]
            detail["back"] = [
                f"to {name}: {put_in(text, inputs, step.notes, g='g', y=self._names[step.index, 0])}"
                for name, text, edge in zip(inputs, known.back, step.inputs, strict=False)
                if edge is not None
            ]
        if step.place is not None:
            detail["place"] = f"{step.place.file}, line {step.place.line}, in {step.place.function}"
            detail["code"] = step.place.text
        if step.source:
            detail["source"] = step.source
        return detail

    # ---- the whole

    def _finish(self) -> dict[str, Any]:
        chain = {f"c{i}": self._ancestors(parent) for i, parent in enumerate(self._parents)}
        children: dict[str, list[str]] = defaultdict(list)
        seen: set[str] = set()
        for i in range(len(self._cards)):
            name = f"c{i}"
            for parent in chain[name]:  # innermost first
                if name not in seen:
                    children[parent].append(name)
                    seen.add(name)
                name = parent
        inside: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
        entries: dict[str, dict[str, int]] = defaultdict(dict)
        exits: dict[str, set[str]] = defaultdict(set)
        passed = []  # of each edge: the boxes it passes, with its two representatives in each
        for edge in self._edges:
            source, target = f"c{edge['from'][0]}", f"c{edge['to'][0]}"
            top, a, b = _meet(source, target, chain)
            port = edge["to"][1]
            inside[top].setdefault((a, b), port)
            outwards = _climb(source, chain, top)
            inwards = _climb(target, chain, top)
            for box, name in outwards:
                exits[box].add(name)
            for box, name in inwards:
                entries[box].setdefault(name, port)
            passed.append(
                [(box, (name, "")) for box, name in outwards]
                + [(top, (a, b))]
                + [(box, ("", name)) for box, name in reversed(inwards)]
            )
        levels, ways = {}, {}
        for name in ["root", *self._groups]:
            order = _in_order(children[name], inside[name])
            level = arrange(order, inside[name], self._late, entries[name], exits[name])
            levels[name] = {"columns": level.columns, "joins": [list(join) for join in level.joins]}
            ways[name] = level.ways
        for edge, places in zip(self._edges, passed, strict=True):
            edge["way"] = [f"{box}/{name}" for box, ends in places for name in ways[box].get(ends, ())]
        self._count()
        return {
            "kind": "graph",
            "root": self._root,
            "title": f"Flow chart of {self._root}",
            "words": self._summary(),
            "style": sheet(),
            "cards": [
                card.as_json() | {"parent": parent}
                for card, parent in zip(self._cards, self._parents, strict=True)
            ],
            "groups": self._groups,
            "order": sorted(self._groups, key=lambda name: -self._groups[name]["depth"]),
            "levels": levels,
            "edges": self._edges,
            "folded": self._folded(),
            "hasGradients": bool(self._grads),
            "notice": self._notice(),
        }  # fmt: skip

    def _ancestors(self, parent: str) -> list[str]:
        found = [parent]
        while parent != "root":
            parent = self._groups[parent]["parent"]
            found.append(parent)
        return found

    def _count(self) -> None:
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for card, parent in zip(self._cards, self._parents, strict=True):
            for name in self._ancestors(parent):
                counts[name][0] += 1
                counts[name][1] += card.kind == "leaf"
        for name, group in self._groups.items():
            closed = cards.group_card(group["title"], *counts[name])
            group |= {"width": closed.width, "height": closed.height, "shapes": closed.shapes, "words": closed.words,
                      "count": counts[name][0]}  # fmt: skip

    def _folded(self) -> list[str]:
        if self._depth is not None:
            return [name for name, group in self._groups.items() if group["depth"] >= self._depth]
        if len(self._cards) <= OPEN:
            return []
        deepest = max((group["depth"] for group in self._groups.values()), default=0)
        for depth in range(deepest, -1, -1):
            folded = {name for name, group in self._groups.items() if group["depth"] >= depth}
            shown = sum(not folded.intersection(self._ancestors(parent)) for parent in self._parents)
            if shown <= OPEN or depth == 0:
                return sorted(folded)
        return []

    def _summary(self) -> str:
        steps = self._graph.steps
        leaves = [self._names[step.index, 0] for step in steps if step.leaf]
        text = f"{_operations(len(steps) - len(leaves), 'lead')} from {clip(', '.join(leaves), 80)} to {self._root}."
        if self._graph.failure is not None:
            text = f"{_operations(len(steps) - len(leaves), 'ran')} before one failed."
        return text + (f" {self._notice()}" if self._left_out else "")

    def _notice(self) -> str:
        total = len(self._graph.steps)
        if not self._left_out:
            return ""
        return (
            f"The graph has {total:,} nodes. The first and last {MOST_NODES // 2:,} are drawn; the "
            f"{len(self._left_out):,} between them are folded into one box."
        )


def _middle(graph: Graph) -> set[int]:
    """The nodes that are too many to draw: those in the middle of the program."""
    total = len(graph.steps)
    half = MOST_NODES // 2
    return set(range(half, total - half)) if total > MOST_NODES else set()


def _meet(source: str, target: str, chain: dict[str, list[str]]) -> tuple[str, str, str]:
    """The innermost box both stand in, and their representatives in it."""
    places = {parent: i for i, parent in enumerate(chain[source])}
    for i, parent in enumerate(chain[target]):
        if parent in places:
            j = places[parent]
            return parent, chain[source][j - 1] if j else source, chain[target][i - 1] if i else target
    raise AssertionError("every card stands in the root")


def _climb(card: str, chain: dict[str, list[str]], top: str) -> list[tuple[str, str]]:
    """The boxes around a card below a box, innermost first, each with what stands in it for the card."""
    found, name = [], card
    for box in chain[card]:
        if box == top:
            break
        found.append((box, name))
        name = box
    return found


def _in_order(children: list[str], edges: Iterable[tuple[str, str]]) -> list[str]:
    """The children so that edges lead forwards; by first appearance where nothing else is said."""
    waiting = dict.fromkeys(children, 0)
    following: dict[str, list[str]] = defaultdict(list)
    for source, target in dict.fromkeys(edges):
        following[source].append(target)
        waiting[target] += 1
    ready = [name for name in children if waiting[name] == 0]
    order = []
    for name in ready:
        order.append(name)
        for target in following[name]:
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return order + [name for name in children if waiting[name] > 0]  # none, where boxes are calls


def _edge_label(share: Glimpse) -> str:
    if share.few and len(flat(share.values)) <= 4:
        texts = [number(v, 3) for v in flat(share.values)]
        return texts[0] if not share.shape else f"[{' '.join(texts)}]"
    return f"‖g‖ {number(norm(share), 2)}"


def _operations(count: int, verb: str) -> str:
    return (
        f"1 operation {'leads' if verb == 'lead' else verb}" if count == 1 else f"{count} operations {verb}"
    )

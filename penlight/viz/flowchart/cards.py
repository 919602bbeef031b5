"""One card: an operation with its formula and the tensor it gave, or a leaf, or a constant that entered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from penlight.explain.glimpse import Glimpse
from penlight.explain.labels import formula_of
from penlight.explain.reading import Constant, Output, Step
from penlight.explain.recording import shape_text
from penlight.viz.flowchart.svg import CHARACTER, Shape, Sheet, clip, spoken, value, value_size

LETTER = 7.6  # width of a letter of the heading
SMALL = 6.1  # of small letters
MARGIN = 12
MOST = 34  # characters of a heading


@dataclass
class Card:
    """What is drawn for a node, with its size; the corner is at (0, 0)."""

    width: float
    height: float
    shapes: list[Shape]
    words: str
    kind: str
    ports_in: int = 1
    ports_out: int = 1
    text: str = ""  # for formats that know text only
    extra: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The description that pages are made from."""
        return {
            "width": self.width, "height": self.height, "shapes": self.shapes, "words": self.words, "kind": self.kind,
            "in": self.ports_in, "out": self.ports_out, "text": self.text, **self.extra,
        }  # fmt: skip


Grads = list[Glimpse | None]


def step_card(step: Step, names: dict[tuple[int, int], str], grads: Grads, root: str, compact: bool) -> Card:
    """The card of an operation or a leaf."""
    many = len(step.outputs) > 1
    own = "" if step.leaf or many else names[step.index, 0]
    heading = names[step.index, 0] if step.leaf else formula_of(step, names)
    own = "" if own == heading else own
    heading = clip(f"{own} = {heading}" if own else heading, MOST)
    kind = "leaf" if step.leaf else "custom" if step.custom else "op"
    node = "leaf" if step.leaf else step.name
    if compact:
        return _compact(step, heading, kind, grads, names, root)
    sheet = Sheet()
    blocks = []
    for number, output in enumerate(step.outputs[:8]):
        title = f"{names[step.index, number]}  " if many else ""
        blocks.append((title, output, grads[number] if number < len(grads) else None, number))
    width = MARGIN * 2 + max(
        len(heading) * LETTER + 14 + len(node) * SMALL,
        max(
            _block_width(title, output, grad, _slope(root, names[step.index, number]))
            for title, output, grad, number in blocks
        ),
    )
    y = 28.0
    for title, output, grad, number in blocks:
        y = _block(sheet, y, title, output, grad, _slope(root, names[step.index, number]), width)
    if len(step.outputs) > 8:
        sheet.text(MARGIN, y + 12, f"and {len(step.outputs) - 8} more", "small")
        y += 16
    height = y + 8
    frame = Sheet()
    frame.rect(0, 0, width, height, f"card {kind}", 8)
    frame.path(f"M0 8a8 8 0 0 1 8 -8H{width - 8:g}a8 8 0 0 1 8 8V22H0z", f"head {kind}")
    frame.text(MARGIN, 15.5, heading, "title")
    frame.text(width - MARGIN, 15.5, node, "small node", "end")
    words = _words(step, heading, grads, names, root)
    return Card(
        width, height, frame.shapes + sheet.shapes, words, kind, ports(step), len(step.outputs),
        f"{heading}\n{node}\n{shape_text(step.outputs[0].shape)} {step.outputs[0].dtype}",
    )  # fmt: skip


def _compact(step: Step, heading: str, kind: str, grads: Grads, names: Any, root: str) -> Card:
    heading = clip(heading, 26)
    shape = shape_text(step.outputs[0].shape)
    width = max(len(heading) * LETTER, len(shape) * SMALL + len(step.name) * SMALL + 12) + 2 * MARGIN
    sheet = Sheet()
    sheet.rect(0, 0, width, 40, f"card {kind}", 7)
    sheet.text(MARGIN, 16, heading, "title")
    sheet.text(MARGIN, 32, shape, "small")
    sheet.text(width - MARGIN, 32, "leaf" if step.leaf else step.name, "small node", "end")
    return Card(
        width, 40, sheet.shapes, _words(step, heading, grads, names, root), kind, ports(step),
        len(step.outputs), f"{heading}\n{step.name}\n{shape}",
    )  # fmt: skip


def constant_card(constant: Constant, compact: bool) -> Card:
    """The card of a tensor that asks for no gradient."""
    name = clip(constant.name or "constant", MOST)
    sheet = Sheet()
    seen = constant.value
    note = f"{shape_text(seen.shape)} {seen.dtype}"
    wide, tall = (0.0, 0.0) if compact else value_size(seen)
    width = 2 * MARGIN + max(len(name) * LETTER, wide, len(note) * SMALL)
    height = 40 if compact else 48 + tall
    sheet.rect(0, 0, width, height, "card constant", 8)
    sheet.text(MARGIN, 16, name, "title")
    sheet.text(MARGIN, height - 9, note, "small")
    if not compact:
        value(sheet, MARGIN, 26, seen, "values")
    words = f"{name}, a constant of shape {shape_text(seen.shape)}: {spoken(seen)}"
    return Card(width, height, sheet.shapes, words, "constant", 0, 1, f"{name}\n{note}")


def ports(step: Step) -> int:
    """How many edges arrive at a card."""
    return sum(edge is not None for edge in step.inputs) + len(step.constants[:3])


def _block_width(title: str, output: Output, grad: Glimpse | None, slope: str) -> float:
    note = f"{title}{shape_text(output.shape)} {output.dtype}"
    values = value_size(output.value)[0] if output.value else 10 * SMALL
    if grad is None:
        return max(len(note) * SMALL, values)
    return max((len(note) + len(slope) + 3) * SMALL, values + value_size(grad)[0] + 34)


def _block(
    sheet: Sheet, y: float, title: str, output: Output, grad: Glimpse | None, slope: str, width: float
) -> float:
    _wide, tall = value_size(output.value)
    if output.value is None:
        sheet.text(MARGIN, y + 14, "not kept", "small faint")
        tall = 20
    else:
        value(sheet, MARGIN, y, output.value, "values")
    if grad is not None:
        grad_wide, grad_tall = value_size(grad)
        tall = max(tall, grad_tall)
        layer = Sheet()
        value(layer, width - MARGIN - grad_wide, y, grad, "grads")
        layer.text(width - MARGIN, y + tall + 14, slope, "small grads", "end")
        sheet.group(layer.shapes, "layer")
    y += tall
    note = f"{title}{shape_text(output.shape)} {output.dtype}"
    sheet.text(MARGIN, y + 14, note, "small")
    return y + 18


def _slope(root: str, name: str) -> str:
    return f"∂{_letter(root)}/∂{_letter(name)}"


def _letter(name: str) -> str:
    plain = name.replace(".", "").replace("_", "").isalnum() or name[-1] in ")]"
    return clip(name, 14) if plain else f"({clip(name, 12)})"


def _words(step: Step, heading: str, grads: Grads, names: Any, root: str) -> str:
    said = [f"{heading} ({'leaf' if step.leaf else step.name})"]
    for number, output in enumerate(step.outputs[:8]):
        name = names[step.index, number] if len(step.outputs) > 1 else "value"
        known = "not kept" if output.value is None else spoken(output.value)
        said.append(f"{name} of shape {shape_text(output.shape)}: {known}")
        if number < len(grads) and grads[number] is not None:
            said.append(f"gradient {_slope(root, names[step.index, number])}: {spoken(grads[number])}")
    return ". ".join(said)


def group_card(title: str, count: int, parameters: int) -> Card:
    """The card of a closed box."""
    note = f"{count} node{'s' if count != 1 else ''}" + (f", {parameters} parameters" if parameters else "")
    width = 2 * MARGIN + 18 + max(len(title) * LETTER, len(note) * SMALL)
    sheet = Sheet()
    sheet.rect(5, 5, width - 5, 43, "card box shade", 8)
    sheet.rect(0, 0, width - 5, 43, "card box", 8)
    sheet.text(MARGIN, 18, f"▸ {title}", "title")
    sheet.text(MARGIN, 35, note, "small")
    return Card(width, 48, sheet.shapes, f"Box {title}, closed: {note}", "box", text=f"{title}\n{note}")


def failure_card(title: str, lines: list[str]) -> Card:
    """The card of the operation that failed."""
    sheet = Sheet()
    title = clip(title, 60)
    width = 2 * MARGIN + max(len(title) * LETTER, *(len(line) * SMALL for line in lines), 60)
    height = 34 + 15 * len(lines)
    sheet.rect(0, 0, width, height, "card failed", 8)
    sheet.text(MARGIN, 18, title, "title failed")
    for i, line in enumerate(lines):
        sheet.text(MARGIN, 36 + 15 * i, line, "small")
    return Card(width, height, sheet.shapes, ". ".join([f"Failed: {title}", *lines]), "failed", 4, 0, title)


def title_width(title: str) -> float:
    """What a box's title needs."""
    return len(title) * LETTER + 2 * CHARACTER + 40

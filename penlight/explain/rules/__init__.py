"""What each operation computes and how its gradient goes back, in a formula and in words: a family a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penlight.explain.glimpse import number


@dataclass(frozen=True)
class Rule:
    """An operation, for readers.

    In the formulas {0}, {1}, ... are the inputs, {y} the output, {g} the gradient that comes in, and other words
    the numbers the operation was called with. ``forward_with`` is taken where a number stands for an input.
    """

    forward: str
    back: tuple[str, ...]  # what goes to each input
    words: str
    forward_with: str = ""
    back_with: tuple[str, ...] = ()


def rule(node: str) -> Rule | None:
    """The rule of a node by its name, or None for a custom Function."""
    from penlight.explain.rules import arithmetic, functions, nets, products, reductions, shapes

    for family in (arithmetic, functions, reductions, shapes, products, nets):
        if node in family.RULES:
            return family.RULES[node]
    if node.endswith("BackwardBackward0"):
        return Rule(
            "∂{0}", ("{g} once more",), "a recorded backward pass of this operation, differentiated again"
        )
    return None


def formula(node: str, inputs: Sequence[str], notes: dict[str, Any]) -> str:
    """What a node computes, with the names of its inputs and its numbers put in.

    >>> formula("SubBackward0", ["x"], {"other": 2})
    'x − 2'
    """
    known = rule(node)
    if known is None:
        return f"{node.removesuffix('Backward')}({', '.join(inputs)})"
    # Without the bias or weights that are not there.
    return re.sub(r"(, ·)+\)$", ")", put_in(known.forward, inputs, notes).removesuffix(" + ·"))


def put_in(template: str, inputs: Sequence[str], notes: dict[str, Any], **more: str) -> str:
    """A rule's formula with names and numbers in the places held for them."""
    names = list(inputs) + [""] * (2 - len(inputs))
    if template == "{0} · {1}" and "other" in notes:
        template = "{1} · {0}"  # a number stands before what it multiplies
    for place, key in enumerate(("self", "other")):
        if key in notes and not names[place]:
            names[place] = _short(notes[key])
    names = [name or "·" for name in names] + ["·"] * 3
    if "alpha" in notes and template in ("{0} + {1}", "{0} − {1}"):
        template = template.replace("{1}", "{alpha}·{1}")
    values = {key: _exponent(value) if key == "exponent" else _short(value) for key, value in notes.items()}
    if "exponent" in notes:
        values["power"] = _short(notes["exponent"])
        values["lower"] = "" if notes["exponent"] == 2 else _exponent(notes["exponent"] - 1)
    if "y" in more:
        more["y"] = bracketed(template)(more["y"])
    places = {str(i): name for i, name in enumerate(map(bracketed(template), names))}
    values |= more | places
    # A transpose transposed is what it was.
    return re.sub(r"\{(\w+)\}", lambda held: values.get(held[1], held[1]), template).replace("ᵀᵀ", "")


def bracketed(template: str) -> Any:
    """Puts a compound name into brackets where the formula goes on around it."""
    simple = template in ("{0}", "{y}") or (template.count("(") == 1 and template.endswith(")"))

    def bracket(name: str) -> str:
        compound = any(sign in name for sign in " +−-*/") and not (name[0] in "([" and name[-1] in ")]")
        return f"({name})" if compound and not simple else name

    return bracket


def _short(value: Any) -> str:
    return number(value) if isinstance(value, (int, float)) else str(value)


_RAISED = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")


def _exponent(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, (int, float)) else str(value)
    return text.translate(_RAISED) if text.lstrip("-").isdigit() else f"^{text}"

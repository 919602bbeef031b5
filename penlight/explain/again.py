"""Simple operations computed again, where neither the engine nor a variable holds the result any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import penlight
from penlight import Tensor

_ONE = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "erfc", "exp", "exp2",
    "expm1", "floor", "frac", "log", "log10", "log1p", "log2", "neg", "reciprocal", "relu", "round", "rsqrt",
    "sigmoid", "sign", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
)  # fmt: skip

_TWO: dict[str, Callable[[Any, Any], Tensor]] = {
    "DivBackward0": lambda a, b: a / b,
    "MulBackward0": lambda a, b: a * b,
    "MaximumBackward0": penlight.maximum,
    "MinimumBackward0": penlight.minimum,
}


def compute(node: str, inputs: list[Tensor | None], notes: dict[str, Any]) -> Tensor | None:
    """The result of an operation from its inputs and numbers; None where that is not known to be safe.

    An input is None where it asked for no gradient, which leaves its value unknown unless it was a number.
    """
    names = {"self": 0, "other": 1}
    operands: list[Any] = [i for i in inputs]
    for name, place in names.items():
        if name in notes and place < len(operands) and operands[place] is None:
            operands[place] = notes[name]
    if not operands or any(operand is None for operand in operands):
        return None
    word = node.removesuffix("Backward0").lower()
    if word in _ONE and len(operands) == 1 and node != "RoundBackward1":
        return getattr(penlight, word)(operands[0])
    if node == "PowBackward0":
        return operands[0] ** notes["exponent"]
    if node == "PowBackward1" and len(operands) == 2:
        return operands[0] ** operands[1]
    if node == "RsubBackward1":
        return notes["other"] - operands[0]
    if node in ("AddBackward0", "SubBackward0"):
        return getattr(penlight, word)(operands[0], operands[1], alpha=notes.get("alpha", 1))
    if node in ("SumBackward0", "MeanBackward0"):
        return getattr(operands[0], word)()
    if node in _TWO:
        return _TWO[node](*operands)
    return None

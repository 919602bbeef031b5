"""Elementwise operations as SymPy expressions, from which their local derivatives follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp


class step(sp.Function):  # type: ignore[misc]
    """1 where its argument is positive, else 0."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        return None

    def fdiff(self, argindex: int = 1) -> Any:
        return sp.Integer(0)


class sigma(sp.Function):  # type: ignore[misc]
    """The logistic function 1 / (1 + e^-x)."""

    def fdiff(self, argindex: int = 1) -> Any:
        return self * (1 - self)


class relu(sp.Function):  # type: ignore[misc]
    """The positive part."""

    def fdiff(self, argindex: int = 1) -> Any:
        return step(self.args[0])


class larger(sp.Function):  # type: ignore[misc]
    """1 where the first argument is larger, 1/2 where both are equal, else 0."""

    def fdiff(self, argindex: int = 1) -> Any:
        return sp.Integer(0)


class maximum(sp.Function):  # type: ignore[misc]
    """The larger of two."""

    def fdiff(self, argindex: int = 1) -> Any:
        a, b = self.args
        return larger(a, b) if argindex == 1 else larger(b, a)


class minimum(sp.Function):  # type: ignore[misc]
    """The smaller of two."""

    def fdiff(self, argindex: int = 1) -> Any:
        a, b = self.args
        return larger(b, a) if argindex == 1 else larger(a, b)


class inside(sp.Function):  # type: ignore[misc]
    """1 where the first argument lies between the others, both included, else 0."""

    def fdiff(self, argindex: int = 1) -> Any:
        return sp.Integer(0)


class clamp(sp.Function):  # type: ignore[misc]
    """The first argument, held between the others."""

    def fdiff(self, argindex: int = 1) -> Any:
        return inside(*self.args) if argindex == 1 else sp.Integer(0)


class smooth_abs(sp.Function):  # type: ignore[misc]
    """|x| with its tip rounded within beta: x² / (2 beta) there, |x| − beta/2 outside."""

    def fdiff(self, argindex: int = 1) -> Any:
        x, beta = self.args
        return clamp(x / beta, -1, 1) if argindex == 1 else sp.Integer(0)


class floor(sp.Function):  # type: ignore[misc]
    """The next whole number below: flat between its steps."""

    def fdiff(self, argindex: int = 1) -> Any:
        return sp.Integer(0)


def _sigma(v: Any) -> Any:
    return 0.5 * (1 + np.tanh(np.asarray(v) / 2))


NUMERIC: dict[str, Callable[..., Any]] = {
    "step": lambda v: (np.asarray(v) > 0) * 1.0,
    "sigma": _sigma,
    "relu": lambda v: np.maximum(v, 0),
    "larger": lambda a, b: (np.asarray(a) > b) + 0.5 * (np.asarray(a) == b),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "inside": lambda v, low, high: ((np.asarray(v) >= low) & (np.asarray(v) <= high)) * 1.0,
    "smooth_abs": lambda v, beta: np.where(np.abs(v) < beta, np.square(v) / 2 / beta, np.abs(v) - beta / 2),
    "floor": np.floor,
    "clamp": lambda v, low, high: np.minimum(np.maximum(v, low), high),
}

_ONE: dict[str, Callable[[Any], Any]] = {
    "AbsBackward0": sp.Abs,
    "AcosBackward0": sp.acos,
    "AcoshBackward0": sp.acosh,
    "AsinBackward0": sp.asin,
    "AsinhBackward0": sp.asinh,
    "AtanBackward0": sp.atan,
    "AtanhBackward0": sp.atanh,
    "CeilBackward0": lambda x: -floor(-x),
    "CloneBackward0": lambda x: x,
    "CosBackward0": sp.cos,
    "CoshBackward0": sp.cosh,
    "Deg2RadBackward0": lambda x: x * sp.pi / 180,
    "ErfBackward0": sp.erf,
    "ErfcBackward0": lambda x: 1 - sp.erf(x),
    "ExpBackward0": sp.exp,
    "FloorBackward0": floor,
    "HardswishBackward0": lambda x: x * clamp(x + 3, 0, 6) / 6,
    "Exp2Backward0": lambda x: sp.Integer(2) ** x,
    "Expm1Backward0": lambda x: sp.exp(x) - 1,
    "LogBackward0": sp.log,
    "Log10Backward0": lambda x: sp.log(x) / sp.log(10),
    "Log1PBackward0": lambda x: sp.log(1 + x),
    "Log2Backward0": lambda x: sp.log(x) / sp.log(2),
    "LogitBackward0": lambda x: sp.log(x / (1 - x)),
    "LogSigmoidBackward0": lambda x: sp.log(sigma(x)),
    "MishBackward0": lambda x: x * sp.tanh(sp.log(1 + sp.exp(x))),
    "NegBackward0": lambda x: -x,
    "Rad2DegBackward0": lambda x: x * 180 / sp.pi,
    "ReciprocalBackward0": lambda x: 1 / x,
    "ReluBackward0": relu,
    "RsqrtBackward0": lambda x: 1 / sp.sqrt(x),
    "SigmoidBackward0": sigma,
    "SiluBackward0": lambda x: x * sigma(x),
    "SinBackward0": sp.sin,
    "SinhBackward0": sp.sinh,
    "SqrtBackward0": sp.sqrt,
    "TanBackward0": sp.tan,
    "TanhBackward0": sp.tanh,
}

_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "Atan2Backward0": sp.atan2,
    "BinaryCrossEntropyBackward0": lambda p, t: -t * sp.log(p) - (1 - t) * sp.log(1 - p),
    "DivBackward0": lambda a, b: a / b,
    "HypotBackward0": lambda a, b: sp.sqrt(a**2 + b**2),
    "LogaddexpBackward0": lambda a, b: sp.log(sp.exp(a) + sp.exp(b)),
    "MaximumBackward0": maximum,
    "MinimumBackward0": minimum,
    "MulBackward0": lambda a, b: a * b,
    "PowBackward1": lambda a, b: a**b,
}


_THREE: dict[str, Callable[[Any, Any, Any], Any]] = {
    "AddcdivBackward0": lambda x, a, b: x + a / b,
    "AddcmulBackward0": lambda x, a, b: x + a * b,
    "LerpBackward1": lambda a, b, w: a + w * (b - a),
}
_DISTANCES: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "MseLossBackward0": lambda d, numbers: d**2,
    "SmoothL1LossBackward0": lambda d, numbers: smooth_abs(d, numbers["beta"]),
    "HuberLossBackward0": lambda d, numbers: numbers["delta"] * smooth_abs(d, numbers["delta"]),
}
_OTHERS = {"AddBackward0", "SubBackward0", "LerpBackward0", *_DISTANCES}

MORE = frozenset({*_TWO, *_THREE, *_OTHERS})  # operations of several tensors, element by element


def exact(value: Any) -> Any:
    """A Python number as SymPy's: short decimals as the fractions they mean.

    >>> exact(0.25), exact(2)
    (1/4, 2)
    """
    if isinstance(value, int):
        return sp.Integer(int(value))
    text = repr(float(value))
    return sp.Rational(text) if len(text) <= 8 and "e" not in text and "n" not in text else sp.Float(value)


def express(node: str, operands: Sequence[Any], notes: dict[str, Any]) -> Any:
    """What a node computes from its operands; None where it does not work element by element.

    An operand is a symbol, or None where it is no tensor.
    """
    values = list(operands)
    for place, name in enumerate(("self", "other")):
        if name in notes and len(values) > place and values[place] is None:
            values[place] = exact(notes[name])
    numbers = {name: exact(value) for name, value in notes.items() if isinstance(value, (int, float))}
    if not values or values[0] is None:
        return None
    x = values[0]
    if node in _ONE:
        return _ONE[node](x)
    if node == "PowBackward0":
        return x ** numbers["exponent"]
    if node == "RsubBackward1":
        return numbers["other"] - x
    if node == "LeakyReluBackward0":
        return relu(x) - numbers["negative_slope"] * relu(-x)
    if node == "SoftplusBackward0":
        return sp.log(1 + sp.exp(numbers["beta"] * x)) / numbers["beta"]
    if node == "EluBackward0":
        below = sp.exp(numbers["input_scale"] * minimum(x, 0)) - 1
        return numbers["scale"] * (relu(x) + numbers["alpha"] * below)
    if node == "RemainderBackward0" and "other" in numbers:
        return x - numbers["other"] * floor(x / numbers["other"])
    if node == "GeluBackward0":
        if notes.get("approximate") == "none":
            return x * (1 + sp.erf(x / sp.sqrt(2))) / 2
        return x * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (x + sp.Rational("0.044715") * x**3))) / 2
    if node in ("ClampBackward1", "ClampMinBackward0", "ClampMaxBackward0"):
        return clamp(x, numbers.get("min", -sp.oo), numbers.get("max", sp.oo))
    if len(values) < 2 or values[1] is None:
        return None
    if node == "AddBackward0":
        return x + numbers.get("alpha", sp.Integer(1)) * values[1]
    if node == "SubBackward0":
        return x - numbers.get("alpha", sp.Integer(1)) * values[1]
    if node == "LerpBackward0" and "weight" in numbers:
        return x + numbers["weight"] * (values[1] - x)
    if node in _DISTANCES:  # with a reduction they mix elements
        return _DISTANCES[node](x - values[1], numbers) if notes.get("reduction") == 0 else None
    if node in _THREE:
        if len(values) < 3 or values[2] is None:
            return None
        whole = _THREE[node](x, values[1], values[2])
        return x + numbers["value"] * (whole - x) if "value" in numbers else whole
    return _TWO[node](x, values[1]) if node in _TWO else None


def evaluate(expression: Any, arrays: dict[Any, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """An expression's values, element by element, in float64."""
    symbols = sorted(expression.free_symbols, key=lambda s: s.name)
    places = [sp.Dummy(f"v{i}") for i in range(len(symbols))]
    body = expression.xreplace(dict(zip(symbols, places, strict=True)))
    modules: list[Any] = [NUMERIC, "numpy"]
    if expression.has(sp.erf):
        modules = [NUMERIC, "scipy", "numpy"]
    with np.errstate(all="ignore"):
        values = sp.lambdify(places, body, modules)(*[arrays[s] for s in symbols])
        return np.broadcast_to(np.asarray(values, dtype=np.float64), shape)

"""The chain rule, from the result back to one tensor, a line for each tensor on the way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import sympy as sp

import penlight
from penlight import Tensor
from penlight.explain.derivation.functions import MORE, evaluate, express
from penlight.explain.derivation.operators import operator
from penlight.explain.derivation.values import MOVING, PICKING, Key, Values, to_array
from penlight.explain.derivation.writing import as_latex, as_text, latex_name, simplest
from penlight.explain.reading import Edge, Graph, Step


class Undecided(Exception):
    """Something that this derivation does not know how to write."""


@dataclass
class Line:
    """One line, as text and as LaTeX, with a remark."""

    text: str
    latex: str
    remark: str = ""


@dataclass
class Field:
    """A gradient, element by element: an expression in symbols for arrays that have its shape or broadcast to it."""

    expression: Any
    arrays: dict[Any, np.ndarray]
    shape: tuple[int, ...]

    def values(self) -> np.ndarray:
        return evaluate(self.expression, self.arrays, self.shape)


class Chain:
    """Derives the gradient of a graph's root with respect to one tensor."""

    def __init__(self, graph: Graph, values: Values, names: dict[Key, str], target: Key) -> None:
        self._graph, self._values, self._names, self._target = graph, values, names, target
        self._root = graph.roots[0]
        self.lines: list[Line] = []
        self.composition: list[Line] = []
        self._symbols: dict[Key, Any] = {}
        self._keys: dict[Any, Key] = {}  # the tensor behind a symbol
        self._constants: dict[tuple[int, int], Any] = {}
        self._between = self._on_the_way()

    # ---- names

    def symbol(self, key: Key) -> Any:
        """The symbol of a tensor."""
        if key not in self._symbols:
            self._symbols[key] = symbol = sp.Symbol(self._names[key], real=True)
            self._keys[symbol] = key
        return self._symbols[key]

    def _slope(self, key: Key) -> str:
        return f"∂{self._names[self._root]}/∂{self._names[key]}"

    def _on_the_way(self) -> set[int]:
        """The steps through which the root depends on the target."""
        reached = {self._target[0]}
        for step in self._graph.steps:  # sources first
            if any(edge is not None and edge.source in reached for edge in step.inputs):
                reached.add(step.index)
        needed = {self._root[0]}
        for step in reversed(self._graph.steps):
            if step.index in needed:
                needed.update(edge.source for edge in step.inputs if edge is not None)
        return reached & needed

    # ---- the forward, as one would write it down

    def compose(self) -> None:
        """Writes what every tensor on the way is computed by."""
        for step in self._graph.steps:
            if step.index not in self._between or step.index == self._target[0]:
                continue
            local = self.local(step)
            for number in range(len(step.outputs)):
                key = (step.index, number)
                name = self._names[key]
                if local is not None:
                    text, latex = as_text(local), as_latex(local)
                else:
                    plain = self._formula(step)
                    text, latex = self._reduction_text(step) or (plain, rf"\text{{{_plain(plain)}}}")
                self.composition.append(Line(f"{name} = {text}", rf"{latex_name(name)} = {latex}"))

    def _formula(self, step: Step) -> str:
        from penlight.explain.labels import formula_of

        return formula_of(step, self._names)

    def _reduction_text(self, step: Step) -> tuple[str, str] | None:
        if step.name not in ("SumBackward0", "MeanBackward0"):
            return None
        edge = step.inputs[0]
        if edge is None:
            return None
        name = self._names[edge.source, edge.output]
        count = int(np.prod(self._graph.steps[edge.source].outputs[edge.output].shape, dtype=int))
        if step.name == "SumBackward0":
            return f"Σ {name}", rf"\sum_i {{{latex_name(name)}}}_i"
        return f"1/{count} Σ {name}", rf"\frac{{1}}{{{count}}} \sum_i {{{latex_name(name)}}}_i"

    def local(self, step: Step) -> Any:
        """What a step computes, as an expression in the symbols of its inputs; None where it mixes elements."""
        return express(step.name, self._operands(step), step.notes)

    def _operands(self, step: Step) -> list[Any]:
        operands: list[Any] = []
        for position, edge in enumerate(step.inputs):
            if edge is not None:
                operands.append(self.symbol((edge.source, edge.output)))
            elif ("self", "other")[min(position, 1)] in step.notes:
                operands.append(None)
            elif step.name in MORE:
                operands.append(self._constant(step, position))
            else:
                operands.append(None)
        return operands

    def _constant(self, step: Step, position: int) -> Any:
        place = (step.index, position)
        if place not in self._constants:
            name = step.input_names[position] if position < len(step.input_names) else ""
            name = name or next(
                (c.name for c in step.constants if c.name not in ("self", "other", "constant")), ""
            )
            taken = set(self._names.values())
            name = name if name and name not in taken else f"c{len(self._constants) + 1}"
            self._constants[place] = sp.Symbol(name, real=True)
        return self._constants[place]

    def _array(self, symbol: Any) -> np.ndarray:
        """The values behind a symbol.

        Raises:
            Undecided: nobody holds them.
        """
        value = None
        if symbol in self._keys:
            value = self._values.of(self._keys[symbol])
        else:
            for (index, position), constant in self._constants.items():
                if constant == symbol:
                    value = self._values.input(self._graph.steps[index], position)
        if value is None:
            raise Undecided(
                f"the value of {symbol.name} is held by nobody any more: compute it inside `with explain.record():`"
            )
        return value

    # ---- the backward

    def derive(self) -> Field:
        """Writes the chain rule line by line.

        Raises:
            Undecided: with what the derivation does not know.
        """
        shape = self._graph.steps[self._root[0]].outputs[self._root[1]].shape
        fields: dict[Key, Field] = {self._root: Field(sp.Integer(1), {}, shape)}
        self.lines.append(
            Line(f"{self._slope(self._root)} = 1", f"{latex_name(self._slope(self._root))} = 1")
        )
        uses: dict[Key, list[Edge]] = defaultdict(list)
        for edge in self._graph.edges:
            key = (edge.source, edge.output)
            if edge.target not in self._between or edge.source not in self._between:
                continue
            # The derivative of an expression counts every place where a tensor stands in it.
            again = any(other.target == edge.target for other in uses[key])
            if not (again and self.local(self._graph.steps[edge.target]) is not None):
                uses[key].append(edge)
        for step in reversed(self._graph.steps):
            if step.index not in self._between:
                continue
            for number in range(len(step.outputs)):
                key = (step.index, number)
                if key in uses and key != self._root:
                    fields[key] = self._gradient(key, uses[key], fields)
            if step.index == self._target[0]:
                break
        if self._target not in fields:
            raise Undecided("the result does not depend on the tensor")
        return fields[self._target]

    def _gradient(self, key: Key, uses: list[Edge], fields: dict[Key, Field]) -> Field:
        """The gradient of one tensor: the sum of what all its uses hand back."""
        total: Field | None = None
        chain: list[tuple[str, str]] = []
        middle: list[tuple[str, str]] = []
        remarks = []
        for edge in uses:
            step = self._graph.steps[edge.target]
            share, factors, written, remark = self._share(key, edge, step, fields)
            chain.append(factors)
            middle.append(written)
            remarks.append(remark)
            total = share if total is None else self._add(key, total, share)
        assert total is not None
        total.expression = simplest(total.expression)
        result = as_text(total.expression), as_latex(total.expression)
        slope = self._slope(key)
        text, latex = slope, latex_name(slope)
        before = ("", "")
        for part in (_plus(chain), _plus(middle), result):
            if part[0] != before[0] and part[0] != slope:
                text += f" = {part[0]}"
                latex += f" = {part[1]}"
            before = part
        self.lines.append(Line(text, latex, "; ".join(dict.fromkeys(filter(None, remarks)))))
        return total

    def _add(self, key: Key, a: Field, b: Field) -> Field:
        """The sum of two gradients; where one symbol stands for different numbers in both, the sum is its own name."""
        for symbol in a.arrays.keys() & b.arrays.keys():
            if not np.array_equal(a.arrays[symbol], b.arrays[symbol], equal_nan=True):
                return self._named(self._slope(key), a.values() + b.values(), key)
        return Field(a.expression + b.expression, a.arrays | b.arrays, a.shape)

    def _named(self, name: str, values: np.ndarray, key: Key) -> Field:
        symbol = sp.Symbol(name, real=True)
        return Field(symbol, {symbol: values}, values.shape)

    def _share(
        self, key: Key, edge: Edge, step: Step, fields: dict[Key, Field]
    ) -> tuple[Field, tuple[str, str], tuple[str, str], str]:
        """What one use hands back: the field, the chain rule's factors, the factors put in, and a remark."""
        shape = self._graph.steps[key[0]].outputs[key[1]].shape
        local = self.local(step)
        if local is not None:
            return self._elementwise(key, step, local, fields, shape)
        if step.name.startswith(("SumBackward", "MeanBackward")):
            return self._reduction(key, step, fields, shape)
        return self._mixing(key, edge, step, fields, shape)

    def _output(self, step: Step, fields: dict[Key, Field]) -> tuple[Key, Field]:
        key = (step.index, 0)
        if key not in fields:
            raise Undecided(f"{step.name} has an output whose gradient is not derived")
        return key, fields[key]

    def _elementwise(
        self, key: Key, step: Step, local: Any, fields: dict[Key, Field], shape: tuple[int, ...]
    ) -> Any:
        out, above = self._output(step, fields)
        symbol = self.symbol(key)
        slope = sp.diff(local, symbol)
        if local.is_Function or local.is_Pow:  # a slope in terms of the result, which is at hand: y (1 − y)
            slope = slope.subs(local, self.symbol(out))
        name = f"∂{self._names[out]}/∂{self._names[key]}"
        factors = _times((self._slope(out), latex_name(self._slope(out))), (name, latex_name(name)))
        written = _times(_bracket(above.expression), _bracket(slope))
        arrays = dict(above.arrays)
        for needed in slope.free_symbols:
            value = self._array(needed)
            if needed in arrays and arrays[needed].shape != value.shape:
                raise Undecided(f"{needed.name} enters {self._names[out]} in two layouts at a time")
            arrays[needed] = value
        expression = above.expression * slope
        if shape == above.shape:
            return Field(expression, arrays, shape), factors, written, ""
        values = Field(expression, arrays, above.shape).values()
        extra = values.ndim - len(shape)
        summed = values.sum(axis=tuple(range(extra))) if extra else values
        axes = tuple(i for i, n in enumerate(shape) if n == 1 and summed.shape[i] != 1)
        summed = summed.sum(axis=axes, keepdims=True) if axes else summed
        count = values.size // max(summed.size, 1)
        remark = f"{self._names[key]} was used {count} times by broadcasting: its shares are summed"
        written = f"Σ {written[0]}", rf"\sum {written[1]}"
        factors = f"Σ {factors[0]}", rf"\sum {factors[1]}"
        if not expression.free_symbols:
            return Field(expression * count, {}, shape), factors, written, remark
        return self._named(self._slope(key), summed, key), factors, written, remark

    def _reduction(self, key: Key, step: Step, fields: dict[Key, Field], shape: tuple[int, ...]) -> Any:
        out, above = self._output(step, fields)
        axes, kept = self._axes(step, shape, above.shape)
        count = int(np.prod([shape[i] for i in axes], dtype=int))
        factor = sp.Rational(1, count) if step.name.startswith("Mean") else sp.Integer(1)

        def wide(array: np.ndarray) -> np.ndarray:
            array = np.broadcast_to(array, above.shape)
            return array if kept or not axes else np.expand_dims(array, axes)

        arrays = {symbol: wide(array) for symbol, array in above.arrays.items()}
        name = f"∂{self._names[out]}/∂{self._names[key]}"
        factors = _times((self._slope(out), latex_name(self._slope(out))), (name, latex_name(name)))
        written = _times(_bracket(above.expression), _bracket(factor))
        return Field(above.expression * factor, arrays, shape), factors, written, ""

    def _axes(self, step: Step, shape: tuple[int, ...], out: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
        """Which dimensions were summed, and whether they were kept: as the node itself spreads a gradient."""
        if step.name.endswith("0"):
            return tuple(range(len(shape))), len(out) == len(shape) and out != ()
        if len(out) == len(shape):
            return tuple(i for i in range(len(shape)) if out[i] != shape[i]), True
        probe = penlight.arange(int(np.prod(out, dtype=int)), dtype=penlight.float64).reshape(out) + 1
        spread = to_array(step.node(probe.to(getattr(penlight, step.outputs[0].dtype))))
        for axes in combinations(range(len(shape)), len(shape) - len(out)):
            if tuple(n for i, n in enumerate(shape) if i not in axes) != out:
                continue
            count = int(np.prod([shape[i] for i in axes], dtype=int)) if step.name.startswith("Mean") else 1
            expected = np.broadcast_to(np.expand_dims(to_array(probe), axes), shape) / count
            if np.allclose(spread, expected, rtol=1e-5):
                return axes, False
        raise Undecided(f"which dimensions {step.name} went over")

    def _mixing(
        self, key: Key, edge: Edge, step: Step, fields: dict[Key, Field], shape: tuple[int, ...]
    ) -> Any:
        """An operation that mixes or moves elements: the gradient gets a name of its own from here on."""
        custom = step.custom
        if step.name in MOVING or custom:
            return self._handed_back(key, edge, step, fields, custom)
        out, above = self._output(step, fields)
        rule = operator(self._values.site(step), edge.position)
        if rule is None:
            raise Undecided(
                f"the derivative of {self._formula(step)} ({step.name}): it is not written as a formula here"
            )
        operands = [self._values.input(step, i) for i in range(len(step.inputs))]
        needed = [i for i in range(len(operands)) if f"<{i}>" in rule.text]
        for i in needed:
            if operands[i] is None:
                raise Undecided(f"the value of input {i} of {step.name}, which is held by nobody any more")
        result = self._values.of(out) if "<y>" in rule.text else None
        try:
            values = rule.run(above.values(), operands, result)
        except NotImplementedError as error:
            raise Undecided(str(error)) from None
        text, latex = rule.text, rule.latex
        inputs = self._input_names(step)
        for i, name in enumerate(inputs):
            text, latex = text.replace(f"<{i}>", name), latex.replace(f"<{i}>", f"{{{latex_name(name)}}}")
        for mark, name in (("<g>", self._slope(out)), ("<y>", self._names[out])):
            text, latex = text.replace(mark, name), latex.replace(mark, f"{{{latex_name(name)}}}")
        return (
            self._named(self._slope(key), values.reshape(shape), key),
            (text, latex),
            (text, latex),
            rule.words,
        )

    def _input_names(self, step: Step) -> list[str]:
        from penlight.explain.labels import input_names

        return [name or "·" for name in input_names(step, self._names)]

    def _handed_back(self, key: Key, edge: Edge, step: Step, fields: dict[Key, Field], custom: bool) -> Any:
        """What the node itself hands back: where elements are moved, repeated, picked or left out, each gradient
        returns to where its element came from; of a custom Function, its own backward is taken at its word."""
        grads: list[Tensor | None] = []
        names = []
        for number, output in enumerate(step.outputs):
            above = fields.get((step.index, number))
            if above is not None:
                names.append(self._slope((step.index, number)))
            values = None if above is None else penlight.from_numpy(np.array(above.values()))
            grads.append(None if values is None else values.to(getattr(penlight, output.dtype)))
        with penlight.no_grad():
            handed = step.node(*grads)
        sent = handed if isinstance(handed, Tensor) else handed[edge.position]
        values = to_array(sent)
        if custom:
            called = f"{step.name.removesuffix('Backward')}.backward"
            text = f"{called}({', '.join(names)})"
            latex = rf"\mathrm{{{_plain(called)}}}\left({', '.join(map(latex_name, names))}\right)"
            remark = f"{called} is the program's own: it is taken at its word"
            return self._named(self._slope(key), values, key), (text, latex), (text, latex), remark
        single = fields.get((step.index, 0))
        constant = single is not None and len(step.outputs) == 1 and not single.expression.free_symbols
        text = f"{', '.join(names)}, back in the places of {self._names[key]}"
        latex = (
            rf"{', '.join(map(latex_name, names))}\ \text{{in the places of }}{latex_name(self._names[key])}"
        )
        written = text, latex
        remark = PICKING.get(step.name, "elements are moved, not changed")
        same = constant and values.size and np.all(values == values.flat[0])
        if single is not None and same and np.isclose(float(single.expression), values.flat[0]):
            return Field(single.expression, {}, values.shape), written, written, remark
        return self._named(self._slope(key), values, key), written, written, remark

    # ---- the result in terms of the target

    def in_terms_of_target(self, field: Field) -> Any:
        """The result with tensors on the way replaced by what they were computed from, as far as element by element."""
        expression = field.expression
        for _ in range(200):
            replaced = {}
            for symbol in expression.free_symbols:
                key = self._keys.get(symbol)
                if key is None or key == self._target or self._graph.steps[key[0]].leaf:
                    continue
                step = self._graph.steps[key[0]]
                local = self.local(step)
                array = field.arrays.get(symbol)
                same = array is None or array.shape == step.outputs[key[1]].shape
                if local is not None and same and step.index in self._between:
                    replaced[symbol] = local
            if not replaced:
                break
            expression = expression.xreplace(replaced)
            if expression.count_ops() > 300:
                return field.expression
        return simplest(expression)


def _bracket(expression: Any) -> tuple[str, str]:
    text, latex = as_text(expression), as_latex(expression)
    if expression.is_Add or text.startswith("−"):
        return f"({text})", rf"\left({latex}\right)"
    return text, latex


def _times(a: tuple[str, str], b: tuple[str, str]) -> tuple[str, str]:
    return f"{a[0]} · {b[0]}", rf"{a[1]} \cdot {b[1]}"


def _plus(parts: list[tuple[str, str]]) -> tuple[str, str]:
    return " + ".join(part[0] for part in parts), " + ".join(part[1] for part in parts)


def _plain(text: str) -> str:
    from penlight.explain.derivation.writing import _SPECIAL

    return "".join(
        {"\\": r"\textbackslash "}.get(c, _SPECIAL.get(c, c)) if c in "\\_%$#&{}" else c for c in text
    )

"""The derivation of a gradient, as one writes it on paper, checked against the engine's."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

import penlight
from penlight import Tensor
from penlight.explain.glimpse import number
from penlight.explain.names import Names, caller
from penlight.explain.reading import edge_of, read
from penlight.explain.recording import shape_text

MOST_LINES = 200
MOST_NUMBERS = 12  # elements whose arithmetic is written out


@dataclass
class Derivation:
    """A derivation, line by line. Print it, or display it in a notebook, where it is set in LaTeX."""

    root: str
    target: str
    composition: list[Any]
    lines: list[Any]
    result: Any  # a SymPy expression for every element of the gradient, or None
    result_text: str
    result_latex: str
    gradient: np.ndarray | None  # worked out from the derivation, in float64
    engine: Tensor | None  # the engine's gradient
    undecided: list[str] = field(default_factory=list)  # what could not be derived

    @property
    def complete(self) -> bool:
        """Was everything derived?"""
        return not self.undecided

    @property
    def error(self) -> float:
        """The largest difference between the derivation's gradient and the engine's."""
        if self.gradient is None or self.engine is None:
            return float("nan")
        difference = np.abs(self.gradient - self.engine.detach().double().numpy())
        return float(difference.max()) if difference.size else 0.0

    @property
    def agrees(self) -> bool:
        """Do the derivation and the engine give the same gradient, within the engine's precision?"""
        if self.gradient is None or self.engine is None:
            return False
        exact = self.engine.dtype == penlight.float64
        engine = self.engine.detach().double().numpy()
        tolerance = 1e-8 if exact else 2e-4
        scale = max(1.0, float(np.abs(engine[np.isfinite(engine)]).max(initial=0.0)))
        return bool(
            np.allclose(self.gradient, engine, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
        )

    def _check(self) -> str:
        if self.undecided:
            return "Not derived: " + "; ".join(self.undecided) + "."
        verdict = "the same" if self.agrees else "DIFFERENT"
        return f"The engine's gradient is {verdict}; the largest difference is {self.error:.2g}."

    def __str__(self) -> str:
        parts = [f"The gradient of {self.root} with respect to {self.target}", "", "Composition"]
        parts += [f"  {line.text}" for line in self.composition]
        parts += ["", "Chain rule"]
        for line in self.lines:
            parts.append(f"  {line.text}" + (f"    ({line.remark})" if line.remark else ""))
        if self.result is not None:
            parts += ["", "Result", f"  {self.result_text}"]
            parts += ["", "Numbers put in", *(f"  {line}" for line in self._numbers())]
        return "\n".join([*parts, "", self._check()])

    def _numbers(self) -> list[str]:
        assert self.gradient is not None
        if self.gradient.size > 64:
            low, high = self.gradient.min(), self.gradient.max()
            return [
                f"{shape_text(self.gradient.shape)} numbers from {number(float(low))} to {number(float(high))}"
            ]
        rows = np.array2string(
            self.gradient,
            separator=", ",
            formatter={"float_kind": lambda v: number(float(v))},
            max_line_width=100,
        )
        return [line.strip() if i == 0 else line for i, line in enumerate(rows.splitlines())]

    def latex(self) -> str:
        """The derivation in LaTeX, as one aligned block."""
        lines = [line.latex for line in (*self.composition, *self.lines)]
        if self.result is not None:
            lines.append(self.result_latex)
        rows = [line.replace(" = ", " &= ", 1) for line in lines]
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"

    def _repr_markdown_(self) -> str:
        numbers = ""
        if self.gradient is not None and 0 < self.gradient.size <= 64 and self.gradient.ndim <= 2:
            body = r" \\ ".join(" & ".join(f"{v:.4g}" for v in row) for row in np.atleast_2d(self.gradient))
            numbers = f"\n\nNumbers put in: $\\begin{{bmatrix}}{body}\\end{{bmatrix}}$"
        remarks = "".join(f"\n- {escape(line.remark)}" for line in self.lines if line.remark)
        return f"{self._repr_latex_()}{numbers}\n{remarks}\n\n{escape(self._check())}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/markdown": self._repr_markdown_()}


def derive(result: Tensor, x: Tensor) -> Derivation:
    """Derives the gradient of a result with respect to a tensor, as one would on paper.

    Writes the composition, each local derivative, the chain rule line by line, the simplified result, the numbers put
    in, and compares with the engine's gradient, which is computed apart. Operations that work element by element are
    differentiated by SymPy; products of matrices, convolutions, softmax and others are written with indices and sums
    and worked out with NumPy. Where elements are only moved (views, slices, transposes, pooling means) the graph's own
    node moves the gradient. What is not known is said, and nothing is guessed. No ``grad`` changes; the graph stays.

    Args:
        result: a tensor of one element.
        x: a tensor it was computed from, a leaf or not.

    Raises:
        TypeError: not tensors.
        ValueError: a result of several elements, without a graph, or that does not depend on ``x``.
        RuntimeError: the graph was freed by an earlier backward pass.
        ModuleNotFoundError: SymPy is not installed; ``pip install 'penlight[viz]'`` brings it.

    Example::

        >>> import penlight
        >>> x = penlight.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        >>> y = x - 2
        >>> a = (3 * y**2).mean()
        >>> print(penlight.explain.derive(a, x))
        The gradient of a with respect to x
        <BLANKLINE>
        Composition
          y = x − 2
          t1 = y²
          t2 = 3 t1
          a = 1/4 Σ t2
        <BLANKLINE>
        Chain rule
          ∂a/∂a = 1
          ∂a/∂t2 = ∂a/∂a · ∂a/∂t2 = 1 · 1/4 = 1/4
          ∂a/∂t1 = ∂a/∂t2 · ∂t2/∂t1 = 1/4 · 3 = 3/4
          ∂a/∂y = ∂a/∂t1 · ∂t1/∂y = 3/4 · 2 y = 3/2 y
          ∂a/∂x = ∂a/∂y · ∂y/∂x = 3/2 y · 1 = 3/2 y
        <BLANKLINE>
        Result
          da/dx = 3/2 (x − 2)
        <BLANKLINE>
        Numbers put in
          [[−1.5, 0],
           [1.5, 3]]
        <BLANKLINE>
        The engine's gradient is the same; the largest difference is 0.
    """
    for name, tensor in (("result", result), ("x", x)):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"derive(): {name} should be a Tensor, but got {type(tensor).__name__}")
    if result.numel() != 1:
        raise ValueError(
            f"derive(): result should be one number, but got shape {tuple(result.shape)}: derive its sum, or one "
            "element of it"
        )
    try:
        from penlight.explain.derivation.chain import Chain, Undecided
        from penlight.explain.derivation.values import Values
        from penlight.explain.derivation.writing import as_latex, as_text, latex_name
    except ModuleNotFoundError as error:
        if error.name != "sympy":
            raise
        raise ModuleNotFoundError(
            "derive() does its algebra with SymPy: pip install 'penlight[viz]'", name="sympy"
        ) from None
    names = Names().read(caller())
    graph = read(result, names)
    if graph.released:
        raise RuntimeError(
            "the graph was freed by an earlier backward pass: derive before it, or pass retain_graph=True to it"
        )
    if not x.requires_grad:
        raise ValueError("derive(): x asks for no gradient, so nothing was recorded of it")
    node, output = edge_of(x)
    step = next((s for s in graph.steps if s.node is node), None)
    if step is None:
        raise ValueError("derive(): result does not depend on x: it is not part of the graph behind it")
    target = (step.index, output)
    called = _letters(graph, names.of(x) or "x", target)
    chain = Chain(graph, Values(graph, names, result), called, target)
    (engine,) = penlight.autograd.grad(result.reshape(()), x, retain_graph=True, allow_unused=True)
    chain.compose()
    derivation = Derivation(called[graph.roots[0]], called[target], chain.composition, chain.lines,
                            None, "", "", None, engine)  # fmt: skip
    try:
        found = chain.derive()
        derivation.gradient = found.values()
    except Undecided as error:
        derivation.undecided.append(str(error))
        return derivation
    derivation.result = chain.in_terms_of_target(found)
    written = as_text(derivation.result), as_latex(derivation.result)
    if (
        chain.lines and written[0] == chain.lines[-1].text.partition(" = ")[0]
    ):  # it is the gradient's own name
        last = chain.lines[-1]
        written = last.text.partition(" = ")[2], last.latex.partition(" = ")[2]
    root, own = latex_name(derivation.root), latex_name(derivation.target)
    derivation.result_text = f"d{derivation.root}/d{derivation.target} = {written[0]}"
    derivation.result_latex = rf"\frac{{d {root}}}{{d {own}}} = {written[1]}"
    return derivation


def _letters(graph: Any, own: str, target: tuple[int, int]) -> dict[tuple[int, int], str]:
    """A name for every tensor: its variable's, or t with a number; each once."""
    taken: set[str] = set()
    found: dict[tuple[int, int], str] = {}
    count = 0
    for step in graph.steps:
        for output, seen in enumerate(step.outputs):
            name = own if (step.index, output) == target else seen.name
            if not name and (step.index, output) == graph.roots[0]:
                name = "result"
            while not name or name in taken:
                count += 1
                name = f"t{count}"
            taken.add(name)
            found[step.index, output] = name
    return found

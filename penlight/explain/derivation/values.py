"""The values a derivation is worked out with: held by somebody, or computed again from those that are."""

from __future__ import annotations

import math

import numpy as np
import sympy as sp

import penlight
from penlight import Tensor
from penlight.explain.derivation.functions import evaluate, express
from penlight.explain.derivation.operators import Site, forward
from penlight.explain.names import Names
from penlight.explain.reading import Graph, Step, unpacked

Key = tuple[int, int]  # step and output


def _nodes(names: dict[str, str]) -> frozenset[str]:
    return frozenset(f"{name}Backward{number}" for name, numbers in names.items() for number in numbers)


_WINNERS = "each gradient goes to the element that was picked; the others get none"
_FLAT = "flat between its steps: no gradient"
_SHARED = "each gradient is shared out as its elements had taken part"

# Operations that pick elements, or spread them, by what happened forwards; with what becomes of the gradient.
PICKING = {
    **dict.fromkeys(
        _nodes(
            {
                "AdaptiveMaxPool2D": "0", "AdaptiveMaxPool3D": "0", "Clamp": "0", "Cummax": "0", "Cummin": "0",
                "Hardtanh": "0", "Kthvalue": "0", "MaskedFill": "0", "MaskedSelect": "0", "Max": "0",
                "MaxPool2DWithIndices": "0", "MaxPool3DWithIndices": "0", "Median": "01", "Min": "0", "Mode": "0",
                "Nanmedian": "01", "Sort": "0", "Topk": "0", "Where": "0",
            }
        ),
        _WINNERS,
    ),
    **dict.fromkeys(_nodes({"Round": "01", "Sign": "0", "Trunc": "0"}), _FLAT),
    **dict.fromkeys(
        _nodes(
            {
                "AdaptiveAvgPool2D": "0", "AdaptiveAvgPool3D": "0", "AvgPool2D": "0", "AvgPool3D": "0",
                "UpsampleNearest2D": "0",
            }
        ),
        _SHARED,
    ),
}  # fmt: skip

# Operations whose own node hands the gradient back: those, and linear ones that only move, repeat or leave out.
MOVING = frozenset(PICKING) | {"CopyBackwards", "CopySlices"} | _nodes(
    {
        "Alias": "0", "AsStrided": "0", "Cat": "0", "ConstantPadNd": "0", "Diagonal": "0", "DiagEmbed": "0",
        "Embedding": "0", "Expand": "0", "Flip": "0", "Gather": "0", "Index": "0", "IndexAdd": "0", "IndexCopy": "0",
        "IndexPut": "0", "IndexSelect": "0", "Permute": "0", "Repeat": "0", "Roll": "0", "Scatter": "0",
        "ScatterAdd": "0", "Select": "0", "Slice": "0", "Split": "0", "SplitWithSizes": "0", "Squeeze": "012",
        "Stack": "0", "T": "0", "Take": "0", "ToCopy": "0", "Transpose": "0", "Tril": "0", "Triu": "0", "Unbind": "0",
        "Unfold": "0", "UnsafeView": "0", "Unsqueeze": "0", "View": "0", "Cumsum": "0",
    }
)  # fmt: skip

# Those that are linear forwards too, the picked places given.
LINEAR = (
    MOVING
    - _nodes(
        {
            "Clamp": "0",
            "Hardtanh": "0",
            "MaskedFill": "0",
            "Round": "01",
            "Sign": "0",
            "Trunc": "0",
            "Where": "0",
        }
    )
    - {"CopySlices"}
)


def kept(step: Step) -> dict[str, np.ndarray]:
    """The tensors a step's node keeps for backward, by the names it keeps them under."""
    found: dict[str, np.ndarray] = {}
    for number, (name, raw, _) in enumerate(step.node._saved_raw):
        tensor = None if raw is None else unpacked(step.node, name, number)
        if tensor is not None:
            found.setdefault(name, tensor.detach().numpy().copy())
    return found


def to_array(tensor: Tensor) -> np.ndarray:
    """A tensor's values in float64."""
    return tensor.detach().to(penlight.float64).numpy().copy()


class Values:
    """Arrays of a graph's tensors and constants, found or computed when they are asked for."""

    def __init__(self, graph: Graph, names: Names, root: Tensor) -> None:
        self._graph = graph
        self._found: dict[Key, np.ndarray | None] = {}
        self._constants: dict[tuple[int, int], np.ndarray] = {}  # step and input
        for step in graph.steps:
            if step.leaf:
                self._found[step.index, 0] = to_array(step.node.variable)
                continue
            for number in range(len(step.outputs)):
                name = names.at(step.node, number)
                tensor = names.tensor(name) if name else None
                if tensor is not None and tensor.is_floating_point():
                    self._found.setdefault((step.index, number), to_array(tensor))
            for number, output in enumerate(step.outputs):
                if output.source == "recorded" and output.value is not None and output.value.few:
                    self._found.setdefault(
                        (step.index, number), np.array(output.value.values, dtype=np.float64)
                    )
        self._found[graph.roots[0]] = to_array(root)
        for step in graph.steps:
            if not step.leaf and not step.node._released:
                self._read_kept(step)

    def _read_kept(self, step: Step) -> None:
        """What the node keeps: its own output, its inputs, and constants, which take the input of their name."""
        for number, (name, raw, is_output) in enumerate(step.node._saved_raw):
            tensor = None if raw is None else unpacked(step.node, name, number)
            if tensor is None:
                continue
            if is_output:
                self._found.setdefault(
                    (step.index, min(tensor.output_nr, len(step.outputs) - 1)), to_array(tensor)
                )
                continue
            for edge in step.inputs:
                if edge is None:
                    continue
                source = self._graph.steps[edge.source]
                if source.node.variable is tensor if source.leaf else source.node is tensor.grad_fn:
                    self._found.setdefault((edge.source, edge.output), to_array(tensor))
            if not tensor.requires_grad:
                place = _PLACES.get(step.name, {}).get(
                    name, {"self": 0, "input": 0, "mat1": 1, "batch1": 1}.get(name, -1)
                )
                if place < 0:
                    place = (
                        2 if name in ("mat2", "batch2") and step.name.startswith(("Addmm", "Baddbmm")) else 1
                    )
                self._constants.setdefault((step.index, place), to_array(tensor))

    def of(self, key: Key) -> np.ndarray | None:
        """A tensor's values; None where nobody holds them and they cannot be computed."""
        if key not in self._found:
            open_keys = [key]
            while open_keys:  # no recursion: graphs are deep
                at = open_keys[-1]
                step = self._graph.steps[at[0]]
                missing = [
                    (e.source, e.output)
                    for e in step.inputs
                    if e is not None and (e.source, e.output) not in self._found
                ]
                if missing:
                    open_keys += missing
                    continue
                open_keys.pop()
                if at not in self._found:
                    self._found[at] = self._compute(step, at[1])
        return self._found[key]

    def input(self, step: Step, position: int) -> np.ndarray | None:
        """The values of a step's input, a constant included."""
        edge = step.inputs[position] if position < len(step.inputs) else None
        if edge is not None:
            return self.of((edge.source, edge.output))
        if (step.index, position) in self._constants:
            return self._constants[step.index, position]
        seen = step.input_values[position] if position < len(step.input_values) else None
        return np.array(seen.values, dtype=np.float64) if seen is not None and seen.few else None

    def site(self, step: Step) -> Site:
        """An operation as the operators see it."""
        steps = self._graph.steps
        shapes = [None if e is None else steps[e.source].outputs[e.output].shape for e in step.inputs]
        return Site(step.name, step.notes, shapes, step.outputs[0].shape, kept(step))

    def _compute(self, step: Step, number: int) -> np.ndarray | None:
        inputs = [self.input(step, i) for i in range(len(step.inputs))]
        shape = step.outputs[number].shape
        symbols = [None if value is None else sp.Dummy(f"x{i}", real=True) for i, value in enumerate(inputs)]
        expression = express(step.name, symbols, step.notes)
        if expression is not None:
            arrays = {s: v for s, v in zip(symbols, inputs, strict=True) if s is not None and v is not None}
            return evaluate(expression, arrays, shape)
        mixed = forward(self.site(step), inputs)
        if mixed is not None:
            return mixed
        if step.name == "SumBackward0" and inputs[0] is not None:
            return np.asarray(inputs[0].sum())
        if step.name == "MeanBackward0" and inputs[0] is not None:
            return np.asarray(inputs[0].mean())
        linear = step.name in LINEAR or step.name in ("SumBackward1", "MeanBackward1")
        if linear and all(value is not None for value in inputs):
            return self._forwards(step, number)
        return None

    def _forwards(self, step: Step, number: int) -> np.ndarray | None:
        """A linear operation's output: its backward is its transpose, and the transpose of that is itself."""
        if any(edge is None for edge in step.inputs):
            return None  # a constant among the inputs, whose part is not in the transpose
        with penlight.enable_grad():
            output = step.outputs[number]
            unit = penlight.zeros(output.shape, dtype=getattr(penlight, output.dtype), requires_grad=True)
            handed = step.node(*[unit if i == number else None for i in range(len(step.outputs))])
            total = None
            for edge, grad in zip(
                step.inputs, (handed,) if isinstance(handed, Tensor) else handed, strict=True
            ):
                value = None if edge is None else self.of((edge.source, edge.output))
                if value is None or grad is None or not grad.requires_grad:
                    continue
                term = (grad * penlight.from_numpy(value).to(grad.dtype)).sum()
                total = term if total is None else total + term
            if total is None:
                return np.zeros(output.shape)
            (result,) = penlight.autograd.grad(total, unit)
        return to_array(result)


_PLACES: dict[str, dict[str, int]] = {
    "PowBackward1": {"self": 0, "exponent": 1},
    "AddcdivBackward0": {"tensor1": 1, "tensor2": 2},
    "AddcmulBackward0": {"tensor1": 1, "tensor2": 2},
    "NativeBatchNormBackward0": {"input": 0, "weight": 1},
    "NativeGroupNormBackward0": {"input": 0, "weight": 1},
    "NativeLayerNormBackward0": {"input": 0, "weight": 1},
    "ConvolutionBackward0": {"input": 0, "weight": 1},
}


def size(shape: tuple[int, ...]) -> int:
    """How many elements."""
    return math.prod(shape)

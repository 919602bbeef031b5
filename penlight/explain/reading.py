"""Reading the recorded graph: its nodes and edges as the engine holds them, with names, values and origins."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import penlight
from penlight import _C, Tensor
from penlight.explain.again import compute
from penlight.explain.glimpse import FEW, Glimpse, glimpse
from penlight.explain.names import Names, caller
from penlight.explain.recording import Call, Failure, Made, Place, made, record, where_of


@dataclass
class Output:
    """A tensor that a node gave, or a leaf."""

    shape: tuple[int, ...]
    dtype: str
    name: str = ""
    value: Glimpse | None = None
    source: str = (
        ""  # where the value is from: "variable", "kept", "leaf", "recorded", "computed again"; or ''
    )


@dataclass
class Constant:
    """A tensor that entered an operation and asks for no gradient."""

    name: str  # the variable's, or the argument's
    value: Glimpse


@dataclass
class Step:
    """A node of the graph."""

    index: int
    node: Any
    name: str
    outputs: list[Output]
    inputs: list[Edge | None] = field(default_factory=list)  # None where no gradient is asked for
    constants: list[Constant] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    leaf: bool = False
    place: Place | None = None
    source: str = ""  # of a custom Function
    module: tuple[Call, ...] = ()
    order: int = 0  # among the recorded, forwards
    input_names: list[str] = field(default_factory=list)
    input_values: list[Glimpse | None] = field(default_factory=list)

    @property
    def custom(self) -> bool:
        """Is it a Function written in Python?"""
        return bool(self.source) or hasattr(self.node, "_argument_count")


@dataclass(frozen=True)
class Edge:
    """A tensor on its way from the node that gave it to an operation; the gradient goes the other way."""

    source: int  # index of the step that gave it
    output: int  # which of its outputs
    target: int
    position: int  # which input of the target


@dataclass
class Graph:
    """The recorded graph behind some tensors: sources first, so every edge leads from an earlier step to a later."""

    steps: list[Step]
    roots: list[tuple[int, int]]  # (step, output) of the tensors asked for
    edges: list[Edge]
    failure: Failure | None = None
    released: bool = False  # a backward pass has freed what was kept

    def step_of(self, node: Any) -> Step:
        """The step of a node.

        Raises:
            KeyError: the node is not part of the graph.
        """
        return self._by_node[node]

    def __post_init__(self) -> None:
        self._by_node = {step.node: step for step in self.steps}


def walk(roots: Sequence[Any]) -> list[Any]:
    """All nodes that gradients reach from these, each once, consumers before what they consume.

    >>> import penlight
    >>> from penlight.explain.reading import walk
    >>> x = penlight.ones(2, requires_grad=True)
    >>> [type(node).__name__ for node in walk([(x * 2).sum().grad_fn])]
    ['SumBackward0', 'MulBackward0', 'AccumulateGrad']
    """
    waiting: dict[Any, int] = {}
    following: dict[Any, list[Any]] = {}
    open_nodes = list(dict.fromkeys(roots))
    for node in open_nodes:
        waiting[node] = 0
    while open_nodes:
        node = open_nodes.pop()
        following[node] = [below for below, _ in node.next_functions if below is not None]
        for below in following[node]:
            if below not in waiting:
                waiting[below] = 0
                open_nodes.append(below)
            waiting[below] += 1
    ready = [node for node in dict.fromkeys(roots) if waiting[node] == 0]
    order = []
    while ready:
        node = ready.pop()
        order.append(node)
        for below in following[node]:
            waiting[below] -= 1
            if waiting[below] == 0:
                ready.append(below)
    return order


def edge_of(tensor: Tensor) -> tuple[Any, int]:
    """The node and output a tensor's gradient goes to: its grad_fn, or the accumulator of a leaf."""
    return _C._gradient_edge(tensor)


def read(what: Tensor | Sequence[Tensor] | record, names: Names | None = None) -> Graph:
    """Reads the graph behind one or several tensors, or all that was recorded.

    Args:
        what: tensors with a graph, or a finished :class:`penlight.explain.record`.
        names: the variables to take names from; by default the caller's.

    Raises:
        TypeError: something that is neither.
        ValueError: a tensor that asks for no gradient, so that nothing was recorded behind it.
    """
    names = Names().read(caller()) if names is None else names
    failure = None
    tensors: list[Tensor] = []
    if isinstance(what, record):
        failure = what.failure
        names.read_variables({})
        roots = _ends(what.nodes)
    else:
        tensors = [what] if isinstance(what, Tensor) else list(what)
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise TypeError(
                    f"the graph is read from tensors or a recording, but got {type(tensor).__name__}"
                )
            if not tensor.requires_grad:
                raise ValueError(
                    f"a tensor of shape {tuple(tensor.shape)} has no graph: it asks for no gradient. Compute it "
                    "from tensors with requires_grad=True, outside no_grad()."
                )
        roots = [edge_of(tensor) for tensor in tensors]
    nodes = _forwards(walk([node for node, _ in roots]))
    place_in = {node: i for i, node in enumerate(nodes)}
    steps = [_step(i, node) for i, node in enumerate(nodes)]
    edges = []
    for step in steps:
        for position, (below, number) in enumerate(step.node.next_functions):
            if below is None:
                step.inputs.append(None)
                continue
            edge = Edge(place_in[below], number, step.index, position)
            step.inputs.append(edge)
            edges.append(edge)
    graph = Graph(steps, [(place_in[node], number) for node, number in roots], edges, failure)
    _Values(graph, names, what.names if isinstance(what, record) else None).fill(tensors)
    graph.released = any(getattr(step.node, "_released", False) for step in steps)
    return graph


def _forwards(nodes: list[Any]) -> list[Any]:
    """The nodes as they were recorded, each leaf right before its first use."""
    order: list[Any] = []
    seen = set()
    for node in sorted((n for n in nodes if not hasattr(n, "variable")), key=lambda n: n._sequence_nr()):
        for below, _ in node.next_functions:
            if below is not None and hasattr(below, "variable") and below not in seen:
                seen.add(below)
                order.append(below)
        order.append(node)
    return order + [node for node in nodes if hasattr(node, "variable") and node not in seen]


def _ends(nodes: list[Any]) -> list[tuple[Any, int]]:
    """The nodes nobody consumed, in the order they were recorded."""
    consumed = {below for node in nodes for below, _ in node.next_functions}
    return [(node, 0) for node in nodes if node not in consumed]


def _step(index: int, node: Any) -> Step:
    outputs = [Output(tuple(size), str(dtype).removeprefix("torch.")) for size, dtype in node._input_metadata]
    step = Step(
        index, node, type(node).__name__, outputs, leaf=hasattr(node, "variable"), notes=dict(node._notes)
    )
    step.place = where_of(node)
    step.source = _source(node)
    noted = made(node)
    if noted is not None:
        step.module, step.order = noted.calls, noted.order
        step.input_names, step.input_values = noted.names, noted.inputs
    return step


def _source(node: Any) -> str:
    """The source of the Function behind a node written in Python."""
    backward = getattr(node, "_backward", None)
    owner = getattr(type(node), "_function", None) or backward
    if owner is None:
        return ""
    try:
        return inspect.cleandoc("\n" + inspect.getsource(owner))
    except (OSError, TypeError):
        return ""


def unpacked(node: Any, name: str, number: int) -> Tensor | None:
    """The tensor a node kept under a name, as its number-th; None where it was changed in place since."""
    try:
        return node.saved_tensors[number] if name == "saved" else getattr(node, f"_saved_{name}")
    except RuntimeError:
        return None


class _Values:
    """Finds what is known of each tensor of a graph: its name, and its value with who holds it."""

    def __init__(self, graph: Graph, names: Names, recorded: Names | None) -> None:
        self._graph = graph
        self._names = [names] if recorded is None else [names, recorded]

    def fill(self, roots: list[Tensor]) -> None:
        steps = self._graph.steps
        for step in steps:
            if step.leaf:
                self._leaf(step)
            else:
                self._named(step)
        for tensor, (index, number) in zip(roots, self._graph.roots, strict=False):
            self._put(steps[index].outputs[number], tensor, "variable")
        for step in steps:
            self._recorded(step)
        for step in steps:
            if not step.leaf:
                self._kept(step)
        for step in steps:
            self._again(step)

    def _name(self, tensor: Tensor) -> str:
        return next(filter(None, (names.of(tensor) for names in self._names)), "")

    def _leaf(self, step: Step) -> None:
        variable = step.node.variable
        output = step.outputs[0]
        output.name = self._name(variable)
        self._put(output, variable, "leaf")
        for names in self._names:
            owner = names.owner(variable)
            if owner is not None:
                step.module = step.module or (Call(owner[0], owner[1], 0),)

    def _named(self, step: Step) -> None:
        for number, output in enumerate(step.outputs):
            for names in self._names:
                name = names.at(step.node, number)
                tensor = names.tensor(name) if name else None
                if tensor is not None:
                    output.name = output.name or name
                    self._put(output, tensor, "variable")

    def _recorded(self, step: Step) -> None:
        noted: Made | None = None if step.leaf else made(step.node)
        if noted is None:
            return
        for output, value in zip(step.outputs, noted.outputs, strict=False):
            if value is not None:
                output.value, output.source = value, "recorded"
        for position, name in enumerate(noted.names):
            edge = step.inputs[position] if position < len(step.inputs) else None
            if edge is not None and name:
                source = self._graph.steps[edge.source].outputs[edge.output]
                source.name = source.name or name
        for name, value, held in zip(noted.names, noted.inputs, noted.held, strict=True):
            if held and value is not None:
                step.constants.append(Constant(name or "constant", value))

    def _kept(self, step: Step) -> None:
        noted = made(step.node)
        for number, (name, raw, is_output) in enumerate(step.node._saved_raw):
            if raw is None:
                continue
            tensor = unpacked(step.node, name, number)
            if tensor is None:
                continue
            if is_output:
                self._put(step.outputs[min(tensor.output_nr, len(step.outputs) - 1)], tensor, "kept")
            elif tensor.requires_grad:
                self._put_at_input(step, tensor)
            elif noted is None:
                step.constants.append(Constant(self._name(raw) or name, glimpse(tensor)))

    def _put_at_input(self, step: Step, tensor: Tensor) -> None:
        for edge in step.inputs:
            if edge is None:
                continue
            source = self._graph.steps[edge.source]
            same = source.node.variable is tensor if source.leaf else source.node is tensor.grad_fn
            if same and (source.leaf or tensor.output_nr == edge.output):
                self._put(source.outputs[edge.output], tensor, "kept")

    def _again(self, step: Step) -> None:
        """What nobody holds is computed again from values in full view, by a few operations that are safe to repeat."""
        output = step.outputs[0] if len(step.outputs) == 1 else None
        if step.leaf or output is None or output.value is not None or math.prod(output.shape) > FEW:
            return
        inputs = []
        for edge in step.inputs:
            seen = None if edge is None else self._graph.steps[edge.source].outputs[edge.output].value
            if edge is not None and (seen is None or not seen.few):
                return
            inputs.append(
                None if seen is None else penlight.tensor(seen.values, dtype=getattr(penlight, seen.dtype))
            )
        with penlight.no_grad():
            result = compute(step.name, inputs, step.notes)
        if result is not None and tuple(result.shape) == output.shape:
            self._put(output, result, "computed again")

    @staticmethod
    def _put(output: Output, tensor: Tensor, source: str) -> None:
        if output.value is None:
            output.value, output.source = glimpse(tensor), source

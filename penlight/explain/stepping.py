"""The backward pass as a sequence of steps that can be walked forth and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import penlight
from penlight import Tensor
from penlight.explain.flow import Passage, backward_flow
from penlight.explain.glimpse import glimpse
from penlight.explain.labels import formula_of, input_names, labels
from penlight.explain.names import Names, caller
from penlight.explain.reading import Graph, Step, read
from penlight.explain.recording import Place, shape_text
from penlight.explain.rules import put_in, rule

MOST_ENTRIES = 400  # of a Jacobian that is worked out


@dataclass(frozen=True)
class Local:
    """The local derivative of one input: how the outputs move with it."""

    name: str  # the input's
    rule: str  # what goes back, as a formula
    jacobian: Tensor | None  # outputs × inputs, flattened; None where it is large, or the node is not linear
    elementwise: bool  # is the Jacobian diagonal: each output of its own input alone?

    @property
    def diagonal(self) -> Tensor | None:
        """The slope of each element, where each output depends on its own input alone."""
        return self.jacobian.diagonal() if self.elementwise and self.jacobian is not None else None


@dataclass(frozen=True)
class Share:
    """What a step adds to the gradient of one of its inputs, or of a leaf."""

    name: str
    added: Tensor
    before: Tensor | None  # what other consumers had added by then; None where this is the first
    after: Tensor


@dataclass
class BackwardStep:
    """One node's part in a backward pass."""

    number: int
    node: Any
    name: str
    formula: str
    words: str  # the rule in words
    incoming: list[Tensor | None]
    local: list[Local]
    shares: list[Share]
    leaf: bool
    place: Place | None
    source: str  # of a custom Function
    index: int  # of the node in the graph
    accumulates: bool = False  # at a leaf: was its grad added to?
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def outgoing(self) -> list[Tensor]:
        """The gradients handed on, in the order of the inputs that want one."""
        return [share.added for share in self.shares]

    def __str__(self) -> str:
        lines = [f"{self.number}. {self.name}" + ("" if self.leaf else f": {self.formula}")]
        for grad in self.incoming:
            if grad is not None:
                lines.append(f"   gradient in   {one_line(grad)}")
        for local in self.local:
            lines.append(f"   local rule    to {local.name}: {local.rule}")
            if local.diagonal is not None:
                lines.append(f"   slopes        {one_line(local.diagonal)}")
            elif local.jacobian is not None:
                lines.append(f"   Jacobian      {one_line(local.jacobian)}")
        for share in self.shares:
            if self.leaf:
                lines.append(
                    f"   {share.name}.grad"
                    + (" becomes " if self.accumulates else " would get ")
                    + one_line(share.added)
                )
                continue
            more = "" if share.before is None else f", with what came before {one_line(share.after)}"
            lines.append(f"   gradient out  to {share.name}: {one_line(share.added)}{more}")
        if self.place is not None:
            lines.append(f"   made by       {self.place.text}   ({self.place})")
        return "\n".join(lines)


def one_line(tensor: Tensor) -> str:
    """A tensor's values in one line, or its shape and range where they are many.

    >>> import penlight
    >>> one_line(penlight.tensor([[1.0, 2.0], [3.0, 4.0]]))
    '[[1, 2], [3, 4]]'
    """
    from penlight.explain.glimpse import number

    seen = glimpse(tensor, few=16)
    if not seen.few:
        summary = seen.summary or {}
        if "low" not in summary:
            return f"{shape_text(seen.shape)}, no finite value"
        return f"{shape_text(seen.shape)}, {number(summary['low'])} … {number(summary['high'])}"

    def write(values: Any) -> str:
        return f"[{', '.join(map(write, values))}]" if isinstance(values, list) else number(values)

    return write(seen.values)


class BackwardSteps(Sequence[BackwardStep]):
    """A backward pass, step by step. Index it, iterate over it, print it, display it in a notebook, or save it.

    ``save("steps.html")`` writes a page with a slider that is walked by keys.
    """

    def __init__(self, graph: Graph, passages: list[Passage], steps: list[BackwardStep]) -> None:
        self.graph = graph
        self._passages, self._steps = passages, steps

    @overload
    def __getitem__(self, at: int) -> BackwardStep: ...
    @overload
    def __getitem__(self, at: slice) -> list[BackwardStep]: ...
    def __getitem__(self, at: int | slice) -> BackwardStep | list[BackwardStep]:
        return self._steps[at]

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[BackwardStep]:
        return iter(self._steps)

    def __str__(self) -> str:
        return "\n".join(map(str, self._steps))

    def __repr__(self) -> str:
        return f"<backward pass of {len(self)} steps: print it, iterate over it, or save('steps.html')>"

    def picture(self) -> Any:
        """The pass as a picture with a slider over its flow chart."""
        from penlight.viz.stepping import SteppingPicture

        return SteppingPicture(self, self._passages)

    def save(self, path: Any) -> None:
        """Writes the picture as one page that needs no network."""
        self.picture().save(path)

    def show(self) -> None:
        """Opens the picture: in the notebook, or in the browser."""
        self.picture().show()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.picture()._repr_mimebundle_(include, exclude)


def backward(tensor: Tensor, grad: Tensor | None = None, *, accumulate: bool = False) -> BackwardSteps:
    """Runs the backward pass from a tensor and gives it as steps, in the order the engine took them.

    Each step has the node, the gradient that comes in, the local derivative (as a Jacobian where it is small, as the
    rule in words and as a formula always), the gradients that go out, and where each is added. With
    ``with penlight.explain.record():`` around the forward, every step knows the line of Python that made its node.
    The graph stays: a pass may be explained several times, and ``backward()`` called after it.

    Args:
        tensor: where to start.
        grad: the gradient to start from, of the tensor's shape; 1 for a tensor of one element.
        accumulate: add to the leaves' ``grad``, as ``backward()`` does; otherwise no ``grad`` changes.

    Raises:
        TypeError: not a tensor.
        ValueError: the tensor asks for no gradient.
        RuntimeError: the graph was freed by an earlier backward pass, or ``grad`` is missing.

    Example::

        >>> import penlight
        >>> x = penlight.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        >>> y = x - 2
        >>> a = (3 * y**2).mean()
        >>> steps = penlight.explain.backward(a)
        >>> [step.name for step in steps]
        ['MeanBackward0', 'MulBackward0', 'PowBackward0', 'SubBackward0', 'AccumulateGrad']
        >>> print(steps[2])
        3. PowBackward0: y²
           gradient in   [[0.75, 0.75], [0.75, 0.75]]
           local rule    to y: g · 2 · y
           slopes        [−2, 0, 2, 4]
           gradient out  to y: [[−1.5, 0], [1.5, 3]]
        >>> x.grad is None
        True
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"backward(): tensor should be a Tensor, but got {type(tensor).__name__}")
    graph = read(tensor, Names().read(caller()))
    if graph.released:
        raise RuntimeError(
            "the graph was freed by an earlier backward pass: explain before it, or pass retain_graph=True to it"
        )
    passages = backward_flow(graph, [tensor], [grad], accumulate)
    names = labels(graph)
    sums: dict[tuple[int, int], Tensor] = {}
    steps = [_step(i + 1, graph, passage, names, sums, accumulate) for i, passage in enumerate(passages)]
    return BackwardSteps(graph, passages, steps)


def _step(
    number: int,
    graph: Graph,
    passage: Passage,
    names: dict[tuple[int, int], str],
    sums: dict[tuple[int, int], Tensor],
    accumulate: bool,
) -> BackwardStep:
    step = graph.steps[passage.step]
    own = names[step.index, 0]
    known = rule(step.name)
    shares = []
    for edge, added in zip(step.inputs, passage.outgoing, strict=False):
        if edge is None or added is None:
            continue
        key = (edge.source, edge.output)
        before = sums.get(key)
        sums[key] = added if before is None else before + added
        shares.append(Share(names[key], added, before, sums[key]))
    if step.leaf and passage.incoming[0] is not None:
        added = passage.incoming[0]
        grad = step.node.variable.grad
        shares.append(
            Share(own, added, None, grad.detach().clone() if accumulate and grad is not None else added)
        )
    words = "the gradient arrives at a leaf" if step.leaf else "a derivative of its own, written in Python"
    return BackwardStep(
        number, step.node, step.name, own if step.leaf else formula_of(step, names),
        words if step.leaf or known is None else known.words, passage.incoming,
        [] if step.leaf else _locals(step, passage, names), shares, step.leaf, step.place, step.source, step.index,
        accumulate and step.leaf, step.notes,
    )  # fmt: skip


def _locals(step: Step, passage: Passage, names: dict[tuple[int, int], str]) -> list[Local]:
    known = rule(step.name)
    inputs = input_names(step, names)
    jacobians = _jacobians(step, passage)
    found = []
    for position, edge in enumerate(step.inputs):
        if edge is None:
            continue
        if known is None:
            text = "as its backward says"
        else:
            template = known.back[min(position, len(known.back) - 1)]
            text = put_in(template, inputs, step.notes, g="g", y=names[step.index, 0])
        matrix = jacobians.get(position)
        square = matrix is not None and matrix.dim() == 2 and matrix.shape[0] == matrix.shape[1]
        diagonal = square and bool((matrix == matrix.diagonal().diag_embed()).all())  # type: ignore[union-attr]
        found.append(Local(names[edge.source, edge.output], text, matrix, bool(diagonal)))
    return found


def _jacobians(step: Step, passage: Passage) -> dict[int, Tensor]:
    """The Jacobian for each input, from the node called with each unit gradient; none where it is large.

    A custom Function may hand back what is no linear function of its gradient (clipped, say). Then there is no
    Jacobian, and none is given: the one found must reproduce what the engine handed on.
    """
    sizes = [g.numel() if g is not None else 0 for g in passage.incoming]
    into = [g.numel() if g is not None else 0 for g in passage.outgoing]
    if not 0 < sum(sizes) * max(into, default=0) <= MOST_ENTRIES:
        return {}
    rows: dict[int, list[Tensor]] = {}
    with penlight.no_grad():
        for output, grad in enumerate(passage.incoming):
            if grad is None:
                continue
            for element in range(grad.numel()):
                unit = penlight.zeros(grad.numel(), dtype=grad.dtype)
                unit[element] = 1
                units = [unit.reshape(grad.shape) if i == output else None for i in range(len(sizes))]
                results = step.node(*units)
                for position, result in enumerate((results,) if isinstance(results, Tensor) else results):
                    sent = passage.outgoing[position] if position < len(passage.outgoing) else None
                    if sent is None or step.inputs[position] is None:
                        continue
                    row = penlight.zeros_like(sent) if result is None else result.detach()
                    rows.setdefault(position, []).append(row.reshape(-1).clone())
        flat = penlight.cat([g.reshape(-1) for g in passage.incoming if g is not None])
        found = {}
        for position, lines in rows.items():
            matrix = penlight.stack(lines)
            sent = passage.outgoing[position]
            expected = matrix.T @ flat.to(matrix.dtype)
            if sent is not None and penlight.allclose(
                expected.double(), sent.reshape(-1).double(), rtol=1e-3, atol=1e-5, equal_nan=True
            ):
                found[position] = matrix
    return found

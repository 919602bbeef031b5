"""Recording what the engine does not need and an explanation does: lines, expressions, modules, every value."""

from __future__ import annotations

import ast
import linecache
import sys
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any

import penlight
from penlight import _C, Tensor
from penlight.explain.glimpse import Glimpse, glimpse
from penlight.explain.names import Names, caller, outside, variables_of

_KEY = "penlight.explain"  # in a node's metadata


@dataclass(frozen=True)
class Place:
    """A place in Python source: the expression that was running, and the line it stands on."""

    file: str
    line: int
    function: str
    text: str  # the line
    expression: str  # the part of it; '' where Python does not say

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Call:
    """One call of a module: calls of the same module are told apart by their number."""

    path: str
    kind: str
    number: int


@dataclass
class Made:
    """How a node came to be."""

    order: int
    place: Place | None
    calls: tuple[Call, ...]  # the modules running, outermost first
    inputs: list[Glimpse | None]
    names: list[str]  # of the inputs, at the time
    held: list[bool]  # inputs that ask for no gradient, and so have no edge
    outputs: list[Glimpse | None]


def made(node: Any) -> Made | None:
    """What was recorded of a node, or None."""
    return node.metadata.get(_KEY)


@dataclass
class Failure:
    """Where a forward stopped: the expression that failed, and the tensors that met there."""

    error: BaseException
    place: Place | None
    met: list[tuple[str, tuple[int, ...], str]] = field(default_factory=list)  # name, shape, dtype
    inside: Place | None = None  # the library's own expression, where Python reached it
    inputs: list[tuple[Any, int]] = field(default_factory=list)  # graph places of the tensors that met

    def __str__(self) -> str:
        where = f"{self.place.expression or self.place.text} ({self.place})" if self.place else "the forward"
        lines = [f"{where} failed with {type(self.error).__name__}: {self.error}"]
        if self.met:
            shapes = ", ".join(f"{name} {shape_text(shape)} {dtype}" for name, shape, dtype in self.met)
            lines.append(f"There met {shapes}.")
        return "\n".join(lines)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as 2×3, that of a single number as ().

    >>> shape_text((2, 3))
    '2×3'
    """
    return "×".join(map(str, shape)) if shape else "()"


class record:
    """While it is open, every operation recorded by autograd also notes its value, line, expression and modules.

    The engine keeps only what backward needs; with a recording, pictures and explanations show everything. The
    notes stay with the graph after the block. A forward that fails inside the block leaves its graph up to the
    failure: look at ``failure`` and ``graph()``.

    Args:
        few: tensors of up to so many elements are noted value by value, larger ones as a summary.

    Example::

        >>> import penlight
        >>> from penlight import explain
        >>> x = penlight.tensor([1.0, 2.0], requires_grad=True)
        >>> with explain.record() as tape:
        ...     y = (x * 3).exp()
        >>> len(tape.nodes)
        2
        >>> tape.nodes[0].name()
        'MulBackward0'
    """

    def __init__(self, few: int = 36) -> None:
        self._few = few
        self.nodes: list[Any] = []
        self.failure: Failure | None = None
        self.names = Names()
        self._calls: dict[int, Call] = {}  # by the frame of the call
        self._frames: dict[int, FrameType] = {}  # kept, so that a number is not given to another frame
        self._counts: dict[str, int] = {}
        self._paths: dict[int, str] = {}

    def __enter__(self) -> record:
        _switch_on(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _switch_off(self)
        self.names.read(caller())
        self._calls.clear()
        self._frames.clear()
        if isinstance(error, Exception):
            self.failure = self._examine(error, trace)
            error.add_note(f"penlight.explain: {self.failure}")

    def graph(self) -> Any:
        """The picture of everything recorded, with the failure if there was one; see :func:`penlight.viz.graph`."""
        from penlight.viz import graph

        return graph(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.graph()._repr_mimebundle_(**kwargs)

    # ---- an operation

    def _note(self, node: Any, inputs: list[Tensor | None], outputs: list[Tensor | None]) -> None:
        frame = outside(sys._getframe(2))
        variables = {} if frame is None else variables_of(frame)
        node.metadata[_KEY] = Made(
            order=len(self.nodes),
            place=place_of(frame),
            calls=self._running(sys._getframe(2)),
            inputs=[self._look(tensor) for tensor in inputs],
            names=["" if tensor is None else self._name(tensor, variables) for tensor in inputs],
            held=[tensor is not None and not tensor.requires_grad for tensor in inputs],
            outputs=[self._look(tensor) for tensor in outputs],
        )
        self.nodes.append(node)

    def _name(self, tensor: Tensor, variables: dict[str, Any]) -> str:
        for name, value in variables.items():
            if value is tensor and not name.startswith("_"):
                return name
        return self.names.of(tensor)

    def _look(self, tensor: Tensor | None) -> Glimpse | None:
        return None if tensor is None else glimpse(tensor, self._few)

    def _running(self, frame: FrameType | None) -> tuple[Call, ...]:
        """The module calls on the stack, outermost first."""
        from penlight.nn import Module

        frames = []
        while frame is not None:
            if frame.f_code is Module.__call__.__code__:
                frames.append(frame)
            frame = frame.f_back
        calls: list[Call] = []
        for frame in reversed(frames):
            if id(frame) not in self._calls:
                self._enter(frame, calls[-1] if calls else None)
            calls.append(self._calls[id(frame)])
        return tuple(calls)

    def _enter(self, frame: FrameType, around: Call | None) -> None:
        module = variables_of(frame)["self"]
        if around is None and id(module) not in self._paths:
            user = outside(frame)
            name = _name_of_module(module, user) or type(module).__name__
            for path, part in module.named_modules():
                self._paths.setdefault(id(part), ".".join(filter(None, (name, path))))
            self.names.read_module(module, name)
        path = self._paths.get(id(module)) or type(module).__name__
        number = self._counts[path] = self._counts.get(path, 0) + 1
        self._calls[id(frame)] = Call(path, type(module).__name__, number)
        self._frames[id(frame)] = frame

    # ---- a failure

    def _examine(self, error: BaseException, trace: TracebackType | None) -> Failure:
        steps = []
        while trace is not None:
            steps.append((trace.tb_frame, trace.tb_lasti))
            trace = trace.tb_next
        users = [step for step in steps if outside(step[0]) is step[0]]
        place = place_of(*users[-1]) if users else None
        failure = Failure(error, place)
        inside = steps[-1] if steps else None
        if inside is not None and users and inside[0] is not users[-1][0]:
            failure.inside = place_of(*inside)
        for frame, instruction in dict.fromkeys([s for s in (inside, users[-1] if users else None) if s]):
            met = _tensors_of(place_of(frame, instruction), frame)
            if met:
                failure.met = [(name, tuple(t.shape), str(t.dtype)) for name, t in met]
                failure.inputs = [(t.grad_fn, t.output_nr) for _, t in met if t.grad_fn is not None]
                break
        return failure


_open: list[record] = []


def _switch_on(recording: record) -> None:
    _open.append(recording)
    _C._set_observer(_tell)


def _switch_off(recording: record) -> None:
    if recording in _open:
        _open.remove(recording)
    if not _open:
        _C._set_observer(None)


def _tell(node: Any, inputs: list[Tensor | None], outputs: list[Tensor | None]) -> None:
    with penlight.no_grad():
        _open[-1]._note(node, inputs, outputs)


_standing: list[record] = []


def set_recording(enabled: bool) -> record | None:
    """Switches recording on for all that follows, or off again: for a notebook, where a block is in the way.

    Returns:
        the :class:`record` that is now running, or None.

    Example::

        >>> import penlight
        >>> from penlight import explain
        >>> running = explain.set_recording(True)
        >>> speed = penlight.ones(2, requires_grad=True) * 3
        >>> explain.set_recording(False)
        >>> running.graph()
        <GraphPicture: Flow chart of speed>
    """
    while _standing:
        _switch_off(_standing.pop())
    if not enabled:
        return None
    _standing.append(record())
    _switch_on(_standing[-1])
    return _standing[-1]


# ---- places in source


def place_of(frame: FrameType | None, instruction: int | None = None) -> Place | None:
    """The place a frame is at, or was at when an exception left it (``instruction``, as in a traceback)."""
    if frame is None:
        return None
    code, at = frame.f_code, frame.f_lasti if instruction is None else instruction
    line: int | None = frame.f_lineno
    expression = ""
    positions = list(code.co_positions())
    if 0 <= at // 2 < len(positions):
        first, last, start, end = positions[at // 2]
        line = first or line
        if None not in (first, last, start, end):
            expression = _segment(code.co_filename, first, last, start, end)  # type: ignore[arg-type]
    text = linecache.getline(code.co_filename, line or 0).strip()
    return Place(code.co_filename, line or 0, code.co_name, text, expression)


def _segment(file: str, first: int, last: int, start: int, end: int) -> str:
    lines = [linecache.getline(file, number).encode() for number in range(first, last + 1)]
    if not lines or not all(lines):
        return ""
    lines[-1] = lines[-1][:end]  # columns count bytes
    lines[0] = lines[0][start:]
    return " ".join(b"".join(lines).decode(errors="replace").split())


def _tensors_of(place: Place | None, frame: FrameType) -> list[tuple[str, Tensor]]:
    """The tensors named in an expression: names and attributes are looked up, nothing is called."""
    if place is None:
        return []
    for text in (place.expression, place.text):
        try:
            tree = ast.parse(text.strip(), mode="exec")
        except (SyntaxError, ValueError):
            continue
        found: dict[str, Tensor] = {}
        for part in ast.walk(tree):
            if isinstance(part, (ast.Name, ast.Attribute)):
                value = _look_up(part, frame)
                if isinstance(value, Tensor):
                    found.setdefault(ast.unparse(part), value)
        return list(found.items())
    return []


def _look_up(part: ast.expr, frame: FrameType) -> Any:
    if isinstance(part, ast.Name):
        return variables_of(frame).get(part.id, frame.f_globals.get(part.id))
    if isinstance(part, ast.Attribute):
        owner = _look_up(part.value, frame)
        if isinstance(owner, Tensor) or owner is None:
            return None  # a tensor's attributes may compute
        values = getattr(owner, "__dict__", {})
        for store in (
            values,
            values.get("_parameters", {}),
            values.get("_buffers", {}),
            values.get("_modules", {}),
        ):
            if isinstance(store, dict) and part.attr in store:
                return store[part.attr]
    return None


def _name_of_module(module: Any, frame: FrameType | None) -> str:
    while frame is not None:
        for variables in (variables_of(frame), frame.f_globals):
            for name, value in list(variables.items()):
                if value is module and not name.startswith("_") and name != "self":
                    return name
        frame = frame.f_back
    return ""


def where_of(node: Any) -> Place | None:
    """The Python line that made a node: from a recording, or from anomaly mode's traceback; None if neither ran."""
    noted = made(node)
    if noted is not None:
        return noted.place
    return _from_traceback(node._traceback)


def _from_traceback(text: str) -> Place | None:
    frames = [line for line in text.splitlines() if line.startswith('  File "')]
    package = penlight.__path__[0]
    for line in reversed(frames):
        file = line.split('"')[1]
        if not file.startswith(package):
            number = int(line.split(", line ")[1].split(",")[0])
            function = line.rpartition(" in ")[2]
            return Place(file, number, function, linecache.getline(file, number).strip(), "")
    return None


__all__ = ["Call", "Failure", "Made", "Place", "made", "record", "set_recording", "shape_text", "where_of"]

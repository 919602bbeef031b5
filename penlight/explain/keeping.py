"""Which tensors a graph keeps for backward: by whom, why, and how many bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, overload

from penlight import _C, Tensor
from penlight.explain.labels import formula_of, input_names, labels
from penlight.explain.names import Names, caller
from penlight.explain.reading import Graph, Step, read
from penlight.explain.recording import Place, record, shape_text
from penlight.explain.rules import put_in, rule

_HEAD = ("bytes", "tensor", "shape", "kept by", "why", "held by", "line")


@dataclass(frozen=True)
class Kept:
    """A tensor that a node keeps for backward."""

    name: str  # the tensor's: its variable, or the formula it was computed by
    node: str  # who keeps it
    argument: str  # as what: an argument's name, result, or an attribute of ctx
    formula: str  # what the node computes
    why: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int  # of its storage; where hooks packed it, of the largest tensor in what they made of it, or 0
    storage: int  # tensors of the same number share memory
    held: bool  # would it live without the graph, in a variable or as a parameter?
    place: Place | None


class MemoryReport(Sequence[Kept]):
    """What a graph keeps, the largest first. Print it, display it in a notebook, or iterate over it."""

    def __init__(self, kept: list[Kept], released: bool) -> None:
        sizes = _sizes(kept)
        self._kept = sorted(kept, key=lambda one: -sizes[one.storage])
        self.released = released

    @overload
    def __getitem__(self, at: int) -> Kept: ...
    @overload
    def __getitem__(self, at: slice) -> list[Kept]: ...
    def __getitem__(self, at: int | slice) -> Kept | list[Kept]:
        return self._kept[at]

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._kept)

    @property
    def total(self) -> int:
        """Bytes of all storages kept, each counted once."""
        return sum(_sizes(self._kept).values())

    @property
    def by_graph_alone(self) -> int:
        """Bytes that would be free without the graph: of storages that no variable or parameter holds."""
        held = {one.storage for one in self._kept if one.held}
        return sum(size for storage, size in _sizes(self._kept).items() if storage not in held)

    def _rows(self) -> list[list[str]]:
        seen: set[int] = set()
        rows = []
        for one in self._kept:
            size = "shared" if one.storage in seen else size_text(one.bytes)
            seen.add(one.storage)
            place = str(one.place.line) if one.place else ""
            held = "a variable too" if one.held else "the graph alone"
            shape, owner = f"{shape_text(one.shape)} {one.dtype}", f"{one.node} as {one.argument}"
            rows.append([size, one.name, shape, owner, one.why, held, place])
        return rows

    def __str__(self) -> str:
        if self.released:
            return "Nothing is kept: a backward pass has freed it."
        table = [list(_HEAD), *self._rows()]
        widths = [max(len(row[i]) for row in table) for i in range(len(_HEAD))]
        lines = [
            "  ".join(
                cell.rjust(width) if i == 0 else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        ]
        return "\n".join([*lines, self._sum()])

    def _sum(self) -> str:
        return (
            f"{size_text(self.total)} in all, each storage counted once; {size_text(self.by_graph_alone)} of it by "
            "the graph alone."
        )

    def __repr__(self) -> str:
        return f"<{len(self)} tensors kept for backward, {size_text(self.total)}: print it>"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{title}</th>" for title in _HEAD)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self._rows()
        )
        return (
            f"<table><caption>{escape(self._sum())}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def _sizes(kept: Sequence[Kept]) -> dict[int, int]:
    return {one.storage: one.bytes for one in kept}


def size_text(size: int) -> str:
    """Bytes as a person reads them.

    >>> size_text(3 * 1024 * 1024)
    '3.0 MiB'
    """
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024  # type: ignore[assignment]
    return f"{size:.1f} GiB"


def memory(what: Tensor | Sequence[Tensor] | record) -> MemoryReport:
    """Lists the tensors that the graph behind a tensor keeps for backward.

    Args:
        what: tensors with a graph, or a recording.

    Returns:
        a sequence of what is kept, the largest first, with ``total`` and ``by_graph_alone`` in bytes. It holds no
        tensor itself.

    Raises:
        TypeError, ValueError: as :func:`penlight.viz.graph`.

    Example::

        >>> import penlight
        >>> x = penlight.ones(1000, requires_grad=True)
        >>> report = penlight.explain.memory((x.exp() * 2).sum())
        >>> [(one.name, one.node, one.argument) for one in report]
        [('e^x', 'ExpBackward0', 'result')]
        >>> report.total
        4000
    """
    names = Names().read(caller())
    graph = read(what, names)
    called = labels(graph)
    held = _held(graph, names)
    kept: list[Kept] = []
    for step in graph.steps:
        if step.leaf or step.node._released:
            continue
        for number, (argument, tensor, is_output) in enumerate(step.node._saved_raw):
            saved = _C._raw_saved_at(step.node, number)
            if tensor is not None and saved.unpack_hook is None:
                kept.append(_entry(graph, step, argument, tensor, is_output, called, names, held))
            elif saved.unpack_hook is not None:
                kept.append(_packed(step, argument, saved, called, names, held))
        for attribute, value in getattr(step.node, "__dict__", {}).items():
            for tensor in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(tensor, Tensor) and not attribute.startswith("_"):
                    kept.append(_entry(graph, step, f"ctx.{attribute}", tensor, False, called, names, held))
    return MemoryReport(kept, graph.released)


def _held(graph: Graph, names: Names) -> set[int]:
    """The storages of leaves and of the caller's variables."""
    tensors = [step.node.variable for step in graph.steps if step.leaf] + names.tensors()
    return {_storage(tensor)[0] for tensor in tensors}


def _storage(tensor: Tensor) -> tuple[int, int]:
    storage = tensor.untyped_storage()
    return storage.data_ptr(), storage.nbytes()


def _entry(
    graph: Graph,
    step: Step,
    argument: str,
    tensor: Tensor,
    is_output: bool,
    called: dict[tuple[int, int], str],
    names: Names,
    held: set[int],
) -> Kept:
    storage, size = _storage(tensor)
    return Kept(
        name=_name(graph, step, tensor, is_output, called, names) or argument,
        node=step.name,
        argument=argument,
        formula=formula_of(step, called),
        why=_why(step, called),
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        bytes=size,
        storage=storage,
        held=storage in held,
        place=step.place,
    )


def _packed(
    step: Step,
    argument: str,
    saved: Any,
    called: dict[tuple[int, int], str],
    names: Names,
    held: set[int],
) -> Kept:
    """What a pair of hooks (``saved_tensors_hooks``, ``save_on_cpu``, ``checkpoint``) made of a tensor."""
    data = saved.data
    tensors = [x for x in (data if isinstance(data, (list, tuple)) else (data,)) if isinstance(x, Tensor)]
    largest = max(tensors, key=lambda x: _storage(x)[1], default=None)
    storage, size = (id(data), 0) if largest is None else _storage(largest)
    hook = getattr(saved.unpack_hook, "__qualname__", type(saved.unpack_hook).__name__)
    return Kept(
        name=(names.of(largest) if largest is not None else "") or argument,
        node=step.name,
        argument=argument,
        formula=formula_of(step, called),
        why=f"{_why(step, called)}; packed by hooks, unpacked by {hook.replace('<locals>.', '')}",
        shape=() if largest is None else tuple(largest.shape),
        dtype=type(data).__name__ if largest is None else str(largest.dtype).removeprefix("torch."),
        bytes=size,
        storage=storage,
        held=storage in held,
        place=step.place,
    )


def _name(
    graph: Graph,
    step: Step,
    tensor: Tensor,
    is_output: bool,
    called: dict[tuple[int, int], str],
    names: Names,
) -> str:
    if is_output:
        return called[step.index, 0]
    if names.of(tensor):
        return names.of(tensor)
    for edge in step.inputs:
        if edge is not None:
            source = graph.steps[edge.source]
            if source.node.variable is tensor if source.leaf else source.node is tensor.grad_fn:
                return called[edge.source, edge.output]
    return ""


def _why(step: Step, called: dict[tuple[int, int], str]) -> str:
    known = rule(step.name)
    if known is None:
        return "its backward asked for it"
    inputs = input_names(step, called)
    texts = [
        put_in(known.back[min(i, len(known.back) - 1)], inputs, step.notes, g="g", y=called[step.index, 0])
        for i, edge in enumerate(step.inputs)
        if edge is not None
    ]
    return "backward is " + " and ".join(dict.fromkeys(texts))

"""The events of a profile, their sums by name, and the table of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "Interval"]


class Interval(NamedTuple):
    """From ``start`` to ``end``, in microseconds."""

    start: float
    end: float

    def elapsed_us(self) -> float:
        return self.end - self.start


class FunctionEvent:
    """One call: times in microseconds, memory in bytes.

    ``cpu_children`` are the calls made inside it, ``cpu_parent`` the one it was made in; ``self_cpu_time_total`` is
    the time outside of its children.
    """

    def __init__(
        self,
        name: str,
        time_range: Interval,
        thread: int,
        input_shapes: list[Any] | None = None,
        output_shape: list[Any] | None = None,
        stack: list[str] | None = None,
        memory: int = 0,
        is_backward: bool = False,
    ) -> None:
        self.name = self.key = name
        self.time_range, self.thread = time_range, thread
        self.input_shapes, self.stack = input_shapes or [], stack or []
        self.self_cpu_memory_usage, self.is_backward = memory, is_backward
        self.flops = _flops(name, self.input_shapes, output_shape or [])
        self.cpu_parent: FunctionEvent | None = None
        self.cpu_children: list[FunctionEvent] = []
        self.count = 1

    @property
    def cpu_time_total(self) -> float:
        return self.time_range.elapsed_us()

    @property
    def cpu_time(self) -> float:
        return self.cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def cpu_memory_usage(self) -> int:
        return self.self_cpu_memory_usage + sum(child.cpu_memory_usage for child in self.cpu_children)

    def __repr__(self) -> str:
        return f"<FunctionEvent name={self.name} cpu_time={_time(self.cpu_time_total)} thread={self.thread}>"


class FunctionEventAvg:
    """The calls of one name (and one list of shapes, or one place in the code, where they are told apart)."""

    def __init__(self, key: str, input_shapes: list[Any], stack: list[str]) -> None:
        self.key, self.input_shapes, self.stack = key, input_shapes, stack
        self.count = self.cpu_memory_usage = self.self_cpu_memory_usage = self.flops = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.is_backward = False

    def add(self, event: Any) -> FunctionEventAvg:
        """Counts an event in."""
        self.count += event.count
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        self.cpu_memory_usage += event.cpu_memory_usage
        self.self_cpu_memory_usage += event.self_cpu_memory_usage
        self.flops += event.flops
        self.is_backward |= event.is_backward
        return self

    @property
    def cpu_time(self) -> float:
        """The mean time of a call, in microseconds."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={_time(self.self_cpu_time_total)} "
            f"cpu_time={_time(self.cpu_time)} count={self.count} input_shapes={self.input_shapes}>"
        )


class EventList(list[Any]):
    """Events, or sums of them."""

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Sums by name; also by the arguments' shapes, or by the innermost lines of the caller's stack."""
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            shapes = event.input_shapes if group_by_input_shape else []
            stack = event.stack[:group_by_stack_n]
            key = event.key, str(shapes), tuple(stack)
            found.setdefault(key, FunctionEventAvg(event.key, shapes, stack)).add(event)
        return EventList(found.values())

    def total_average(self) -> FunctionEventAvg:
        """The sum of all."""
        total = FunctionEventAvg("Total", [], [])
        for event in self:
            total.add(event)
        return total

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds, each counted once."""
        return sum(event.self_cpu_time_total for event in self)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The list as a table.

        Args:
            sort_by: an attribute of the rows to sort by, largest first: 'self_cpu_time_total', 'cpu_time_total',
                'cpu_time', 'count', 'cpu_memory_usage', 'self_cpu_memory_usage', 'flops'.
            row_limit: show so many rows.
            time_unit: 's', 'ms' or 'us' for all times; by default each in the unit that suits it.
        """
        rows = [e for e in self if not (top_level_events_only and getattr(e, "cpu_parent", None))]
        if sort_by:
            name = sort_by.replace("cuda", "cpu").replace("device", "cpu").replace("xpu", "cpu")
            rows.sort(key=lambda row: getattr(row, name), reverse=True)
        total = self.self_cpu_time_total
        columns: list[tuple[str, Any]] = [
            ("Name", lambda r: _shorten(r.key, max_name_column_width)),
            ("Self CPU %", lambda r: _percent(r.self_cpu_time_total, total)),
            ("Self CPU", lambda r: _time(r.self_cpu_time_total, time_unit)),
            ("CPU total %", lambda r: _percent(r.cpu_time_total, total)),
            ("CPU total", lambda r: _time(r.cpu_time_total, time_unit)),
            ("CPU time avg", lambda r: _time(r.cpu_time, time_unit)),
        ]
        if any(r.cpu_memory_usage for r in rows):
            columns.append(("CPU Mem", lambda r: _memory(r.cpu_memory_usage)))
            columns.append(("Self CPU Mem", lambda r: _memory(r.self_cpu_memory_usage)))
        columns.append(("# of Calls", lambda r: str(r.count)))
        if any(r.input_shapes for r in rows):
            columns.append(("Input Shapes", lambda r: _shorten(str(r.input_shapes), max_shapes_column_width)))
        if any(r.stack for r in rows):
            columns.append(
                ("Source Location", lambda r: _shorten(next(iter(r.stack), ""), max_src_column_width))
            )
        if any(r.flops for r in rows):
            columns.append(("Total MFLOPs", lambda r: f"{r.flops / 1e6:.3f}" if r.flops else "--"))
        lines = [[cell(row) for _, cell in columns] for row in rows[:row_limit]]
        return _layout([title for title, _ in columns], lines, header) + (
            f"Self CPU time total: {_time(total, time_unit)}\n"
        )

    def __str__(self) -> str:
        return self.table()


def nest(events: Iterable[FunctionEvent]) -> EventList:
    """Events in the order of their beginnings, each knowing the one around it on its thread."""
    ordered = EventList(sorted(events, key=lambda e: (e.time_range.start, -e.time_range.end)))
    open_calls: dict[int, list[FunctionEvent]] = {}
    for event in ordered:
        around = open_calls.setdefault(event.thread, [])
        while around and around[-1].time_range.end < event.time_range.end:
            around.pop()
        if around:
            event.cpu_parent = around[-1]
            around[-1].cpu_children.append(event)
        around.append(event)
    return ordered


_PRODUCTS = {"linear", "matmul", "rmatmul", "mm", "bmm", "mv", "addmm", "baddbmm"}
_ELEMENTWISE = {"add", "sub", "mul", "div", "truediv", "radd", "rsub", "rmul", "rtruediv"}


def _flops(name: str, inputs: list[Any], output: list[Any]) -> int:
    """Multiplications and additions, for the operations where they are many."""
    if not all(isinstance(n, int) for n in output):
        return 0
    if name in _PRODUCTS:
        factors = [shape for shape in inputs if shape][-2 if "add" in name else 0 :]
        return 2 * math.prod(output) * factors[0][-1] if factors else 0
    if name.startswith("conv") and len(inputs) > 1:
        summed = math.prod(inputs[1][1:])
        return 2 * summed * (math.prod(inputs[0]) if "transpose" in name else math.prod(output))
    return math.prod(output) if name in _ELEMENTWISE and inputs else 0


def _time(us: float, unit: str | None = None) -> str:
    if unit == "s" or (unit is None and us >= 1e6):
        return f"{us / 1e6:.3f}s"
    if unit == "ms" or (unit is None and us >= 1e3):
        return f"{us / 1e3:.3f}ms"
    return f"{us:.3f}us"


def _memory(count: int) -> str:
    for size, name in ((2**30, "GB"), (2**20, "MB"), (2**10, "KB")):
        if abs(count) >= size:
            return f"{count / size:.2f} {name}"
    return f"{count} B"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "NaN"


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width or width < 4 else text[: width - 3] + "..."


def _layout(titles: list[str], lines: list[list[str]], header: str | None) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(titles, *lines, strict=True)]
    rule = "  ".join("-" * width for width in widths) + "  \n"

    def row(cells: list[str]) -> str:
        return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)) + "  \n"

    head = f"{'=' * (len(rule) - 1)}\n{header}\n" if header else ""
    return head + rule + row(titles) + rule + "".join(map(row, lines)) + rule

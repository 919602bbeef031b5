"""Taking a profile."""

from __future__ import annotations

import enum
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

from penlight import _C
from penlight.profiler.events import EventList, FunctionEvent, Interval, nest

__all__ = [
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerActivity(enum.Enum):
    """What is measured: here the processor alone."""

    CPU = 0
    XPU = 1
    CUDA = 2


class ProfilerAction(enum.Enum):
    """What a schedule says of a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """The activities that can be measured.

    Example::

        >>> from penlight.profiler import supported_activities
        >>> supported_activities()
        {<ProfilerActivity.CPU: 0>}
    """
    return {ProfilerActivity.CPU}


class record_function:
    """Gives a name to the calls inside a ``with`` block, or of a decorated function.

    Example::

        >>> import penlight
        >>> from penlight.profiler import profile, record_function
        >>> with profile() as taken, record_function("mine"):
        ...     x = penlight.ones(2) * 2
        >>> [event.name for event in taken.events()]
        ['mine', 'ones', 'mul']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._begin: list[int] = []

    def __enter__(self) -> record_function:
        self._begin.append(_C._profile_now())
        return self

    def __exit__(self, *exception: object) -> None:
        _C._profile_note(self.name, self._begin.pop(), _C._profile_now())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return named


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Which steps to record: ``skip_first`` are passed over, then ``wait``, ``warmup`` and ``active`` steps in turn.

    Args:
        repeat: end after so many turns; 0 for never.
        skip_first_wait: with 1, the first turn has no ``wait``.

    Example::

        >>> from penlight.profiler import schedule
        >>> plan = schedule(wait=1, warmup=1, active=1)
        >>> [plan(step).name for step in range(4)]
        ['NONE', 'WARMUP', 'RECORD_AND_SAVE', 'NONE']
    """
    for name, value in (("wait", wait), ("warmup", warmup), ("repeat", repeat), ("skip_first", skip_first)):
        if value < 0:
            raise ValueError(f"schedule: {name} should not be negative, got {value}")
    if active < 1:
        raise ValueError(f"schedule: active should be at least 1, got {active}")

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise ValueError(f"schedule: a step's number should not be negative, got {step}")
        step -= skip_first
        if step < 0:
            return ProfilerAction.NONE
        if skip_first_wait:
            step += wait
        turn, step = divmod(step, wait + warmup + active)
        if repeat and turn >= repeat:
            return ProfilerAction.NONE
        if step < wait:
            return ProfilerAction.NONE
        if step < wait + warmup:
            return ProfilerAction.WARMUP
        last = step == wait + warmup + active - 1
        return ProfilerAction.RECORD_AND_SAVE if last else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[Any], None]:
    """For ``on_trace_ready``: writes each trace into a file of its own in a folder.

    Example::

        >>> import os, tempfile
        >>> import penlight
        >>> from penlight.profiler import profile, tensorboard_trace_handler
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with profile(on_trace_ready=tensorboard_trace_handler(folder, "worker")):
        ...         x = penlight.ones(2) * 2
        ...     [name.startswith("worker.") for name in os.listdir(folder)]
        [True]
    """

    def handle(taken: profile) -> None:
        folder = Path(dir_name)
        folder.mkdir(parents=True, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json" + (".gz" if use_gzip else "")
        taken.export_chrome_trace(str(folder / name))

    return handle


class profile:
    """Measures the operations called inside a ``with`` block (or between ``start`` and ``stop``), on every thread.

    Args:
        activities: :class:`ProfilerActivity` members; others than CPU measure nothing.
        schedule: which steps to record, by a function of the step's number (:func:`schedule`); call ``step()`` after
            each. Without it, everything is recorded.
        on_trace_ready: called with the profile when a recording is complete.
        record_shapes: keep the shapes of the arguments.
        profile_memory: keep how many bytes of new memory stand behind the results.
        with_stack: keep the lines of Python that led to each call.
        with_flops: count multiplications and additions of products and convolutions.

    Raises:
        RuntimeError: another profile is being taken.

    Example::

        >>> import penlight
        >>> with penlight.profiler.profile(record_shapes=True) as taken:
        ...     _ = penlight.ones(3, 4) @ penlight.ones(4, 5)
        >>> [row.input_shapes for row in taken.events() if row.name == "matmul"]
        [[[3, 4], [4, 5]]]
        >>> print(taken.key_averages().table(sort_by="self_cpu_time_total"))  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        acc_events: bool = False,
    ) -> None:
        self.activities = set(activities) if activities is not None else supported_activities()
        self.schedule, self.on_trace_ready = schedule, on_trace_ready
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.with_stack, self.with_flops, self.acc_events = with_stack, with_flops, acc_events
        self.step_num = 0
        self._metadata: dict[str, Any] = {}
        self._events = EventList()
        self._recording = False
        self._step: record_function | None = None

    # ---- from start to stop

    def start(self) -> None:
        """Begins; the same as entering the ``with`` block."""
        self._follow(ProfilerAction.NONE, self._action())
        self._enter_step()

    def stop(self) -> None:
        """Ends; the same as leaving the ``with`` block."""
        self._leave_step()
        if self._recording:
            self._collect()
            if self.on_trace_ready:
                self.on_trace_ready(self)

    def step(self) -> None:
        """Says that a step of the program is over and the next one begins."""
        self._leave_step()
        before = self._action()
        self.step_num += 1
        self._follow(before, self._action())
        self._enter_step()

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _action(self) -> ProfilerAction:
        return self.schedule(self.step_num) if self.schedule else ProfilerAction.RECORD

    def _follow(self, before: ProfilerAction, now: ProfilerAction) -> None:
        if self._recording and (
            before is ProfilerAction.RECORD_AND_SAVE or now in (ProfilerAction.NONE, ProfilerAction.WARMUP)
        ):
            self._collect()
            if self.on_trace_ready:
                self.on_trace_ready(self)
        if not self._recording and now in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE):
            _C._profile_start(self.record_shapes or self.with_flops, self.with_stack)
            self._recording = True

    def _enter_step(self) -> None:
        if self.schedule:
            self._step = record_function(f"ProfilerStep#{self.step_num}").__enter__()

    def _leave_step(self) -> None:
        if self._step:
            self._step.__exit__()
            self._step = None

    def _collect(self) -> None:
        self._recording = False
        found = []
        for name, begin, end, thread, shapes, result, stack, size, backward in _C._profile_stop():
            time_range = Interval(begin / 1e3, end / 1e3)
            event = FunctionEvent(
                name, time_range, thread, shapes, result, stack, size if self.profile_memory else 0, backward
            )
            if not self.record_shapes:
                event.input_shapes = []
            if not self.with_flops:
                event.flops = 0
            found.append(event)
        nested = nest(found)
        self._events = EventList([*self._events, *nested]) if self.acc_events else nested

    # ---- what was found

    def events(self) -> EventList:
        """The calls one by one, in the order of their beginnings."""
        return self._events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Sums by name: see :meth:`EventList.key_averages`."""
        return self._events.key_averages(group_by_input_shape, group_by_stack_n)

    def add_metadata(self, key: str, value: str) -> None:
        """Notes something in the trace."""
        self._metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """The same, of a value that is JSON."""
        self._metadata[key] = json.loads(value)

    def export_chrome_trace(self, path: str) -> None:
        """Writes the trace that Perfetto and Chrome's ``about:tracing`` show; a name in ``.gz`` is compressed."""
        process, main = os.getpid(), threading.main_thread().native_id
        trace: list[dict[str, Any]] = [
            {"name": "process_name", "ph": "M", "pid": process, "tid": 0, "args": {"name": "penlight"}}
        ]
        for event in self._events:
            args: dict[str, Any] = {}
            if event.input_shapes:
                args["Input Dims"] = event.input_shapes
            if event.self_cpu_memory_usage:
                args["Bytes"] = event.self_cpu_memory_usage
            if event.stack:
                args["Call stack"] = ";".join(event.stack)
            trace.append(
                {
                    "name": event.name,
                    "cat": "backward" if event.is_backward else "cpu_op",
                    "ph": "X",
                    "ts": event.time_range.start,
                    "dur": event.cpu_time_total,
                    "pid": process,
                    "tid": event.thread if event.thread != main else process,
                    "args": args,
                }
            )
        text = json.dumps({"schemaVersion": 1, "traceEvents": trace, **self._metadata})
        if path.endswith(".gz"):
            import gzip

            Path(path).write_bytes(gzip.compress(text.encode()))
        else:
            Path(path).write_text(text, encoding="utf-8")

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        """Writes stacks with their microseconds, as flame graph tools read them (needs ``with_stack``)."""
        if metric not in ("self_cpu_time_total", "self_cuda_time_total", "self_xpu_time_total"):
            raise ValueError(f"export_stacks: metric should be 'self_cpu_time_total', got {metric!r}")
        lines = [
            ";".join(line.replace(" ", "_") for line in reversed(event.stack))
            + f" {round(event.self_cpu_time_total)}"
            for event in self._events
            if event.stack and event.self_cpu_time_total >= 1
        ]
        Path(path).write_text("".join(line + "\n" for line in lines), encoding="utf-8")

"""The profiler by its older name: ``autograd.profiler.profile``."""

from __future__ import annotations

from typing import Any

from penlight.profiler import EventList, FunctionEvent, record_function
from penlight.profiler import profile as _profile

__all__ = ["EventList", "FunctionEvent", "profile", "record_function"]


class profile:
    """Measures the operations inside a ``with`` block: :class:`penlight.profiler.profile` with older arguments."""

    def __init__(
        self, enabled: bool = True, *, record_shapes: bool = False, with_flops: bool = False,
        profile_memory: bool = False, with_stack: bool = False, **others: Any,
    ) -> None:  # fmt: skip
        self.enabled = enabled
        self._profile = _profile(
            record_shapes=record_shapes,
            with_flops=with_flops,
            profile_memory=profile_memory,
            with_stack=with_stack,
        )
        self.function_events: EventList | None = None

    def __enter__(self) -> profile:
        if self.enabled:
            self._profile.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.enabled:
            self._profile.stop()
            self.function_events = self._profile.events()

    def _found(self) -> EventList:
        if self.function_events is None:
            raise RuntimeError("Profiler didn't finish running")
        return self.function_events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Sums by name."""
        return self._found().key_averages(group_by_input_shape, group_by_stack_n)

    def total_average(self) -> Any:
        """The sum of all."""
        return self._found().total_average()

    def table(self, *args: Any, **kwargs: Any) -> str:
        """The calls as a table."""
        return self._found().table(*args, **kwargs)

    def export_chrome_trace(self, path: str) -> None:
        """Writes a trace for Perfetto or Chrome."""
        self._found()
        self._profile.export_chrome_trace(path)

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds, each counted once."""
        return self._found().self_cpu_time_total

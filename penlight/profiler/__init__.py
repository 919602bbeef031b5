"""What ran, how often, and how long: operations called from Python and nodes run by backward.

Example::

    >>> import penlight
    >>> from penlight.profiler import profile, record_function
    >>> x = penlight.ones(64, 64, requires_grad=True)
    >>> with profile(record_shapes=True) as taken:
    ...     with record_function("my layer"):
    ...         y = (x @ x).tanh().sum()
    ...     y.backward()
    >>> sorted(row.key for row in taken.key_averages())[:3]
    ['AccumulateGrad', 'MmBackward0', 'SumBackward0']
"""

from penlight.profiler.events import EventList, FunctionEvent, FunctionEventAvg, Interval
from penlight.profiler.profile import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "Interval",
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]

"""The processor and the memory of tensors on it.

The first functions are those of ``torch.cpu``. The ones about memory are named as those of ``torch.cuda`` are and
count what the elements of tensors take: when a tensor dies, its memory is kept for the next one of about its size,
up to a limit, so that a training step meets memory that is mapped already. What stays unused for some thousand
tensors goes back to the system by itself. Kernels' working memory and the objects of the graph are not counted.

>>> import penlight
>>> before = penlight.cpu.memory_allocated()
>>> x = penlight.zeros(1000, 1000)
>>> penlight.cpu.memory_allocated() - before
4000000
>>> del x
>>> penlight.cpu.memory_allocated() - before
0
>>> penlight.cpu.empty_cache()
>>> penlight.cpu.memory_reserved() == penlight.cpu.memory_allocated()
True
"""

from __future__ import annotations

from typing import Any

from penlight import _C


def is_available() -> bool:
    """True."""
    return True


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    """``'cpu'``."""
    return "cpu"


def synchronize(device: Any = None) -> None:
    """Does nothing: an operation is done when its call returns."""


def memory_allocated(device: Any = None) -> int:
    """Bytes that the elements of live tensors take."""
    return _C._memory_use()[0]


def max_memory_allocated(device: Any = None) -> int:
    """The most that :func:`memory_allocated` has been since the start, or since the last reset."""
    return _C._memory_use()[1]


def reset_peak_memory_stats(device: Any = None) -> None:
    """Begins :func:`max_memory_allocated` anew from what is allocated now."""
    _C._reset_most_allocated()


def memory_reserved(device: Any = None) -> int:
    """Bytes of live tensors and of memory kept for reuse."""
    allocated, _, cached, _ = _C._memory_use()
    return allocated + cached


def empty_cache() -> None:
    """Gives the memory kept for reuse back to the system."""
    _C._release_cached_memory()


def cache_limit() -> int:
    """The most bytes that are kept for reuse."""
    return _C._memory_use()[3]


def set_cache_limit(limit: int | None = None) -> None:
    """Sets the most bytes kept for reuse.

    Args:
        limit: 0 keeps nothing; None is the default: an eighth of the machine's memory, but at least 256 MiB and at
            most 2 GiB.

    Raises:
        TypeError: it is no int.
        ValueError: it is negative.
    """
    if limit is None:
        _C._set_cache_limit(-1)
        return
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise TypeError(
            f"set_cache_limit(): argument 'limit' must be int or None, not {type(limit).__name__}"
        )
    if limit < 0:
        raise ValueError(f"set_cache_limit(): argument 'limit' must not be negative, got {limit}")
    _C._set_cache_limit(min(limit, 2**62))

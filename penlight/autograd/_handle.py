"""The handle of a registered hook."""

from __future__ import annotations

from collections.abc import Callable


class HookHandle:
    """Takes its hook away with ``remove()``, or on leaving a ``with`` block."""

    def __init__(self, remove: Callable[[], None]) -> None:
        self._remove: Callable[[], None] | None = remove

    def remove(self) -> None:
        """Takes the hook away; once is enough."""
        if self._remove is not None:
            self._remove()
            self._remove = None

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

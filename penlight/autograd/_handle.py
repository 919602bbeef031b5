"""The handle of a registered hook."""

from __future__ import annotations

import weakref
from typing import Any

from penlight import _C


class HookHandle:
    """Takes its hook away with ``remove()``, or on leaving a ``with`` block. It does not keep the tensor or node."""

    def __init__(self, owner: Any, number: int) -> None:
        self._owner = weakref.ref(owner)
        self._number = number

    def remove(self) -> None:
        """Takes the hook away; once is enough."""
        owner = self._owner()
        if owner is not None:
            _C._remove_hook(owner, self._number)

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

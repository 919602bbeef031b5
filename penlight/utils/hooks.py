"""Handles by which registered hooks are taken away again."""

import itertools
import weakref

_next_id = itertools.count()


class RemovableHandle:
    """What registering a hook returns. ``remove()`` takes the hook away; so does leaving a ``with`` block.

    Args:
        hooks: the dictionary the hook is kept in, under ``handle.id``.
        extra: further dictionaries (or sets) of which the id is removed too.
    """

    def __init__(self, hooks, *, extra=()):
        self.id = next(_next_id)
        self._hooks = weakref.ref(hooks)
        self._extra = tuple(weakref.ref(other) for other in extra)

    def remove(self):
        for reference in (self._hooks, *self._extra):
            hooks = reference()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


class HookDict(dict):
    """Hooks by handle id, in the order they were registered. (A plain dict can't be referred to weakly.)"""

    __slots__ = ("__weakref__",)

    def add(self, hook, *, first=False, extra=()):
        """Keeps the hook and returns its handle; ``first`` puts it before those already there."""
        handle = RemovableHandle(self, extra=extra)
        if first:
            others = list(self.items())
            self.clear()
            self[handle.id] = hook
            self.update(others)
        else:
            self[handle.id] = hook
        return handle

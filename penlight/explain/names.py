"""Names for tensors, taken from the variables of the caller and from the modules among them."""

from __future__ import annotations

import inspect
import os
import sys
from types import FrameType
from typing import Any

import penlight
from penlight import Tensor

_FOLDER = os.path.join(penlight.__path__[0], "")
_MOST_ENTRIES = 200  # of a list or dictionary, and of a frame's variables that are looked into


def outside(frame: FrameType | None) -> FrameType | None:
    """The innermost frame, from this one outwards, that does not belong to the library."""
    while frame is not None and _own(frame):
        frame = frame.f_back
    return frame


def caller() -> FrameType | None:
    """The frame that called into the library."""
    return outside(sys._getframe(1))


def variables_of(frame: FrameType) -> dict[str, Any]:
    """A frame's variables, as they are now.

    Before Python 3.13 a function's frame keeps the dictionary that it gives out, and with it every tensor in it:
    that one is emptied again, so that looking does not lengthen a life.
    """
    found = frame.f_locals
    copy = dict(found)
    if sys.version_info < (3, 13) and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
        found.clear()
    return copy


def _own(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_FOLDER)


class Names:
    """Which variable holds which tensor.

    A tensor is found by itself, and a result of a recorded operation also by its place in the graph.
    """

    def __init__(self) -> None:
        self._by_tensor: dict[int, str] = {}
        self._by_place: dict[tuple[Any, int], str] = {}
        self._tensors: dict[str, Tensor] = {}
        self._owners: dict[int, tuple[str, str]] = {}  # of a parameter: its module's path and kind

    def of(self, tensor: Tensor) -> str:
        """The tensor's name, or ''."""
        return self._by_tensor.get(id(tensor), "")

    def at(self, node: Any, output_nr: int) -> str:
        """The name of what a node gave as its output of that number, or ''."""
        return self._by_place.get((node, output_nr), "")

    def tensor(self, name: str) -> Tensor | None:
        """The tensor of that name."""
        return self._tensors.get(name)

    def tensors(self) -> list[Tensor]:
        """All tensors that have a name."""
        return list(self._tensors.values())

    def owner(self, tensor: Tensor) -> tuple[str, str] | None:
        """Of a parameter or buffer of a module among the variables: the module's path and the name of its class."""
        return self._owners.get(id(tensor))

    def give(self, tensor: Tensor, name: str) -> None:
        """Names a tensor, unless it has a name."""
        if id(tensor) in self._by_tensor:
            return
        self._by_tensor[id(tensor)] = name
        self._tensors.setdefault(name, tensor)
        if tensor.grad_fn is not None:
            self._by_place.setdefault((tensor.grad_fn, tensor.output_nr), name)

    def read(self, frame: FrameType | None) -> Names:
        """Takes the names from a frame's variables: its own first, then the module's around it."""
        if frame is None:
            return self
        self.read_variables(variables_of(frame))
        if frame.f_code.co_name != "<module>":
            self.read_variables(frame.f_globals)
        return self

    def read_variables(self, variables: Any) -> None:
        """Takes the names from variables by name: tensors, modules, and lists, tuples and dictionaries of tensors."""
        shown = [(name, value) for name, value in list(variables.items()) if not str(name).startswith("_")]
        for name, value in shown:
            if isinstance(value, Tensor):
                self.give(value, name)
        for name, value in shown:
            if isinstance(value, (list, tuple)):
                for i, item in enumerate(value[:_MOST_ENTRIES]):
                    if isinstance(item, Tensor):
                        self.give(item, f"{name}[{i}]")
            elif isinstance(value, dict):
                for key, item in list(value.items())[:_MOST_ENTRIES]:
                    if isinstance(item, Tensor):
                        self.give(item, f"{name}[{key!r}]")
            elif hasattr(value, "named_modules") and not isinstance(value, type):
                self.read_module(value, name)

    def read_module(self, module: Any, name: str) -> None:
        """Names a module's parameters and buffers by their paths."""
        for path, part in module.named_modules():
            place = ".".join(filter(None, (name, path)))
            for own, tensor in [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]:
                self.give(tensor, f"{place}.{own}")
                self._owners.setdefault(id(tensor), (place, type(part).__name__))

"""What libraries ask of ``torch.jit`` before they go on: penlight has no compiler, and everything runs as Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight.nn import Module

__all__ = [
    "ScriptFunction",
    "ScriptModule",
    "export",
    "ignore",
    "is_scripting",
    "is_tracing",
    "script",
    "unused",
]


class ScriptModule(Module):
    """A compiled module. There is none: it stands here for ``isinstance`` alone.

    Raises:
        NotImplementedError: always, when called.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "penlight has no compiler, so there are no ScriptModules: use a plain Module"
        )


class ScriptFunction:
    """A compiled function. There is none: it stands here for ``isinstance`` alone."""


def is_scripting() -> bool:
    """Is this code being compiled? Never."""
    return False


def is_tracing() -> bool:
    """Is this code being traced? Never."""
    return False


def script(obj: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Gives back what it is given: functions and modules run as they are, as with ``penlight.compile``."""
    return obj if obj is not None else lambda inner: inner


def export(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Gives back the function: there is nothing to mark it for."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Gives back the function: there is nothing to mark it for."""
    return drop if callable(drop) else export


def unused(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Gives back the function: there is nothing to mark it for."""
    return fn

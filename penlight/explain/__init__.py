"""The engine explains itself: what was recorded, what flows backward, what is kept, and the derivation on paper."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PLACES = {
    "record": "recording",
    "set_recording": "recording",
    "backward": "stepping",
    "memory": "keeping",
    "derive": "derivation",
    "conv_matrix": "matrix",
}

__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"penlight.explain.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'penlight.explain' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})

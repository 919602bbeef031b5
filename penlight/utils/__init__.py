"""Helpers around training: data loading (:mod:`penlight.utils.data`), hook handles, DLPack capsules."""

from typing import Any


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in ("checkpoint", "data", "dlpack", "einops", "hooks"):
        return import_module(f"penlight.utils.{name}")
    raise AttributeError(f"module 'penlight.utils' has no attribute '{name}'")

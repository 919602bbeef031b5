"""Nested containers of values, flattened and put together again: tuples, lists, dicts and named tuples."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

__all__ = ["Tree", "flatten", "map_tree"]


class Tree:
    """The shape of a nested container: ``build`` fills it with leaves again."""

    def __init__(self, kind: Any, keys: Any, children: tuple[Tree, ...]) -> None:
        self.kind, self.keys, self.children = kind, keys, children
        self.count: int = 1 if kind is None else sum(child.count for child in children)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Tree)
            and (self.kind, self.keys) == (other.kind, other.keys)
            and self.children == other.children
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.count))

    def build(self, leaves: list[Any]) -> Any:
        if self.kind is None:
            return leaves[0]
        values, at = [], 0
        for child in self.children:
            values.append(child.build(leaves[at : at + child.count]))
            at += child.count
        if self.keys is not None:
            pairs = zip(self.keys, values, strict=True)
            return OrderedDict(pairs) if self.kind is OrderedDict else dict(pairs)
        if hasattr(self.kind, "_fields"):
            return self.kind(*values)
        return self.kind(values)

    def spread(self, prefix: Any) -> list[Any] | None:
        """One entry for each leaf, from a value that is a leaf for whole branches; None where it does not fit."""
        if self.kind is None or prefix is None or isinstance(prefix, int):
            return [prefix] * self.count if prefix is None or isinstance(prefix, int) else None
        if isinstance(prefix, dict):
            if self.keys is None or set(prefix) != set(self.keys):
                return None
            parts = [prefix[key] for key in self.keys]
        elif isinstance(prefix, (tuple, list)):
            if self.keys is not None or len(prefix) != len(self.children):
                return None
            parts = list(prefix)
        else:
            return None
        entries: list[Any] = []
        for child, part in zip(self.children, parts, strict=True):
            found = child.spread(part)
            if found is None:
                return None
            entries += found
        return entries


_LEAF = Tree(None, None, ())


def flatten(value: Any) -> tuple[list[Any], Tree]:
    """The leaves of a nested container, from left to right, and its shape."""
    kind = type(value)
    if kind in (tuple, list) or (isinstance(value, tuple) and hasattr(value, "_fields")):
        keys, items = None, list(value)
    elif kind in (dict, OrderedDict):
        keys, items = tuple(value), list(value.values())
    elif isinstance(value, tuple):  # Size and the like
        kind, keys, items = tuple, None, list(value)
    else:
        return [value], _LEAF
    leaves: list[Any] = []
    children = []
    for item in items:
        found, child = flatten(item)
        leaves += found
        children.append(child)
    return leaves, Tree(kind, keys, tuple(children))


def map_tree(function: Callable[[Any], Any], value: Any) -> Any:
    """The container with the function applied to every leaf."""
    leaves, tree = flatten(value)
    return tree.build([function(leaf) for leaf in leaves])

"""Operations that mix elements: how the gradient goes back, in indices and sums, and worked out with NumPy alone.

A family of operations a file; each has ``BACK``, which gives the operators of a site by the number of the input, and
``FORWARD``, which computes the result, both by the node's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = list[np.ndarray | None]


@dataclass(frozen=True)
class Operator:
    """How the gradient of one input follows from that of the output.

    ``text`` and ``latex`` hold <g> for the output's gradient, <0>, <1>, ... for the inputs and <y> for the output.
    ``run`` gets the output's gradient, the values of the inputs, and of the output where ``text`` holds it.
    """

    text: str
    latex: str
    run: Callable[[np.ndarray, Any, Any], np.ndarray]
    words: str = ""


@dataclass(frozen=True)
class Site:
    """An operation at its place in a graph: its node's name, the numbers it was called with, shapes, and the tensors
    that the node keeps for backward, by name."""

    node: str
    notes: dict[str, Any]
    shapes: list[tuple[int, ...] | None]
    shape: tuple[int, ...]
    kept: dict[str, np.ndarray]

    def input_shape(self, position: int = 0) -> tuple[int, ...]:
        return self.shapes[position] or ()

    def axes(self) -> tuple[int, ...]:
        """The dimensions that were gone over; all where none was named."""
        dim = self.notes.get("dim")
        if dim is None or dim == ():
            return tuple(range(len(self.input_shape())))
        return dim if isinstance(dim, tuple) else (dim,)

    def widen(self, array: np.ndarray) -> np.ndarray:
        """An array of the output's shape with the dimensions that were gone over, of size 1."""
        whole = self.input_shape()
        axes = {axis % max(len(whole), 1) for axis in self.axes()}
        return np.asarray(array).reshape([1 if i in axes else size for i, size in enumerate(whole)])


Table = dict[int, Operator]


def _families() -> tuple[Any, ...]:
    from penlight.explain.derivation import convolution, losses, norms, products, reductions

    return products, reductions, convolution, norms, losses


def operator(site: Site, position: int) -> Operator | None:
    """The operator that takes a node's gradient to one of its inputs; None where this is not written yet."""
    for family in _families():
        if site.node in family.BACK:
            table: Table = family.BACK[site.node](site)
            return table.get(position)
    return None


def forward(site: Site, x: Arrays) -> np.ndarray | None:
    """The result of an operation that mixes elements; None where it is not known, or a value is missing."""
    for family in _families():
        if site.node in family.FORWARD:
            try:
                return np.asarray(family.FORWARD[site.node](site, x))
            except TypeError:  # a value that is None
                return None
    return None


def sum_to(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The gradient of what was broadcast: its shares, summed."""
    extra = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(extra))) if extra else g
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and g.shape[i] != 1)
    return g.sum(axis=axes, keepdims=True) if axes else g

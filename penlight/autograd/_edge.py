"""A place in the graph."""

from __future__ import annotations

from typing import Any, NamedTuple


class GradientEdge(NamedTuple):
    """A place in the graph: gradients of ``node``'s output number ``output_nr`` arrive there.

    ``autograd.grad`` and ``autograd.backward`` take one wherever they take a tensor.
    """

    node: Any
    output_nr: int

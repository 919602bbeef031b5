"""A place in the graph."""

from __future__ import annotations

from typing import Any, NamedTuple


class GradientEdge(NamedTuple):
    """A place in the graph: gradients of ``node``'s output number ``output_nr`` arrive there.

    ``autograd.grad`` and ``autograd.backward`` take one wherever they take a tensor.

    Example::

        >>> import penlight
        >>> x = penlight.ones(2, requires_grad=True)
        >>> y = x * 2
        >>> edge = penlight.autograd.graph.get_gradient_edge(y)
        >>> penlight.autograd.grad((y * y).sum(), edge)
        (tensor([4., 4.]),)
    """

    node: Any
    output_nr: int

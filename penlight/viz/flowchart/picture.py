"""The picture of a graph: it shows itself in notebooks and saves itself as a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from penlight import Tensor
from penlight.explain.flow import Passage, backward_flow
from penlight.explain.names import Names, caller
from penlight.explain.reading import Graph, read
from penlight.explain.recording import record
from penlight.viz.flowchart.describe import MOST_NODES, Describer
from penlight.viz.flowchart.dot import dot
from penlight.viz.flowchart.draw import describe_in_words, draw
from penlight.viz.picture import Picture

_WIDEST = 16_000  # pixels of a PNG


class GraphPicture(Picture):
    """The flow chart of a recorded graph. Made by :func:`graph`.

    It shows itself in a notebook, and ``save("graph.svg")``, ``.html``, ``.png`` or ``.dot`` writes it to a file.
    A PNG takes ``resvg_py``, which ``pip install 'penlight[viz]'`` brings.
    """

    def __init__(
        self, graph: Graph, passages: list[Passage], gradients: bool, depth: int | None, without: str
    ) -> None:
        self.graph = graph
        self.gradients = gradients
        self.without_gradients = without  # why there are none; '' where there are
        self._describer = Describer(graph, passages, depth)

    @cached_property
    def _description(self) -> dict[str, Any]:  # type: ignore[override]
        return self._describer.describe() | {"gradients": self.gradients, "without": self.without_gradients}

    def describe(self) -> dict[str, Any]:
        """The description, with what a page shows of a card that is looked at closely."""
        return self._description | {"details": self._describer.details()}

    def svg(self, theme: str = "auto") -> str:
        """The picture as SVG, in the colours of ``light`` or ``dark``, or of the reader's choice (``auto``).

        Raises:
            ValueError: another theme.
        """
        return draw(self._description, self.gradients, theme)

    def png(self, theme: str = "light", zoom: float = 2.0) -> bytes:
        """The picture as PNG, with ``zoom`` pixels a unit; fewer where it would be wider than 16,000.

        Raises:
            ModuleNotFoundError: ``resvg_py`` is not installed.
            ValueError: another theme, or a picture so long that its text could not be read: fold boxes with ``depth``.
        """
        from penlight.viz.flowchart.png import rasterize

        return rasterize(draw(self._description, self.gradients, theme), zoom, _WIDEST)

    def dot(self) -> str:
        """The graph in the DOT language, boxes as clusters."""
        return dot(self._description)

    def text(self) -> str:
        """The picture in words."""
        return describe_in_words(self._description, most=MOST_NODES)

    def _writers(self) -> dict[str, Any]:
        return super()._writers() | {".svg": self.svg, ".png": self.png, ".dot": self.dot}


def graph(
    what: Tensor | Sequence[Tensor] | record,
    *,
    grad: Tensor | None = None,
    gradients: bool = False,
    depth: int | None = None,
) -> GraphPicture:
    """The flow chart of the graph behind a tensor: values from left to right, gradients back.

    Operations carry their formula, tensors their name (the caller's variable, or the parameter's place in its
    module), shape, type and values; larger ones a summary and a histogram. What nobody holds any more is marked
    as not kept: inside ``with penlight.explain.record():`` everything is noted, with the line that made it and the
    modules as boxes that fold. The layer of gradients shows what flows through every edge in a backward pass, which
    is run for it and changes no ``grad``; a graph freed by an earlier backward pass is drawn without.

    Args:
        what: a tensor or several, or a finished recording, of a forward that failed as well.
        grad: the gradient to start from, of the tensor's shape; 1 for a tensor of one element.
        gradients: show the layer of gradients from the start. A page can switch it.
        depth: fold boxes deeper than so many; by default as many stand open as can be read.

    Raises:
        TypeError: ``what`` is neither tensors nor a recording.
        ValueError: a tensor that asks for no gradient, or a recording without an operation.

    Example::

        >>> import penlight
        >>> x = penlight.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        >>> a = (3 * (x - 2) ** 2).mean()
        >>> penlight.viz.graph(a)
        <GraphPicture: Flow chart of a>
    """
    names = Names().read(caller())
    found = read(what, names)
    roots: list[Tensor] = []
    if isinstance(what, record):
        if not found.steps and found.failure is None:
            raise ValueError("nothing was recorded: no operation ran on a tensor that asks for its gradient")
    else:
        roots = [what] if isinstance(what, Tensor) else list(what)
    passages: list[Passage] = []
    without = "a recording has no single result to start from" if not roots else ""
    if roots:
        if grad is None and any(root.numel() != 1 for root in roots):
            without = "a backward pass from a tensor of several elements starts from a gradient: pass grad="
        elif found.released:
            without = "an earlier backward pass has freed the graph: draw before it, or pass retain_graph=True to it"
        else:
            passages = backward_flow(found, roots, [grad] + [None] * (len(roots) - 1))
    return GraphPicture(found, passages, gradients, depth, without)

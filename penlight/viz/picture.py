"""What all pictures can do: show themselves in a notebook, be saved as one file, open in the browser."""

from __future__ import annotations

import os
import tempfile
from html import escape
from pathlib import Path
from typing import Any

from penlight.viz.page import page


class Picture:
    """A picture described in JSON, which the front end draws.

    Args:
        description: what is drawn; ``kind`` names the view (``frontend/src/views/<kind>.js``), ``title`` stands over
            it, ``words`` say in a sentence or two what it shows, for everybody and for screen readers.

    A subclass that can work out more while the reader plays with it (another kernel size, say) overrides
    :meth:`answer`; in a notebook and in ``penlight explore`` its view asks it. A saved page has nobody to ask.

    Example::

        >>> from penlight.viz import Picture
        >>> picture = Picture({"kind": "maps", "title": "Mine", "words": "Nothing yet.", "groups": []})
        >>> picture
        <Picture: Mine>
        >>> picture.to_html().startswith("<!DOCTYPE html>")
        True
    """

    height = 640  # pixels of the frame where a notebook has no anywidget
    live = False  # whether answer() is there to be asked

    def __init__(self, description: dict[str, Any]):
        for name in ("kind", "title", "words"):
            if not isinstance(description.get(name), str):
                raise TypeError(
                    f"Picture(): description needs a str as {name!r}, got {description.get(name)!r}"
                )
        self._description = description

    def describe(self) -> dict[str, Any]:
        """The description, ready for JSON."""
        return self._description

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the view asks while the reader plays with the picture; JSON in, JSON out."""
        raise NotImplementedError(
            f"a picture of kind {self._description['kind']!r} is drawn once and for all"
        )

    def to_html(self) -> str:
        """The picture as one page that needs nothing else."""
        return page([self.describe()], self._description["title"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture to a file whose ending says how: ``.html`` is one page that works without a network.

        Raises:
            ValueError: no such picture can be written in the format of that ending.
        """
        path = Path(path)
        writer = self._writers().get(path.suffix.lower())
        if writer is None:
            raise ValueError(
                f"save(): path must end in {' or '.join(self._writers())} for this picture, got {os.fspath(path)!r}"
            )
        content = writer()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def _writers(self) -> dict[str, Any]:
        """Functions that give the content of a file, by its ending; a subclass adds those it can."""
        return {".html": self.to_html}

    def show(self) -> None:
        """Displays the picture: in the notebook's cell, or else in the browser, from a temporary file."""
        if in_notebook():
            from IPython.display import display

            display(self)
            return
        import webbrowser

        with tempfile.NamedTemporaryFile("w", suffix=".html", delete=False, encoding="utf-8") as file:
            file.write(self.to_html())
        webbrowser.open(Path(file.name).as_uri())

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._description['title']}>"

    def _repr_mimebundle_(self, include=None, exclude=None):
        """What a notebook shows: the anywidget where a kernel can talk to it, else a frame with the saved page.

        ``PENLIGHT_PICTURES=page`` in the environment asks for the frame everywhere, as for a notebook turned into a
        page.
        """
        from penlight.viz.widget import bundle

        words = f"{self._description['title']}. {self._description['words']}"
        if in_notebook() and os.environ.get("PENLIGHT_PICTURES") != "page":
            widget = bundle(self)
            if widget is not None:
                return widget
        return {"text/plain": words, "text/html": self._frame()}

    def _display_(self):
        """What marimo shows."""
        from penlight.viz.widget import widget

        shown = widget(self)
        if shown is not None:
            return shown
        import marimo

        return marimo.Html(self._frame())

    def _frame(self) -> str:
        title, text = escape(self._description["title"]), escape(self.to_html())
        return (
            f'<iframe srcdoc="{text}" title="{title}" sandbox="allow-scripts" width="100%" height="{self.height}" '
            'style="border:0" loading="lazy"></iframe>'
        )


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code, so that a widget would have somebody to talk to."""
    import sys

    shell = sys.modules.get("IPython")
    if shell is None:
        return False
    running = shell.get_ipython()
    return running is not None and hasattr(running, "kernel")

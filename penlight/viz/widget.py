"""Pictures in notebooks through anywidget: Jupyter, VS Code, Colab and marimo."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from penlight.viz.page import script

if TYPE_CHECKING:
    from penlight.viz.picture import Picture


def widget(picture: Picture) -> Any:
    """The picture as an anywidget, or None where anywidget is not installed."""
    try:
        import anywidget
    except ImportError:
        return None
    shown = _widget_class(anywidget)(_program(picture.describe()["kind"]), picture.describe(), picture.live)
    shown.on_msg(functools.partial(_asked, picture))
    return shown


def bundle(picture: Picture) -> Any:
    """What a notebook is given of the picture as a widget, or None where there is no anywidget."""
    shown = widget(picture)
    return None if shown is None else shown._repr_mimebundle_()


def _asked(picture: Picture, shown: Any, message: Any, buffers: Any) -> None:
    """Answers a question of the view; an error is told there, where the reader looks."""
    try:
        shown.send({"id": message["id"], "answer": picture.answer(message["request"])})
    except Exception as error:
        shown.send({"id": message.get("id"), "error": f"{type(error).__name__}: {error}"})


@functools.cache
def _program(kind: str) -> str:
    return script([kind], "export default penlight.widget;")


@functools.cache
def _widget_class(anywidget: Any) -> Any:
    import traitlets

    class PictureWidget(anywidget.AnyWidget):
        """The description of a picture, synchronized with its view."""

        description = traitlets.Dict().tag(sync=True)
        live = traitlets.Bool().tag(sync=True)
        _esm = traitlets.Unicode().tag(sync=True)

        def __init__(self, program: str, description: dict[str, Any], live: bool):
            super().__init__(description=description, live=live, _esm=program)

    return PictureWidget

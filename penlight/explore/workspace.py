"""Where the code of the page runs: one namespace, one run at a time, output and pictures caught."""

from __future__ import annotations

import ast
import base64
import contextlib
import ctypes
import io
import itertools
import linecache
import threading
import time
import traceback
from typing import Any

import penlight
from penlight import explain, nn, viz
from penlight.explore.files import open_file
from penlight.viz import Picture

MOST_OUTPUT = 200_000  # characters
MOST_PICTURES = 20  # of one run


class Workspace:
    """What the page talks to. Each method takes and gives what JSON can carry."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: int | None = None  # the thread that runs code
        self._counter = itertools.count(1)
        self._pictures: dict[int, Picture] = {}
        self._given: dict[str, Any] = {}  # from files: there again at every run

    def run(self, code: str) -> dict[str, Any]:
        """Runs code in a fresh namespace that has torch, nn, viz, explain, show and what files brought.

        Gives ``output`` (what was printed, and the value of a last expression), ``error`` (the traceback, or None),
        ``pictures`` (each with ``id``, ``description``, ``live``) and ``seconds``.
        """
        if not isinstance(code, str):
            raise TypeError("code must be text")
        if not self._lock.acquire(timeout=0.2):
            raise RuntimeError("the last run is still going: stop it first")
        try:
            self._running = threading.get_ident()
            return self._run(code)
        finally:
            self._running = None
            self._lock.release()

    def _run(self, code: str) -> dict[str, Any]:
        shown: list[Picture] = []
        names = {"torch": penlight, "penlight": penlight, "nn": nn, "viz": viz, "explain": explain}
        space = {
            "__name__": "__explore__",
            **names,
            **self._given,
            "show": lambda *things: _show(shown, things),
        }
        file = f"<explore {next(self._counter)}>"
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        # Lines and values are noted for code that has them explained; a long training would keep all its graphs.
        noted = explain.record() if "explain." in code or "viz.graph" in code else contextlib.nullcontext()
        output, error, began = _Output(), None, time.perf_counter()
        try:
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), noted:
                body, last = _compiled(code, file)
                exec(body, space)
                if last is not None and (value := eval(last, space)) is not None:
                    if _picture_of(value) is None:
                        print(repr(value))
                    else:
                        _show(shown, [value])
        except KeyboardInterrupt:
            error = "Stopped."
        except BaseException as raised:  # SystemExit too: the page must not end the server
            error = _readable(raised, file)
        pictures = []
        for picture in shown:
            try:
                pictures.append((picture, picture.describe()))
            except Exception as raised:
                error = (error or "") + _readable(raised, file)
        self._pictures = {next(self._counter): picture for picture, _ in pictures}
        return {
            "output": output.text(),
            "error": error,
            "pictures": [
                {"id": place, "description": description, "live": picture.live}
                for place, (picture, description) in zip(self._pictures, pictures, strict=True)
            ],
            "seconds": time.perf_counter() - began,
        }

    def stop(self) -> dict[str, Any]:
        """Interrupts the code that runs, as Ctrl+C would, at its next line of Python."""
        running = self._running
        if running is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(running), ctypes.py_object(KeyboardInterrupt)
            )
        return {"stopped": running is not None}

    def ask(self, picture: int, request: dict[str, Any]) -> dict[str, Any]:
        """What the view of a picture asks it."""
        asked = self._pictures.get(picture)
        if asked is None:
            raise KeyError(f"no picture {picture!r} any more: run the code again")
        return asked.answer(request)

    def open(self, name: str, content: str) -> dict[str, Any]:
        """Reads a file of the reader's, given in base64, into variables; gives ``words`` and ``code``."""
        given, words, code = open_file(str(name)[:200], base64.b64decode(content, validate=True))
        self._given |= given
        return {"words": words, "code": code}


class _Output(io.StringIO):
    """What is printed, up to a limit."""

    def write(self, text: str) -> int:
        return (
            super().write(text[: max(MOST_OUTPUT - self.tell(), 0)])
            if self.tell() < MOST_OUTPUT
            else len(text)
        )

    def text(self) -> str:
        text = self.getvalue()
        return (
            text
            if len(text) < MOST_OUTPUT
            else f"{text}\n… output beyond {MOST_OUTPUT} characters is left out"
        )


def _compiled(code: str, file: str) -> tuple[Any, Any]:
    """All statements, and the last one apart if it is an expression, as a notebook's cell has it."""
    tree = ast.parse(code, file)
    value = None
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        value = compile(ast.Expression(last.value), file, "eval")
        tree.body.pop()
    return compile(tree, file, "exec"), value


def _picture_of(value: Any) -> Picture | None:
    if isinstance(value, Picture):
        return value
    made = getattr(value, "picture", None)  # the steps of a backward pass, say
    if callable(made) and type(value).__module__.startswith("penlight."):
        made = made()
        return made if isinstance(made, Picture) else None
    return None


def _show(shown: list[Picture], things: Any) -> None:
    for thing in things:
        picture = _picture_of(thing)
        if picture is None:
            raise TypeError(f"show() takes pictures such as viz.conv(...) gives, got {type(thing).__name__}")
        if len(shown) == MOST_PICTURES:
            raise RuntimeError(f"show(): one run shows at most {MOST_PICTURES} pictures")
        shown.append(picture)


def _readable(error: BaseException, file: str) -> str:
    """The traceback from the reader's own lines on."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != file:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))

"""Writes the reference's pages from the docstrings, those of the compiled core too, before Sphinx reads them.

Python's own autodoc does not know nanobind's functions; their signature is the first line of their docstring.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

# The modules and classes that have a page each.
PAGES = [
    "penlight",
    "penlight.Tensor",
    "penlight.autograd",
    "penlight.autograd.graph",
    "penlight.autograd.forward_ad",
    "penlight.autograd.functional",
    "penlight.func",
    "penlight.nn",
    "penlight.nn.functional",
    "penlight.nn.init",
    "penlight.nn.utils",
    "penlight.optim",
    "penlight.optim.lr_scheduler",
    "penlight.linalg",
    "penlight.backends.conv",
    "penlight.cpu",
    "penlight.viz",
    "penlight.explain",
    "penlight.profiler",
    "penlight.datasets",
    "penlight.utils.data",
    "penlight.utils.checkpoint",
]


def setup(app: Any) -> dict[str, Any]:
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / "reference"))
    return {"parallel_read_safe": True}


def write(folder: Path) -> None:
    """Writes one page a module, and the index; a page that did not change keeps its time."""
    folder.mkdir(exist_ok=True)
    pages = {path: "\n".join(page(path, look_up(path))) for path in PAGES}
    entries = "\n".join(f"   {name}" for name in pages)
    pages["index"] = (
        "Reference\n=========\n\nEvery public name, from its docstring. Where nothing else is said, it does what the "
        f"same name does in PyTorch.\n\n.. toctree::\n   :maxdepth: 1\n\n{entries}\n"
    )
    for name, text in pages.items():
        file = folder / f"{name}.rst"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def look_up(path: str) -> Any:
    try:
        return import_module(path)
    except ModuleNotFoundError:  # a class
        owner, _, name = path.rpartition(".")
        return getattr(import_module(owner), name)


def page(path: str, owner: Any) -> Iterator[str]:
    yield from (path, "=" * len(path), "")
    doc = inspect.getdoc(owner)
    if doc:
        yield from (*converted(doc), "")
    if inspect.isclass(owner):
        yield f".. py:class:: {path}"
        yield "   :no-index:"
        yield ""
        members = {name: getattr(owner, name) for name in dir(owner) if not name.startswith("_")}
        for name, value in members.items():
            yield from entry(name, value, "method", "   ")
        return
    yield f".. py:module:: {path}"
    yield ""
    for name in public(owner):
        value = getattr(owner, name)
        if inspect.ismodule(value):
            continue
        if inspect.isclass(value):
            yield from class_entry(name, value)
        elif callable(value):
            yield from entry(name, value, "function", "")


def public(owner: Any) -> list[str]:
    names = getattr(owner, "__all__", None) or dir(owner)
    hidden = {"annotations", "Any", "Callable", "Sequence", "Iterable"}
    return sorted(
        name
        for name in names
        if not name.startswith("_")
        and name not in hidden
        and getattr(getattr(owner, name, None), "__module__", "penlight") not in ("typing", "collections.abc")
    )


def class_entry(name: str, value: Any) -> Iterator[str]:
    yield f".. py:class:: {name}{signature(value)}"
    yield ""
    yield from indented(converted(inspect.getdoc(value) or ""), "   ")
    yield ""
    if getattr(value, "__module__", "").startswith("penlight"):
        for member, method in vars(value).items():
            described = callable(method) and inspect.getdoc(method) and not member.startswith("_")
            if described and member not in ("forward", "extra_repr") and not inspect.isclass(method):
                yield from entry(member, method, "method", "   ")


def entry(name: str, value: Any, kind: str, indent: str) -> Iterator[str]:
    doc = inspect.getdoc(value) or ""
    lines = doc.splitlines()
    given = signature(value)
    head = re.match(r"[A-Za-z_]\w*(?=\(.*\)( -> |$))", lines[0]) if lines else None
    if head:  # nanobind's, of this name or (for an alias) another
        signatures = [line for line in lines if line.startswith(f"{head[0]}(")]
        given = short(signatures[0][len(head[0]) :])
        rest = [line for line in lines[1:] if line not in signatures and not re.match(r"^\d+\. ``", line)]
        doc = "\n".join(line for line in rest if line != "Overloaded function.").strip()
    if kind == "method" and not callable(value):
        yield f"{indent}.. py:attribute:: {name}"
    else:
        yield f"{indent}.. py:{kind}:: {name}{given}"
    yield ""
    yield from indented(converted(doc), indent + "   ")
    yield ""


def signature(value: Any) -> str:
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)" if callable(value) else ""
    plain = [p.replace(annotation=p.empty) for p in found.parameters.values() if p.name != "self"]
    try:
        return re.sub(
            r" at 0x[0-9a-f]+", "", str(found.replace(parameters=plain, return_annotation=found.empty))
        )
    except ValueError:
        return "(...)"


def short(text: str) -> str:
    """A signature without its types, which the docstring tells better; defaults stay."""
    inside = text[1 : text.rindex(")")]
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(inside):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append(inside[start:i])
            start = i + 1
    parts.append(inside[start:])
    names = []
    for part in parts:
        name, _, default = part.strip().partition("=")
        name = name.partition(":")[0].strip()
        if name and name != "self":
            names.append(f"{name}={default.strip()}" if default else name)
    return f"({', '.join(names)})"


def converted(doc: str) -> list[str]:
    """A docstring in Google's style as reStructuredText."""
    from sphinx.ext.napoleon import Config, GoogleDocstring

    config = Config(napoleon_use_param=False, napoleon_use_rtype=False, napoleon_use_ivar=True)
    return str(GoogleDocstring(inspect.cleandoc(doc), config)).splitlines()


def indented(lines: list[str], indent: str) -> list[str]:
    return [indent + line if line.strip() else "" for line in lines]

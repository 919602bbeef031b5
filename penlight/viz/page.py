"""One file that holds pictures and needs nothing else: no network, no server, no library."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from typing import Any

from penlight.viz.encode import to_json

_STYLE = """\
html { color-scheme: light dark; background: light-dark(#fbfaf6, #10131b); color: light-dark(#1c2230, #e7eaf2); }
body { margin: 0 auto; max-width: 1400px; padding: 12px; font: 16px/1.6 system-ui, sans-serif; }
body > div { margin-bottom: 16px; }
"""


def script(kinds: Iterable[str], last: str) -> str:
    """The front end with the views of ``kinds``, ended by the statement ``last``.

    A kind without a view of its own is left out; the front end says so in the picture's place.
    """
    folder = resources.files("penlight.viz").joinpath("static")
    parts = [folder.joinpath("penlight.js").read_text(encoding="utf-8")]
    for kind in sorted(set(kinds)):
        file = folder.joinpath(f"{kind}.js")
        if file.is_file():
            parts.append(file.read_text(encoding="utf-8"))
    return "\n".join([*parts, last, ""])


def views() -> list[str]:
    """The kinds that have a view."""
    names = (file.name for file in resources.files("penlight.viz").joinpath("static").iterdir())
    return sorted(
        name.removesuffix(".js") for name in names if name.endswith(".js") and name != "penlight.js"
    )


def page(descriptions: Sequence[dict[str, Any]], title: str, *, served: bool = False) -> str:
    """A whole page as text. Its own policy forbids it to load anything or to run any other script.

    A ``served`` page has all views, and may ask the server that it came from, and no other.
    """
    kinds = views() if served else [description["kind"] for description in descriptions]
    program = script(kinds, "penlight.served();" if served else "penlight.page();")
    policy = (
        f"default-src 'none'; script-src '{_hash(program)}'; style-src '{_hash(_STYLE)}'; "
        "img-src data: blob:; media-src data: blob:; base-uri 'none'; form-action 'none'"
    ) + ("; connect-src 'self'" if served else "")
    pictures = "\n".join(
        f'<script type="application/json" class="penlight">{to_json(description)}</script>'
        for description in descriptions
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
{pictures}
</main>
<noscript>This picture is drawn by a script, which is switched off here.</noscript>
<script type="module">{program}</script>
</body>
</html>
"""


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")

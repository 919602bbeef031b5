"""SVG to PNG by resvg, a renderer that comes as a wheel and needs no system program."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

READABLE = 0.4  # pixels a unit; with fewer, letters cannot be told apart


def rasterize(svg: str, zoom: float, widest: int) -> bytes:
    """The picture in pixels.

    Args:
        svg: a document whose colours are written out.
        zoom: pixels per unit; less where the picture would be wider or higher than ``widest``.

    Raises:
        ModuleNotFoundError: ``resvg_py`` is not installed.
        ValueError: the picture is so long that its text could not be read.
        RuntimeError: there is no font on the machine to write with.
    """
    try:
        resvg = import_module("resvg_py")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "a PNG is drawn by resvg_py: pip install 'penlight[viz]', or save as .svg or .html",
            name="resvg_py",
        ) from None
    size = re.search(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"', svg)
    if size is not None:
        longest = max(float(size[1]), float(size[2]), 1.0)
        zoom = min(zoom, widest / longest)
        if zoom < READABLE:
            raise ValueError(
                f"the picture is {longest:,.0f} units long, and nobody could read a PNG of {widest:,} pixels of it: "
                "fold boxes with depth=, or save as .svg or .html"
            )
    fonts = _fonts()
    options = {"font_dirs": fonts, "monospace_family": "DejaVu Sans Mono", "font_family": "DejaVu Sans Mono"}
    blank = '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="30">{}</svg>'
    letter = '<text x="2" y="20" font-family="monospace">M</text>'
    if bytes(resvg.svg_to_bytes(blank.format(letter), **options)) == bytes(
        resvg.svg_to_bytes(blank.format(""))
    ):
        raise RuntimeError(
            "there is no font on this machine to write with: install one, or save as .svg or .html"
        )
    return bytes(resvg.svg_to_bytes(svg, zoom=zoom, **options))


def _fonts() -> list[str]:
    """A folder with a font that has mathematical signs, where Matplotlib is installed; the system's are known."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        return []
    return [str(Path(found.origin).parent / "mpl-data" / "fonts" / "ttf")]

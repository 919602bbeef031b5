"""Formulas as MathML, which browsers set and read aloud themselves: pages need no script from anywhere.

The conversion is that of latex2mathml, a small library made for the job.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert


def mathml(latex: str, display: str = "inline") -> str:
    """A formula as MathML. ``aligned`` is known to latex2mathml as ``align*``, and ``\\text`` without escapes."""
    latex = latex.replace("{aligned}", "{align*}")
    latex = re.sub(r"\\text\{[^}]*\}", lambda words: words[0].replace(r"\_", "_"), latex)
    return convert(latex, display=display)


def _in_line(writer: Any, node: nodes.math) -> None:
    writer.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _on_its_own(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula">{mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    app.add_css_file("formulas.css")
    app.add_html_math_renderer("mathml", (_in_line, None), (_on_its_own, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""A flow chart in the DOT language, for those who have Graphviz."""

from __future__ import annotations

from typing import Any


def dot(description: dict[str, Any]) -> str:
    """The graph as DOT source, boxes as clusters."""
    lines = ["digraph penlight {", "  rankdir=LR; node [shape=box, fontname=monospace, fontsize=10];"]

    def box(name: str, indent: str) -> None:
        for i, card in enumerate(description["cards"]):
            if card["parent"] == name:
                style = {"leaf": ', style=filled, fillcolor="#e7f5ea"', "constant": ", style=dashed"}
                lines.append(f"{indent}n{i} [label={quoted(card['text'])}{style.get(card['kind'], '')}];")
        for inner, group in description["groups"].items():
            if group["parent"] == name:
                lines.append(f"{indent}subgraph cluster_{inner} {{")
                lines.append(f"{indent}  label={quoted(group['title'])};")
                box(inner, indent + "  ")
                lines.append(f"{indent}}}")

    box("root", "  ")
    for edge in description["edges"]:
        label = f" [label={quoted(edge['label'])}]" if "label" in edge else ""
        lines.append(f"  n{edge['from'][0]} -> n{edge['to'][0]}{label};")
    return "\n".join([*lines, "}", ""])


def quoted(text: str) -> str:
    r"""A string of the DOT language.

    >>> print(quoted('a "b"'))
    "a \"b\""
    """
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inner}"'

"""The colours of flow charts, light and dark, as style sheets for files and for pages."""

from __future__ import annotations

PALETTES = {
    "light": {
        "paper": "#ffffff", "card": "#ffffff", "ink": "#1d2433", "faint": "#5d6779", "line": "#c3cad6",
        "head": "#eaf0fb", "values": "#1f5fbf", "cold": "#b4451f", "grads": "#a8321a", "leaf": "#e7f5ea",
        "leafline": "#3f8f57", "custom": "#f6ecfb", "customline": "#8a4bb0", "box": "#f6f8fb", "edge": "#8a96a8",
        "failed": "#fdeceb", "failedline": "#c22f23", "focus": "#d97a00",
    },
    "dark": {
        "paper": "#12161d", "card": "#1b212b", "ink": "#e6eaf2", "faint": "#a3adbd", "line": "#3b4556",
        "head": "#253149", "values": "#8ab8ff", "cold": "#ffa27e", "grads": "#ff9d80", "leaf": "#1c3527",
        "leafline": "#69c288", "custom": "#33243f", "customline": "#c793ea", "box": "#171c25", "edge": "#7c889b",
        "failed": "#3d1f1d", "failedline": "#ff7b6e", "focus": "#ffb347",
    },
}  # fmt: skip

RULES = """
.flow{background:var(--paper)}
.flow text{font-family:"DejaVu Sans Mono",ui-monospace,Menlo,Consolas,monospace;font-size:12px;fill:var(--ink)}
.flow .title{font-weight:600}
.flow .small{font-size:10px;fill:var(--faint)}
.flow .faint{font-style:italic}
.flow .paper{fill:var(--paper)}
.flow .card{fill:var(--card);stroke:var(--line);stroke-width:1}
.flow .head{fill:var(--head)}
.flow .card.leaf{stroke:var(--leafline)}
.flow .head.leaf{fill:var(--leaf)}
.flow .card.custom{stroke:var(--customline)}
.flow .head.custom{fill:var(--custom)}
.flow .card.constant{stroke-dasharray:4 3}
.flow .card.box{fill:var(--box);stroke:var(--line)}
.flow .card.shade{fill:var(--head)}
.flow .card.failed{fill:var(--failed);stroke:var(--failedline);stroke-width:2}
.flow .title.failed{fill:var(--failedline)}
.flow .frame{fill:var(--box);stroke:var(--line);stroke-width:1.2}
.flow .num.values{fill:var(--ink)}
.flow .num.grads,.flow .small.grads{fill:var(--grads)}
.flow .bracket{fill:none;stroke:var(--faint);stroke-width:1.2}
.flow .bracket.grads{stroke:var(--grads)}
.flow .heat{fill:var(--values)}
.flow .heat.cold{fill:var(--cold)}
.flow .heat.grads{fill:var(--grads)}
.flow .bars{fill:var(--values);fill-opacity:.75}
.flow .bars.grads{fill:var(--grads)}
.flow .edge{fill:none;stroke:var(--edge);stroke-width:1.4}
.flow .edge.constant{stroke-dasharray:4 3}
.flow .edge.back{stroke:var(--grads);stroke-opacity:.8}
.flow .tip{fill:var(--edge)}
.flow .tip.back{fill:var(--grads)}
.flow .halo{stroke:var(--paper);stroke-width:3.5px;paint-order:stroke;stroke-linejoin:round}
.flow .notice{fill:var(--failedline);font-weight:600}
.flow.plain .layer{display:none}
"""


def sheet() -> str:
    """The style sheet for pages, which follows the page's own theme."""
    light, dark = PALETTES["light"], PALETTES["dark"]
    colours = "".join(f"--{name}:light-dark({light[name]},{dark[name]});" for name in light)
    return f".flow{{{colours}}}{RULES}"


def plain_sheet(theme: str = "auto") -> str:
    """The style sheet with its colours written out, for files: programs that draw SVG may know no variables.

    Raises:
        ValueError: a theme other than ``light``, ``dark`` or ``auto``.
    """
    if theme == "auto":
        return f"{plain_sheet('light')}@media(prefers-color-scheme:dark){{{plain_sheet('dark')}}}"
    if theme not in PALETTES:
        raise ValueError(f"theme should be 'auto', 'light' or 'dark', but got {theme!r}")
    text = RULES.strip()
    for name, colour in PALETTES[theme].items():
        text = text.replace(f"var(--{name})", colour)
    return text

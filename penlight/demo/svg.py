"""The few drawing tools the pictures need: an SVG sheet, heat maps and matrices.

Colours are names of the page's style sheet (``page.css``), so that one picture serves light and dark pages.
All text is escaped here and nowhere else.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape

Numbers = Sequence[Sequence[float]]
MINUS = "\N{MINUS SIGN}"

_LEVELS = 24  # shades of a heat map; finer steps cannot be told apart


def number(value: float, digits: int = 4) -> str:
    """A number as the page shows it, with a true minus sign."""
    text = f"{value:.{digits}g}"
    return ("0" if text == "-0" else text).replace("-", MINUS)


class Svg:
    """A sheet of width × height units that elements are put on, one method a kind of element."""

    def __init__(self, width: float, height: float):
        self.width, self.height = width, height
        self._parts: list[str] = []

    def rect(self, x, y, width, height, style="", radius=0):
        rounded = f' rx="{_n(radius)}"' if radius else ""
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
            f"{rounded}{_class(style)}/>"
        )

    def circle(self, x, y, radius, style=""):
        self._parts.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"{_class(style)}/>')

    def line(self, points: Iterable[tuple[float, float]], style="line"):
        joined = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._parts.append(f'<polyline points="{joined}"{_class(style)}/>')

    def arrow(self, x, y, to_x, to_y, style=""):
        """A straight arrow that runs upright or level, its head at the end."""
        self.line([(x, y), (to_x, to_y)], f"line {style}".strip())
        along_x, along_y = _sign(to_x - x), _sign(to_y - y)
        back_x, back_y = to_x - 7 * along_x, to_y - 7 * along_y
        head = [
            (back_x - 4.5 * along_y, back_y + 4.5 * along_x),
            (to_x, to_y),
            (back_x + 4.5 * along_y, back_y - 4.5 * along_x),
        ]
        self.line(head, f"line {style}".strip())

    def text(self, x, y, content, style="", anchor="start"):
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}"{where}{_class(style)}>{escape(str(content))}</text>'
        )

    def heat(self, x, y, cell, values: Numbers, scale: float, style="ink"):
        """A grid of cells, the darker the larger the value: zero is the paper, ±scale full colour.

        ``style`` colours positive values; negative ones always take the class ``cold``. Cells of one shade
        are one path, which keeps a page with hundreds of maps small.
        """
        shades: dict[tuple[str, int], list[str]] = defaultdict(list)
        for row, line in enumerate(values):
            for column, value in enumerate(line):
                level = round(min(abs(value) / scale, 1) * _LEVELS) if scale > 0 and value == value else 0
                if level:
                    place = f"M{_n(x + column * cell)} {_n(y + row * cell)}"
                    shades["cold" if value < 0 else style, level].append(
                        f"{place}h{_n(cell)}v{_n(cell)}h-{_n(cell)}z"
                    )
        for (name, level), cells in sorted(shades.items()):
            self._parts.append(
                f'<path class="{name}" fill-opacity="{_n(level / _LEVELS)}" d="{"".join(cells)}"/>'
            )
        self.rect(x, y, cell * len(values[0]), cell * len(values), "frame")

    def matrix(self, x, y, values: Numbers, style="") -> None:
        """Numbers in rows between brackets; (x, y) is the upper left corner. See ``matrix_size``."""
        width, height = matrix_size(values)
        for side, turn in ((x, 4), (x + width, -4)):
            self.line(
                [(side + turn, y), (side, y), (side, y + height), (side + turn, y + height)], "line bracket"
            )
        column_width = (width - 12) / len(values[0])
        for row, line in enumerate(values):
            for column, value in enumerate(line):
                right = x + 6 + (column + 1) * column_width - 4
                self.text(right, y + 16 + row * 18, number(value), style, "end")

    def render(self, description: str, style="") -> str:
        """The picture as HTML, described for those who do not see it ('' if words beside it serve)."""
        spoken = f'role="img" aria-label="{escape(description)}"' if description else 'aria-hidden="true"'
        return (
            f'<svg viewBox="0 0 {_n(self.width)} {_n(self.height)}" width="{_n(self.width)}" '
            f'height="{_n(self.height)}" {spoken}{_class(style)}>{"".join(self._parts)}</svg>'
        )


def matrix_size(values: Numbers) -> tuple[float, float]:
    """Width and height that ``Svg.matrix`` takes."""
    longest = max(len(number(value)) for line in values for value in line)
    return 12 + len(values[0]) * (longest * 8 + 8), 4 + 18 * len(values) + 2


def heat_map(values: Numbers, cell: float, scale: float, style="ink", description="") -> str:
    """One heat map as a picture of its own."""
    sheet = Svg(cell * len(values[0]) + 2, cell * len(values) + 2)
    sheet.heat(1, 1, cell, values, scale, style)
    return sheet.render(description, "heat")


def largest(values) -> float:
    """The largest size among the finite numbers of a nested list; 0 if there are none."""
    if isinstance(values, (list, tuple)):
        return max(map(largest, values), default=0.0)
    return abs(values) if abs(values) < float("inf") else 0.0


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def _class(style: str) -> str:
    return f' class="{style}"' if style else ""


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)

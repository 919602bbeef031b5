"""Formulas as MathML, which browsers set by themselves and screen readers can speak."""

from html import escape

from penlight.demo.svg import MINUS, Numbers, number


def formula(*parts: str, block: bool = True) -> str:
    """A whole formula from parts; plain strings are read as numbers, names and signs, one a word."""
    display = ' display="block"' if block else ""
    return f"<math{display}>{row(*parts)}</math>"


def row(*parts: str) -> str:
    return f"<mrow>{''.join(map(_part, parts))}</mrow>"


def fraction(above: str, below: str) -> str:
    return f"<mfrac>{row(above)}{row(below)}</mfrac>"


def slope(of: str, by: str) -> str:
    """The partial derivative ∂of/∂by."""
    return fraction(row("∂", of), row("∂", by))


def power(base: str, exponent: str) -> str:
    return f"<msup>{row(base)}{row(exponent)}</msup>"


def index(base: str, lower: str) -> str:
    return f"<msub>{row(base)}{row(lower)}</msub>"


def tall(sign: str) -> str:
    """A bracket as high as what it encloses; others keep the size of the text."""
    return f"<mo>{escape(sign)}</mo>"


def matrix(values: Numbers) -> str:
    rows = "".join(f"<mtr>{''.join(f'<mtd>{row(number(v))}</mtd>' for v in line)}</mtr>" for line in values)
    return f"<mrow><mo>[</mo><mtable>{rows}</mtable><mo>]</mo></mrow>"


def _part(part: str) -> str:
    return part if part.startswith("<m") else "".join(map(_word, part.split()))


def _word(word: str) -> str:
    if word.lstrip(MINUS)[:1].isdigit():
        return f"<mn>{escape(word)}</mn>"
    if word[:1].isalpha() or word[:1] == "∂":
        return f"<mi>{escape(word)}</mi>"
    return f'<mo stretchy="false">{escape(word)}</mo>'

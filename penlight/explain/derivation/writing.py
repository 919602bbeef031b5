"""Expressions as one writes them: in a line of text, and in LaTeX."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import precedence
from sympy.printing.str import StrPrinter

MINUS = "\N{MINUS SIGN}"
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class _Text(StrPrinter):  # type: ignore[misc]
    def _print_Mul(self, expression: Any) -> str:
        if expression.could_extract_minus_sign():
            return f"{MINUS}{self.parenthesize(-expression, precedence(expression))}"
        number, rest = expression.as_coeff_Mul()
        above, below = sp.fraction(rest)
        factors = [self._factor(f) for f in sp.Mul.make_args(above) if f != 1]
        if number != 1:
            factors.insert(0, self._print(number))
        text = " ".join(factors) or "1"
        if below == 1:
            return text
        under = self._print(below)
        return f"{text} / {under if below.is_Atom or below.is_Pow else f'({under})'}"

    def _factor(self, factor: Any) -> str:
        return f"({self._print(factor)})" if factor.is_Add else self._print(factor)

    def _print_Add(self, expression: Any, order: Any = None) -> str:
        terms = self._as_ordered_terms(expression, order=order)
        text = self._print(terms[0])
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            text += f" {MINUS} {self._print(-term)}" if negative else f" + {self._print(term)}"
        return text

    def _print_Pow(self, expression: Any, rational: bool = False) -> str:
        base, exponent = expression.base, expression.exp
        if exponent == sp.Rational(1, 2):
            return f"√{self._atom(base)}"
        if exponent.is_negative:
            return f"1 / {self._atom(sp.Pow(base, -exponent))}"
        if exponent.is_Integer:
            return self._atom(base) + str(exponent).translate(_RAISED)
        return f"{self._atom(base)}^{self._atom(exponent)}"

    def _atom(self, expression: Any) -> str:
        text = self._print(expression)
        simple = expression.is_Symbol or (
            expression.is_Number and expression.is_nonnegative and "/" not in text
        )
        if expression.is_Function and not isinstance(expression, sp.exp):
            simple = True
        return text if simple else f"({text})"

    def _print_Rational(self, expression: Any) -> str:
        return f"{expression.p}/{expression.q}".replace("-", MINUS)

    def _print_Integer(self, expression: Any) -> str:
        return str(expression.p).replace("-", MINUS)

    def _print_Float(self, expression: Any) -> str:
        return f"{float(expression):.6g}".replace("-", MINUS)

    def _print_ExpBase(self, expression: Any) -> str:
        return f"e^{self._atom(expression.args[0])}"

    _print_exp = _print_ExpBase

    def _print_log(self, expression: Any) -> str:
        return f"ln({self._print(expression.args[0])})"

    def _print_Abs(self, expression: Any) -> str:
        return f"|{self._print(expression.args[0])}|"

    def _print_sigma(self, expression: Any) -> str:
        return f"σ({self._print(expression.args[0])})"

    def _print_step(self, expression: Any) -> str:
        return f"[{self._print(expression.args[0])} > 0]"

    def _print_larger(self, expression: Any) -> str:
        return f"[{self._print(expression.args[0])} > {self._print(expression.args[1])}]"

    def _print_inside(self, expression: Any) -> str:
        x, low, high = map(self._print, expression.args)
        return f"[{low} ≤ {x} ≤ {high}]"

    def _print_Infinity(self, expression: Any) -> str:
        return "∞"

    def _print_NegativeInfinity(self, expression: Any) -> str:
        return f"{MINUS}∞"

    def _print_Pi(self, expression: Any) -> str:
        return "π"


class _Latex(LatexPrinter):  # type: ignore[misc]
    def _print_Mul(self, expression: Any) -> str:
        number, rest = expression.as_coeff_Mul()
        if number.is_Rational and number.q != 1 and sp.fraction(rest)[1] == 1:
            sign = "-" if number < 0 else ""
            inner = self._print(rest)
            inner = rf"\left({inner}\right)" if rest.is_Add else inner
            return rf"{sign}\frac{{{abs(number.p)}}}{{{number.q}}} {inner}"
        return str(super()._print_Mul(expression))

    def _print_Symbol(self, expression: Any, style: str = "plain") -> str:
        return latex_name(expression.name)

    def _print_sigma(self, expression: Any, exp: Any = None) -> str:
        return self._with(rf"\sigma\left({self._print(expression.args[0])}\right)", exp)

    def _print_relu(self, expression: Any, exp: Any = None) -> str:
        return self._with(rf"\operatorname{{relu}}\left({self._print(expression.args[0])}\right)", exp)

    def _print_step(self, expression: Any, exp: Any = None) -> str:
        return self._with(rf"\left[{self._print(expression.args[0])} > 0\right]", exp)

    def _print_larger(self, expression: Any, exp: Any = None) -> str:
        a, b = map(self._print, expression.args)
        return self._with(rf"\left[{a} > {b}\right]", exp)

    def _print_inside(self, expression: Any, exp: Any = None) -> str:
        x, low, high = map(self._print, expression.args)
        return self._with(rf"\left[{low} \le {x} \le {high}\right]", exp)

    @staticmethod
    def _with(text: str, exponent: Any) -> str:
        return text if exponent is None else f"{text}^{{{exponent}}}"


_text = _Text()
_latex = _Latex({"ln_notation": True})

_SPECIAL = {"\\": r"\backslash ", "_": r"\_", "%": r"\%", "$": r"\$", "#": r"\#", "&": r"\&", "{": r"\{", "}": r"\}",
            "~": r"\sim ", "^": r"\wedge ", "<": r"\lt ", ">": r"\gt "}  # fmt: skip


def as_text(expression: Any) -> str:
    """An expression in a line.

    >>> import sympy
    >>> x = sympy.Symbol("x", real=True)
    >>> as_text(sympy.Mul(sympy.Rational(3, 2), x - 2, evaluate=False))
    '3/2 (x − 2)'
    """
    return str(_text.doprint(expression))


def as_latex(expression: Any) -> str:
    """An expression in LaTeX."""
    return str(_latex.doprint(expression))


def latex_name(name: str) -> str:
    r"""A tensor's name in LaTeX: a single letter, or upright letters with everything special escaped.

    >>> latex_name("w_1")
    '\\mathrm{w\\_1}'
    """
    if name.startswith("∂") and "/∂" in name:
        above, below = name[1:].split("/∂", 1)
        return rf"\frac{{\partial {latex_name(above)}}}{{\partial {latex_name(below)}}}"
    if len(name) == 1 and name.isascii() and name.isalpha():
        return name
    if name.isascii() and name[:1].isalpha() and name[1:].isdigit():
        return f"{name[0]}_{{{name[1:]}}}"
    return rf"\mathrm{{{''.join(_SPECIAL.get(c, c) for c in name)}}}"


def simplest(expression: Any) -> Any:
    """The shortest of a few ways to write an expression."""
    found = [expression]
    for way in (sp.factor_terms, sp.factor, sp.simplify, lambda e: sp.factor_terms(sp.simplify(e))):
        if expression.count_ops() > 60 and way is not sp.factor_terms:
            continue
        try:
            found.append(way(expression))
        except (sp.PolynomialError, NotImplementedError, TypeError, ValueError, RecursionError):
            continue
    # The same functions as before: a reader should recognize what was put in. Products before sums.
    known = {f.func for f in expression.atoms(sp.Function)}
    found = [e for e in found if {f.func for f in e.atoms(sp.Function)} <= known]
    return min(found, key=lambda e: (e.count_ops(), e.is_Add, len(as_text(e))))

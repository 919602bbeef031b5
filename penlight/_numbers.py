"""Functions of numbers and of rows of them, made of other operations."""

from __future__ import annotations

from math import log, pi
from typing import Any

from penlight import _C, Tensor
from penlight import _functions as F
from penlight._arguments import explain_all

__all__ = [
    "cumulative_trapezoid", "float_power", "frexp", "gcd", "gradient", "isneginf", "isposinf", "isreal", "lcm",
    "ldexp", "mvlgamma", "trapz",
]  # fmt: skip


def _of_integers(name: str, input: Tensor, other: Any) -> Tensor:
    import numpy as np

    kind = _C.result_type(input, other)
    if kind.is_floating_point or kind is _C.bool:
        raise RuntimeError(
            f'"{name}_cpu" not implemented for {str(kind).removeprefix("torch.").capitalize()!r}'
        )
    a = input.to(kind).numpy()
    b = other.to(kind).numpy() if isinstance(other, Tensor) else np.asarray(other, a.dtype)
    return F.as_tensor(np.asarray(getattr(np, name)(a, b), a.dtype))


def gcd(input: Tensor, other: Any) -> Tensor:
    """The greatest common divisor of integers, elementwise; 0 of two zeros."""
    return _of_integers("gcd", input, other)


def lcm(input: Tensor, other: Any) -> Tensor:
    """The least common multiple of integers, elementwise; 0 where one is 0."""
    return _of_integers("lcm", input, other)


def float_power(input: Any, exponent: Any) -> Tensor:
    """Powers in float64.

    >>> penlight.float_power(penlight.tensor([2, 3]), 2)
    tensor([4., 9.], dtype=torch.float64)
    """
    base = input.double() if isinstance(input, Tensor) else _C.scalar_tensor(float(input), dtype=_C.float64)
    return base ** (exponent.double() if isinstance(exponent, Tensor) else float(exponent))


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """``input * 2**other``."""
    return input * _C.pow(2.0, other)


def frexp(input: Tensor) -> Any:
    """Mantissas, from 1/2 up to 1 in size, and exponents of 2: ``input = mantissa * 2**exponent``.

    Raises:
        RuntimeError: integers.
    """
    from penlight.return_types import frexp as result

    if not input.is_floating_point():
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    size = input.detach().double().abs()
    number = (size > 0) & size.isfinite()
    exponent = _C.where(number, size, 1.0).log2().floor() + 1
    # The logarithm may be rounded over a whole number.
    scaled = _scaled(size, -exponent)
    exponent = exponent + (scaled >= 1).double() - (scaled < 0.5).double()
    exponent = _C.where(number, exponent, 0.0)
    return result(_scaled(input.double(), -exponent).to(input.dtype), exponent.int())


def _scaled(x: Tensor, exponent: Tensor) -> Tensor:
    half = (exponent / 2).floor()  # in two steps: 2 ** exponent alone could overflow
    return x * _C.pow(2.0, half) * _C.pow(2.0, exponent - half)


def isposinf(input: Tensor) -> Tensor:
    """Which elements are +infinity?"""
    return input == float("inf") if input.is_floating_point() else _C.zeros_like(input, dtype=_C.bool)


def isneginf(input: Tensor) -> Tensor:
    """Which elements are -infinity?"""
    return input == -float("inf") if input.is_floating_point() else _C.zeros_like(input, dtype=_C.bool)


def isreal(input: Tensor) -> Tensor:
    """Which elements have no imaginary part? All: there are no complex numbers here."""
    return _C.ones_like(input, dtype=_C.bool)


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension ``p``.

    Π over i < p of Γ(x - i / 2), times π^(p (p - 1) / 4): R. J. Muirhead, Aspects of Multivariate Statistical Theory,
    theorem 2.1.12.
    """
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    x = input if input.is_floating_point() else input.to(_C.get_default_dtype())
    shifts = _C.arange(p, dtype=x.dtype) * 0.5
    return (x.unsqueeze(-1) - shifts).lgamma().sum(-1) + p * (p - 1) / 4 * log(pi)


def trapz(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """See :func:`trapezoid`."""
    return F.trapezoid(y, x, dx=dx, dim=dim)


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The integral up to each point but the first, by the trapezoidal rule.

    >>> penlight.cumulative_trapezoid(penlight.tensor([0.0, 1.0, 2.0]))
    tensor([0.5000, 2.0000])
    """
    n = y.size(dim)
    pairs = (y.narrow(dim, min(n, 1), max(n - 1, 0)) + y.narrow(dim, 0, max(n - 1, 0))) / 2
    if x is None:
        return (pairs * dx).cumsum(dim)
    width = F.diff(x, dim=-1 if x.dim() == 1 else dim)
    if x.dim() == 1 and y.dim() > 1:
        width = width.reshape([-1 if d == dim % y.dim() else 1 for d in range(y.dim())])
    return (pairs * width).cumsum(dim)


def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> list[Tensor]:
    """The slopes of a function given by its values on a grid, along each dimension.

    Inside by second-order differences, exact for parabolas on even and uneven grids; at both ends by ``edge_order``.

    Args:
        spacing: the distance of neighbours: a number, one for each dimension, or a vector of coordinates for each.
        dim: which dimensions; None: all.
        edge_order: 1 or 2.

    Raises:
        RuntimeError: an edge order other than 1 or 2, or too few values for it.

    Example::

        >>> penlight.gradient(penlight.tensor([0.0, 1.0, 4.0, 9.0]))
        [tensor([1., 2., 4., 5.])]
    """
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, got {edge_order}")
    dims = list(range(input.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    steps = list(spacing) if isinstance(spacing, (tuple, list)) else [spacing] * len(dims)
    if len(steps) != len(dims):
        raise RuntimeError(
            "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the "
            f"same length, but got a spacing argument of length {len(steps)} and a dim argument of length {len(dims)}."
        )
    x = input if input.is_floating_point() else input.to(_C.get_default_dtype())
    return [_slopes(x, d % input.dim(), step, edge_order) for d, step in zip(dims, steps, strict=True)]


def _slopes(x: Tensor, dim: int, step: Any, edge_order: int) -> Tensor:
    n = x.size(dim)
    if n <= edge_order:
        raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    if isinstance(step, Tensor) and step.dim() == 1:
        shape = [-1 if d == dim else 1 for d in range(x.dim())]
        width = F.diff(step.to(x.dtype)).reshape(shape)
    else:
        width = _C.ones([n - 1 if d == dim else 1 for d in range(x.dim())], dtype=x.dtype) * step
    slope = F.diff(x, dim=dim) / width  # between neighbours
    if n == 2:
        return _C.cat([slope, slope], dim)
    before, after = slope.narrow(dim, 0, n - 2), slope.narrow(dim, 1, n - 2)
    left, right = width.narrow(dim, 0, n - 2), width.narrow(dim, 1, n - 2)
    inside = (before * right + after * left) / (left + right)
    first, last = slope.narrow(dim, 0, 1), slope.narrow(dim, n - 2, 1)
    if edge_order == 2:  # the parabola through three points, at its end
        bend = (after - before) / (left + right)
        first = first - bend.narrow(dim, 0, 1) * left.narrow(dim, 0, 1)
        last = last + bend.narrow(dim, n - 3, 1) * right.narrow(dim, n - 3, 1)
    return _C.cat([first, inside, last], dim)


explain_all(globals())

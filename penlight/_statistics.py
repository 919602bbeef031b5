"""Quantiles, covariances, and what else tells of many numbers, made of other operations."""

from __future__ import annotations

from typing import Any

from penlight import _C, Tensor
from penlight._arguments import explain_all

__all__ = ["corrcoef", "cov", "nanquantile", "quantile", "renorm"]

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The values below which the fractions ``q`` of the elements lie; NaN where an element is.

    Args:
        input: float32 or float64.
        q: a number in [0, 1], or a vector of them: the result then has a dimension for it, in front.
        dim: along which; None: of all elements.
        interpolation: between two neighbours: "linear", "lower", "higher", "midpoint" or "nearest".

    Raises:
        RuntimeError: another type, no elements, or ``q`` outside of [0, 1].

    Example::

        >>> penlight.quantile(penlight.tensor([0.0, 1.0, 2.0, 3.0]), 0.25)
        tensor(0.7500)
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """As :func:`quantile`, of the elements that are not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)


def _quantile(name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str) -> Tensor:
    if input.dtype not in (_C.float32, _C.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if input.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if isinstance(q, Tensor):
        if q.dim() > 1:
            raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
        if q.dtype is not input.dtype:
            raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
        if q.numel() and not _C._batched(q) and not bool(((q >= 0) & (q <= 1)).all()):
            raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    else:
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
        q = _C.scalar_tensor(q, dtype=input.dtype)
    rank = input.dim()
    if dim is not None and not -max(rank, 1) <= dim < max(rank, 1):
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-max(rank, 1)}, {max(rank, 1) - 1}], but got {dim})"
        )
    rows = input.reshape(-1) if dim is None or rank == 0 else input.movedim(dim, -1)
    ordered = rows.sort(-1)[0]  # NaN last
    there = ordered.isnan().logical_not()
    last = there.sum(-1, keepdim=True) - 1 if name == "nanquantile" else rows.size(-1) - 1
    places = q.reshape(-1) * last.clamp(min=0) if isinstance(last, Tensor) else (q.reshape(-1) * last)
    places = places.expand(*rows.shape[:-1], q.numel())
    if name == "quantile":  # a NaN is every quantile
        places = places.where(there.all(-1, keepdim=True), float(rows.size(-1) - 1))
    found = _between(ordered, places, interpolation)
    if q.dim() == 0:
        found = found.squeeze(-1)
        return _with_dim(found, rank, dim) if keepdim else found
    found = found.movedim(-1, 0)
    return _with_dim(found, rank, dim, 1) if keepdim else found


def _between(ordered: Tensor, places: Tensor, interpolation: str) -> Tensor:
    if interpolation == "nearest":
        return ordered.gather(-1, places.round().long())
    low = places.floor()
    if interpolation == "higher":
        return ordered.gather(-1, places.ceil().long())
    below = ordered.gather(-1, low.long())
    if interpolation == "lower":
        return below
    weight = 0.5 if interpolation == "midpoint" else places - low
    above = ordered.gather(-1, places.ceil().long())
    if interpolation == "midpoint":
        weight = (places.ceil() - low) * 0.5
    return _C.lerp(below, above, weight)


def _with_dim(found: Tensor, rank: int, dim: int | None, shift: int = 0) -> Tensor:
    if rank == 0:
        return found
    if dim is None:
        return found.reshape(*found.shape[:shift], *[1] * rank)
    return found.unsqueeze(dim % rank + shift)


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances of variables: rows of the input, whose columns are observations.

    Args:
        input: (variables, observations), or (observations) of one variable.
        correction: what is taken from the number of observations in the divisor.
        fweights: how often each observation counts, integers.
        aweights: how much each counts.

    Raises:
        RuntimeError: more than 2 dimensions, weights of the wrong sizes, types or signs.

    Example::

        >>> penlight.cov(penlight.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    if input.dim() > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {input.dim()}"
        )
    if input.dtype is _C.bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input.reshape(1, -1) if input.dim() < 2 else input
    count = rows.size(1)
    weights = None
    for name, given, whole in (("fweights", fweights, True), ("aweights", aweights, False)):
        if given is None:
            continue
        if given.dim() > 1:
            raise RuntimeError(
                f"cov(): expected {name} to have one or fewer dimensions but got {given.dim()}"
            )
        if given.is_floating_point() is whole:
            kind = "integral" if whole else "floating point"
            raise RuntimeError(
                f"cov(): expected {name} to have {kind} dtype but got {name} with {given.dtype} dtype"
            )
        if given.numel() != count:
            raise RuntimeError(
                f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                f"{given.numel()} != {count}"
            )
        if count and not _C._batched(given) and bool((given < 0).any()):
            raise RuntimeError(f"cov(): {name} cannot be negative")
        weights = given if weights is None else weights * given
    rows = rows if rows.is_floating_point() else rows.to(_C.get_default_dtype())
    if weights is None:
        total: Any = count
        mean = rows.mean(1, keepdim=True)
        centered = weighted = rows - mean
    else:
        total = weights.sum()
        if not _C._batched(total) and float(total) == 0:
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        mean = (rows * weights).sum(1, keepdim=True) / total
        centered = rows - mean
        weighted = centered * weights
    divisor: Any
    if weights is None or aweights is None or correction == 0:
        divisor = total - correction
    else:
        divisor = total - correction * (weights * aweights).sum() / total
    divisor = max(float(divisor), 0.0) if not isinstance(divisor, Tensor) else divisor.clamp(min=0)
    found = weighted @ centered.t() / divisor
    return found.squeeze()


def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlations of variables: rows of the input, whose columns are observations. Between -1 and 1."""
    if input.dim() > 2:
        raise RuntimeError(
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.dim()} dimensions"
        )
    found = cov(input)
    if found.dim() == 0:
        return found / found
    size = found.diag().sqrt()
    return (found / size.unsqueeze(1) / size).clip(-1, 1)


def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Slices along ``dim`` whose p-norm is over ``maxnorm`` are scaled down to it.

    Raises:
        RuntimeError: a norm that is not positive, a negative ``maxnorm``, or fewer than 2 dimensions.
    """
    if p <= 0:
        raise RuntimeError(f"renorm: non-positive-norm not supported, got p={p}")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.dim() < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.dim()} dimensions")
    others = [d for d in range(input.dim()) if d != dim % input.dim()]
    size = _C._vector_norm(input, float(p), others, True)
    return input * _C.where(size > maxnorm, maxnorm / (size + 1e-7), 1)


explain_all(globals())

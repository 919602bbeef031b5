"""Sums of products over named or counted dimensions, and distances: made of matrix products."""

from __future__ import annotations

from typing import Any

from penlight import _C, Tensor
from penlight import _functions as F
from penlight._arguments import explain_all

__all__ = ["bincount", "cdist", "cross", "dist", "einsum", "histc", "inner", "kron", "tensordot", "vdot"]


# ---- einsum


def einsum(equation: Any, *operands: Any) -> Tensor:
    """The sum of products that Einstein's convention spells: ``einsum("bij,bjk->bik", a, b)``.

    Dimensions with the same letter go together; those whose letter the result does not name are summed over.
    ``...`` stands for any dimensions, broadcast against each other. A letter repeated in one operand takes its
    diagonal. Operands are multiplied two at a time, from the left.

    Raises:
        RuntimeError: an equation that does not fit the operands.

    Example::

        >>> penlight.einsum("ij,j->i", penlight.ones(2, 3), penlight.ones(3))
        tensor([3., 3.])
    """
    if not isinstance(equation, str):
        equation, operands = _from_sublists(equation, operands)
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not operands:
        raise RuntimeError("einsum(): must provide at least one operand")
    terms, result, wide = _parse(equation, operands)
    last_use = {name: i for i, names in enumerate(terms) for name in names}
    x, names = _diagonals(operands[0], terms[0])
    for i in range(1, len(operands)):
        y, other = _diagonals(operands[i], terms[i])
        keep = [n for n in dict.fromkeys([*names, *other]) if n in result or last_use[n] > i]
        x, names = _contract(x, names, y, other, keep)
    summed = [d for d, n in enumerate(names) if n not in result]
    if summed:
        x = x.sum(summed)
        names = [n for n in names if n in result]
    for n in result:
        if n not in names:  # an ellipsis dimension nobody has
            x, names = x.unsqueeze(-1), [*names, n]
    del wide
    return x.permute([names.index(n) for n in result])


def _from_sublists(first: Any, rest: Any) -> tuple[str, tuple[Any, ...]]:
    """``einsum(a, [0, 1], b, [1, 2], [0, 2])`` as an equation."""

    def letters(numbers):
        out = ""
        for n in numbers:
            if n is Ellipsis:
                out += "..."
            elif 0 <= n < 52:
                out += chr(ord("A") + n) if n < 26 else chr(ord("a") + n - 26)
            else:
                raise RuntimeError(f"einsum(): subscript {n} is not within the valid range [0, 52)")
        return out

    everything = [first, *rest]
    operands, terms = everything[0::2], everything[1::2]
    arrow = ""
    if len(everything) % 2:
        arrow = "->" + letters(operands.pop())
    return ",".join(letters(t) for t in terms) + arrow, tuple(operands)


def _parse(equation: str, operands: Any) -> tuple[list[list[str]], list[str], int]:
    """Each operand's dimensions by name, and the result's. The dimensions of an ellipsis are named by number."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != len(operands):
        more = "fewer" if len(parts) > len(operands) else "more"
        raise RuntimeError(
            f"einsum(): {more} operands were provided than specified in the equation"
            if more == "more"
            else "einsum(): fewer operands were provided than specified in the equation"
        )
    widths = []
    for i, (part, x) in enumerate(zip(parts, operands, strict=True)):
        count = len(part.replace("...", ""))
        if part.count("...") > 1:
            raise RuntimeError(f"einsum(): found '.' for operand {i} for which an ellipsis was already found")
        if count > x.dim() or ("..." not in part and count != x.dim()):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({count}) does not match the number of "
                f"dimensions ({x.dim()}) for operand {i}"
                + ("" if "..." in part else " and no ellipsis was given")
            )
        widths.append(x.dim() - count)
    wide = max(widths)

    def names(part: str, width: int) -> list[str]:
        before, dots, after = part.partition("...")
        for letter in before + after:
            if not letter.isalpha():
                raise RuntimeError(
                    f"einsum(): invalid subscript given: '{letter}', subscripts must be in [a-zA-Z]"
                )
        return [*before, *([f"...{k}" for k in range(wide - width, wide)] if dots else []), *after]

    terms = [names(part, width) for part, width in zip(parts, widths, strict=True)]
    everything = [n for term in terms for n in term]
    if arrow:
        result = names(right, wide)
        for n in result:
            if result.count(n) > 1:
                raise RuntimeError(f"einsum(): output subscript {n} appears more than once in the output")
            if n not in everything and not n.startswith("..."):
                raise RuntimeError(
                    f"einsum(): output subscript {n} does not appear in the equation for any input operand"
                )
    else:
        once = sorted(n for n in set(everything) if everything.count(n) == 1 and not n.startswith("..."))
        result = [*(f"...{k}" for k in range(wide)), *once]
    return terms, result, wide


def _diagonals(x: Tensor, names: list[str]) -> tuple[Tensor, list[str]]:
    names = list(names)
    for n in dict.fromkeys(names):
        while names.count(n) > 1:
            a = names.index(n)
            b = names.index(n, a + 1)
            if x.size(a) != x.size(b):
                raise RuntimeError(
                    f"einsum(): subscript {n} is repeated for operand but the sizes don't match, "
                    f"{x.size(b)} != {x.size(a)}"
                )
            x = x.diagonal(0, a, b)
            del names[b], names[a]
            names.append(n)
    return x, names


def _contract(x: Tensor, a: list[str], y: Tensor, b: list[str], keep: list[str]) -> tuple[Tensor, list[str]]:
    """The product of two, summed over the dimensions that are not kept: one batched matrix product."""
    for n in a:
        if n in b:
            p, q = x.size(a.index(n)), y.size(b.index(n))
            if p != q and 1 not in (p, q):
                raise RuntimeError(
                    f"einsum(): operands do not broadcast with remapped shapes [original->remapped]: subscript {n} has "
                    f"size {q} for one operand which does not broadcast with previously seen size {p}"
                )
    # A dimension of size 1 against a longer one is broadcast: it is dropped from its side, summed out there.
    for n in list(a):
        if n in b and x.size(a.index(n)) != y.size(b.index(n)):
            if x.size(a.index(n)) == 1:
                x = x.squeeze(a.index(n))
                a = [m for m in a if m != n]
            else:
                y = y.squeeze(b.index(n))
                b = [m for m in b if m != n]
    alone_a = [d for d, n in enumerate(a) if n not in b and n not in keep]
    alone_b = [d for d, n in enumerate(b) if n not in a and n not in keep]
    if alone_a:
        x, a = x.sum(alone_a), [n for d, n in enumerate(a) if d not in alone_a]
    if alone_b:
        y, b = y.sum(alone_b), [n for d, n in enumerate(b) if d not in alone_b]
    batch = [n for n in a if n in b and n in keep]
    summed = [n for n in a if n in b and n not in keep]
    rows = [n for n in a if n not in b]
    columns = [n for n in b if n not in a]
    size = {n: x.size(d) for d, n in enumerate(a)} | {n: y.size(d) for d, n in enumerate(b)}

    def count(some):
        product = 1
        for n in some:
            product *= size[n]
        return product

    names = [*batch, *rows, *columns]
    if not summed:
        # No sum: a product of two broadcast tensors.
        x = x.permute([a.index(n) for n in (*batch, *rows)])
        x = x.reshape(*x.shape, *(1 for _ in columns))
        y = y.permute([b.index(n) for n in (*batch, *columns)])
        y = y.reshape(*y.shape[: len(batch)], *(1 for _ in rows), *y.shape[len(batch) :])
        return x * y, names
    x = x.permute([a.index(n) for n in (*batch, *rows, *summed)])
    y = y.permute([b.index(n) for n in (*batch, *summed, *columns)])
    product = _C.matmul(
        x.reshape(count(batch), count(rows), count(summed)),
        y.reshape(count(batch), count(summed), count(columns)),
    )
    return product.reshape([size[n] for n in names]), names


# ---- products


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Any = None) -> Tensor:
    """The sum of products over ``dims``: the last of ``a`` with the first of ``b``, or two lists of dimensions."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(
                f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims} for {a.dim()} and {b.dim()} dimensions"
            )
        dims = (list(range(a.dim() - dims, a.dim())), list(range(dims)))
    first, second = (
        [d % max(t.dim(), 1) for d in ([part] if isinstance(part, int) else part)]
        for t, part in zip((a, b), dims, strict=True)
    )
    if len(first) != len(second):
        raise RuntimeError("both dimension lists should have same length")
    for p, q in zip(first, second, strict=True):
        if a.size(p) != b.size(q):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.size(p)} in dim {p} and second has size "
                f"{b.size(q)} in dim {q}"
            )
    rest_a = [d for d in range(a.dim()) if d not in first]
    rest_b = [d for d in range(b.dim()) if d not in second]
    length = 1
    for p in first:
        length *= a.size(p)
    shape = [a.size(d) for d in rest_a] + [b.size(d) for d in rest_b]
    rows = columns = 1
    for d in rest_a:
        rows *= a.size(d)
    for d in rest_b:
        columns *= b.size(d)
    x = a.permute([*rest_a, *first]).reshape(rows, length)
    y = b.permute([*second, *rest_b]).reshape(length, columns)
    return _C.matmul(x, y).reshape(shape)


def inner(input: Tensor, other: Tensor) -> Tensor:
    """The sum of products along the last dimensions of both."""
    if input.dim() == 0 or other.dim() == 0:
        return input * other
    if input.size(-1) != other.size(-1):
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return tensordot(input, other, ([-1], [-1]))


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The sum of products of two vectors."""
    return _C.dot(input, other)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker's product: ``other`` times each element of ``input``, side by side."""
    ndim = max(input.dim(), other.dim())
    x = input.reshape([1] * (ndim - input.dim()) + list(input.shape))
    y = other.reshape([1] * (ndim - other.dim()) + list(other.shape))
    shape = [p * q for p, q in zip(x.shape, y.shape, strict=True)]
    left = x.reshape([size for p in x.shape for size in (p, 1)])
    right = y.reshape([size for q in y.shape for size in (1, q)])
    return (left * right).reshape(shape)


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product along a dimension of size 3 (by default the first such)."""
    if dim is None:
        dim = next((d for d, size in enumerate(input.shape) if size == 3), None)
        if dim is None:
            raise RuntimeError("no dimension of size 3 in input")
    if input.dim() != other.dim():
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    if input.size(dim) != 3 or other.size(dim) != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.size(dim)} and {other.size(dim)}"
        )
    a, b = F.broadcast_tensors(input, other)
    return a.roll(-1, dim) * b.roll(-2, dim) - a.roll(-2, dim) * b.roll(-1, dim)


# ---- distances


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of the difference."""
    return F.norm(input - other, p)


def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """The p-norm distances of all rows of one to all rows of the other: (..., P, M) and (..., R, M) to (..., P, R)."""
    for name, x in (("X1", x1), ("X2", x2)):
        if x.dim() < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.dim()}D")
        if not x.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {x.dtype}")
    if x1.size(-1) != x2.size(-1):
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.size(-1)} X2: {x2.size(-1)}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    return F.norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


# ---- counts


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each whole number occurs in a vector, or the sum of its weights."""
    if input.dim() != 1 or input.is_floating_point() or (input.numel() and int(input.min()) < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    length = max(minlength, int(input.max()) + 1 if input.numel() else 0)
    if weights is None:
        weights = _C.ones(input.shape, dtype=_C.int64)
    elif weights.dtype is not _C.float32:
        weights = weights.to(_C.float64)
    return _C.zeros(length, dtype=weights.dtype).index_add_(0, input.to(_C.int64), weights.detach())


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of ``bins`` equal parts of [min, max] (by default the elements' own range)."""
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    if not input.is_floating_point():
        raise RuntimeError(f"histc expects a floating-point tensor, got {input.dtype}")
    x = input.detach().reshape(-1)
    low, high = float(min), float(max)
    if low == high and x.numel():
        low, high = float(x.min()), float(x.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise RuntimeError(f"range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError("max must be larger than min")
    place = ((x - low) * bins / (high - low)).floor().clamp(0, bins - 1)
    inside = ((x >= low) & (x <= high)).to(x.dtype)
    place = _C.where(inside != 0, place, 0).to(_C.int64)
    return _C.zeros(bins, dtype=x.dtype).index_add_(0, place, inside)


explain_all(globals())

"""Norms of vectors and matrices, with derivatives."""

from __future__ import annotations

from typing import Any

from penlight import Tensor, dtype
from penlight import _functions as F
from penlight._arguments import explain_all

__all__ = ["diagonal", "norm", "vector_norm"]


def vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """``sum(|x|^ord)^(1/ord)`` of all elements, or along dimensions.

    Raises:
        RuntimeError: a tensor that is not floating.

    Example::

        >>> penlight.linalg.vector_norm(penlight.tensor([3.0, 4.0]))
        tensor(5.)
    """
    return F.norm(x, ord, dim, keepdim, dtype)


def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The norm of a vector (a number as ``ord``) or the Frobenius norm of a matrix (``ord="fro"``).

    Raises:
        NotImplementedError: other norms of matrices.

    Example::

        >>> penlight.linalg.norm(penlight.ones(2, 2))
        tensor(2.)
    """
    if ord is None or ord == "fro":
        return F.norm(A, "fro", dim, keepdim, dtype)
    one_dimension = (
        isinstance(dim, int) or (dim is not None and len(dim) == 1) or (dim is None and A.dim() == 1)
    )
    if isinstance(ord, str) or not one_dimension:
        raise NotImplementedError(
            f"linalg.norm: of matrices only the Frobenius norm is there, got ord={ord!r}"
        )
    return F.norm(A, ord, dim, keepdim, dtype)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonal of a matrix, or of each of a batch, as a view."""
    return A.diagonal(offset, dim1, dim2)


explain_all(globals())

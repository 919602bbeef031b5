"""Distances and similarities between vectors."""

import penlight
from penlight import Tensor


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """``x1 . x2 / (max(|x1|, eps) * max(|x2|, eps))`` along ``dim``; the inputs broadcast.

    >>> import penlight
    >>> a = penlight.tensor([[3.0, 4.0]])
    >>> penlight.nn.functional.cosine_similarity(a, a)
    tensor([1.])
    """
    if not (x1.is_floating_point() and x2.is_floating_point()):
        raise RuntimeError(
            "expected common dtype to be floating point, yet common dtype is "
            f"{str(penlight.promote_types(x1.dtype, x2.dtype)).partition('.')[2]}"
        )
    x1, x2 = penlight.broadcast_tensors(x1, x2)
    norm1 = x1.norm(2, dim, keepdim=True).clamp_min(eps)
    norm2 = x2.norm(2, dim, keepdim=True).clamp_min(eps)
    return ((x1 / norm1) * (x2 / norm2)).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p=2.0, eps=1e-6, keepdim=False):
    """The ``p``-norm of ``x1 - x2 + eps`` along the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


def pdist(input, p=2.0):
    """The ``p``-norms between all pairs of rows of ``(N, M)``: a vector of ``N (N - 1) / 2`` values."""
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    first, second = penlight.triu_indices(input.size(0), input.size(0), 1)
    return (input.index_select(0, first) - input.index_select(0, second)).norm(p, -1)

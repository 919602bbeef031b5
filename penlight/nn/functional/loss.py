"""Losses that compare predictions with numbers (regression) or with true/false labels.

Those of classification stand in ``classification.py``. Every loss takes ``reduction``: ``"mean"``, ``"sum"``
or ``"none"`` (a loss for each element).
"""

import math
import warnings

import penlight
from penlight import _C, Tensor


def reduction_name(reduction, size_average=None, reduce=None):
    """The reduction asked for, perhaps by the two older arguments; ValueError for an unknown one."""
    if size_average is not None or reduce is not None:
        size_average = True if size_average is None else size_average
        reduce = True if reduce is None else reduce
        reduction = ("mean" if size_average else "sum") if reduce else "none"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            stacklevel=4,
        )
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(loss, reduction):
    """The loss of each element, reduced."""
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


def _broadcast(input, target):
    """Both with one shape; a warning where that took broadcasting, which is seldom meant."""
    if target.size() == input.size():
        return input, target
    warnings.warn(
        f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "
        "This will likely lead to incorrect results due to broadcasting. "
        "Please ensure they have the same size.",
        stacklevel=3,
    )
    return penlight.broadcast_tensors(input, target)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """``(input - target) ** 2``; with ``weight``, the mean is the weighted one.

    >>> import penlight
    >>> penlight.nn.functional.mse_loss(penlight.tensor([1.0, 2.0]), penlight.tensor([1.0, 4.0]))
    tensor(2.)
    """
    reduction = reduction_name(reduction, size_average, reduce)
    input, target = _broadcast(input, target)
    if weight is None:
        return _C.mse_loss(input, target, reduction)
    return _weighted(_C.mse_loss(input, target, "none"), weight, reduction)


def _weighted(loss, weight, reduction):
    if weight.size() != loss.size():
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    return loss.sum() / weight.sum() if reduction == "mean" else reduced(loss, reduction)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """``|input - target|``."""
    reduction = reduction_name(reduction, size_average, reduce)
    input, target = _broadcast(input, target)
    loss = (input - target).abs()
    return reduced(loss, reduction) if weight is None else _weighted(loss, weight, reduction)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """Half the square over ``beta`` where ``|input - target| < beta``, else the distance less half beta."""
    reduction = reduction_name(reduction, size_average, reduce)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    input, target = _broadcast(input, target)
    if beta == 0:
        return reduced((input - target).abs(), reduction)
    return _C._smooth_l1_loss(input, target, reduction, beta)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Half the square where ``|input - target| <= delta``, else linear with slope ``delta``."""
    reduction = reduction_name(reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    input, target = _broadcast(input, target)
    if weight is None:
        return _C._huber_loss(input, target, reduction, delta)
    return _weighted(_C._huber_loss(input, target, "none", delta), weight, reduction)


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """``-(target * log(input) + (1 - target) * log(1 - input))`` with logarithms held above -100.

    Args:
        input: probabilities in [0, 1].
        target: the same shape, in [0, 1].
        weight: broadcasts to it.
    """
    reduction = reduction_name(reduction, size_average, reduce)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is "
            "deprecated. Please ensure they have the same size."
        )
    loss = _C.binary_cross_entropy(input, target)
    return reduced(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """``binary_cross_entropy(sigmoid(input), target)``, computed without overflow.

    ``pos_weight`` multiplies the loss of true labels; it broadcasts, one number for each class as a rule.
    """
    reduction = reduction_name(reduction, size_average, reduce)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    log_weight = 1 if pos_weight is None else (pos_weight - 1) * target + 1
    loss = (1 - target) * input - log_weight * _C.logsigmoid(input)
    return reduced(loss if weight is None else loss * weight, reduction)


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """``target * (log(target) - input)``: the Kullback-Leibler divergence of log-probabilities ``input``.

    ``reduction="batchmean"`` divides the sum by the batch's size, as the definition does.
    ``log_target`` says that ``target`` holds log-probabilities as well.
    """
    batchmean = reduction == "batchmean"
    if not batchmean:
        reduction = reduction_name(reduction, size_average, reduce)
        if reduction == "mean":
            warnings.warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support size."
                "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
                stacklevel=2,
            )
    if log_target:
        loss = target.exp() * (target - input)
    else:
        positive = target > 0
        loss = penlight.where(positive, target * target.masked_fill(~positive, 1.0).log(), target * 0)
        loss = loss - target * input
    if batchmean:
        return loss.sum() / input.size(0) if input.dim() else loss.sum()
    return reduced(loss, reduction)


def poisson_nll_loss(
    input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"
):
    """Negative log-likelihood of counts ``target`` under Poisson rates ``input`` (or their logarithms)."""
    reduction = reduction_name(reduction, size_average, reduce)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        # Stirling's formula for log(target!), from 2 on.
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, reduction)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """Negative log-likelihood of ``target`` under normal distributions of mean ``input`` and variance
    ``var``.

    ``var`` has the input's shape, or lacks its last dimension, or has size 1 there; it is held above ``eps``.
    """
    if not isinstance(var, penlight.Tensor):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = penlight.full_like(input, var)
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif not (input.size()[:-1] == var.size()[:-1] and var.size(-1) == 1):
            raise ValueError("var is of incorrect size")
    reduction = reduction_name(reduction)
    # The floor is no function of var: its gradient passes as if var had not been held.
    with penlight.no_grad():
        rise = var.clamp(min=eps) - var
    var = var + rise
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction)


def soft_margin_loss(input: Tensor, target: Tensor, size_average=None, reduce=None, reduction="mean"):
    """``log(1 + exp(-target * input))`` with targets of 1 and -1."""
    return reduced(
        penlight.mul(input, target).neg().exp().log1p(), reduction_name(reduction, size_average, reduce)
    )


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """``input`` where the target is 1, ``max(0, margin - input)`` where it is -1."""
    reduction = reduction_name(reduction, size_average, reduce)
    zeros = penlight.zeros_like(input)
    loss = penlight.where(target == 1, input, zeros) + penlight.where(
        target == -1, (margin - input).clamp_min(0), zeros
    )
    return reduced(loss, reduction)


def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """``max(0, -target * (input1 - input2) + margin)`` with targets of 1 and -1."""
    reduction = reduction_name(reduction, size_average, reduce)
    if input1.dim() != input2.dim() or input1.dim() != target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin=0, size_average=None, reduce=None, reduction="mean"
):
    """``1 - cos`` where the target is 1, ``max(0, cos - margin)`` where it is -1."""
    reduction = reduction_name(reduction, size_average, reduce)
    eps = 1e-12
    dot = (input1 * input2).sum(-1)
    cos = dot / ((input1 * input1).sum(-1).add(eps) * (input2 * input2).sum(-1).add(eps)).sqrt()
    zeros = penlight.zeros_like(cos)
    loss = penlight.where(target == 1, 1 - cos, zeros) + penlight.where(
        target == -1, (cos - margin).clamp_min(0), zeros
    )
    return reduced(loss, reduction)


def triplet_margin_loss(
    anchor,
    positive,
    negative,
    margin=1.0,
    p=2,
    eps=1e-6,
    swap=False,
    size_average=None,
    reduce=None,
    reduction="mean",
):
    """``max(0, |anchor - positive| - |anchor - negative| + margin)`` in the ``p``-norm of the last dimension.

    ``swap`` takes the negative's distance to the positive where that is smaller (Balntas et al. 2016).
    """
    from penlight.nn.functional.distance import pairwise_distance

    def distance(a, b):
        return pairwise_distance(a, b, p, eps)

    reduction = reduction_name(reduction, size_average, reduce)
    return triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance, margin=margin, swap=swap, reduction=reduction
    )


def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """``triplet_margin_loss`` with a distance of one's own."""
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if distance_function is None:
        from penlight.nn.functional.distance import pairwise_distance as distance_function
    reduction = reduction_name(reduction)
    near, far = distance_function(anchor, positive), distance_function(anchor, negative)
    if swap:
        far = penlight.minimum(far, distance_function(positive, negative))
    return reduced((near - far + margin).clamp_min(0), reduction)

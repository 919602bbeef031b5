"""Losses of classification: predictions are scores for each class."""

import penlight
from penlight import _C
from penlight.nn.functional.loss import reduced, reduction_name


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """Minus the log-probability of the target's class.

    Args:
        input: log-probabilities ``(C)``, ``(N, C)`` or ``(N, C, d1, ...)``.
        target: class numbers, int64, ``()``, ``(N)`` or ``(N, d1, ...)``.
        weight: a factor for each class ``(C)``; the mean divides by the sum of the factors used.
        ignore_index: targets of this number count for nothing.

    Raises:
        IndexError: a target is no class number.
        RuntimeError, ValueError: shapes or dtypes do not fit.
    """
    return _C.nll_loss(input, target, weight, reduction_name(reduction, size_average, reduce), ignore_index)


def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    """``nll_loss(log_softmax(input), target)``, or with class probabilities as the target.

    Args:
        input: scores ``(C)``, ``(N, C)`` or ``(N, C, d1, ...)``.
        target: class numbers, int64, without the dimension C; or probabilities of the input's shape and
            dtype.
        weight: a factor for each class ``(C)``.
        ignore_index: targets of this number count for nothing (class numbers only).
        label_smoothing: this much of the target, in [0, 1], is spread evenly over all classes.

    >>> import penlight
    >>> penlight.nn.functional.cross_entropy(penlight.zeros(1, 2), penlight.tensor([1]))
    tensor(0.6931)
    """
    reduction = reduction_name(reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if input.dim() == 0:
        raise RuntimeError("cross_entropy: input must have at least one dimension, the classes")
    class_dim = 0 if input.dim() == 1 else 1
    if input.size() == target.size():
        return _soft_targets(input, target, weight, ignore_index, reduction, label_smoothing, class_dim)
    log_probs = _C.log_softmax(input, class_dim)
    loss = _C.nll_loss(log_probs, target, weight, reduction, ignore_index)
    if label_smoothing == 0:
        return loss
    smooth = _smooth_loss(log_probs, target, weight, ignore_index, reduction, class_dim)
    share = label_smoothing / max(input.size(class_dim), 1)
    return loss * (1 - label_smoothing) + smooth * share


def _per_class(weight, input, class_dim):
    """The classes' weights, shaped to broadcast over the input."""
    shape = [1] * input.dim()
    shape[class_dim] = weight.numel()
    return weight.reshape(shape)


def _smooth_loss(log_probs, target, weight, ignore_index, reduction, class_dim):
    """The loss of evenly spread targets, with the same elements ignored and the same divisor for the mean."""
    weighted = log_probs if weight is None else log_probs * _per_class(weight, log_probs, class_dim)
    ignored = target == ignore_index
    loss = (-weighted.sum(class_dim)).masked_fill(ignored, 0.0)
    if reduction != "mean":
        return reduced(loss, reduction)
    if weight is None:
        return loss.sum() / (~ignored).sum()
    used = weight.index_select(0, target.masked_fill(ignored, 0).reshape(-1))
    return loss.sum() / used.masked_fill(ignored.reshape(-1), 0.0).sum()


def _soft_targets(input, target, weight, ignore_index, reduction, label_smoothing, class_dim):
    if not target.is_floating_point():
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {_scalar_name(target)}"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    classes = input.size(class_dim)
    if weight is not None and (weight.dim() != 1 or weight.numel() != classes):
        raise RuntimeError(
            "cross_entropy: weight tensor should be defined either for all "
            f"{classes} classes or no classes but got weight tensor of shape: {list(weight.shape)}"
        )
    if label_smoothing > 0:
        target = target * (1 - label_smoothing) + label_smoothing / max(classes, 1)
    products = _C.log_softmax(input, class_dim) * target
    if weight is not None:
        products = products * _per_class(weight, input, class_dim)
    if reduction == "none":
        return -products.sum(class_dim)
    if reduction == "sum":
        return -products.sum()
    return -products.sum() / (input.numel() // max(classes, 1))


def _scalar_name(tensor):
    return tensor.type().rpartition(".")[2].removesuffix("Tensor")


def multi_margin_loss(
    input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """``sum over wrong classes of max(0, margin - input[target] + input[i]) ** p / C``.

    ``input`` is ``(N, C)`` or ``(C)``, ``target`` the class numbers ``(N)`` or ``()``.
    """
    reduction = reduction_name(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if input.dim() not in (1, 2):
        raise RuntimeError(f"multi_margin_loss: input must have 1 or 2 dimensions, got {input.dim()}")
    scores = input if input.dim() == 2 else input.unsqueeze(0)
    index = target.reshape(-1, 1)
    if index.size(0) != scores.size(0):
        raise RuntimeError(
            f"inconsistent target size, expected {scores.size(0)} but got {list(target.shape)}"
        )
    distance = (margin - scores.gather(1, index) + scores).clamp_min(0)
    if p == 2:
        distance = distance * distance
    if weight is not None:
        distance = distance * weight.index_select(0, index.reshape(-1)).unsqueeze(1)
    right = penlight.zeros(scores.shape, dtype=penlight.bool).scatter_(1, index, True)
    loss = distance.masked_fill(right, 0.0).sum(1) / scores.size(1)
    return reduced(loss if input.dim() == 2 else loss[0], reduction)


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """The mean over the classes (last dimension) of ``binary_cross_entropy_with_logits``."""
    reduction = reduction_name(reduction, size_average, reduce)
    loss = -(target * _C.logsigmoid(input) + (1 - target) * _C.logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.mean(-1), reduction)

"""Holding gradients below a size."""

import penlight
from penlight import Tensor


def _as_list(tensors):
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The ``norm_type``-norm of all tensors together, as if they were one vector."""
    norms = [penlight.norm(tensor.detach(), float(norm_type)) for tensor in _as_list(tensors)]
    if not norms:
        return penlight.tensor(0.0)
    total = penlight.norm(penlight.stack(norms), float(norm_type))
    if error_if_nonfinite and not bool(penlight.isfinite(total)):
        raise RuntimeError(
            f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite, "
            f"so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite norm anyway, "
            "set `error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """Scales all gradients by ``max_norm / total_norm`` where that is below 1."""
    factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for parameter in _as_list(parameters):
        if parameter.grad is not None:
            parameter.grad.detach().mul_(factor)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scales the gradients of all parameters together so that their norm is at most ``max_norm``.

    Returns:
        The norm before.

    >>> import penlight
    >>> p = penlight.nn.Parameter(penlight.ones(2))
    >>> p.grad = penlight.tensor([3.0, 4.0])
    >>> penlight.nn.utils.clip_grad_norm_([p], max_norm=1.0)
    tensor(5.)
    """
    parameters = _as_list(parameters)
    grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Holds every element of the gradients between ``-clip_value`` and ``clip_value``."""
    clip_value = float(clip_value)
    with penlight.no_grad():
        for parameter in _as_list(parameters):
            if parameter.grad is not None:
                parameter.grad.clamp_(min=-clip_value, max=clip_value)

"""Activations: functions applied to every element, and softmax along one dimension.

All take a tensor of any shape and return one of the same shape (``glu`` halves one dimension).
With ``inplace=True`` the result is written into the input.
"""

import math
import warnings

import penlight
from penlight import _C

sigmoid = _C.sigmoid
tanh = _C.tanh
logsigmoid = _C.logsigmoid
softplus = _C.softplus


def _finish(function, input, inplace):
    """``function(input)``, or in place: from a copy, because the derivative may need the old values."""
    if inplace:
        return input.copy_(function(input.clone()))
    return function(input)


def relu(input, inplace=False):
    """``max(0, x)``.

    >>> import penlight
    >>> penlight.nn.functional.relu(penlight.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return _C.relu_(input) if inplace else _C.relu(input)


def relu_(input):
    """``relu`` in place."""
    return _C.relu_(input)


def relu6(input, inplace=False):
    """``min(max(0, x), 6)``."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """``x`` held between ``min_val`` and ``max_val``; the derivative is zero at and beyond both."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return _finish(lambda x: _C.hardtanh(x, min_val, max_val), input, inplace)


def hardtanh_(input, min_val=-1.0, max_val=1.0):
    """``hardtanh`` in place."""
    return hardtanh(input, min_val, max_val, inplace=True)


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """``x`` where positive, else ``negative_slope * x``."""
    return _finish(lambda x: _C.leaky_relu(x, negative_slope), input, inplace)


def leaky_relu_(input, negative_slope=0.01):
    """``leaky_relu`` in place."""
    return leaky_relu(input, negative_slope, inplace=True)


def elu(input, alpha=1.0, inplace=False):
    """``x`` where positive, else ``alpha * (exp(x) - 1)``."""
    return _finish(lambda x: _C.elu(x, alpha), input, inplace)


def elu_(input, alpha=1.0):
    """``elu`` in place."""
    return elu(input, alpha, inplace=True)


# The two constants for which mean 0 and variance 1 are a fixed point (Klambauer et al. 2017,
# "Self-Normalizing Neural Networks", section 2).
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def selu(input, inplace=False):
    """``scale * elu(x, alpha)`` with the constants of self-normalizing nets (Klambauer et al. 2017)."""
    return _finish(lambda x: _C.elu(x, _SELU_ALPHA, _SELU_SCALE), input, inplace)


def selu_(input):
    """``selu`` in place."""
    return selu(input, inplace=True)


def celu(input, alpha=1.0, inplace=False):
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _finish(lambda x: _C.elu(x, alpha, 1.0, 1.0 / alpha), input, inplace)


def celu_(input, alpha=1.0):
    """``celu`` in place."""
    return celu(input, alpha, inplace=True)


def gelu(input, approximate="none"):
    """``x * Phi(x)`` with the normal distribution's Phi; ``approximate="tanh"`` for its usual approximation.

    Hendrycks and Gimpel 2016, "Gaussian Error Linear Units".
    """
    return _C.gelu(input, approximate=approximate)


def silu(input, inplace=False):
    """``x * sigmoid(x)``."""
    return _finish(_C.silu, input, inplace)


def mish(input, inplace=False):
    """``x * tanh(softplus(x))``."""
    return _finish(_C.mish, input, inplace)


def glu(input, dim=-1):
    """The first half along ``dim`` times the sigmoid of the second half."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    if input.size(dim) % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.size(dim)}")
    values, gates = input.chunk(2, dim)
    return values * penlight.sigmoid(gates)


def prelu(input, weight):
    """``x`` where positive, else ``weight * x``; ``weight`` is one number or one a channel (dim 1)."""
    if weight.numel() != 1:
        if weight.dim() > 1:
            raise RuntimeError(
                f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.dim()}"
            )
        if input.dim() == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.size(1) if input.dim() > 1 else 1
        if channels != weight.numel():
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.numel()} and channel size = {channels}."
            )
        weight = weight.reshape([1, -1] + [1] * (input.dim() - 2))
    elif input.dim() < weight.dim():
        weight = weight.reshape([1] * input.dim())
    return penlight.where(input > 0, input, weight * input)


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """Leaky ReLU whose slope is drawn anew for each negative element in training, else the slopes' mean."""
    if not 0 <= lower <= upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    # One number for each element that is not positive, in their order, drawn in double precision.
    sloped = input <= 0
    drawn = penlight.empty(int(sloped.sum()), dtype=penlight.float64).uniform_(lower, upper)
    slope = penlight.ones_like(input, requires_grad=False).masked_scatter(sloped, drawn.to(input.dtype))
    return _finish(lambda x: x * slope, input, inplace)


def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False):
    """``rrelu`` in place."""
    return rrelu(input, lower, upper, training, inplace=True)


def threshold(input, threshold, value, inplace=False):
    """``x`` where it is above ``threshold``, else ``value``."""
    return _finish(lambda x: x.masked_fill(~(x > threshold), value), input, inplace)


def threshold_(input, threshold_, value):
    """``threshold`` in place."""
    return threshold(input, threshold_, value, inplace=True)


def hardshrink(input, lambd=0.5):
    """``x`` where ``|x| > lambd``, else 0."""
    return input.masked_fill((input >= -lambd) & (input <= lambd), 0.0)


def softshrink(input, lambd=0.5):
    """``x`` moved towards 0 by ``lambd``, 0 where that would cross it."""
    if not lambd >= 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    shifted = penlight.where(input > 0, input - lambd, input + lambd)
    return shifted.masked_fill((input >= -lambd) & (input <= lambd), 0.0)


def tanhshrink(input):
    """``x - tanh(x)``."""
    return input - input.tanh()


def softsign(input):
    """``x / (1 + |x|)``."""
    return input / (input.abs() + 1)


def hardsigmoid(input, inplace=False):
    """``relu6(x + 3) / 6``."""
    return _finish(lambda x: _C.hardtanh(x + 3, 0.0, 6.0) / 6, input, inplace)


def hardswish(input, inplace=False):
    """``x * relu6(x + 3) / 6``."""
    return _finish(_C.hardswish, input, inplace)


def _softmax_dim(name, input, dim):
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. "
        "Change the call to include dim=X as an argument.",
        stacklevel=3,
    )
    return 0 if input.dim() in (0, 1, 3) else 1


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """``exp(x) / sum(exp(x))`` along ``dim``.

    >>> import penlight
    >>> penlight.nn.functional.softmax(penlight.zeros(2), dim=0)
    tensor([0.5000, 0.5000])
    """
    return _C.softmax(input, _softmax_dim("softmax", input, dim), dtype=dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """``softmax(-x)`` along ``dim``."""
    return _C.softmax(-input, _softmax_dim("softmin", input, dim), dtype=dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """``log(softmax(x))`` along ``dim``, computed without overflow."""
    return _C.log_softmax(input, _softmax_dim("log_softmax", input, dim), dtype=dtype)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """A sample of the Gumbel-softmax distribution (Jang et al. 2016).

    Args:
        logits: unnormalised log-probabilities.
        tau: temperature, above 0.
        hard: return one-hot samples, whose gradient is that of the soft ones.
        dim: the dimension along which softmax is taken.
    """
    gumbels = -penlight.empty_like(logits).exponential_().log()
    soft = _C.softmax((logits + gumbels) / tau, dim)
    if not hard:
        return soft
    index = soft.argmax(dim, keepdim=True)
    one_hot = penlight.zeros_like(logits).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    """``softmax(query @ key^T * scale + mask) @ value``.

    Args:
        query: ``(..., L, E)``. key: ``(..., S, E)``. value: ``(..., S, Ev)``.
        attn_mask: broadcasts to ``(..., L, S)``; boolean (False: not attended to) or added to the scores.
        is_causal: a position attends to itself and earlier ones only; not together with ``attn_mask``.
        scale: ``1 / sqrt(E)`` when left out.
        enable_gqa: repeat the heads (dim -3) of key and value to those of the query.
    """
    from penlight.nn.functional.dropout import dropout

    if scale is None:
        scale = 1 / math.sqrt(max(query.size(-1), 1))  # products of nothing are 0 at any scale
    if enable_gqa:
        key, value = (_repeat_heads(heads, query.size(-3)) for heads in (key, value))
    scores = query @ key.transpose(-2, -1) * scale
    if is_causal:
        if attn_mask is not None:
            raise RuntimeError(
                "scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
            )
        attn_mask = penlight.ones(query.size(-2), key.size(-2), dtype=penlight.bool).tril()
    if attn_mask is not None:
        scores = (
            scores.masked_fill(~attn_mask, -math.inf)
            if attn_mask.dtype == penlight.bool
            else scores + attn_mask
        )
    weights = _C.softmax(scores, -1)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p)
    return weights @ value


def _repeat_heads(heads, wanted):
    """Each head (dim -3) several times in a row, so that there are as many as wanted."""
    *lead, count, length, width = heads.shape
    if count == 0 or wanted % count:
        raise RuntimeError(f"scaled_dot_product_attention: {count} heads cannot be repeated to {wanted}")
    repeated = heads.unsqueeze(-3).expand(*lead, count, wanted // count, length, width)
    return repeated.reshape(*lead, wanted, length, width)

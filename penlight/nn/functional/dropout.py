"""Dropout: elements or whole channels are set to zero at random in training, the others scaled up."""

import math
import warnings

import penlight


def _check(p):
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _times_noise(input, noise_shape, p, inplace):
    """The input times 0 with probability p, else times 1 / (1 - p)."""
    if p == 1:
        noise = penlight.zeros((), dtype=input.dtype)
    else:
        noise = penlight._C._empty_random(noise_shape, input.dtype).bernoulli_(1 - p).div_(1 - p)
    return input.mul_(noise) if inplace else input * noise


def dropout(input, p=0.5, training=True, inplace=False):
    """Sets each element to zero with probability ``p`` and scales the others by ``1 / (1 - p)``.

    Does nothing where ``training`` is false. Srivastava et al. 2014, "Dropout".
    """
    _check(p)
    if p == 0 or not training or input.numel() == 0:
        return input
    return _times_noise(input, input.shape, p, inplace)


def _channels(input):
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return [*input.shape[:2], *[1] * (input.dim() - 2)]


def _feature_dropout(name, input, p, training, inplace, unbatched_dim):
    _check(p)
    if p == 0 or not training or input.numel() == 0:
        return input
    if input.dim() == unbatched_dim:
        result = _times_noise(input.unsqueeze(0), _channels(input.unsqueeze(0)), p, inplace)
        return input if inplace else result.squeeze(0)
    if input.dim() != unbatched_dim + 1 and unbatched_dim != 2:
        warnings.warn(
            f"{name}: Received a {input.dim()}-D input to {name}, which is deprecated and will result in "
            f"an error "
            "in a future release.",
            stacklevel=3,
        )
    return _times_noise(input, _channels(input), p, inplace)


def dropout1d(input, p=0.5, training=True, inplace=False):
    """Drops whole channels of ``(N, C, L)`` or ``(C, L)``, each with probability ``p``."""
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. "
            "Note that dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, "
            "a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    return _feature_dropout("dropout1d", input, p, training, inplace, 2)


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Drops whole channels of ``(N, C, H, W)``, each with probability ``p``; also of ``(N, C, L)``."""
    if input.dim() == 3:
        _check(p)
        if p == 0 or not training or input.numel() == 0:
            return input
        return _times_noise(input, _channels(input), p, inplace)
    return _feature_dropout("dropout2d", input, p, training, inplace, 3)


def dropout3d(input, p=0.5, training=True, inplace=False):
    """Drops whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)``, each with probability ``p``."""
    return _feature_dropout("dropout3d", input, p, training, inplace, 4)


# The negative saturation of SELU, times -1: scale * alpha (see penlight/nn/functional/activation.py).
_ALPHA = 1.7580993408473766


def _alpha_noise(input, noise_shape, p, inplace):
    a = 1.0 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p)) if p < 1 else 0.0
    kept = penlight._C._empty_random(noise_shape, input.dtype).bernoulli_(1 - p)
    shift = (kept - 1).mul_(_ALPHA * a).add_(_ALPHA * a * p)
    kept.mul_(a)
    return input.mul_(kept).add_(shift) if inplace else input * kept + shift


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout that keeps mean 0 and variance 1 of SELU nets (Klambauer et al. 2017, section 3)."""
    _check(p)
    if p == 0 or not training or input.numel() == 0:
        return input
    return _alpha_noise(input, input.shape, p, inplace)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """``alpha_dropout`` of whole channels (dim 1)."""
    _check(p)
    if p == 0 or not training or input.numel() == 0:
        return input
    return _alpha_noise(input, _channels(input), p, inplace)

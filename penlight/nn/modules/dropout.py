"""Dropout as modules: active in training mode only."""

from typing import Any

from penlight.nn import functional as F
from penlight.nn.modules.module import Module


class _Dropout(Module):
    _function: Any = None

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input):
        return type(self)._function(input, self.p, self.training, self.inplace)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Sets each element to zero with probability ``p`` and scales the others by ``1 / (1 - p)``."""

    _function = staticmethod(F.dropout)


class Dropout1d(_Dropout):
    """Drops whole channels of ``(N, C, L)`` or ``(C, L)``."""

    _function = staticmethod(F.dropout1d)


class Dropout2d(_Dropout):
    """Drops whole channels of ``(N, C, H, W)``."""

    _function = staticmethod(F.dropout2d)


class Dropout3d(_Dropout):
    """Drops whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)``."""

    _function = staticmethod(F.dropout3d)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean and variance of SELU nets."""

    _function = staticmethod(F.alpha_dropout)

    def forward(self, input):
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """``AlphaDropout`` of whole channels."""

    def forward(self, input):
        return F.feature_alpha_dropout(input, self.p, self.training)

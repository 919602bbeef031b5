"""Nets: modules, their parameters, the functions behind them, and how weights start.

``penlight.nn.functional`` has the functions, ``penlight.nn.init`` the initial values, ``penlight.nn.utils``
helpers for gradients and parameters.
"""

from penlight.nn import functional, init, modules, utils
from penlight.nn.modules import *  # noqa: F403
from penlight.nn.modules import __all__ as _modules
from penlight.nn.parameter import Buffer, Parameter

__all__ = ["Buffer", "Parameter", "functional", "init", "modules", "utils", *_modules]

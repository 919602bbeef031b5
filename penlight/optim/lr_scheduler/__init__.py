"""Schedules of learning rates; call ``scheduler.step()`` after an epoch's ``optimizer.step()``."""

from penlight.optim.lr_scheduler.base import LRScheduler
from penlight.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from penlight.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from penlight.optim.lr_scheduler.cycle import OneCycleLR
from penlight.optim.lr_scheduler.plateau import ReduceLROnPlateau
from penlight.optim.lr_scheduler.simple import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)

_LRScheduler = LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

"""Optimizers, one a file, and schedules of their learning rates."""

from penlight.optim import lr_scheduler
from penlight.optim.adadelta import Adadelta
from penlight.optim.adagrad import Adagrad
from penlight.optim.adam import Adam, AdamW
from penlight.optim.adamax import Adamax
from penlight.optim.optimizer import Optimizer
from penlight.optim.rmsprop import RMSprop
from penlight.optim.sgd import SGD

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Optimizer", "RMSprop", "lr_scheduler"]

"""Schedules made of schedules."""

from bisect import bisect_right

from penlight.optim.lr_scheduler.base import LRScheduler
from penlight.optim.lr_scheduler.plateau import ReduceLROnPlateau


class SequentialLR(LRScheduler):
    """One schedule after another: the next begins at each of the epochs ``milestones``."""

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        _check(self, optimizer, schedulers)
        if any(isinstance(scheduler, ReduceLROnPlateau) for scheduler in schedulers):
            raise ValueError(
                "SequentialLR does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs"
            )
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the "
                "number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of "
                f"milestones to be equal to {len(milestones)}"
            )
        self.optimizer = optimizer
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        # Making a schedule moved it (and the rates) by a step: take that back, and make the first one's
        # again.
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for scheduler in schedulers:
            scheduler.last_epoch -= 1
        first = schedulers[0]
        first._is_initial = True
        first._move(None)
        first._is_initial = False
        self._last_lr = first.get_last_lr()

    def step(self):
        """Goes on to the next epoch."""
        self.last_epoch += 1
        place = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[place]
        if place > 0 and self._milestones[place - 1] == self.last_epoch:
            scheduler._is_initial = True
            scheduler._move(0)
            scheduler._is_initial = False
        else:
            scheduler._move(None)
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self):
        """The states of all schedules, without the optimizer."""
        return _state(self)

    def load_state_dict(self, state_dict):
        _load(self, state_dict)


class ChainedScheduler(LRScheduler):
    """Several schedules at once: each changes what the one before it set."""

    def __init__(self, schedulers, optimizer=None):
        if len(schedulers) < 1:
            raise ValueError(
                "ChainedScheduler expects at least one scheduler to be chained, but got no scheduler."
            )
        optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        _check(self, optimizer, schedulers)
        self.optimizer = optimizer
        self._schedulers = schedulers
        self._last_lr = self._rates()

    def step(self):
        """Goes on to the next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._rates()

    def state_dict(self):
        """The states of all schedules, without the optimizer."""
        return _state(self)

    def load_state_dict(self, state_dict):
        _load(self, state_dict)


def _check(owner, optimizer, schedulers):
    name = type(owner).__name__
    if len(schedulers) < 1:
        raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
    for i, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute.")
        if scheduler.optimizer is not optimizer:
            raise ValueError(
                f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                f"{type(scheduler).__name__} at index {i} has {scheduler.optimizer}, which is different from "
                f"{type(optimizer).__name__}."
            )


def _state(owner):
    state = {k: v for k, v in owner.__dict__.items() if k not in ("optimizer", "_schedulers")}
    state["_schedulers"] = [scheduler.state_dict() for scheduler in owner._schedulers]
    return state


def _load(owner, state_dict):
    state_dict = dict(state_dict)
    states = state_dict.pop("_schedulers")
    owner.__dict__.update(state_dict)
    for scheduler, state in zip(owner._schedulers, states, strict=True):
        scheduler.load_state_dict(state)

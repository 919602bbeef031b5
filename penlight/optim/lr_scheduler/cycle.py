"""One cycle of rising and falling learning rate and momentum (Smith and Topin 2017)."""

import math

from penlight.optim.lr_scheduler.base import LRScheduler


def _cosine(start, end, share):
    return end + (start - end) / 2.0 * (1 + math.cos(math.pi * share))


def _line(start, end, share):
    return (end - start) * share + start


class OneCycleLR(LRScheduler):
    """Rises from ``max_lr / div_factor`` to ``max_lr`` and falls to ``max_lr / div_factor /
    final_div_factor``.

    Step it after every batch.

    Args:
        max_lr: the highest rate, one or one for each group.
        total_steps: number of steps of the cycle; or ``epochs`` and ``steps_per_epoch``.
        pct_start: share of the steps that rise.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: move momentum (or the first beta) the other way, between ``base_momentum`` and
            ``max_momentum``.
        three_phase: fall back as long as the rate rose, and then on to the lowest one.
    """

    def __init__(
        self,
        optimizer,
        max_lr,
        total_steps=None,
        epochs=None,
        steps_per_epoch=None,
        pct_start=0.3,
        anneal_strategy="cos",
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase=False,
        last_epoch=-1,
    ):
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        rising = pct_start * self.total_steps - 1
        # Each phase: its last step, and the group's entries it begins and ends with.
        if three_phase:
            self._schedule_phases = [
                _phase(rising, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                _phase(
                    2 * pct_start * self.total_steps - 2,
                    "max_lr",
                    "initial_lr",
                    "base_momentum",
                    "max_momentum",
                ),
                _phase(self.total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            self._schedule_phases = [
                _phase(rising, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                _phase(self.total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"),
            ]
        self._anneal_func_type = anneal_strategy
        self.cycle_momentum = cycle_momentum
        groups = optimizer.param_groups
        if last_epoch == -1:
            for group, highest in zip(groups, _each("max_lr", max_lr, groups), strict=True):
                group["initial_lr"] = highest / div_factor
                group["max_lr"] = highest
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
                raise ValueError(
                    "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
                )
            self.use_beta1 = "betas" in optimizer.defaults
            if last_epoch == -1:
                highest = _each("max_momentum", max_momentum, groups)
                lowest = _each("base_momentum", base_momentum, groups)
                for group, high, low in zip(groups, highest, lowest, strict=True):
                    self._set_momentum(group, high)
                    group["max_momentum"] = high
                    group["base_momentum"] = low
        super().__init__(optimizer, last_epoch)

    def _set_momentum(self, group, momentum):
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum

    def get_lr(self):
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The total number of steps is {self.total_steps}"
            )
        anneal = _cosine if self._anneal_func_type == "cos" else _line
        rates = []
        for group in self.optimizer.param_groups:
            begun = 0.0
            for phase in self._schedule_phases:
                if self.last_epoch <= phase["end_step"] or phase is self._schedule_phases[-1]:
                    share = (self.last_epoch - begun) / (phase["end_step"] - begun)
                    rates.append(anneal(group[phase["start_lr"]], group[phase["end_lr"]], share))
                    if self.cycle_momentum:
                        start, end = group[phase["start_momentum"]], group[phase["end_momentum"]]
                        self._set_momentum(group, anneal(start, end, share))
                    break
                begun = phase["end_step"]
        return rates


def _phase(end_step, start_lr, end_lr, start_momentum, end_momentum):
    return {
        "end_step": end_step,
        "start_lr": start_lr,
        "end_lr": end_lr,
        "start_momentum": start_momentum,
        "end_momentum": end_momentum,
    }


def _total_steps(total_steps, epochs, steps_per_epoch):
    if total_steps is not None:
        if total_steps <= 0 or not isinstance(total_steps, int):
            raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    for name, value in (("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
    return epochs * steps_per_epoch


def _each(name, value, groups):
    """The value of each group."""
    if not isinstance(value, (list, tuple)):
        return [value] * len(groups)
    if len(value) != len(groups):
        raise ValueError(f"expected {len(groups)} values for {name}, got {len(value)}")
    return list(value)

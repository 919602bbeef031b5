"""Adagrad."""

import penlight
from penlight.optim.optimizer import Optimizer, check_at_least_zero


def adagrad_update(param, grad, total, step, *, lr, lr_decay, eps, weight_decay):
    """One step of one parameter, in place; ``total`` is the sum of squared gradients. Duchi et al. 2011."""
    if weight_decay != 0:
        grad = grad.add(param, alpha=weight_decay)
    total.addcmul_(grad, grad, value=1)
    param.addcdiv_(grad, total.sqrt().add_(eps), value=-(lr / (1 + (step - 1) * lr_decay)))


class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients so far.

    Args:
        params: parameters or groups of them.
        lr: learning rate; lr_decay: divides it by ``1 + (step - 1) * lr_decay``.
        weight_decay: this much of the parameter is added to its gradient.
        initial_accumulator_value: what the sums start at.
        eps: added to the divisor.
        maximize: go uphill.
        foreach, fused: taken for compatibility; results do not depend on them.
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0,
        weight_decay=0,
        initial_accumulator_value=0,
        eps=1e-10,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        fused=None,
    ):
        check_at_least_zero(
            learning__rate=lr,
            lr_decay__value=lr_decay,
            weight_decay__value=weight_decay,
            initial_accumulator_value__value=initial_accumulator_value,
            epsilon__value=eps,
        )
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        for group in self.param_groups:
            for param in group["params"]:
                self._start(param, group)

    def _start(self, param, group):
        start = group["initial_accumulator_value"]
        self.state[param] = {"step": penlight.tensor(0.0), "sum": penlight.full_like(param, start)}

    def step(self, closure=None):
        return self._step(closure)

    def _update_all(self, params, grads, group):
        for param in params:
            if not self.state[param]:  # a parameter of a group that was added later
                self._start(param, group)
        states = [self.state[param] for param in params]
        return penlight._C._adagrad_step(
            params,
            grads,
            [state["sum"] for state in states],
            [state["step"] for state in states],
            group["lr"],
            group["lr_decay"],
            group["eps"],
            group["weight_decay"],
            group["maximize"],
        )

    def _update(self, param, grad, state, group):
        if not state:
            self._start(param, group)
            state = self.state[param]
        state["step"] += 1
        adagrad_update(
            param,
            grad,
            state["sum"],
            float(state["step"]),
            lr=group["lr"],
            lr_decay=group["lr_decay"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
        )

"""Adamax."""

import penlight
from penlight.optim.optimizer import Optimizer, check_at_least_zero, check_betas


def adamax_update(param, grad, exp_avg, exp_inf, step, *, lr, beta1, beta2, eps, weight_decay):
    """One step of one parameter, in place. Kingma and Ba 2014, algorithm 2."""
    if weight_decay != 0:
        grad = grad.add(param, alpha=weight_decay)
    exp_avg.lerp_(grad, 1 - beta1)
    exp_inf.copy_(penlight.maximum(exp_inf * beta2, grad.abs().add_(eps)))
    param.addcdiv_(exp_avg, exp_inf, value=-(lr / (1 - beta1**step)))


class Adamax(Optimizer):
    """Adam with the largest decayed gradient in place of the root mean square.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        betas: decay rates, in [0, 1).
        eps: added to each gradient's size.
        weight_decay: this much of the parameter is added to its gradient.
        maximize: go uphill.
        foreach, capturable: taken for compatibility; results do not depend on them.
    """

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        check_at_least_zero(learning__rate=lr, epsilon__value=eps)
        check_betas(betas)
        check_at_least_zero(weight_decay__value=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def step(self, closure=None):
        return self._step(closure)

    def _state(self, param):
        state = self.state[param]
        if not state:
            state["step"] = penlight.tensor(0.0)
            state["exp_avg"] = penlight.zeros_like(param)
            state["exp_inf"] = penlight.zeros_like(param)
        return state

    def _update_all(self, params, grads, group):
        states = [self._state(param) for param in params]
        return penlight._C._adamax_step(
            params,
            grads,
            [state["exp_avg"] for state in states],
            [state["exp_inf"] for state in states],
            [state["step"] for state in states],
            group["lr"],
            *group["betas"],
            group["eps"],
            group["weight_decay"],
            group["maximize"],
        )

    def _update(self, param, grad, state, group):
        state = self._state(param)
        state["step"] += 1
        beta1, beta2 = group["betas"]
        adamax_update(
            param,
            grad,
            state["exp_avg"],
            state["exp_inf"],
            float(state["step"]),
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            eps=group["eps"],
            weight_decay=group["weight_decay"],
        )

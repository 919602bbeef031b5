"""Adadelta."""

import penlight
from penlight.optim.optimizer import Optimizer, check_at_least_zero


def adadelta_update(param, grad, square_avg, acc_delta, *, lr, rho, eps, weight_decay):
    """One step of one parameter, in place. Zeiler 2012, algorithm 1."""
    if weight_decay != 0:
        grad = grad.add(param, alpha=weight_decay)
    square_avg.mul_(rho).addcmul_(grad, grad, value=1 - rho)
    delta = acc_delta.add(eps).sqrt_().div_(square_avg.add(eps).sqrt_()).mul_(grad)
    acc_delta.mul_(rho).addcmul_(delta, delta, value=1 - rho)
    param.add_(delta, alpha=-lr)


class Adadelta(Optimizer):
    """Steps in the ratio of the root mean squares of past steps and past gradients.

    Args:
        params: parameters or groups of them.
        lr: factor of the steps.
        rho: decay rate of both running means, in [0, 1].
        eps: added to both.
        weight_decay: this much of the parameter is added to its gradient.
        maximize: go uphill.
        foreach, capturable: taken for compatibility; results do not depend on them.
    """

    def __init__(
        self,
        params,
        lr=1.0,
        rho=0.9,
        eps=1e-6,
        weight_decay=0,
        foreach=None,
        *,
        capturable=False,
        maximize=False,
        differentiable=False,
    ):
        check_at_least_zero(learning__rate=lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_at_least_zero(epsilon__value=eps, weight_decay__value=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def step(self, closure=None):
        return self._step(closure)

    def _state(self, param):
        state = self.state[param]
        if not state:
            state["step"] = penlight.tensor(0.0)
            state["square_avg"] = penlight.zeros_like(param)
            state["acc_delta"] = penlight.zeros_like(param)
        return state

    def _update_all(self, params, grads, group):
        states = [self._state(param) for param in params]
        return penlight._C._adadelta_step(
            params,
            grads,
            [state["square_avg"] for state in states],
            [state["acc_delta"] for state in states],
            [state["step"] for state in states],
            group["lr"],
            group["rho"],
            group["eps"],
            group["weight_decay"],
            group["maximize"],
        )

    def _update(self, param, grad, state, group):
        state = self._state(param)
        state["step"] += 1
        adadelta_update(
            param,
            grad,
            state["square_avg"],
            state["acc_delta"],
            lr=group["lr"],
            rho=group["rho"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
        )

"""RMSprop."""

import penlight
from penlight.optim.optimizer import Optimizer, check_at_least_zero


def rmsprop_update(
    param,
    grad,
    square_avg,
    grad_avg,
    buffer,
    *,
    lr,
    alpha,
    eps,
    weight_decay,
    momentum,
):
    """One step of one parameter, in place.

    ``square_avg`` is the running mean of squared gradients (Hinton's lecture 6 of 2012); ``grad_avg`` that of
    gradients, for the centered form (Graves 2013); ``buffer`` the momentum. The last two may be None.
    """
    if weight_decay != 0:
        grad = grad.add(param, alpha=weight_decay)
    square_avg.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
    if grad_avg is None:
        divisor = square_avg.sqrt()
    else:
        grad_avg.lerp_(grad, 1 - alpha)
        divisor = square_avg.addcmul(grad_avg, grad_avg, value=-1).sqrt_()
    divisor.add_(eps)
    if buffer is None:
        param.addcdiv_(grad, divisor, value=-lr)
    else:
        buffer.mul_(momentum).addcdiv_(grad, divisor)
        param.add_(buffer, alpha=-lr)


class RMSprop(Optimizer):
    """Steps divided by the root of a running mean of squared gradients.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        alpha: decay rate of the running mean.
        eps: added to the divisor.
        weight_decay: this much of the parameter is added to its gradient.
        momentum: share of the last step that is kept.
        centered: divide by the standard deviation instead of the root mean square.
        maximize: go uphill.
        capturable, foreach: taken for compatibility; results do not depend on them.
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        check_at_least_zero(
            learning__rate=lr,
            epsilon__value=eps,
            momentum__value=momentum,
            weight_decay__value=weight_decay,
            alpha__value=alpha,
        )
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def step(self, closure=None):
        return self._step(closure)

    def _state(self, param, group):
        state = self.state[param]
        if not state:
            state["step"] = penlight.tensor(0.0)
            state["square_avg"] = penlight.zeros_like(param)
            if group["momentum"] > 0:
                state["momentum_buffer"] = penlight.zeros_like(param)
            if group["centered"]:
                state["grad_avg"] = penlight.zeros_like(param)
        return state

    def _update_all(self, params, grads, group):
        states = [self._state(param, group) for param in params]
        return penlight._C._rmsprop_step(
            params,
            grads,
            [state["square_avg"] for state in states],
            [state["grad_avg"] for state in states] if group["centered"] else None,
            [state["momentum_buffer"] for state in states] if group["momentum"] > 0 else None,
            [state["step"] for state in states],
            group["lr"],
            group["alpha"],
            group["eps"],
            group["weight_decay"],
            group["momentum"],
            group["maximize"],
        )

    def _update(self, param, grad, state, group):
        state = self._state(param, group)
        state["step"] += 1
        rmsprop_update(
            param,
            grad,
            state["square_avg"],
            state.get("grad_avg") if group["centered"] else None,
            state.get("momentum_buffer") if group["momentum"] > 0 else None,
            lr=group["lr"],
            alpha=group["alpha"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
        )

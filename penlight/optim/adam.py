"""Adam and AdamW."""

import penlight
from penlight.optim.optimizer import Optimizer, check_at_least_zero, check_betas


def adam_update(
    param,
    grad,
    exp_avg,
    exp_avg_sq,
    max_exp_avg_sq,
    step,
    *,
    lr,
    beta1,
    beta2,
    eps,
    weight_decay,
    decoupled_weight_decay,
):
    """One step of one parameter, in place; ``step`` counts from 1.

    Kingma and Ba 2014, algorithm 1; Loshchilov and Hutter 2017 for decoupled weight decay; Reddi et al. 2018
    for the largest second moment so far (``max_exp_avg_sq``, None where it is not kept).
    """
    if weight_decay != 0:
        if decoupled_weight_decay:
            param.mul_(1 - lr * weight_decay)
        else:
            grad = grad.add(param, alpha=weight_decay)
    exp_avg.lerp_(grad, 1 - beta1)
    exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    second = exp_avg_sq
    if max_exp_avg_sq is not None:
        second = penlight.maximum(max_exp_avg_sq, exp_avg_sq)
        max_exp_avg_sq.copy_(second)
    denominator = (second.sqrt() / (1 - beta2**step) ** 0.5).add_(eps)
    param.addcdiv_(exp_avg, denominator, value=-(lr / (1 - beta1**step)))


class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and of its square.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        betas: decay rates of the two running means, in [0, 1).
        eps: added to the divisor.
        weight_decay: this much of the parameter is added to its gradient, or, with
            ``decoupled_weight_decay``, times ``lr`` taken off the parameter itself.
        amsgrad: divide by the largest second moment so far.
        maximize: go uphill.
        foreach, capturable, fused: taken for compatibility; results do not depend on them.
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
        fused=None,
        decoupled_weight_decay=False,
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
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def step(self, closure=None):
        return self._step(closure)

    def _state(self, param, group):
        state = self.state[param]
        if not state:
            state["step"] = penlight.tensor(0.0)
            state["exp_avg"] = penlight.zeros_like(param)
            state["exp_avg_sq"] = penlight.zeros_like(param)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = penlight.zeros_like(param)
        return state

    def _update_all(self, params, grads, group):
        states = [self._state(param, group) for param in params]
        return penlight._C._adam_step(
            params,
            grads,
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [state["max_exp_avg_sq"] for state in states] if group["amsgrad"] else None,
            [state["step"] for state in states],
            group["lr"],
            *group["betas"],
            group["eps"],
            group["weight_decay"],
            group["decoupled_weight_decay"],
            group["maximize"],
        )

    def _update(self, param, grad, state, group):
        state = self._state(param, group)
        state["step"] += 1
        beta1, beta2 = group["betas"]
        adam_update(
            param,
            grad,
            state["exp_avg"],
            state["exp_avg_sq"],
            state.get("max_exp_avg_sq"),
            float(state["step"]),
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            decoupled_weight_decay=group["decoupled_weight_decay"],
        )


class AdamW(Adam):
    """Adam with decoupled weight decay. Loshchilov and Hutter 2017.

    Args: those of :class:`Adam`, with a weight decay of 0.01 unless given.
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=1e-2,
        amsgrad=False,
        *,
        maximize=False,
        foreach=None,
        capturable=False,
        differentiable=False,
        fused=None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

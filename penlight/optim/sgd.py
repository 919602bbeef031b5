"""Stochastic gradient descent."""

import penlight
from penlight.optim.optimizer import Optimizer, check_at_least_zero


def sgd_update(param, grad, buffer, *, lr, momentum, dampening, weight_decay, nesterov):
    """One step of one parameter, in place; returns the momentum buffer (None where there is no momentum).

    ``buffer = momentum * buffer + (1 - dampening) * grad`` (the first gradient itself at the first step),
    ``param -= lr * buffer``, or with ``nesterov`` ``param -= lr * (grad + momentum * buffer)``.
    Sutskever et al. 2013, in the form that multiplies the velocity by the learning rate when it is used.
    """
    if weight_decay != 0:
        grad = grad.add(param, alpha=weight_decay)
    if momentum != 0:
        if buffer is None:
            buffer = grad.detach().clone()
        else:
            buffer.mul_(momentum).add_(grad, alpha=1 - dampening)
        grad = grad.add(buffer, alpha=momentum) if nesterov else buffer
    param.add_(grad, alpha=-lr)
    return buffer


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        momentum: share of the last step that is kept.
        dampening: share of the gradient left out of the momentum.
        weight_decay: this much of the parameter is added to its gradient.
        nesterov: look ahead by the momentum; needs momentum and no dampening.
        maximize: go uphill.
        foreach, fused: taken for compatibility; results do not depend on them.

    >>> import penlight
    >>> p = penlight.nn.Parameter(penlight.tensor([1.0]))
    >>> optimizer = penlight.optim.SGD([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    Parameter containing:
    tensor([0.], requires_grad=True)
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        check_at_least_zero(learning__rate=lr, momentum__value=momentum, weight_decay__value=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def step(self, closure=None):
        return self._step(closure)

    def _update_all(self, params, grads, group):
        momentum = group["momentum"]
        states = [self.state[param] for param in params] if momentum != 0 else []
        buffers = penlight._C._sgd_step(
            params,
            grads,
            [state.get("momentum_buffer") for state in states],
            group["lr"],
            momentum,
            group["dampening"],
            group["weight_decay"],
            group["nesterov"],
            group["maximize"],
        )
        if buffers is None:
            return False
        for state, buffer in zip(states, buffers, strict=True):
            state["momentum_buffer"] = buffer
        return True

    def _update(self, param, grad, state, group):
        buffer = sgd_update(
            param,
            grad,
            state.get("momentum_buffer"),
            lr=group["lr"],
            momentum=group["momentum"],
            dampening=group["dampening"],
            weight_decay=group["weight_decay"],
            nesterov=group["nesterov"],
        )
        if buffer is None:
            del self.state[param]
        else:
            state["momentum_buffer"] = buffer

"""Transforms of functions: derivatives in both directions, and functions of one example mapped over many.

Each takes a function of tensors and gives a function; they nest in any order. ``docs/transforms.md`` explains how
they work.

    >>> import penlight as torch
    >>> from penlight.func import grad, vmap
    >>> third = grad(grad(grad(torch.sin)))
    >>> vmap(third)(torch.tensor([0.0, torch.pi]))
    tensor([-1.,  1.])
"""

from penlight.func.forward import jvp
from penlight.func.gradients import grad, grad_and_value, linearize, vjp
from penlight.func.jacobians import hessian, jacfwd, jacrev
from penlight.func.mapping import vmap
from penlight.func.nets import functional_call, replace_all_batch_norm_modules_, stack_module_state

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]

"""Hooks of modules: those on every module, and the graph boundaries that backward hooks are called at."""

import penlight
from penlight.utils.hooks import HookDict

# Hooks called for every module; each holds the same kind of callable as a module's own dictionary.
global_forward = HookDict()
global_forward_kwargs = HookDict()
global_forward_always = HookDict()
global_forward_pre = HookDict()
global_backward = HookDict()
global_backward_pre = HookDict()


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Calls ``hook(module, args, output)`` after every module's forward."""
    handle = global_forward.add(hook, extra=(global_forward_kwargs, global_forward_always))
    if with_kwargs:
        global_forward_kwargs[handle.id] = True
    if always_call:
        global_forward_always[handle.id] = True
    return handle


def register_module_forward_pre_hook(hook):
    """Calls ``hook(module, args)`` before every module's forward."""
    return global_forward_pre.add(hook)


def register_module_full_backward_hook(hook):
    """Calls ``hook(module, grad_input, grad_output)`` when a module's input gradients are known."""
    return global_backward.add(hook)


def register_module_full_backward_pre_hook(hook):
    """Calls ``hook(module, grad_output)`` before a module's backward runs."""
    return global_backward_pre.add(hook)


def call_forward_pre_hooks(module, args, kwargs):
    hooks = [(hook, False) for hook in global_forward_pre.values()]
    hooks += [
        (hook, key in module._forward_pre_hooks_with_kwargs)
        for key, hook in module._forward_pre_hooks.items()
    ]
    for hook, with_kwargs in hooks:
        if with_kwargs:
            result = hook(module, args, kwargs)
            if result is not None:
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but "
                        f"got {result}."
                    )
                args, kwargs = result
        else:
            result = hook(module, args)
            if result is not None:
                args = result if isinstance(result, tuple) else (result,)
    return args, kwargs


def forward_hooks(module):
    """All forward hooks for the module as ``(hook, with_kwargs, always_call)``, in calling order."""
    for key, hook in global_forward.items():
        yield hook, key in global_forward_kwargs, key in global_forward_always
    for key, hook in module._forward_hooks.items():
        yield hook, key in module._forward_hooks_with_kwargs, key in module._forward_hooks_always_called


class BackwardHooks:
    """Lays a boundary around one call of a module, where its backward hooks see the gradients pass.

    The input boundary is an identity function on the input tensors: when its backward runs, the gradients of
    the inputs are complete. The output boundary does the same for the outputs.
    """

    def __init__(self, module, hooks, pre_hooks):
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_output = None
        self.inputs_need_grad = False

    def on_inputs(self, args):
        if not self.hooks:
            return args
        return self._boundary(args, self._input_gradients, is_input=True)

    def on_outputs(self, result):
        values = result if isinstance(result, tuple) else (result,)
        values = self._boundary(values, self._output_gradients, is_input=False)
        return values if isinstance(result, tuple) else values[0]

    def _boundary(self, values, on_gradients, *, is_input):
        places = [i for i, value in enumerate(values) if isinstance(value, penlight.Tensor)]
        tensors = [values[i] for i in places]
        if not (penlight.is_grad_enabled() and any(t.requires_grad for t in tensors)):
            return values
        if is_input:
            self.inputs_need_grad = True
        length = len(values)

        def see(grads):
            spread = [None] * length
            for place, grad in zip(places, grads, strict=True):
                spread[place] = grad
            seen = on_gradients(tuple(spread))
            return tuple(seen[place] for place in places)

        passed = _boundary_function().apply(see, *tensors)
        values = list(values)
        for place, tensor in zip(places, passed, strict=True):
            values[place] = tensor
        return tuple(values)

    def _output_gradients(self, grads):
        for hook in self.pre_hooks:
            replaced = hook(self.module, grads)
            if replaced is not None:
                grads = _as_tuple(replaced, len(grads), "grad_output", "Backward pre hook")
        self.grad_output = grads
        if not self.inputs_need_grad:
            # No gradient will reach an input boundary: the hooks hear of the outputs' gradients alone.
            for hook in self.hooks:
                replaced = hook(self.module, (None,), grads)
                if replaced is not None and any(
                    grad is not None for grad in _as_tuple(replaced, 1, "grad_input", "Backward hook")
                ):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return "
                        "None "
                        "or None for all gradients."
                    )
        return grads

    def _input_gradients(self, grads):
        if self.grad_output is None:
            raise RuntimeError("Module backward hook for grad_input is called before the grad_output one.")
        for hook in self.hooks:
            replaced = hook(self.module, grads, self.grad_output)
            if replaced is not None:
                grads = _as_tuple(replaced, len(grads), "grad_input", "Backward hook")
        return grads


def _as_tuple(grads, length, name, hook):
    grads = grads if isinstance(grads, tuple) else (grads,)
    if len(grads) != length:
        raise RuntimeError(
            f"{hook} returned an invalid number of {name}, got {len(grads)}, but expected {length}"
        )
    return grads


_Boundary = None


def _boundary_function():
    """The identity function of the boundaries; made at first use, because it needs ``penlight.autograd``."""
    global _Boundary
    if _Boundary is None:

        class BackwardHookFunction(penlight.autograd.Function):
            @staticmethod
            def forward(ctx, see, *tensors):
                ctx.see = see
                ctx.set_materialize_grads(False)
                ctx.mark_non_differentiable(*(t for t in tensors if not t.requires_grad))
                return tensors

            @staticmethod
            def backward(ctx, *grads):
                return (None, *ctx.see(grads))

        _Boundary = BackwardHookFunction
    return _Boundary

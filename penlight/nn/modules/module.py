"""The base class of every layer and net."""

import penlight
from penlight import Tensor
from penlight.nn.modules._hooks import (
    BackwardHooks,
    call_forward_pre_hooks,
    forward_hooks,
    global_backward,
    global_backward_pre,
    global_forward,
    global_forward_pre,
)
from penlight.nn.modules._state import StateDict
from penlight.nn.parameter import Buffer, Parameter
from penlight.utils.hooks import HookDict


class Module(StateDict):
    """A layer or a net: holds parameters, buffers and other modules, and computes in ``forward``.

    Subclasses call ``super().__init__()`` first, assign their parts as attributes, and define ``forward``.
    Saving and loading (``state_dict``, ``load_state_dict``) stand in :class:`StateDict`.

    >>> import penlight as torch
    >>> class Doubling(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.weight = torch.nn.Parameter(torch.full((1,), 2.0))
    ...     def forward(self, x):
    ...         return self.weight * x
    >>> Doubling()(torch.ones(1))
    tensor([2.], grad_fn=<MulBackward0>)
    """

    training: bool

    def __init__(self):
        fields = self.__dict__
        fields["training"] = True
        fields["_parameters"] = {}
        fields["_buffers"] = {}
        fields["_non_persistent_buffers_set"] = set()
        fields["_modules"] = {}
        for name in (
            "_backward_pre_hooks",
            "_backward_hooks",
            "_forward_hooks",
            "_forward_hooks_with_kwargs",
            "_forward_hooks_always_called",
            "_forward_pre_hooks",
            "_forward_pre_hooks_with_kwargs",
            "_state_dict_hooks",
            "_state_dict_pre_hooks",
            "_load_state_dict_pre_hooks",
            "_load_state_dict_post_hooks",
        ):
            fields[name] = HookDict()

    # ---- calling

    def forward(self, *input):
        """Computes the output from the input; every subclass defines its own."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args, **kwargs):
        if (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or global_forward
            or global_forward_pre
            or global_backward
            or global_backward_pre
        ):
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args, kwargs):
        always_left = {id(hook): hook for hook, _, always in forward_hooks(self) if always}
        result = None
        try:
            args, kwargs = call_forward_pre_hooks(self, args, kwargs)
            backward = None
            if self._backward_hooks or self._backward_pre_hooks or global_backward or global_backward_pre:
                backward = BackwardHooks(
                    self,
                    [*global_backward.values(), *self._backward_hooks.values()],
                    [*global_backward_pre.values(), *self._backward_pre_hooks.values()],
                )
                args = backward.on_inputs(args)
            result = self.forward(*args, **kwargs)
            for hook, with_kwargs, _ in list(forward_hooks(self)):
                always_left.pop(id(hook), None)
                replaced = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
                if replaced is not None:
                    result = replaced
            if backward is not None:
                result = backward.on_outputs(result)
            return result
        except Exception:
            for hook, with_kwargs, _ in list(forward_hooks(self)):
                if id(hook) in always_left:
                    hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
            raise

    # ---- hooks

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Calls ``hook(module, args)`` before ``forward``; what it returns, if not None, replaces ``args``.

        With ``with_kwargs`` the hook is ``hook(module, args, kwargs)`` and returns ``(args, kwargs)`` or
        None.
        """
        handle = self._forward_pre_hooks.add(
            hook, first=prepend, extra=(self._forward_pre_hooks_with_kwargs,)
        )
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        return handle

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Calls ``hook(module, args, output)`` after ``forward``; what it returns, if not None, is the
        output.

        With ``with_kwargs`` the hook is ``hook(module, args, kwargs, output)``; with ``always_call`` it is
        called even where ``forward`` raised (with output None).
        """
        handle = self._forward_hooks.add(
            hook,
            first=prepend,
            extra=(self._forward_hooks_with_kwargs, self._forward_hooks_always_called),
        )
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        return handle

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Calls ``hook(module, grad_output)`` when the outputs' gradients are known; may return new ones."""
        return self._backward_pre_hooks.add(hook, first=prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Calls ``hook(module, grad_input, grad_output)`` when the inputs' gradients are known.

        It must not change its arguments, but may return a new ``grad_input``.
        """
        return self._backward_hooks.add(hook, first=prepend)

    def register_backward_hook(self, hook):
        """The older name of :meth:`register_full_backward_hook`."""
        return self.register_full_backward_hook(hook)

    # ---- attributes

    def register_buffer(self, name, tensor, persistent=True):
        """Adds a tensor that belongs to the module's state and is no parameter.

        Args:
            name: attribute under which it is found.
            tensor: a tensor, or None for a buffer that is not there (and not saved).
            persistent: whether it is part of ``state_dict``.
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_typename(tensor)}' object to buffer '{name}' (torch Tensor or None "
                f"required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name, param):
        """Adds a parameter (or None for one that is not there) under ``name``."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, self._parameters)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{_typename(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in "
                    "the forward() method."
                )
        self._parameters[name] = param

    def add_module(self, name, module):
        """Adds a child module (or None) under ``name``."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        if "_modules" not in self.__dict__:
            raise AttributeError("cannot assign module before Module.__init__() call")
        self._check_name("module", name, self._modules)
        self._modules[name] = module

    def register_module(self, name, module):
        """The same as :meth:`add_module`."""
        self.add_module(name, module)

    def _check_name(self, kind, name, registered):
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {_typename(name)}")
        if "." in name:
            got = f", got: {name}" if kind == "module" else ""
            raise KeyError(f'{kind} name can\'t contain "."{got}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in registered and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def __getattr__(self, name):
        # Called only where ordinary look-up found nothing.
        fields = self.__dict__
        try:
            # Parameters first, and without a loop: this is on the way of every small layer's call.
            held = fields["_parameters"]
            if name in held:
                return held[name]
            for kind in ("_buffers", "_modules"):
                held = fields[kind]
                if name in held:
                    return held[name]
        except KeyError:  # before Module.__init__()
            pass
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name, value):
        fields = self.__dict__
        parameters = fields.get("_parameters")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, keep=parameters)
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as parameter '{name}' "
                    "(torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, None)
        elif isinstance(value, Module):
            if "_modules" not in fields:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, keep=self._modules)
            self._modules[name] = value
        elif name in fields.get("_modules", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as child module '{name}' "
                    "(torch.nn.Module or None expected)"
                )
            self._modules[name] = None
        elif name in fields.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{_typename(value)}' as buffer '{name}' "
                    "(torch.nn.Buffer, torch.Tensor or None expected)"
                )
            persistent = name not in self._non_persistent_buffers_set
            self.register_buffer(name, value, getattr(value, "persistent", persistent))
        elif isinstance(value, Buffer):
            if "_buffers" not in fields:
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            self._forget(name, keep=self._buffers)
            self.register_buffer(name, value, value.persistent)
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name, keep):
        """Takes the name out of every place but ``keep``, so that it means one thing only."""
        fields = self.__dict__
        fields.pop(name, None)
        for kind in ("_parameters", "_buffers", "_modules"):
            if fields[kind] is not keep:
                fields[kind].pop(name, None)
        fields["_non_persistent_buffers_set"].discard(name)

    def __delattr__(self, name):
        for kind in ("_parameters", "_buffers", "_modules"):
            held = self.__dict__.get(kind, {})
            if name in held:
                del held[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self):
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers}
        return sorted(name for name in names if not name[:1].isdigit())

    # ---- finding parts

    def get_submodule(self, target):
        """The module at a dotted path such as ``"features.0"``; AttributeError where there is none."""
        module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        """Puts a module at a dotted path; with ``strict`` something must be there already."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target):
        """The parameter at a dotted path; AttributeError where there is none."""
        module, name = self._holder(target)
        if not isinstance(getattr(module, name), Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return getattr(module, name)

    def get_buffer(self, target):
        """The buffer at a dotted path; AttributeError where there is none."""
        module, name = self._holder(target)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return module._buffers[name]

    def _holder(self, target):
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        return module, name

    def parameters(self, recurse=True):
        """Iterates over the parameters, each once, of this module and (``recurse``) all below it."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """Iterates over ``(dotted name, parameter)``."""
        yield from self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """Iterates over the buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """Iterates over ``(dotted name, buffer)``."""
        yield from self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def _named_members(self, kind, prefix, recurse, remove_duplicate):
        seen = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for name, member in getattr(module, kind).items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def children(self):
        """Iterates over the direct child modules, each once."""
        for _, module in self.named_children():
            yield module

    def named_children(self):
        """Iterates over ``(name, direct child)``."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self, remove_duplicate=True):
        """Iterates over this module and all below it."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """Iterates over ``(dotted name, module)``, this one first, under the name ``prefix``."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    # ---- changing all parts

    def apply(self, fn):
        """Calls ``fn`` on every child, its children first, and then on this module; returns this module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode=True):
        """Sets training mode here and below: dropout and batch norm behave differently in it."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """Sets evaluation mode: ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Switches gradients for all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Drops (or, with ``set_to_none=False``, fills with zeros) the gradients of all parameters."""
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                parameter.grad = penlight.zeros_like(parameter.grad)

    def _apply(self, fn, recurse=True):
        """Applies ``fn`` to the data of parameters, gradients and buffers; parameters keep their identity."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is None:
                continue
            grad, parameter.grad = parameter.grad, None
            with penlight.no_grad():
                parameter.data = fn(parameter.data)
                if grad is not None:
                    parameter.grad = fn(grad.data).requires_grad_(grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Converts floating-point parameters and buffers: ``to(dtype)``, ``to(device, dtype)``, ``to(tensor)``; with
        ``memory_format=torch.channels_last``, those of 4 axes lie so in memory.

        Raises:
            TypeError: the dtype is not a floating-point one.
        """
        device, dtype = kwargs.pop("device", None), kwargs.pop("dtype", None)
        kwargs.pop("non_blocking", None)
        memory_format = kwargs.pop("memory_format", None)
        if kwargs:
            raise TypeError(f"to() got an unexpected keyword argument '{next(iter(kwargs))}'")
        for argument in args:
            if isinstance(argument, Tensor):
                device, dtype = argument.device, argument.dtype
            elif isinstance(argument, penlight.dtype):
                dtype = argument
            elif argument is not None and not isinstance(argument, bool):
                device = argument
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        if device is not None:
            self._apply(lambda tensor: tensor.to(device))
        if memory_format is not None:
            axes = (memory_format._last_axes,) if memory_format._last_axes else (4, 5)
            self._apply(lambda t: t.to(memory_format=memory_format) if t.dim() in axes else t)
        return self if dtype is None else self._to_dtype(dtype)

    def _to_dtype(self, dtype):
        return self._apply(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)

    def type(self, dst_type):
        """Converts all parameters and buffers, whatever their dtype."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def float(self):
        """Converts floating-point parameters and buffers to float32."""
        return self._to_dtype(penlight.float32)

    def double(self):
        """Converts floating-point parameters and buffers to float64."""
        return self._to_dtype(penlight.float64)

    def half(self):
        """Converts floating-point parameters and buffers to float16."""
        return self._to_dtype(penlight.float16)

    def bfloat16(self):
        """Converts floating-point parameters and buffers to bfloat16."""
        return self._to_dtype(penlight.bfloat16)

    def cpu(self):
        """Does nothing: penlight computes on the CPU alone."""
        return self

    def share_memory(self):
        """Does nothing: penlight's tensors are not shared between processes."""
        return self

    # ---- printing and pickling

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """What stands between the parentheses when the module is printed; subclasses define their own."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        children = [f"({name}): " + indent(repr(module), 2) for name, module in self._modules.items()]
        if not children and len(extra_lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(extra_lines + children) + "\n)"

    def __setstate__(self, state):
        self.__dict__.update(state)

    def __getstate__(self):
        return self.__dict__.copy()


def indent(text, spaces):
    """Indents every line but the first."""
    return text.replace("\n", "\n" + " " * spaces)


def _typename(value):
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        return value.type()
    return (
        type(value).__name__
        if type(value).__module__ == "builtins"
        else (f"{type(value).__module__}.{type(value).__qualname__}")
    )

"""The base class of all optimizers: groups of parameters with their options, state, hooks."""

import warnings
from collections import defaultdict

import penlight
from penlight import Tensor
from penlight.utils.hooks import HookDict

required = object()  # a default that says: every group must bring its own


class Optimizer:
    """Changes parameters by their gradients. Subclasses define ``step``, most of them through ``_update``.

    Args:
        params: parameters, pairs of name and parameter, or dictionaries ``{"params": [...], option: value}``.
        defaults: options of groups that do not bring their own.

    Raises:
        TypeError, ValueError: no parameters, things that are none, or one in several groups.
    """

    def __init__(self, params, defaults):
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {params.type()}"
            )
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        self._make_hooks()
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hooks(self):
        for name in ("step_pre", "step_post", "state_dict_pre", "state_dict_post", "load_pre", "load_post"):
            setattr(self, f"_{name}_hooks", HookDict())

    def __init_subclass__(cls, **kwargs):
        """Wraps the subclass's ``step``, so that hooks and schedules hear of it."""
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _with_hooks(cls.__dict__["step"])

    # ---- stepping

    def step(self, closure=None):
        """One step. ``closure`` computes the loss anew (with gradients) and returns it."""
        raise NotImplementedError

    def _step(self, closure):
        """``step`` of optimizers that treat each parameter by itself: all of a group in one pass over memory
        (``_update_all``) where the kernels can, otherwise one by one (``_update``)."""
        loss = None
        if closure is not None:
            with penlight.enable_grad():
                loss = closure()
        recorded = bool(self.defaults.get("differentiable", False))
        with penlight.set_grad_enabled(recorded):
            for group in self.param_groups:
                pairs = [(param, grad) for param in group["params"] if (grad := param.grad) is not None]
                if not pairs:
                    continue
                if not recorded:
                    if isinstance(group["lr"], Tensor):
                        group = {**group, "lr": group["lr"].item()}
                    params, grads = zip(*pairs, strict=True)
                    if self._update_all(params, grads, group):
                        continue
                for param, grad in pairs:
                    self._update(param, -grad if group["maximize"] else grad, self.state[param], group)
        return loss

    def _update_all(self, params, grads, group):
        """One step of a group's parameters; False where that must be done one by one."""
        return False

    def zero_grad(self, set_to_none=True):
        """Drops (or, with ``set_to_none=False``, zeroes) the gradients of all parameters."""
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                if set_to_none:
                    param.grad = None
                else:
                    param.grad = penlight.zeros_like(param.grad)

    # ---- groups

    def add_param_group(self, param_group):
        """Adds a dictionary of parameters and their options, as for later layers in fine-tuning."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, Tensor):
            given = [given]
        elif isinstance(given, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of "
                "tensors "
                "in sets will change between runs. Please use a list instead."
            )
        given = list(given)
        group = dict(param_group, params=given)
        named = [isinstance(item, tuple) for item in given]
        if any(named):
            if not all(named):
                raise ValueError(
                    "all optimizer params should be with/without names. Some param names are missing"
                )
            group["param_names"] = [name for name, _ in given]
            group["params"] = given = [param for _, param in given]
        for param in given:
            if not isinstance(param, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(param).__name__}"
                )
            if not self.defaults.get("differentiable") and not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in group:
                raise ValueError(
                    f"parameter group didn't specify a value of required optimization parameter {name}"
                )
            group.setdefault(name, default)
        ids = [id(param) for param in given]
        if len(set(ids)) != len(ids):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; "
                "in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=3,
            )
        before = {id(param) for other in self.param_groups for param in other["params"]}
        if not before.isdisjoint(ids):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(group)

    # ---- state

    def state_dict(self):
        """The state by parameter number, and the groups with numbers in place of parameters."""
        for hook in self._state_dict_pre_hooks.values():
            hook(self)
        numbers = {}
        groups = []
        for group in self.param_groups:
            for param in group["params"]:
                numbers.setdefault(id(param), len(numbers))
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [numbers[id(param)] for param in group["params"]]
            groups.append(packed)
        state = {
            numbers[id(param)] if isinstance(param, Tensor) else param: values
            for param, values in self.state.items()
        }
        result = {"state": state, "param_groups": groups}
        for hook in self._state_dict_post_hooks.values():
            replaced = hook(self, result)
            result = result if replaced is None else replaced
        return result

    def load_state_dict(self, state_dict):
        """Takes over a ``state_dict`` of an optimizer with the same numbers of parameters in its groups.

        State of floating-point parameters is converted to their dtype, the step count excepted.
        """
        state_dict = dict(state_dict)
        for hook in self._load_pre_hooks.values():
            replaced = hook(self, state_dict)
            state_dict = state_dict if replaced is None else replaced
        saved = state_dict["param_groups"]
        if len(self.param_groups) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(
            len(ours["params"]) != len(theirs["params"])
            for ours, theirs in zip(self.param_groups, saved, strict=True)
        ):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                "group"
            )
        by_number = {}
        groups = []
        for ours, theirs in zip(self.param_groups, saved, strict=True):
            by_number.update(zip(theirs["params"], ours["params"], strict=True))
            group = dict(theirs, params=ours["params"])
            if "param_names" in ours:
                group["param_names"] = ours["param_names"]
            groups.append(group)
        state = defaultdict(dict)
        for number, values in state_dict["state"].items():
            if number in by_number:
                param = by_number[number]
                state[param] = {name: _converted(name, value, param) for name, value in values.items()}
            else:
                state[number] = values
        self.state = state
        self.param_groups = groups
        for hook in self._load_post_hooks.values():
            hook(self)

    # ---- hooks

    def register_step_pre_hook(self, hook):
        """Calls ``hook(optimizer, args, kwargs)`` before each step; may return new ``(args, kwargs)``."""
        return self._step_pre_hooks.add(hook)

    def register_step_post_hook(self, hook):
        """Calls ``hook(optimizer, args, kwargs)`` after each step."""
        return self._step_post_hooks.add(hook)

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Calls ``hook(optimizer)`` before the state is written."""
        return self._state_dict_pre_hooks.add(hook, first=prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Calls ``hook(optimizer, state_dict)`` after it is written; may return another one."""
        return self._state_dict_post_hooks.add(hook, first=prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Calls ``hook(optimizer, state_dict)`` before it is read; may return another one."""
        return self._load_pre_hooks.add(hook, first=prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Calls ``hook(optimizer)`` after the state is read."""
        return self._load_post_hooks.add(hook, first=prepend)

    # ---- printing and pickling

    def __repr__(self):
        groups = []
        for i, group in enumerate(self.param_groups):
            options = [f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params"]
            groups.append(f"Parameter Group {i}\n" + "".join(options))
        return f"{type(self).__name__} (\n" + "\n".join(groups) + ")"

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._make_hooks()


def _with_hooks(step):
    if getattr(step, "_calls_hooks", False):
        return step

    def step_with_hooks(self, *args, **kwargs):
        for hook in self._step_pre_hooks.values():
            replaced = hook(self, args, kwargs)
            if replaced is not None:
                if not (isinstance(replaced, tuple) and len(replaced) == 2):
                    raise RuntimeError(
                        f"{step} must return None or a tuple of (new_args, new_kwargs), but got {replaced}."
                    )
                args, kwargs = replaced
        result = step(self, *args, **kwargs)
        self._opt_called = True
        for hook in self._step_post_hooks.values():
            hook(self, args, kwargs)
        return result

    step_with_hooks._calls_hooks = True
    step_with_hooks.__name__ = step.__name__
    step_with_hooks.__doc__ = step.__doc__ or Optimizer.step.__doc__
    return step_with_hooks


def _converted(name, value, param):
    """A loaded value as the parameter needs it; a copy, so that two optimizers never share one state."""
    if isinstance(value, Tensor):
        if name == "step" or not param.is_floating_point():
            return value.clone()
        return value.to(param.dtype).clone() if value.dtype == param.dtype else value.to(param.dtype)
    if isinstance(value, dict):
        return {k: _converted(name, v, param) for k, v in value.items()}
    return value


def check_at_least_zero(**values):
    """ValueError for an option below 0 (or NaN); names as messages have them, __ for space."""
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"Invalid {name.replace('__', ' ')}: {value}")


def check_betas(betas):
    """ValueError where a decay rate is not in [0, 1)."""
    for i in range(2):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")

"""Saving a module's state to a dictionary, and loading it back."""

from collections import OrderedDict

import penlight
from penlight import Tensor
from penlight.nn.parameter import Parameter

_EXTRA = "_extra_state"


class IncompatibleKeys(tuple):
    """What ``load_state_dict`` returns: ``missing_keys`` and ``unexpected_keys``, also as a pair."""

    __slots__ = ()

    def __new__(cls, missing_keys, unexpected_keys):
        return super().__new__(cls, (missing_keys, unexpected_keys))

    @property
    def missing_keys(self):
        return self[0]

    @property
    def unexpected_keys(self):
        return self[1]

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"

    __str__ = __repr__


class StateDict:
    """The part of :class:`~penlight.nn.Module` that writes and reads state."""

    _version = 1

    # ---- writing

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """All parameters and persistent buffers by dotted name.

        Args:
            destination: dictionary to write into; a new one when left out.
            prefix: put before every name.
            keep_vars: the tensors themselves; else detached ones that share their memory.

        >>> import penlight
        >>> list(penlight.nn.Linear(2, 3).state_dict())
        ['weight', 'bias']
        """
        if args:
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and keep_vars is False else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=prefix + name + ".", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            replaced = hook(self, destination, prefix, metadata)
            if not getattr(hook, "_from_public_api", False):
                destination = destination if replaced is None else replaced
            elif replaced is not None:
                raise RuntimeError("state_dict post-hook must return None")
        return destination

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        """Writes this module's own tensors, not its children's."""
        for name, parameter in self._parameters.items():
            if parameter is not None:
                destination[prefix + name] = parameter if keep_vars else parameter.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars else buffer.detach()
        if type(self).get_extra_state is not StateDict.get_extra_state:
            destination[prefix + _EXTRA] = self.get_extra_state()

    def get_extra_state(self):
        """Further state for ``state_dict``; a subclass that has some defines this and ``set_extra_state``."""
        raise RuntimeError(f"{type(self).__name__} has no extra state: define get_extra_state()")

    def set_extra_state(self, state):
        """Takes back what ``get_extra_state`` returned."""
        raise RuntimeError(f"{type(self).__name__} takes no extra state: define set_extra_state()")

    # ---- reading

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copies the tensors of a ``state_dict`` into this module's parameters and buffers.

        Args:
            state_dict: tensors by dotted name.
            strict: names must match this module's exactly.
            assign: the dictionary's tensors become the parameters and buffers, instead of being copied.

        Returns:
            The names that were missing and the names that were not expected.

        Raises:
            RuntimeError: names do not match (``strict``), or shapes do not; every mistake is listed.
        """
        from collections.abc import Mapping

        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing, unexpected, errors = [], [], []
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata

        def load(module, state, prefix):
            local = {} if metadata is None else metadata.get(prefix[:-1], {})
            if assign:
                local["assign_to_params_buffers"] = True
            module._load_from_state_dict(state, prefix, local, True, missing, unexpected, errors)
            for name, child in module._modules.items():
                if child is not None:
                    below = prefix + name + "."
                    load(child, {k: v for k, v in state.items() if k.startswith(below)}, below)
            result = IncompatibleKeys(missing, unexpected)
            for hook in module._load_state_dict_post_hooks.values():
                if hook(module, result) is not None:
                    raise RuntimeError(
                        "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to "
                        "return new values, if incompatible_keys need to be modified, it should be done "
                        "inplace."
                    )

        load(self, state_dict, "")
        if strict:
            # A mistake in the names is named before mistakes in the tensors.
            names = []
            if missing:
                names.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
            if unexpected:
                names.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
            errors = names + errors
        if errors:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors)
            )
        return IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        """Reads this module's own tensors, not its children's; adds to the three lists what is wrong."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = dict(self._parameters)
        own.update((k, v) for k, v in self._buffers.items() if k not in self._non_persistent_buffers_set)
        own = {name: tensor for name, tensor in own.items() if tensor is not None}
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                self._load_tensor(name, tensor, key, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        extra_key = prefix + _EXTRA
        if type(self).set_extra_state is not StateDict.set_extra_state:
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if strict:
            for key in state_dict:
                if not key.startswith(prefix) or key == extra_key:
                    continue
                first, dot, _ = key[len(prefix) :].partition(".")
                if first not in self._modules if dot else first not in own:
                    unexpected_keys.append(key)

    def _load_tensor(self, name, tensor, key, given, assign, errors):
        if not isinstance(given, Tensor):
            errors.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object '
                f"from checkpoint but received {type(given)}"
            )
            return
        if tensor.dim() == 0 and tuple(given.shape) == (1,):
            given = given[0]
        if given.shape != tensor.shape:
            errors.append(
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
            return
        try:
            with penlight.no_grad():
                if assign:
                    self._assign(name, tensor, given)
                else:
                    tensor.copy_(given)
        except Exception as error:
            errors.append(
                f'While copying the parameter named "{key}", whose dimensions in the model are '
                f"{tensor.size()} and whose dimensions in the checkpoint are {given.size()}, "
                f"an exception occurred : {error.args}."
            )

    def _assign(self, name, tensor, given):
        """Puts the given tensor itself in the place of a parameter or buffer."""
        if name not in self._parameters:
            self._buffers[name] = given
            return
        if not isinstance(given, Parameter):
            given = Parameter(given, requires_grad=tensor.requires_grad)
        elif given.requires_grad != tensor.requires_grad:
            given.requires_grad_(tensor.requires_grad)
        self._parameters[name] = given

    # ---- hooks

    def register_state_dict_pre_hook(self, hook):
        """Calls ``hook(module, prefix, keep_vars)`` before the state is written."""
        return self._state_dict_pre_hooks.add(hook)

    def register_state_dict_post_hook(self, hook):
        """Calls ``hook(module, state_dict, prefix, local_metadata)``, which may change the dictionary."""
        hook._from_public_api = True
        return self._state_dict_hooks.add(hook)

    def _register_state_dict_hook(self, hook):
        """The older form, whose hook may return another dictionary."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError("Cannot register the same function as the state dict post hook twice")
        return self._state_dict_hooks.add(hook)

    def register_load_state_dict_pre_hook(self, hook):
        """Calls ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
        error_msgs)`` before the module's tensors are read."""

        def with_module(*args):
            return hook(self, *args)

        return self._load_state_dict_pre_hooks.add(with_module)

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        if with_module:
            return self.register_load_state_dict_pre_hook(hook)
        return self._load_state_dict_pre_hooks.add(hook)

    def register_load_state_dict_post_hook(self, hook):
        """Calls ``hook(module, incompatible_keys)`` after the state is read; it may change the two lists."""
        return self._load_state_dict_post_hooks.add(hook)


def _quoted(names):
    return ", ".join(f'"{name}"' for name in names)

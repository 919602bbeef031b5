"""Nets as functions of their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from penlight import _C, Tensor

if TYPE_CHECKING:
    from penlight.nn import Module

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]


def _places(module: Module) -> dict[str, tuple[dict[str, Any], str]]:
    """For each parameter and buffer by its full name: the dict that holds it, and its name there."""
    found = {}
    for prefix, part in module.named_modules(remove_duplicate=False):
        for held in (part._parameters, part._buffers):
            for name in held:
                found[f"{prefix}.{name}" if prefix else name] = (held, name)
    return found


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Calls a module with other tensors in place of its parameters and buffers.

    The module itself is not changed. Buffers that the module writes to in ``forward`` are written in the given tensors.

    Args:
        module: the module.
        parameter_and_buffer_dicts: tensors by their names in the module, or several such dicts; names left out keep
            the module's own, names that the module does not have are passed over (without ``strict``).
        args: the positional arguments, as a tuple, or one argument that is no tuple.
        kwargs: the keyword arguments.
        tie_weights: a tensor given for one name also stands for the other names that hold the same parameter.
        strict: raise where names are missing or unknown.

    Raises:
        ValueError: a name in two of the dicts, or different tensors for tied names.
        RuntimeError: unknown or missing names (with ``strict``).

    Example::

        >>> import penlight
        >>> from penlight.func import functional_call
        >>> layer = penlight.nn.Linear(2, 1, bias=False)
        >>> functional_call(layer, {"weight": penlight.ones(1, 2)}, penlight.tensor([1.0, 2.0]))
        tensor([3.])
    """
    if isinstance(parameter_and_buffer_dicts, Mapping):
        given = dict(parameter_and_buffer_dicts)
    elif isinstance(parameter_and_buffer_dicts, Sequence):
        if not all(isinstance(d, Mapping) for d in parameter_and_buffer_dicts):
            raise ValueError(
                "Expected all elements of parameter_and_buffer_dicts to be dictionaries, but got types "
                f"{[type(d) for d in parameter_and_buffer_dicts]}"
            )
        given = {}
        for one in parameter_and_buffer_dicts:
            for name in one:
                if name in given:
                    raise ValueError(
                        f"{name} appears in multiple dictionaries; behavior of functional call is ambiguous"
                    )
            given.update(one)
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(parameter_and_buffer_dicts)}"
        )
    places = _places(module)
    unknown = [name for name in given if name not in places]
    if strict:
        missing = [name for name in places if name not in given]
        if unknown or missing:
            raise RuntimeError(
                f"Error(s) in functional_call for {type(module).__name__}: missing keys {missing}, unexpected keys "
                f"{unknown}"
            )
    swapped = {name: tensor for name, tensor in given.items() if name in places}
    if tie_weights:
        by_tensor: dict[int, list[str]] = {}
        for name, (held, key) in places.items():
            if held[key] is not None:
                by_tensor.setdefault(id(held[key]), []).append(name)
        for names in by_tensor.values():
            chosen = [name for name in names if name in given]
            if len({id(given[name]) for name in chosen}) > 1:
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted(names)}, which are tied. Consider using "
                    "tie_weights=False"
                )
            if chosen:
                for name in names:
                    swapped[name] = given[chosen[0]]
    before = []
    try:
        for name, tensor in swapped.items():
            held, key = places[name]
            before.append((held, key, held[key]))
            held[key] = tensor
        if args is None:
            args = ()
        elif not isinstance(args, tuple):
            args = (args,)
        return module(*args, **(kwargs or {}))
    finally:
        for held, key, tensor in reversed(before):
            held[key] = tensor


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and buffers of several nets of one kind, stacked: what vmap over an ensemble takes.

    Args:
        models: nets of the same class, all in training or all in evaluation mode.

    Returns:
        ``(params, buffers)``: dicts by name, each tensor with a new first dimension. They are new leaves that require
        gradients as the originals do.

    Raises:
        RuntimeError: no nets, nets of different classes, or of different modes.

    Example::

        >>> import penlight
        >>> from penlight.func import functional_call, stack_module_state, vmap
        >>> nets = [penlight.nn.Linear(2, 3) for _ in range(4)]
        >>> params, buffers = stack_module_state(nets)
        >>> x = penlight.ones(5, 2)
        >>> vmap(lambda p: functional_call(nets[0], p, (x,)))(params).shape
        torch.Size([4, 5, 3])
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or all(not m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    kind = type(models[0])
    if not all(type(m) is kind for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(all_of: list[dict[str, Tensor]]) -> dict[str, Any]:
        result = {}
        for name in all_of[0]:
            tensors = [one[name] for one in all_of]
            joined = _C.stack([t.detach() for t in tensors])
            result[name] = joined.requires_grad_() if tensors[0].requires_grad else joined
        return result

    return (
        stacked([dict(m.named_parameters()) for m in models]),
        stacked([dict(m.named_buffers()) for m in models]),
    )


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Makes every batch norm of a net normalize by its batch alone, in place.

    Running statistics are written to in ``forward``, and what is mapped by ``vmap`` cannot be written into a tensor
    that every example shares: so they are dropped, as after ``track_running_stats=False``.

    Args:
        root: the net; itself a batch norm, or any module with some inside.

    Returns:
        The same net.

    Example::

        >>> import penlight
        >>> net = penlight.nn.Sequential(penlight.nn.BatchNorm1d(2))
        >>> penlight.func.replace_all_batch_norm_modules_(net)[0].running_mean is None
        True
    """
    from penlight.nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root

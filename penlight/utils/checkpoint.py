"""Backward with less memory: parts of the forward run again when their saved tensors are wanted.

Chen et al. (2016), *Training Deep Nets with Sublinear Memory Cost*, arXiv:1604.06174.
"""

from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from penlight import _C, Tensor
from penlight.autograd import Function, backward
from penlight.autograd.grad_mode import enable_grad
from penlight.autograd.graph import saved_tensors_hooks
from penlight.random import get_rng_state, set_rng_state

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "checkpoint",
    "checkpoint_sequential",
    "set_checkpoint_early_stop",
]


class CheckpointError(RuntimeError):
    """The second run of a checkpointed function differed from its first.

    Example::

        >>> import penlight
        >>> from penlight.utils.checkpoint import checkpoint
        >>> sizes = iter([2, 3])
        >>> x = penlight.ones(1, requires_grad=True)
        >>> y = checkpoint(lambda x: (x * penlight.ones(next(sizes))).exp(), x, use_reentrant=False)
        >>> y.sum().backward()
        Traceback (most recent call last):
        penlight.utils.checkpoint.CheckpointError: ...
    """


_early_stop = True


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Any:
    """While open, says whether a second run stops as soon as all that backward wants is there (the default).

    Example::

        >>> import penlight
        >>> from penlight.utils import checkpoint as ck
        >>> x = penlight.ones(1, requires_grad=True)
        >>> function = lambda x: x.exp().clone(memory_format=print("run"))
        >>> y = ck.checkpoint(function, x, use_reentrant=False)
        run
        >>> y.backward()
        >>> with ck.set_checkpoint_early_stop(False):
        ...     y = ck.checkpoint(function, x, use_reentrant=False)
        run
        >>> y.backward()
        run
    """
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


@contextlib.contextmanager
def _random_state(state: Tensor | None) -> Any:
    if state is None:
        yield
        return
    before = get_rng_state()
    set_rng_state(state)
    try:
        yield
    finally:
        set_rng_state(before)


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[AbstractContextManager[Any], AbstractContextManager[Any]]] | None = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Calls ``function(*args, **kwargs)`` without keeping what its operations save; backward runs it once more.

    Args:
        function: computes the same at each call; draws of random numbers are repeated (``preserve_rng_state``).
        use_reentrant: with False, hooks on saved tensors do the work, and everything that autograd can do works
            through a checkpoint. With True, the function is run without recording and backward calls backward: at
            least one argument must be a tensor that requires a gradient. Left out, it is False.
        context_fn: gives two contexts: one for the first run, one for the second (not with ``use_reentrant=True``).
        determinism_check: 'default' compares shape and dtype of what is saved in both runs, 'none' does not.
        debug: name in an error what each run saved.
        early_stop: end the second run as soon as all that is wanted is there.
        preserve_rng_state (bool): repeat the random draws of the first run; True by default.

    Raises:
        CheckpointError: (in backward) the second run saved other tensors than the first.

    Example::

        >>> import penlight
        >>> from penlight.utils.checkpoint import checkpoint
        >>> x = penlight.ones(2, requires_grad=True)
        >>> checkpoint(lambda t: t.exp().sin(), x, use_reentrant=False).sum().backward()
        >>> x.grad
        tensor([-2.4783, -2.4783])
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ['default', 'none'], but got {determinism_check}"
        )
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not None or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve, *args)
    frame = _Frame(
        function, args, kwargs, get_rng_state() if preserve else None, context_fn, determinism_check, debug,
        early_stop and _early_stop,
    )  # fmt: skip
    with frame.first_context, saved_tensors_hooks(frame.pack, frame.unpack):
        return function(*args, **kwargs)


class _Stop(Exception):
    """Ends a second run."""


class _Holder:
    """Stands in the graph for a saved tensor."""

    __slots__ = ("__weakref__", "description", "index", "run", "value")

    def __init__(self, index: int, description: tuple[Any, ...]) -> None:
        self.index, self.description = index, description
        self.run: int | None = None  # the backward pass that computed the value
        self.value: Tensor | None = None


def _describe(tensor: Tensor) -> tuple[Any, ...]:
    return tuple(tensor.shape), tensor.dtype


class _Frame:
    """One checkpointed call: what its second run needs, and the places of what its first run saved."""

    def __init__(
        self, function: Any, args: Any, kwargs: Any, state: Any, context_fn: Any, check: str, debug: bool,
        early_stop: bool,
    ) -> None:  # fmt: skip
        self.function, self.args, self.kwargs, self.state = function, args, kwargs, state
        self.check, self.debug, self.early_stop = check, debug, early_stop
        contexts: Any = context_fn() if context_fn else (contextlib.nullcontext(), contextlib.nullcontext())
        self.first_context, self.second_context = contexts
        self.holders: list[weakref.ref[_Holder]] = []
        self.descriptions: list[tuple[Any, ...]] = []

    def pack(self, tensor: Tensor) -> _Holder:
        holder = _Holder(len(self.holders), _describe(tensor))
        self.holders.append(weakref.ref(holder))
        self.descriptions.append(holder.description)
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        run = _C._current_run()
        if holder.run != run:
            self.run_again(run)
        if holder.run != run or holder.value is None:
            raise CheckpointError(self.difference(holder.index))
        return holder.value  # which goes with its node

    def run_again(self, run: int) -> None:
        count, wanted = 0, [h for ref in self.holders if (h := ref()) is not None]
        last = max((h.index for h in wanted), default=-1)
        again: list[tuple[Any, ...]] = []

        def keep(tensor: Tensor) -> Any:
            nonlocal count
            index, count = count, count + 1
            again.append(_describe(tensor))
            holder = self.holders[index]() if index < len(self.holders) else None
            if holder is not None:
                if self.check == "default" and holder.description != again[-1]:
                    raise CheckpointError(self.difference(index, again))
                holder.run, holder.value = run, tensor.detach()
            if self.early_stop and index >= last:
                raise _Stop
            return tensor.detach()  # for passes that the second run makes itself

        # What the second run keeps is given to the holders, not to its own graph.
        try:
            with (
                _random_state(self.state),
                self.second_context,
                saved_tensors_hooks(keep, lambda t: t),
                enable_grad(),
            ):
                self.function(*_detached(self.args), **_detached(self.kwargs))
        except _Stop:
            return
        if count != len(self.holders):
            raise CheckpointError(
                "penlight.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.holders)}\n"
                f"Number of tensors saved during recomputation: {count}"
            )

    def difference(self, index: int, again: list[tuple[Any, ...]] | None = None) -> str:
        shape, dtype = self.descriptions[index]
        message = (
            "penlight.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
            f"during the forward pass.\ntensor at position {index}:\nsaved metadata: {{'shape': {shape}, 'dtype': "
            f"{dtype}}}\n"
        )
        if again:
            message += f"recomputed metadata: {{'shape': {again[-1][0]}, 'dtype': {again[-1][1]}}}\n"
        if self.debug:
            message += f"saved during the forward: {self.descriptions}\nsaved when run again: {again}\n"
        return message


def _detached(values: Any) -> Any:
    """Tensors cut off from their graph, with the same wish for gradients."""
    if isinstance(values, Tensor):
        return values.detach().requires_grad_(values.requires_grad)
    if isinstance(values, dict):
        return {key: _detached(value) for key, value in values.items()}
    if isinstance(values, (tuple, list)) and not hasattr(values, "_fields"):
        return type(values)(_detached(value) for value in values)
    return values


class CheckpointFunction(Function):
    """The re-entrant form: forward without recording, backward runs forward and a backward pass of its own."""

    @staticmethod
    def forward(ctx: Any, function: Any, preserve: bool, *args: Any) -> Any:
        if not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=3)
        ctx.function, ctx.args = function, args
        ctx.state = get_rng_state() if preserve else None
        ctx.save_for_backward(*(a for a in args if isinstance(a, Tensor)))
        ctx.args = tuple(None if isinstance(a, Tensor) else a for a in args)
        ctx.places = tuple(i for i, a in enumerate(args) if isinstance(a, Tensor))
        return function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        inputs = list(ctx.args)
        for place, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            inputs[place] = tensor.detach().requires_grad_(tensor.requires_grad)
        with _random_state(ctx.state), enable_grad():
            outputs = ctx.function(*inputs)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = [
            (output, grad)
            for output, grad in zip(outputs, grads, strict=True)
            if isinstance(output, Tensor) and output.requires_grad
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([output for output, _ in pairs], [grad for _, grad in pairs])
        return (None, None, *(i.grad if isinstance(i, Tensor) else None for i in inputs))


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Calls functions (a list, or an ``nn.Sequential``) one after the other, checkpointed in ``segments`` parts.

    The last part is not checkpointed: backward starts there, so it would be run again at once.

    Example::

        >>> import penlight
        >>> from penlight import nn
        >>> from penlight.utils.checkpoint import checkpoint_sequential
        >>> net = nn.Sequential(*(nn.Linear(4, 4) for _ in range(6)))
        >>> y = checkpoint_sequential(net, 3, penlight.ones(2, 4, requires_grad=True), use_reentrant=False)
        >>> y.shape
        torch.Size([2, 4])
    """
    parts: Sequence[Any] = list(functions.children()) if hasattr(functions, "children") else list(functions)
    if segments < 1:
        raise ValueError(f"checkpoint_sequential: segments should be at least 1, got {segments}")

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def part(value: Any) -> Any:
            for function in parts[start:end]:
                value = function(value)
            return value

        return part

    size, end = max(len(parts) // segments, 1), 0
    for start in range(0, size * (segments - 1), size):
        end = min(start + size, len(parts))
        input = checkpoint(run(start, end), input, use_reentrant=use_reentrant, **kwargs)
    return run(end, len(parts))(input)

"""The recorded graph as tools see it: nodes, edges, and hooks on what is kept for backward."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from penlight import _C, Tensor
from penlight.autograd._edge import GradientEdge

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]

Node = _C.Node
Node.__doc__ = "An operation in the recorded graph: what ``tensor.grad_fn`` gives."


# ---- edges


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place in the graph where a tensor's gradient arrives; it outlives the tensor.

    Raises:
        RuntimeError: the tensor does not require a gradient.

    Example::

        >>> import penlight
        >>> x = penlight.ones(2, requires_grad=True)
        >>> penlight.autograd.graph.get_gradient_edge(x).node.name()
        'torch::autograd::AccumulateGrad'
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    return GradientEdge(*_C._gradient_edge(tensor))


# ---- hooks on saved tensors


class _Hooks(threading.local):
    def __init__(self) -> None:
        self.pairs: list[tuple[Callable[..., Any], Callable[..., Any]]] = []
        self.disabled: str | None = None


_hooks = _Hooks()


def _hooks_in_force() -> tuple[Callable[..., Any], Callable[..., Any]]:
    return _hooks.pairs[-1]


class saved_tensors_hooks:
    """While open, each tensor that an operation keeps for backward goes through ``pack_hook`` first.

    What ``pack_hook(tensor)`` returns is kept in the tensor's place; when backward wants the tensor,
    ``unpack_hook(packed)`` has to give back one of the same values. The innermost pair counts. The version check of
    saved tensors does not reach through hooks.

    Raises:
        RuntimeError: ``pack_hook`` changes its argument in place, or hooks are disabled here.
        TypeError: (in backward) ``unpack_hook`` gives something that is not a tensor.

    Example::

        >>> import penlight
        >>> x = penlight.ones(3, requires_grad=True)
        >>> with penlight.autograd.graph.saved_tensors_hooks(lambda t: t.numpy().copy(), penlight.from_numpy):
        ...     y = x.exp().sum()
        >>> y.backward()
        >>> x.grad
        tensor([2.7183, 2.7183, 2.7183])
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if _hooks.disabled is not None:
            raise RuntimeError(_hooks.disabled)
        _hooks.pairs.append((self.pack_hook, self.unpack_hook))
        _C._set_packs_saved(True)

    def __exit__(self, *exception: object) -> None:
        _hooks.pairs.pop()
        _C._set_packs_saved(bool(_hooks.pairs))


class save_on_cpu(saved_tensors_hooks):
    """Keeps saved tensors in main memory, which is where they are: copies, so that later changes cannot reach them.

    Args:
        pin_memory: accepted; there is no device to pin for.
        device_type: accepted.

    Example::

        >>> import penlight
        >>> x = penlight.ones(2, requires_grad=True)
        >>> with penlight.autograd.graph.save_on_cpu():
        ...     y = (x * x).sum()
        >>> y.backward()
        >>> x.grad
        tensor([2., 2.])
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: tensor.clone(), lambda packed: packed)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """While open, :class:`saved_tensors_hooks` raises RuntimeError with this message.

    Example::

        >>> import penlight
        >>> from penlight.autograd import graph
        >>> with graph.disable_saved_tensors_hooks("not here"), graph.save_on_cpu():
        ...     pass
        Traceback (most recent call last):
        RuntimeError: not here
    """
    if _hooks.pairs:
        raise RuntimeError(error_message)
    before, _hooks.disabled = _hooks.disabled, error_message
    try:
        yield
    finally:
        _hooks.disabled = before


# ---- changing saved tensors


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_Kept]:
    """While open, tensors kept for backward may be changed in place: backward sees them as they were.

    A copy is made of every tensor as it is kept, and held by the block alone: backward has to run inside it.

    Yields:
        The copies; ``clear()`` lets go of them early.

    Example::

        >>> import penlight
        >>> a = penlight.ones(2, 3, requires_grad=True)
        >>> b = a.clone()
        >>> with penlight.autograd.graph.allow_mutation_on_saved_tensors():
        ...     out = (b ** 2).sum()
        ...     _ = b.sin_()
        ...     out.backward()
        >>> a.grad
        tensor([[2., 2., 2.],
                [2., 2., 2.]])
    """
    kept = _Kept()
    with saved_tensors_hooks(kept.pack, kept.unpack):
        try:
            yield kept
        finally:
            kept.clear()


class _Handle:
    """Stands in the graph for a copy that its context holds."""

    __slots__ = ("__weakref__",)


class _Kept:
    def __init__(self) -> None:
        self._copies: WeakKeyDictionary[_Handle, Tensor] = WeakKeyDictionary()
        self._open = True

    def pack(self, tensor: Tensor) -> _Handle:
        handle = _Handle()
        self._copies[handle] = tensor.clone()
        return handle

    def unpack(self, handle: _Handle) -> Tensor:
        if not self._open:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was "
                "originally recorded."
            )
        return self._copies[handle]

    def clear(self) -> None:
        """Lets go of all copies."""
        self._copies.clear()
        self._open = False


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Counts a change of the tensor's (or tensors') memory that was made behind autograd's back.

    Example::

        >>> import penlight
        >>> x = penlight.ones(2)
        >>> penlight.autograd.graph.increment_version(x)
        >>> x._version
        1
    """
    for one in (tensor,) if isinstance(tensor, Tensor) else tensor:
        _C._increment_version(one)


# ---- one hook on several tensors


class _Handles:
    def __init__(self, handles: list[Any]) -> None:
        self._handles = handles

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all"
) -> _Handles:
    """Calls ``fn`` when the gradients of several tensors are there.

    Args:
        tensors: tensors that require gradients.
        fn: with mode 'all', ``fn(grads)`` is called once a backward pass, when every gradient that this pass computes
            is known (None for a tensor it does not reach); with 'any', ``fn(grad)`` with the first one.
        mode: 'all' or 'any'.

    Returns:
        A handle with ``remove()``.

    Example::

        >>> import penlight
        >>> a, b = penlight.ones(1, requires_grad=True), penlight.ones(1, requires_grad=True)
        >>> handle = penlight.autograd.graph.register_multi_grad_hook((a, b), print)
        >>> (2 * a + 3 * b).backward()
        [tensor([2.]), tensor([3.])]
        >>> handle.remove()
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    lock = threading.Lock()
    if mode == "any":
        done: set[int] = set()

        def first(grad: Tensor) -> None:
            run = _C._current_run()
            with lock:
                if run in done:
                    return
                done.clear()
                done.add(run)
            fn(grad)

        return _Handles([t.register_hook(first) for t in tensors])

    edges = [get_gradient_edge(t) for t in tensors]
    arrived: dict[int, tuple[int, list[Tensor | None]]] = {}

    def one(index: int) -> Callable[[Tensor], None]:
        def hook(grad: Tensor) -> None:
            run = _C._current_run()
            with lock:
                if run not in arrived:
                    arrived.clear()  # what an earlier pass left when it failed
                    expected = sum(_C._takes_part(edge.node) for edge in edges)
                    arrived[run] = expected, [None] * len(edges)
                expected, grads = arrived[run]
                grads[index] = grad
                count = sum(g is not None for g in grads)
                if count == expected:
                    del arrived[run]
            if count == expected:
                fn(grads)

        return hook

    return _Handles([t.register_hook(one(i)) for i, t in enumerate(tensors)])

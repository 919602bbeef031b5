"""Functions with a derivative of one's own.

The object called ``ctx`` in ``forward`` and ``backward`` is the node of the graph itself: what is put on it in
forward is there in backward, and ``y.grad_fn`` is the same object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from penlight import _C, Tensor

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx(_C._FunctionNode):
    """What ``forward`` and ``backward`` of a :class:`Function` share."""

    _to_save: tuple[Tensor | None, ...] = ()
    _dirty: tuple[Tensor, ...] = ()
    _non_differentiable: tuple[Tensor, ...] = ()
    _materialize = True
    needs_input_grad: tuple[bool, ...] = ()
    _backward: Callable[..., Any]
    _tensor_positions: tuple[int, ...]
    _argument_count: int
    _for_forward: tuple[Tensor | None, ...] = ()
    _pushing = False

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """What ``save_for_backward`` was given; in ``jvp``, what ``save_for_forward`` was given."""
        if self._pushing:
            return self._for_forward  # type: ignore[return-value]
        return _C._FunctionNode.saved_tensors.__get__(self)

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for ``ctx.saved_tensors`` in ``jvp``, which runs right after forward."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    "save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes "
                    f"on ctx, but got {type(tensor).__name__}"
                )
        self._for_forward = tensors

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors (inputs, outputs or others) for ``ctx.saved_tensors`` in backward.

        Raises:
            TypeError: something that is neither a tensor nor None.
        """
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(f"save_for_backward can only save variables, but got {type(tensor).__name__}")
        self._to_save = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Says which inputs ``forward`` changed in place; they must be among its outputs."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Says which outputs have no gradient."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """With False, ``backward`` gets None instead of zeros for outputs without a gradient."""
        self._materialize = value

    def _run_backward(self, grads: list[Tensor | None]) -> list[Tensor | None]:
        if self._materialize:
            grads = [self._output_zeros(i) if g is None else g for i, g in enumerate(grads)]
        results = self._backward(self, *grads)
        if not isinstance(results, (tuple, list)):
            results = (results,)
        expected, name = self._argument_count, self.name()
        if len(results) > expected and all(r is None for r in results[expected:]):
            results = results[:expected]
        if len(results) != expected:
            raise RuntimeError(
                f"function {name} returned an incorrect number of gradients (expected {expected}, got {len(results)})"
            )
        for i, result in enumerate(results):
            if result is None:
                continue
            if i not in self._tensor_positions:
                raise RuntimeError(
                    f"function {name} returned a gradient different from None at position {i + 1}, but the "
                    "corresponding forward input was not a Variable"
                )
            if not isinstance(result, Tensor):
                raise TypeError(
                    f"function {name} returned a gradient at position {i + 1} that is not a Tensor or None: "
                    f"{type(result).__name__}"
                )
        return [results[i] for i in self._tensor_positions]


class VmapInfo(NamedTuple):
    """What a Function's ``vmap`` is told: how many examples there are, and how they draw random numbers."""

    batch_size: int
    randomness: str


def _contains(tensors: tuple[Tensor, ...], tensor: Tensor) -> bool:
    return any(t is tensor for t in tensors)


class Function:
    """Base of operations with a derivative of one's own.

    Write two static methods: ``forward(ctx, *args)`` computes, ``backward(ctx, *grads)`` gives one gradient (or
    None) for each argument of forward. Call the operation with ``apply``. Instead of ``forward(ctx, ...)`` one may
    write ``forward(...)`` and ``setup_context(ctx, inputs, output)``.

    Raises, in backward:
        RuntimeError: the wrong number of gradients, or a gradient for an argument that is no tensor.

    Example::

        >>> import penlight
        >>> class Square(penlight.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 2 * x * grad
        >>> x = penlight.tensor(3.0, requires_grad=True)
        >>> y = Square.apply(x)
        >>> y.backward()
        >>> x.grad
        tensor(6.)
    """

    _node_type: type[FunctionCtx]
    generate_vmap_rule = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._node_type = type(
            cls.__name__ + "Backward", (FunctionCtx,), {"__module__": cls.__module__, "_function": cls}
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            f"invoke them on the class itself: {type(self).__name__}.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the result. To be written."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Notes on ctx what backward needs. To be written where forward takes no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Gives the arguments' gradients from the results'. To be written."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Gives the results' tangents from the arguments' (None where an argument has none): forward mode.

        To be written where forward mode is wanted. Tensors that it needs are kept by ``ctx.save_for_forward``.
        """
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
        """Does the work of all examples of a :func:`penlight.func.vmap` at once.

        Args:
            info: ``info.batch_size`` examples, ``info.randomness``.
            in_dims: for each argument the dimension of its examples, or None where it is the same for all.
            args: the arguments, with that dimension.

        Returns:
            The outputs and, in the same structure, the dimension of the examples in each (or None).

        To be written where vmap is wanted, unless ``generate_vmap_rule = True`` says that forward and backward are made
        of operations that vmap knows.
        """
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or set "
            "generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Calls ``forward`` and records the operation."""
        if _C._vmap_running() and any(isinstance(a, Tensor) and _C._batched(a) for a in args):
            if not cls.generate_vmap_rule:
                return _mapped(cls, args)
            if cls.vmap is not Function.vmap:
                raise RuntimeError(
                    f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an "
                    "overriden vmap staticmethod. Please set generate_vmap_rule=False or delete the overriden vmap "
                    "staticmethod to avoid ambiguity."
                )
        ctx = cls._node_type(cls._node_type.__name__)
        positions = tuple(i for i, a in enumerate(args) if isinstance(a, Tensor))
        inputs = tuple(args[i] for i in positions)
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        recorded = _C.is_grad_enabled() and any(ctx.needs_input_grad)
        ctx._tensor_positions, ctx._argument_count = positions, len(args)
        ctx._backward = (
            getattr(cls, "vjp", cls.backward) if cls.backward is Function.backward else cls.backward
        )

        before = _C.is_grad_enabled()
        _C._set_grad_enabled(False)
        carrying = _C._carry_tangents(False)  # jvp says what becomes of them
        try:
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args, **kwargs)
            else:
                result = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, result)
        finally:
            _C._set_grad_enabled(before)
            _C._carry_tangents(carrying)

        single = not isinstance(result, (tuple, list))
        outputs = [result] if single else list(result)
        for tensor in ctx._dirty:
            if not _contains(inputs, tensor):
                raise RuntimeError("mark_dirty: only tensors given to forward as inputs can be marked dirty")
            if not _contains(tuple(outputs), tensor):
                raise RuntimeError(
                    "Some elements marked as dirty during the forward method were not returned as output. The inputs "
                    "that are modified inplace must all be outputs of the Function."
                )
        for i, output in enumerate(outputs):
            # An input given back unchanged is a new tensor, or its place in the graph would be overwritten.
            if isinstance(output, Tensor) and _contains(inputs, output) and not _contains(ctx._dirty, output):
                outputs[i] = _C._view_alias(output)
        if recorded:
            _record(ctx, inputs, outputs, tuple(result for result in ([result] if single else result)))
        if _C._carries_tangents() and any(_C._has_tangent(x) for x in inputs):
            _push(cls, ctx, args, inputs, outputs)
        return outputs[0] if single else tuple(outputs)


def _push(
    cls: type[Function],
    ctx: FunctionCtx,
    args: tuple[Any, ...],
    inputs: tuple[Tensor, ...],
    outputs: list[Any],
) -> None:
    """The outputs' tangents, by the Function's ``jvp``."""
    results = [o for o in outputs if isinstance(o, Tensor)]

    def push(tangents: list[Tensor | None]) -> list[Tensor | None]:
        given = iter(tangents)
        ctx._pushing = True
        try:
            found = cls.jvp(ctx, *(next(given) if isinstance(a, Tensor) else None for a in args))
        finally:
            ctx._pushing = False
        found = list(found) if isinstance(found, (tuple, list)) else [found]
        if len(found) != len(outputs):
            raise RuntimeError(
                f"{cls.__name__}.jvp returned {len(found)} tangents, but forward returned {len(outputs)} outputs"
            )
        changes = []
        for change, output in zip(found, outputs, strict=True):
            if not isinstance(output, Tensor):
                continue
            if change is not None and change.shape != output.shape:
                raise RuntimeError(
                    f"{cls.__name__}.jvp returned a tangent of shape {tuple(change.shape)} for an output of shape "
                    f"{tuple(output.shape)}"
                )
            changes.append(_C.zeros_like(output.detach()) if change is None else change)
        return changes

    _C._push_levels(inputs, results, push)


def _mapped(cls: type[Function], args: tuple[Any, ...]) -> Any:
    """A call inside of vmap, by the Function's own ``vmap``, for the innermost level that the arguments hide."""
    if cls.vmap is Function.vmap:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement "
            "the vmap staticmethod or set generate_vmap_rule=True."
        )
    hidden = [pair for a in args if isinstance(a, Tensor) for pair in _C._hidden(a)]
    level, size = max(hidden)
    in_dims = tuple(0 if isinstance(a, Tensor) and _C._hides(a, level) else None for a in args)
    shown = [a if d is None else _C._show_dim(a, 0, level, size) for a, d in zip(args, in_dims, strict=True)]
    answer = cls.vmap(VmapInfo(size, _C._vmap_randomness(level)), in_dims, *shown)
    if not (isinstance(answer, tuple) and len(answer) == 2):
        raise RuntimeError(
            f"Expected the vmap staticmethod of {cls.__name__} to return (outputs, out_dims), got "
            f"{type(answer).__name__}"
        )
    outputs, out_dims = answer

    def hide(output: Any, dim: int | None) -> Any:
        return output if dim is None else _C._hide_dim(output, dim % output.dim(), level)

    if not isinstance(outputs, (tuple, list)):
        return hide(outputs, out_dims)
    dims = out_dims if isinstance(out_dims, (tuple, list)) else [out_dims] * len(outputs)
    return tuple(hide(o, d) for o, d in zip(outputs, dims, strict=True))


def _record(ctx: FunctionCtx, inputs: tuple[Tensor, ...], outputs: list[Any], raw: tuple[Any, ...]) -> None:
    for tensor in ctx._dirty:
        if tensor.is_leaf and tensor.requires_grad:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    ctx._connect(inputs)
    numbered = []
    for output, original in zip(outputs, raw, strict=True):
        if not isinstance(output, Tensor):
            continue
        differentiable = not _contains(ctx._non_differentiable, original)
        dirty = _contains(ctx._dirty, output)
        if differentiable and not dirty and output.grad_fn is not None:
            output = outputs[outputs.index(output)] = output.detach()
        ctx._attach_output(output, differentiable, dirty)
        numbered.append(output)
    saved = [
        next(
            (o for o, r in zip(outputs, raw, strict=True) if r is tensor and not _contains(inputs, tensor)),
            tensor,
        )
        if tensor is not None
        else None
        for tensor in ctx._to_save
    ]
    ctx._save(saved, numbered)
    _C._observe(ctx, inputs, numbered)
    ctx._to_save = ()


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a ``backward`` that cannot be differentiated itself: a second derivative raises RuntimeError."""
    from functools import wraps

    @wraps(backward)
    def call(ctx: Any, *grads: Any) -> Any:
        recorded = _C.is_grad_enabled() and any(isinstance(g, Tensor) and g.requires_grad for g in grads)
        before = _C.is_grad_enabled()
        _C._set_grad_enabled(False)
        try:
            results = backward(ctx, *grads)
        finally:
            _C._set_grad_enabled(before)
        if not recorded:
            return results
        single = not isinstance(results, (tuple, list))
        blocked = [
            _Once.apply(r.detach().requires_grad_()) if isinstance(r, Tensor) else r
            for r in ([results] if single else results)
        ]
        return blocked[0] if single else tuple(blocked)

    return call


class _Once(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )

"""Differentiation: backward passes, gradients as results, and functions with a derivative of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penlight import _C, Tensor
from penlight.autograd import grad_mode
from penlight.autograd._edge import GradientEdge
from penlight.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
from penlight.autograd.function import Function
from penlight.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_multithreading_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_multithreading_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]  # fmt: skip


def _tuple(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, (Tensor, GradientEdge)) else tuple(value)


def _gradients(given: Any, count: int) -> tuple[Any, ...]:
    if given is None:
        return (None,) * count
    gradients = _tuple(given)
    if len(gradients) != count:
        raise RuntimeError(f"got {count} tensors and {len(gradients)} gradients")
    return gradients


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds the gradient of the tensors' sum, weighted by ``grad_tensors``, to the ``grad`` of the graph's leaves.

    Args:
        tensors: one or several tensors.
        grad_tensors: a gradient for each, of its sizes; may be None for a tensor of one element (1 is taken).
        retain_graph: keep what the graph saved, for another backward; by default as ``create_graph``.
        create_graph: record the backward pass itself, so that gradients can be differentiated again.
        inputs: accumulate into these tensors alone.

    Raises:
        RuntimeError: a tensor without a graph, a missing gradient, or a graph already freed.

    Example::

        >>> import penlight
        >>> x = penlight.ones(2, requires_grad=True)
        >>> penlight.autograd.backward((x * x).sum())
        >>> x.grad
        tensor([2., 2.])
    """
    outputs = _tuple(tensors)
    if inputs is not None:
        inputs = _tuple(inputs)
        if len(inputs) == 0:
            raise RuntimeError("`inputs` argument to `backward` cannot be empty.")
    keep = create_graph if retain_graph is None else retain_graph
    _C._run_backward(outputs, _gradients(grad_tensors, len(outputs)), inputs, keep, create_graph, True)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of the outputs' sum, weighted by ``grad_outputs``, with respect to the inputs.

    Args:
        outputs: one or several tensors.
        inputs: the tensors to differentiate with respect to: leaves or not.
        grad_outputs: a gradient for each output; None for outputs of one element.
        retain_graph: keep what the graph saved; by default as ``create_graph``.
        create_graph: record the backward pass, so that the gradients can be differentiated again.
        allow_unused: give None for an input the outputs do not depend on, instead of raising.
        is_grads_batched: the first dimension of each of ``grad_outputs`` counts several gradients; so does that
            of each result.
        materialize_grads: zeros instead of None.

    Raises:
        RuntimeError: an input that is not part of the graph (without ``allow_unused``), a missing gradient.

    Example::

        >>> import penlight
        >>> x = penlight.tensor(3.0, requires_grad=True)
        >>> penlight.autograd.grad(x**3, x)
        (tensor(27.),)
    """
    outputs, inputs = _tuple(outputs), _tuple(inputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    allow_unused = materialize_grads if allow_unused is None else allow_unused
    if materialize_grads and any(isinstance(i, GradientEdge) for i in inputs):
        raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
    keep = create_graph if retain_graph is None else retain_graph
    weights = _gradients(grad_outputs, len(outputs))
    if is_grads_batched:
        results: Any = _batched(outputs, weights, inputs, keep, create_graph)
    else:
        results = _C._run_backward(outputs, weights, inputs, keep, create_graph, False)
    if any(result is None for result in results):
        if materialize_grads:
            sizes = [len(weights[0])] if is_grads_batched else []
            results = [
                _C.zeros(*sizes, *i.shape, dtype=i.dtype) if r is None else r
                for i, r in zip(inputs, results, strict=True)
            ]
        elif not allow_unused:
            raise RuntimeError(
                "One of the differentiated Tensors appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior."
            )
    return tuple(results)


def _batched(
    outputs: tuple[Any, ...],
    weights: tuple[Any, ...],
    inputs: tuple[Any, ...],
    keep: bool,
    create_graph: bool,
) -> list[Tensor | None]:
    """One backward pass for all gradients, which vmap hides from it."""
    from penlight.func import vmap

    missing: list[bool] = []

    def pull(*hidden: Tensor) -> list[Tensor]:
        results = _C._run_backward(outputs, hidden, inputs, keep, create_graph, False)
        missing.extend(r is None for r in results)
        return [r for r in results if r is not None]

    found = iter(vmap(pull)(*weights))
    return [None if gone else next(found) for gone in missing]


class _AnyTensor(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_AnyTensor):
    """A relic of the time when tensors and variables were two things: every tensor is one, and calling it gives one.

    >>> import penlight
    >>> isinstance(penlight.ones(2), penlight.autograd.Variable)
    True
    """

    def __new__(cls, data: Tensor, requires_grad: bool = False) -> Any:
        """The tensor, or one over the same memory that asks for its gradient."""
        alias = data.detach()
        return alias.requires_grad_() if requires_grad else alias


# It needs grad; and the function hides the module of the same name, as in PyTorch.
from penlight.autograd.gradcheck import gradcheck, gradgradcheck  # noqa: E402


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in ("functional", "graph", "forward_ad", "profiler"):
        return import_module(f"penlight.autograd.{name}")
    raise AttributeError(f"module 'penlight.autograd' has no attribute '{name}'")

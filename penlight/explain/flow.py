"""What the engine hands from node to node in a backward pass: watched, not computed a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from penlight import _C, Tensor
from penlight.explain.reading import Graph


@dataclass
class Passage:
    """One node's part in a backward pass."""

    step: int  # index in the graph
    incoming: list[Tensor | None]  # the gradient of each output, all consumers' shares summed
    outgoing: list[Tensor | None] = field(default_factory=list)  # the share of each input


def backward_flow(
    graph: Graph, roots: list[Tensor], grads: list[Tensor | None], accumulate: bool = False
) -> list[Passage]:
    """Runs the engine backward and notes every node's gradients, in the order the engine took.

    No ``grad`` changes unless asked, and what the graph keeps stays kept. Hooks that stand on tensors and nodes run.

    Args:
        graph: as read from the roots.
        roots: where to start.
        grads: the gradient of each root; None for 1, at a root of one element.
        accumulate: add to the leaves' ``grad``, as ``backward()`` does.

    Raises:
        RuntimeError: the graph was freed by an earlier backward pass, or a gradient is missing.
    """
    passages: list[Passage] = []
    handles = []
    leaves = []
    retained: list[tuple[Tensor, Tensor | None]] = []
    for step in graph.steps:
        if step.leaf:
            leaves.append(step.node.variable)
            handles.append(step.node.register_prehook(_note_leaf(passages, step.index)))
        else:
            handles.append(step.node.register_hook(_note(passages, step.index)))
            retained += [(tensor, _own(tensor.grad)) for _, tensor in step.node._retained]
    inputs = None if accumulate or not leaves else tuple(leaves)
    try:
        _C._run_backward(tuple(roots), tuple(grads), inputs, True, False, accumulate)
    finally:
        for handle in handles:
            handle.remove()
        if not accumulate:
            for tensor, before in retained:
                tensor.grad = before
    return passages


def _note(passages: list[Passage], index: int) -> Any:
    def hook(outgoing: tuple[Tensor | None, ...], incoming: tuple[Tensor | None, ...]) -> None:
        passages.append(Passage(index, [_own(g) for g in incoming], [_own(g) for g in outgoing]))

    return hook


def _note_leaf(passages: list[Passage], index: int) -> Any:
    def hook(incoming: tuple[Tensor | None, ...]) -> None:
        passages.append(Passage(index, [_own(g) for g in incoming]))

    return hook


def _own(grad: Tensor | None) -> Tensor | None:
    """A copy: the engine adds in place to gradients that only it holds."""
    return None if grad is None else grad.detach().clone()

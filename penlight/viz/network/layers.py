"""A net's layers as they are met when it runs: sizes, parameters and multiply-adds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import penlight
from penlight import Tensor, nn


@dataclass
class Layer:
    """One module, at its first call."""

    name: str  # as in named_modules; '' for the net itself
    module: nn.Module
    depth: int
    inputs: list[tuple[int, ...]] = field(default_factory=list)
    outputs: list[tuple[int, ...]] = field(default_factory=list)
    value: Tensor | None = None  # the first tensor it gave
    calls: int = 0
    multiply_adds: int = 0
    bytes: int = 0  # of its results

    @property
    def kind(self) -> str:
        return type(self.module).__name__

    @property
    def leaf(self) -> bool:
        return not any(True for _ in self.module.children())

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.module.parameters())

    @property
    def own_parameters(self) -> int:
        return sum(p.numel() for p in self.module.parameters(recurse=False))

    @property
    def trainable(self) -> int:
        return sum(p.numel() for p in self.module.parameters() if p.requires_grad)


def check_model(model: Any, function: str) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"{function}(): model should be an nn.Module, got {type(model).__name__}")


def input_of(x: Any, function: str) -> tuple[Any, ...]:
    """The arguments a model is called with: a tensor, several, or sizes of a tensor to make."""
    if isinstance(x, Tensor):
        return (x,)
    if isinstance(x, (tuple, list)) and x and all(isinstance(n, int) for n in x):
        return (penlight.zeros(*x),)
    if isinstance(x, (tuple, list)) and x:
        return tuple(x)
    raise TypeError(f"{function}(): x should be a tensor, several of them, or the sizes of one, got {x!r}")


def run(model: nn.Module, x: tuple[Any, ...], keep_values: bool = False) -> list[Layer]:
    """Runs the net once, in evaluation mode and without recording, and gives its layers in the order of their calls."""
    found: dict[int, Layer] = {}
    order: list[Layer] = []
    for name, module in model.named_modules():
        found[id(module)] = Layer(name, module, name.count(".") + 1 if name else 0)

    def before(module: nn.Module, args: Any) -> None:
        layer = found[id(module)]
        if layer.calls == 0:
            order.append(layer)

    def after(module: nn.Module, args: Any, result: Any) -> None:
        layer = found[id(module)]
        layer.calls += 1
        results = list(_tensors(result))
        layer.bytes += sum(r.numel() * r.element_size() for r in results)
        layer.multiply_adds += multiply_adds(module, list(_tensors(args)), results)
        if layer.calls == 1:
            layer.inputs = [tuple(t.shape) for t in _tensors(args)]
            layer.outputs = [tuple(t.shape) for t in results]
            if keep_values and results:
                layer.value = results[0].detach()

    modes = [(module, module.training) for module in model.modules()]
    handles = []
    try:
        for module in model.modules():
            handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
        model.eval()
        with penlight.no_grad():
            model(*x)
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes:
            module.training = training
    return order


def multiply_adds(module: nn.Module, inputs: list[Tensor], results: list[Tensor]) -> int:
    """Multiplications, each with its addition, of one call of a convolution or linear layer; 0 for any other."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or not inputs or not results:
        return 0
    kind = type(module).__name__
    if "ConvTranspose" in kind:
        return inputs[0].numel() * math.prod(weight.shape[1:])
    if "Conv" in kind:
        return results[0].numel() * math.prod(weight.shape[1:])
    if "Bilinear" in kind:
        return results[0].numel() * weight.shape[1] * (weight.shape[2] + 1)
    if "Linear" in kind:
        return results[0].numel() * weight.shape[1]
    return 0


def _tensors(value: Any) -> Any:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))

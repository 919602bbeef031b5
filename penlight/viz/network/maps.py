"""Kernels, feature maps and receptive fields as heat maps."""

from __future__ import annotations

from typing import Any

import penlight
from penlight import Tensor, nn
from penlight.viz.encode import array
from penlight.viz.network.layers import Layer, check_model, input_of, run
from penlight.viz.picture import Picture

MOST_MAPS = 256  # of one layer; what is left out is said


class Maps(Picture):
    """Groups of heat maps, each group on one colour scale; a cell under the pointer tells its value."""


def kernels(module: Any, most: int = MOST_MAPS) -> Maps:
    """The weights of a convolution, or of every convolution of a net, as heat maps.

    Args:
        module: an ``nn.Conv1d/2d``, a transposed one, or a net that holds some. A kernel over one axis is one row; one
            over two axes has a map for each pair of output and input channel.
        most: show at most so many maps of a layer.

    Raises:
        TypeError: something that is no module.
        ValueError: there is no convolution of one or two axes in it.

    Example::

        >>> import penlight
        >>> penlight.viz.kernels(penlight.nn.Conv2d(3, 8, 5))
        <Maps: Kernels of Conv2d>
    """
    check_model(module, "kernels")
    groups = []
    for name, layer in module.named_modules():
        weight = getattr(layer, "weight", None)
        if isinstance(weight, Tensor) and "Conv" in type(layer).__name__ and weight.dim() in (3, 4):
            transposed = "Transpose" in type(layer).__name__
            groups.append(_kernel_group(name, layer, weight.detach(), transposed, most))
    if not groups:
        raise ValueError(f"kernels(): {type(module).__name__} holds no convolution of one or two axes")
    words = "; ".join(group["words"] for group in groups)
    return Maps(_description(f"Kernels of {type(module).__name__}", words, groups))


def _kernel_group(name: str, layer: nn.Module, weight: Tensor, transposed: bool, most: int) -> dict[str, Any]:
    if weight.dim() == 3:  # one row an input channel
        maps, labels = weight, [f"kernel {i}" for i in range(weight.shape[0])]
    else:
        outer, inner = weight.shape[:2]
        maps = weight.reshape(outer * inner, *weight.shape[2:])
        first, second = ("in", "out") if transposed else ("out", "in")
        labels = [f"{first} {i}, {second} {j}" for i in range(outer) for j in range(inner)]
    title = f"{name or type(layer).__name__}: weight of shape {tuple(weight.shape)}"
    return _group(title, maps, labels, most, signed=True)


def feature_maps(model: Any, x: Any, most: int = MOST_MAPS, item: int = 0) -> Maps:
    """What every layer of a net makes of one input.

    Args:
        model: a net; it is run in evaluation mode and left as it was.
        x: what it takes, with a batch in front or without.
        most: show at most so many maps of a layer.
        item: which of the batch.

    Raises:
        TypeError: something that is no module, or no such input.
        IndexError: the batch has no such item.

    Example::

        >>> import penlight
        >>> from penlight import nn
        >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
        >>> maps = penlight.viz.feature_maps(net, penlight.ones(1, 1, 8, 8))
        >>> maps
        <Maps: Feature maps of Sequential>
        >>> [group["title"] for group in maps.describe()["groups"]]
        ['input: shape (1, 1, 8, 8)', '0 (Conv2d): shape (1, 4, 6, 6)', '1 (ReLU): shape (1, 4, 6, 6)']
    """
    check_model(model, "feature_maps")
    arguments = input_of(x, "feature_maps")
    groups = []
    for layer in run(model, arguments, keep_values=True):
        if not layer.leaf or layer.value is None or not layer.value.is_floating_point():
            continue
        groups.append(_feature_group(layer, most, item))
    words = f"{len(groups)} layers, from the first to the last, each on a scale of its own"
    first = arguments[0]
    if isinstance(first, Tensor):
        shown = Layer("input", nn.Identity(), 0, value=first.detach().float())
        groups.insert(0, _feature_group(shown, most, item))
    return Maps(_description(f"Feature maps of {type(model).__name__}", words, groups))


def _feature_group(layer: Layer, most: int, item: int) -> dict[str, Any]:
    value = layer.value
    assert value is not None
    shape = tuple(value.shape)
    if value.dim() > 1:
        if not 0 <= item < value.shape[0]:
            raise IndexError(f"feature_maps(): item should be from 0 to {value.shape[0] - 1}, got {item}")
        value = value[item]
    value = value.detach()
    kind = "" if layer.name == "input" else f" ({layer.kind})"
    title = f"{layer.name or layer.kind}{kind}: shape {shape}"
    if value.dim() >= 3:  # channels of images
        maps = value.reshape(-1, *value.shape[-2:])
        return _group(title, maps, [f"channel {i}" for i in range(maps.shape[0])], most)
    if value.dim() == 2:  # channels of signals, one row each
        return _group(title, value.unsqueeze(0), ["channels by time"], most)
    return _group(title, value.reshape(1, 1, -1), ["units"], most)


def receptive_field(model: Any, x: Any, at: Any = None, layer: str | None = None) -> Maps:
    """Which part of the input one output position looks at, and how strongly.

    The strength is the size of the gradient of that position (summed over channels) with respect to the input: the
    effective receptive field of Luo et al. (2016), *Understanding the Effective Receptive Field in Deep Convolutional
    Neural Networks*, arXiv:1701.04128. It is zero outside the field.

    Args:
        model: a net whose result (or that of ``layer``) has positions: (batch, channels, length) or (batch, channels,
            height, width).
        x: what it takes, with a batch in front.
        at: the position in the output, a number or a tuple; its middle by default.
        layer: the name of a module inside; its result counts instead of the net's.

    Returns:
        A picture; ``.size`` is the extent of the field in input samples along each axis, ``.start`` where it begins.

    Example::

        >>> import penlight
        >>> from penlight import nn
        >>> net = nn.Sequential(nn.Conv1d(1, 4, 3), nn.Conv1d(4, 1, 3, dilation=2))
        >>> penlight.viz.receptive_field(net, penlight.ones(1, 1, 20)).size
        (7,)
    """
    check_model(model, "receptive_field")
    inputs = input_of(x, "receptive_field")
    first = inputs[0].detach().clone().requires_grad_()
    kept: list[Tensor] = []
    handle = None
    if layer is not None:
        modules = dict(model.named_modules())
        if layer not in modules:
            raise ValueError(f"receptive_field(): layer should name a module of the net, got {layer!r}")
        handle = modules[layer].register_forward_hook(lambda module, args, result: kept.append(result))
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with penlight.enable_grad():
            result = model(first, *inputs[1:])
    finally:
        if handle:
            handle.remove()
        for module, training in modes:
            module.training = training
    output = kept[0] if kept else result
    axes = output.dim() - 2
    if axes not in (1, 2) or first.dim() != output.dim():
        raise ValueError(
            f"receptive_field(): input and result should be (batch, channels, length) or (batch, channels, height, "
            f"width), got {tuple(first.shape)} and {tuple(output.shape)}"
        )
    place = (
        tuple(n // 2 for n in output.shape[2:])
        if at is None
        else ((at,) if isinstance(at, int) else tuple(at))
    )
    if len(place) != axes or not all(-n <= p < n for p, n in zip(place, output.shape[2:], strict=True)):
        raise IndexError(f"receptive_field(): at should be a position in {tuple(output.shape[2:])}, got {at}")
    (gradient,) = penlight.autograd.grad(output[(0, slice(None), *place)].sum(), first)
    strength = gradient[0].abs().sum(0)
    reached = (strength if axes == 2 else strength.unsqueeze(0)) > 0
    sides = [reached.any(1 - d).nonzero().flatten().tolist() for d in range(2)][2 - axes :]
    start = tuple(side[0] if side else 0 for side in sides)
    size = tuple(side[-1] - side[0] + 1 if side else 0 for side in sides)
    title = f"Receptive field of position {place} of {tuple(output.shape[2:])}"
    words = (
        f"It reads {' by '.join(map(str, size))} input samples, from {start} on. The stronger a cell, the more the "
        "output changes with it."
    )
    shown = strength if axes == 2 else strength.unsqueeze(0)
    groups = [
        _group(f"gradient on the input, shape {tuple(strength.shape)}", shown.unsqueeze(0), ["strength"], 1)
    ]
    picture = Maps(_description(title, words, groups))
    picture.size, picture.start, picture.strength = size, start, strength  # type: ignore[attr-defined]
    return picture


def _group(
    title: str, maps: Tensor, labels: list[str], most: int, signed: bool | None = None
) -> dict[str, Any]:
    """Maps of shape (count, rows, columns) with a name each."""
    left_out = max(maps.shape[0] - most, 0)
    maps = maps[:most].float()
    finite = maps[maps.isfinite()]
    low, high = (finite.min().item(), finite.max().item()) if finite.numel() else (0.0, 0.0)
    words = f"{title}, values from {low:.3g} to {high:.3g}"
    if left_out:
        words += f"; {left_out} more maps are left out"
    return {
        "title": title,
        "words": words,
        "labels": labels[:most],
        "maps": array(maps),
        "scale": max(abs(low), abs(high)),
        "leftOut": left_out,
    }


def _description(title: str, words: str, groups: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": "maps", "title": title, "words": words.rstrip(".") + ".", "groups": groups}

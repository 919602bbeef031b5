"""The convolution, shown: input, kernel, output, products, gradients and matrix, to play with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import penlight
from penlight.explain.convolution import MODES, Convolution
from penlight.viz.encode import array
from penlight.viz.picture import Picture

MOST_INPUT = 4_000_000  # elements that a picture carries
LOSSES = ("sum", "squares")


def conv(conv: Any, x: Any, *, title: str | None = None, matrix: bool | None = None) -> ConvPicture:
    """A convolution of x that can be stepped through and changed.

    The picture shows a signal as lanes of samples, an image as a grid, with the cells of padding around it. Pointing at
    an output (or stepping with the player or the arrow keys) lights what it reads and prints the products and their
    sum. Sliders change kernel size, stride, padding, dilation, groups and what padding is filled with; sizes and output
    follow, with the size formula filled in. The gradients by the input and by the weight are shown the same way: which
    outputs they come from. Beside it stands the same convolution as a matrix (:func:`penlight.explain.conv_matrix`).

    In a notebook and in ``penlight explore`` the engine computes every output; a saved page computes its own.

    Args:
        conv: a module (``nn.Conv1d``, ``nn.Conv2d``, or transposed), or a dict of arguments: ``weight`` and ``bias``,
            or ``kernel_size`` and ``out_channels`` for new ones, and any of ``stride``, ``padding`` (numbers or
            ``"same"``, ``"valid"``, ``"causal"``), ``dilation``, ``groups``, ``padding_mode``, ``transposed``,
            ``output_padding``.
        x: the input, (channels, length) or (channels, height, width), or a batch of which the first is shown.
        title: stands over the picture.
        matrix: whether the matrix is drawn from the start; by default where the input has up to 4,096 elements.

    Returns:
        A :class:`Picture`.

    Raises:
        TypeError: ``conv`` is neither a convolution nor a dict, or x is no tensor of real numbers.
        ValueError: x does not fit the convolution, leaves no output, or has more than 4 million elements.

    Example:
        >>> from penlight import nn, viz
        >>> viz.conv(nn.Conv1d(2, 16, 3), penlight.randn(1, 2, 64))
        <ConvPicture: Conv1d, (2, 64) to (16, 62)>
    """
    if not isinstance(x, penlight.Tensor):
        try:
            x = penlight.as_tensor(x)
        except (TypeError, ValueError, RuntimeError):
            raise TypeError(f"conv(): x must be a tensor, got {type(x).__name__}") from None
    x = x.detach()
    if x.is_complex():
        raise TypeError("conv(): x must hold real numbers, got complex ones")
    given = Convolution.of(conv, _channels(conv, x))
    if given.dims > 2:
        raise ValueError("conv(): pictures are of 1-D and 2-D convolutions, this one is 3-D")
    if x.dim() == given.dims + 2 and x.shape[0] > 0:
        x = x[0]
    given.check(x.shape)
    if x.numel() > MOST_INPUT:
        raise ValueError(f"conv(): x has {x.numel()} elements, a picture carries at most {MOST_INPUT}")
    return ConvPicture(given, x.to(given.weight.dtype), title, matrix)


class ConvPicture(Picture):
    """What :func:`conv` gives."""

    live = True
    height = 1100

    def __init__(self, conv: Convolution, x: Any, title: str | None = None, matrix: bool | None = None):
        self.conv, self.x = conv, x
        out = (conv.out_channels, *conv.output_size(x.shape[1:]))
        name = f"Conv{'Transpose' if conv.transposed else ''}{conv.dims}d"
        kind = ("A signal", "An image")[conv.dims - 1]
        super().__init__(
            {
                "kind": "conv",
                "title": title or f"{name}, {tuple(x.shape)} to {out}",
                "words": f"{kind} of {_many(x.shape[0], 'channel')} and a "
                f"{'transposed ' if conv.transposed else ''}convolution to {_many(out[0], 'channel')}. Point at a "
                "number, or step with the player, to see the products that make it; move the sliders to change the "
                "layer.",
                "input": array(x),
                "weight": array(conv.weight),
                "bias": None if conv.bias is None else array(conv.bias),
                "outs": conv.out_channels,
                "settings": {
                    "kernel": list(conv.kernel_size),
                    "stride": list(conv.stride),
                    "padding": conv.padding if isinstance(conv.padding, str) else list(conv.padding),
                    "dilation": list(conv.dilation),
                    "groups": conv.groups,
                    "mode": conv.padding_mode,
                    "transposed": conv.transposed,
                    "outputPadding": list(conv.output_padding),
                },
                "matrix": x.numel() <= 4096 if matrix is None else bool(matrix),
            }
        )

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The engine's numbers for the settings of the sliders.

        The request holds ``settings`` as in the description, ``mode`` (``"forward"``, ``"input"``, ``"weight"``),
        ``loss`` (``"sum"`` of the outputs or half the sum of their ``"squares"``), an output channel ``o``, an input
        channel ``c`` and, for gradients by the input, ``channels``. The answer holds arrays: ``plane``, output channel
        o; in the other modes ``upstream``, the loss's gradient by it, and ``gradients`` or ``kernel``.
        """
        mode, loss = request["mode"], request["loss"]
        if mode not in ("forward", "input", "weight") or loss not in LOSSES:
            raise ValueError(f"no such mode or loss: {mode!r}, {loss!r}")
        conv = self.changed(request["settings"])
        conv.check(self.x.shape)
        o, c = _channel(request["o"], conv.out_channels), _channel(request["c"], conv.in_channels)
        if mode == "forward":
            return {"plane": array(conv(self.x)[o])}
        x, weight = self.x.clone().requires_grad_(), conv.weight.clone().requires_grad_()
        y = conv.with_weight(weight)(x)
        upstream = penlight.ones_like(y) if loss == "sum" else y.detach()
        y.backward(upstream)
        answer = {"plane": array(y[o]), "upstream": array(upstream[o])}
        if mode == "input":
            channels = [_channel(k, conv.in_channels) for k in request["channels"]]
            return answer | {"gradients": [array(x.grad[k]) for k in channels]}
        if conv.transposed:
            inner = conv.out_channels // conv.groups
            row, column, joined = c, o % inner, c // (conv.in_channels // conv.groups) == o // inner
        else:
            inner = conv.in_channels // conv.groups
            row, column, joined = o, c % inner, o // (conv.out_channels // conv.groups) == c // inner
        grad = weight.grad[row, column]
        return answer | {"kernel": array(grad if joined else penlight.zeros_like(grad))}

    def changed(self, settings: dict[str, Any]) -> Convolution:
        """The convolution with the sliders' settings.

        A kernel made larger goes on by reflection, a smaller one is cut. Channels that the given weight does not join
        (after a change of groups, or of ordinary to transposed) are joined by the kernels it has, in turn.
        """
        given, dims = self.conv, self.conv.dims
        kernel, stride, dilation, extra = (
            _sizes(settings, name, dims, least)
            for name, least in (("kernel", 1), ("stride", 1), ("dilation", 1), ("outputPadding", 0))
        )
        padding = settings["padding"]
        if not isinstance(padding, str):
            padding = _sizes(settings, "padding", dims, 0)
        elif padding not in ("same", "valid", "causal"):
            raise ValueError(f"no padding {padding!r}")
        groups, mode, transposed = settings["groups"], settings["mode"], bool(settings["transposed"])
        outs, ins = given.out_channels, given.in_channels
        if not isinstance(groups, int) or groups < 1 or outs % groups or ins % groups:
            raise ValueError(f"groups must divide {ins} and {outs} channels, got {groups!r}")
        if mode not in MODES:
            raise ValueError(f"no padding mode {mode!r}")
        first, second = (ins, outs // groups) if transposed else (outs, ins // groups)
        i, j = np.meshgrid(np.arange(first), np.arange(second), indexing="ij")
        group = i // (first // groups)
        o, c = (group * second + j, i) if transposed else (i, group * second + j)
        inner = given.weight.shape[1]
        index = (c, o % inner) if given.transposed else (o, c % inner)
        weight = given.weight.numpy()[index]
        for axis, (size, had) in enumerate(zip(kernel, given.kernel_size, strict=True)):
            steps = had - 1
            taps = steps - np.abs(np.arange(size) % (2 * steps) - steps) if steps else np.zeros(size, int)
            weight = weight.take(taps, axis=2 + axis)
        return replace(
            given, weight=penlight.from_numpy(np.ascontiguousarray(weight)), stride=stride, padding=padding,
            dilation=dilation, groups=groups, padding_mode=mode, transposed=transposed, output_padding=extra,
        )  # fmt: skip


def _many(count: int, one: str) -> str:
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def _channels(conv: Any, x: Any) -> int | None:
    """The input's channels, which a dict of arguments may leave out."""
    if not isinstance(conv, dict) or "weight" in conv:
        return None
    size = conv.get("kernel_size", 3)
    dims = 1 if isinstance(size, int) else len(size)
    return x.shape[-dims - 1] if x.dim() > dims else None


def _channel(value: Any, count: int) -> int:
    if not isinstance(value, int) or not 0 <= value < count:
        raise ValueError(f"no channel {value!r} of {count}")
    return value


def _sizes(settings: dict[str, Any], name: str, dims: int, least: int) -> tuple[int, ...]:
    values = settings[name]
    if len(values) != dims or any(not isinstance(v, int) or not least <= v <= 10_000 for v in values):
        raise ValueError(f"{name} must be {dims} whole numbers from {least} to 10000, got {values!r}")
    return tuple(values)

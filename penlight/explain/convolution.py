"""A convolution's arguments and what they mean: which input element each tap of each output reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

import penlight
from penlight import nn

MODES = ("zeros", "reflect", "replicate", "circular")


@dataclass(frozen=True)
class Convolution:
    """The arguments of a convolution or transposed convolution over 1, 2 or 3 axes.

    ``weight`` and ``bias`` are penlight tensors, shaped as PyTorch keeps them. ``padding`` is one number an axis, or
    ``"valid"``, ``"same"``, or ``"causal"`` (beyond PyTorch: dilation (kernel - 1) cells before the input and none
    after it, so that no output reads what comes later).
    """

    weight: Any
    bias: Any
    stride: tuple[int, ...]
    padding: tuple[int, ...] | str
    dilation: tuple[int, ...]
    groups: int = 1
    padding_mode: str = "zeros"
    transposed: bool = False
    output_padding: tuple[int, ...] = field(default=())

    @classmethod
    def of(cls, conv: Any, channels: int | None = None) -> Convolution:
        """Reads a module, or a mapping of arguments.

        A mapping holds ``weight`` (and ``bias``), or ``out_channels`` and ``kernel_size`` for weights that are drawn as
        a new module draws them (``in_channels`` is the input's, ``channels``, if left out), and any of ``stride``,
        ``padding``, ``dilation``, ``groups``, ``padding_mode``, ``transposed``, ``output_padding``.

        Raises:
            TypeError: neither a convolution module nor a mapping, or a key that is none of these.
            ValueError: arguments that do not fit each other.
        """
        if isinstance(conv, nn.modules.conv._ConvNd):
            return cls(
                conv.weight.detach(),
                None if conv.bias is None else conv.bias.detach(),
                *(conv.stride, conv.padding, conv.dilation, conv.groups, conv.padding_mode),
                *(conv.transposed, conv.output_padding),
            )
        if not isinstance(conv, Mapping):
            raise TypeError(
                "conv must be a convolution such as nn.Conv1d(2, 16, 3) or a dict of its arguments, "
                f"got {type(conv).__name__}"
            )
        return _from_mapping(dict(conv), channels)

    @property
    def dims(self) -> int:
        return self.weight.dim() - 2

    @property
    def kernel_size(self) -> tuple[int, ...]:
        return tuple(self.weight.shape[2:])

    @property
    def in_channels(self) -> int:
        return self.weight.shape[0] if self.transposed else self.weight.shape[1] * self.groups

    @property
    def out_channels(self) -> int:
        return self.weight.shape[1] * self.groups if self.transposed else self.weight.shape[0]

    def pads(self, sizes: Sequence[int]) -> list[tuple[int, int]]:
        """Cells before and after the input along each axis (of a transposed convolution: cut from its output)."""
        if self.padding == "valid":
            return [(0, 0)] * self.dims
        reach = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        if self.padding == "causal":
            return [(r, 0) for r in reach]
        if self.padding == "same":
            wanted = [
                max((-(-n // s) - 1) * s + r + 1 - n, 0)
                for n, s, r in zip(sizes, self.stride, reach, strict=True)
            ]
            return [(w // 2, w - w // 2) for w in wanted]
        return [(int(p), int(p)) for p in self.padding]

    def output_size(self, sizes: Sequence[int]) -> list[int]:
        """The output's sizes; zero or less where the kernel does not fit."""
        out = []
        for i, (n, (before, after)) in enumerate(zip(sizes, self.pads(sizes), strict=True)):
            reach = self.dilation[i] * (self.kernel_size[i] - 1)
            if self.transposed:
                out.append((n - 1) * self.stride[i] - before - after + reach + self.output_padding[i] + 1)
            else:
                out.append((n + before + after - reach - 1) // self.stride[i] + 1)
        return out

    def axis(self, i: int, n: int) -> np.ndarray:
        """Which input each tap of each output reads along axis ``i`` of size ``n``: (outputs, taps), -1 for none.

        A convolution's tap k of output o reads ``o stride + k dilation - before``, folded back into the input by the
        padding mode; zeros are read from nowhere. A transposed convolution's reads the input whose k-th product falls
        on o, if there is one.
        """
        sizes = [1] * self.dims
        sizes[i] = n
        before, out = self.pads(sizes)[i][0], self.output_size(sizes)[i]
        outputs, taps = np.arange(max(out, 0))[:, None], np.arange(self.kernel_size[i])[None, :]
        if self.transposed:
            scaled = outputs + before - taps * self.dilation[i]
            inside = (scaled % self.stride[i] == 0) & (scaled >= 0) & (scaled < n * self.stride[i])
            return np.where(inside, scaled // self.stride[i], -1)
        place = outputs * self.stride[i] + taps * self.dilation[i] - before
        if self.padding_mode == "circular":
            return place % n
        if self.padding_mode == "replicate":
            return place.clip(0, n - 1)
        if self.padding_mode == "reflect":
            steps = max(n - 1, 1)
            return (steps - np.abs(place % (2 * steps) - steps)) if n > 1 else np.zeros_like(place)
        return np.where((place >= 0) & (place < n), place, -1)

    def connections(self) -> np.ndarray:
        """The weight as (out, in, *kernel), zeros between channels of different groups: what a dense one would hold."""
        w = self.weight.detach().numpy()
        if self.transposed:
            w = np.swapaxes(w.reshape(self.groups, w.shape[0] // self.groups, *w.shape[1:]), 1, 2)
        else:
            w = w.reshape(self.groups, w.shape[0] // self.groups, *w.shape[1:])
        outs, ins = w.shape[1:3]
        full = np.zeros((self.groups, outs, self.groups, ins, *self.kernel_size), w.dtype)
        for g in range(self.groups):
            full[g, :, g] = w[g]
        return full.reshape(self.groups * outs, self.groups * ins, *self.kernel_size)

    def __call__(self, x: Any) -> Any:
        """The engine's output for x, (N, C, *sizes) or (C, *sizes)."""
        F: Any = nn.functional
        dims = self.dims
        if self.transposed:
            function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dims - 1]
            return function(
                x,
                self.weight,
                self.bias,
                self.stride,
                self.padding,
                self.output_padding,
                self.groups,
                self.dilation,
            )
        function = (F.conv1d, F.conv2d, F.conv3d)[dims - 1]
        padding: Any = self.padding
        if padding == "causal":
            amounts = [cells for pair in reversed(self.pads(x.shape[-dims:])) for cells in pair]
            x = F.pad(x, amounts, "constant" if self.padding_mode == "zeros" else self.padding_mode)
            padding = 0
        return function(
            x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups, self.padding_mode
        )

    def check(self, shape: Sequence[int]) -> None:
        """Raises ValueError if an input of ``shape`` (channels first, unbatched) does not fit, or leaves no output."""
        if len(shape) != self.dims + 1 or shape[0] != self.in_channels:
            raise ValueError(
                f"an input of shape {tuple(shape)} does not fit a {self.dims}-D convolution of "
                f"{self.in_channels} channels"
            )
        if any(n < 1 for n in shape[1:]) or any(n < 1 for n in self.output_size(shape[1:])):
            raise ValueError(
                f"a kernel of size {self.kernel_size} with dilation {self.dilation} leaves no output of an input of "
                f"shape {tuple(shape)} padded by {self.pads(shape[1:])}"
            )

    def with_weight(self, weight: Any) -> Convolution:
        return replace(self, weight=weight)


def _from_mapping(given: dict[str, Any], channels: int | None) -> Convolution:
    known = {
        "weight",
        "bias",
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
    }
    known |= {"padding_mode", "transposed", "output_padding"}
    for key in given:
        if key not in known:
            raise TypeError(f"conv has no argument {key!r}; known are {', '.join(sorted(known))}")
    transposed, groups = bool(given.get("transposed", False)), given.get("groups", 1)
    weight, bias = given.get("weight"), given.get("bias")
    if weight is None:
        weight, bias = _new_weight(given, channels, transposed, groups)
    if weight.dim() not in (3, 4, 5):
        raise ValueError(
            f"weight must be (out, in / groups, *kernel) over 1 to 3 axes, got shape {tuple(weight.shape)}"
        )
    dims = weight.dim() - 2
    padding = given.get("padding", 0)
    if isinstance(padding, str):
        if padding not in ("same", "valid", "causal") or transposed:
            raise ValueError(f"padding must be numbers, 'same', 'valid' or 'causal', got {padding!r}")
    else:
        padding = _each("padding", padding, dims, 0)
    mode = given.get("padding_mode", "zeros")
    if mode not in MODES or (transposed and mode != "zeros"):
        raise ValueError(
            f"padding_mode must be one of {', '.join(MODES[: 1 if transposed else 4])}, got {mode!r}"
        )
    if not isinstance(groups, int) or groups < 1 or weight.shape[0] % groups:
        raise ValueError(f"groups must be a positive int that divides the channels, got {groups!r}")
    return Convolution(
        weight.detach(),
        None if bias is None else bias.detach(),
        _each("stride", given.get("stride", 1), dims, 1),
        padding,
        _each("dilation", given.get("dilation", 1), dims, 1),
        groups,
        mode,
        transposed,
        _each("output_padding", given.get("output_padding", 0), dims, 0),
    )


def _new_weight(
    given: dict[str, Any], channels: int | None, transposed: bool, groups: Any
) -> tuple[Any, Any]:
    size = given.get("kernel_size", 3)
    dims = given.get("dims") or (1 if isinstance(size, int) else len(size))
    ins = given.get("in_channels", channels)
    if ins is None:
        raise ValueError("conv needs weight, or in_channels for a new one")
    names = (
        ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
        if transposed
        else ("Conv1d", "Conv2d", "Conv3d")
    )
    module = getattr(nn, names[dims - 1])(
        ins, given.get("out_channels", 1), size, groups=groups, bias=given.get("bias") is not False
    )
    return module.weight, module.bias


def _each(name: str, value: Any, dims: int, least: int) -> tuple[int, ...]:
    values = (value,) * dims if isinstance(value, int) else tuple(value)
    if len(values) != dims or any(isinstance(v, bool) or not isinstance(v, int) or v < least for v in values):
        raise ValueError(f"{name} must be an int of at least {least} or {dims} of them, got {value!r}")
    return values


def parameters(conv: Convolution, sizes: Sequence[int]) -> dict[str, int]:
    """Weights a convolution has, those a dense layer between the same sizes would have, and what its matrix holds.

    ``nonzero`` counts the entries of the matrix that are a weight or a sum of weights, from the tables alone: a row's
    columns are every combination of what its taps read along each axis.
    """
    out = conv.output_size(sizes)
    read = prod(sum(len(set(row[row >= 0].tolist())) for row in conv.axis(i, n)) for i, n in enumerate(sizes))
    rows, columns = conv.out_channels * prod(out), conv.in_channels * prod(sizes)
    return {
        "rows": rows,
        "columns": columns,
        "entries": rows * columns,
        "nonzero": read * conv.out_channels * (conv.in_channels // conv.groups),
        "weights": conv.weight.numel(),
    }


def as_input(x: Any, dims: int | None = None) -> Any:
    """x as an unbatched penlight tensor, the first of a batch; ``dims`` axes come after its channels."""
    x = penlight.as_tensor(x).detach()
    if dims is not None and x.dim() == dims + 2 and x.shape[0] > 0:
        return x[0]
    return x

"""Convolutions worked out with NumPy, tap by tap: the reference that the derivation is checked with."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from penlight.explain.derivation.operators import Operator, Site, Table


class Taps:
    """Which input positions each tap of a kernel reads, along every axis."""

    def __init__(self, notes: dict[str, Any], sizes: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        self._notes, self._sizes, self._outputs = notes, sizes, outputs

    def read(self, axis: int, tap: int) -> tuple[np.ndarray, np.ndarray]:
        """For each output position: the input position read, and whether one is (zeros are read outside)."""
        n = self._sizes[axis]
        stride, pad, dilation = (self._notes[k][axis] for k in ("stride", "padding", "dilation"))
        at = np.arange(self._outputs[axis]) * stride + tap * dilation - pad
        inside = (at >= 0) & (at < n)
        mode = self._notes["padding_mode"]
        if mode == "zeros":
            return np.where(inside, at, 0), inside
        everywhere = np.ones_like(inside)
        if mode == "circular":
            return at % n, everywhere
        if mode == "replicate":
            return np.clip(at, 0, n - 1), everywhere
        period = max(2 * (n - 1), 1)
        folded = np.abs(at) % period
        return np.where(folded < n, folded, period - folded), everywhere


def _each(notes: dict[str, Any], x: tuple[int, ...], w: tuple[int, ...], y: tuple[int, ...]) -> Any:
    """All (group, tap, input positions, mask)."""
    taps = Taps(notes, x[2:], y[2:])
    groups = notes["groups"]
    ins, outs = x[1] // groups, y[1] // groups
    for group in range(groups):
        channels = slice(group * ins, (group + 1) * ins), slice(group * outs, (group + 1) * outs)
        for tap in product(*(range(k) for k in w[2:])):
            axes = [taps.read(axis, t) for axis, t in enumerate(tap)]
            grid = np.ix_(*(at for at, _ in axes))
            mask = np.ones((1,) * len(axes), dtype=bool)
            for axis, (_, inside) in enumerate(axes):
                mask = mask & inside.reshape([-1 if i == axis else 1 for i in range(len(axes))])
            yield channels, tap, grid, mask


def convolve(notes: dict[str, Any], x: np.ndarray, w: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """y[n,o,i] = Σ_c Σ_t w[o,c,t] · x[n,c,i·stride + t·dilation − padding]."""
    y = np.zeros(shape)
    for (ins, outs), tap, grid, mask in _each(notes, x.shape, w.shape, shape):
        read = x[(slice(None), ins)][(slice(None), slice(None), *grid)] * mask
        y[:, outs] += np.einsum("nc...,oc->no...", read, w[(outs, slice(None), *tap)])
    return y


def transposed(notes: dict[str, Any], g: np.ndarray, w: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Every output position's gradient goes to the input positions it read, times the weight it read them with."""
    x = np.zeros(shape)
    for (ins, outs), tap, grid, mask in _each(notes, shape, w.shape, g.shape):
        sent = np.einsum("no...,oc->nc...", g[:, outs], w[(outs, slice(None), *tap)]) * mask
        np.add.at(x[:, ins], (slice(None), slice(None), *grid), sent)
    return x


def weight(notes: dict[str, Any], g: np.ndarray, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A weight gets the gradients of all positions it was used at, times what it read there."""
    w = np.zeros(shape)
    for (ins, outs), tap, grid, mask in _each(notes, x.shape, shape, g.shape):
        read = x[(slice(None), ins)][(slice(None), slice(None), *grid)] * mask
        sent = g[:, outs].reshape(g.shape[0], -1, int(np.prod(g.shape[2:])))
        w[(outs, slice(None), *tap)] += np.einsum("noi,nci->oc", sent, read.reshape(*read.shape[:2], -1))
    return w


def _operator(site: Site, position: int) -> Operator:
    """How the gradient of a convolution's output goes to its input, weight or bias."""
    notes, shape = site.notes, site.input_shape(position)
    if position == 2:
        return Operator(
            "Σ_n Σ_i <g>[n,o,i]", r"\sum_n \sum_i <g>_{n,o,i}",
            lambda g, x, y: g.sum(axis=tuple(i for i in range(g.ndim) if i != 1)), "a bias is added at every position",
        )  # fmt: skip
    if notes["transposed"]:
        if position == 0:
            return Operator(
                "Σ_o Σ_t <1>[c,o,t] · <g>[n,o,i·stride + t·dilation − padding]",
                r"\sum_o \sum_t <1>_{c,o,t}\,<g>_{n,o,\,i s + t d - p}",
                lambda g, x, y: convolve(notes, g, x[1], shape),
                "the gradient of a transposed convolution is a convolution with the same kernel",
            )
        return Operator(
            "Σ_n Σ_i <0>[n,c,i] · <g>[n,o,i·stride + t·dilation − padding]",
            r"\sum_n \sum_i <0>_{n,c,i}\,<g>_{n,o,\,i s + t d - p}",
            lambda g, x, y: weight(notes, x[0], g, shape),
            "the correlation of the gradient with the input",
        )
    if position == 0:
        return Operator(
            "Σ_o Σ_t <1>[o,c,t] · <g>[n,o,i], over all i, t with i·stride + t·dilation − padding = j",
            r"\sum_o \sum_{t,\,i:\; i s + t d - p = j} <1>_{o,c,t}\,<g>_{n,o,i}",
            lambda g, x, y: transposed(notes, g, x[1], shape),
            "the correlation of the gradient with the flipped kernel",
        )
    return Operator(
        "Σ_n Σ_i <g>[n,o,i] · <0>[n,c,i·stride + t·dilation − padding]",
        r"\sum_n \sum_i <g>_{n,o,i}\,<0>_{n,c,\,i s + t d - p}",
        lambda g, x, y: weight(notes, g, x[0], shape),
        "the correlation of the input with the gradient",
    )


def _back(site: Site) -> Table:
    return {position: _operator(site, position) for position in range(3)}


def _forward(site: Site, x: Any) -> np.ndarray:
    result = (transposed if site.notes["transposed"] else convolve)(site.notes, x[0], x[1], site.shape)
    return result if x[2] is None else result + x[2].reshape(1, -1, *[1] * (len(site.shape) - 2))


BACK = {"ConvolutionBackward0": _back}
FORWARD = {"ConvolutionBackward0": _forward}

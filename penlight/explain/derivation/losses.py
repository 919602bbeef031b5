"""Losses that a single node computes."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.explain.derivation.operators import Operator, Site, Table, sum_to

MEAN = 1  # as nodes note a loss's reduction: 0 none, 1 mean, 2 sum


def _mse(site: Site) -> Table:
    both = [site.kept.get(name) for name in ("self", "target")]
    count = int(np.prod(np.broadcast_shapes(*(b.shape for b in both if b is not None)), dtype=int))
    below = count if site.notes.get("reduction") == MEAN else 1
    over = f" / {below}" if below > 1 else ""
    factor = rf"\frac{{2}}{{{below}}}" if below > 1 else "2"

    def back(sign: int, place: int) -> Any:
        return lambda g, x, y: sum_to(sign * g * 2 * (x[0] - x[1]) / below, site.input_shape(place))

    return {
        0: Operator(f"<g> · 2 (<0> − <1>){over}", rf"<g>\cdot {factor}\left(<0> - <1>\right)", back(1, 0)),
        1: Operator(f"−<g> · 2 (<0> − <1>){over}", rf"-<g>\cdot {factor}\left(<0> - <1>\right)", back(-1, 1)),
    }


def _mse_forward(site: Site, x: Any) -> np.ndarray:
    squares = (x[0] - x[1]) ** 2
    reduction = site.notes.get("reduction")
    return squares if reduction == 0 else squares.mean() if reduction == MEAN else squares.sum()


class _Classes:
    """What a negative log-likelihood picks: the log-probabilities of the targets, with the classes last."""

    def __init__(self, site: Site) -> None:
        self.axis = 1 if len(site.input_shape()) > 1 else 0
        classes = site.input_shape()[self.axis]
        target = (
            site.kept["target"]
            .astype(np.int64)
            .reshape([n for i, n in enumerate(site.input_shape()) if i != self.axis])
        )
        used = target != site.notes.get("ignore_index", -100)
        weight = site.kept.get("weight")
        weights = np.ones(classes) if weight is None else weight.astype(np.float64)
        self.one_hot = (np.arange(classes) == target[..., None]) & used[..., None]  # classes last
        self.weights = self.one_hot * weights
        self.below = self.weights.sum() if site.notes.get("reduction") == MEAN else 1.0
        self.weighted = weight is not None

    def in_place(self, array: np.ndarray) -> np.ndarray:
        return np.moveaxis(array, -1, self.axis)


def _nll(site: Site) -> Table:
    picked = _Classes(site)
    single = site.notes.get("reduction") != 0

    def back(g: np.ndarray, x: Any, y: Any) -> np.ndarray:
        grads = g if single else np.asarray(g).reshape(picked.one_hot.shape[:-1])[..., None]
        return picked.in_place(-picked.weights * grads / picked.below)

    over = "" if picked.below == 1 else f" / {picked.below:g}"
    factor, latex_factor = (" · the class's weight", r"\,w_c") if picked.weighted else ("", "")
    return {
        0: Operator(
            f"−<g>{factor}{over} at each target, 0 elsewhere",
            rf"-<g>{latex_factor}{over}\;\left[c = \text{{target}}\right]",
            back,
            "with log_softmax before it: softmax, less 1 at the target",
        )
    }


def _nll_forward(site: Site, x: Any) -> np.ndarray:
    picked = _Classes(site)
    losses = -(np.moveaxis(x[0], picked.axis, -1) * picked.weights).sum(axis=-1)
    return losses.reshape(site.shape) if site.notes.get("reduction") == 0 else losses.sum() / picked.below


BACK = {"MseLossBackward0": _mse, "NllLossBackward0": _nll, "NllLoss2DBackward0": _nll}
FORWARD = {
    "MseLossBackward0": _mse_forward,
    "NllLossBackward0": _nll_forward,
    "NllLoss2DBackward0": _nll_forward,
}

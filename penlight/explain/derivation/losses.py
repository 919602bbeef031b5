"""Losses that a single node computes."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.explain.derivation.operators import Operator, Site, Table, sum_to

MEAN = 1  # as nodes note a loss's reduction: 0 none, 1 mean, 2 sum


class _Distance:
    """A loss of the difference of two tensors, element by element, and its slope."""

    def __init__(self, site: Site) -> None:
        both = [site.kept.get(name) for name in ("self", "target")]
        count = int(np.prod(np.broadcast_shapes(*(b.shape for b in both if b is not None)), dtype=int))
        self.reduction = site.notes.get("reduction")
        self.below = count if self.reduction == MEAN else 1
        self.node = site.node
        self.limit = float(site.notes.get("beta", site.notes.get("delta", 0.0)))

    def loss(self, d: np.ndarray) -> np.ndarray:
        if self.node == "MseLossBackward0":
            return d**2
        size = np.abs(d)
        huber = np.where(size < self.limit, d**2 / 2, self.limit * (size - self.limit / 2))
        return huber if self.node == "HuberLossBackward0" else huber / self.limit

    def slope(self, d: np.ndarray) -> np.ndarray:
        if self.node == "MseLossBackward0":
            return 2 * d
        held = np.clip(d, -self.limit, self.limit)
        return held if self.node == "HuberLossBackward0" else held / self.limit

    def texts(self) -> tuple[str, str]:
        """What the gradient is multiplied by, in text and LaTeX."""
        over = f" / {self.below}" if self.below > 1 else ""
        if self.node == "MseLossBackward0":
            factor = rf"\frac{{2}}{{{self.below}}}" if self.below > 1 else "2"
            return f"2 (<0> − <1>){over}", rf"{factor}\left(<0> - <1>\right)"
        limit = f"{self.limit:g}"
        held = f"clamp(<0> − <1>, −{limit}, {limit})"
        latex = rf"\operatorname{{clamp}}\left(<0> - <1>, -{limit}, {limit}\right)"
        below = self.below if self.node == "HuberLossBackward0" else f"{self.below * self.limit:g}"
        factor = rf"\frac{{1}}{{{below}}}\," if str(below) != "1" else ""
        return f"{held} / {below}" if factor else held, factor + latex


def _distance(site: Site) -> Table:
    rule = _Distance(site)
    text, latex = rule.texts()

    def back(sign: int, place: int) -> Any:
        return lambda g, x, y: sum_to(
            sign * g * rule.slope(x[0] - x[1]) / rule.below, site.input_shape(place)
        )

    return {
        0: Operator(f"<g> · {text}", rf"<g>\cdot {latex}", back(1, 0)),
        1: Operator(f"−<g> · {text}", rf"-<g>\cdot {latex}", back(-1, 1)),
    }


def _distance_forward(site: Site, x: Any) -> np.ndarray:
    rule = _Distance(site)
    losses = rule.loss(x[0] - x[1])
    return losses if rule.reduction == 0 else losses.mean() if rule.reduction == MEAN else losses.sum()


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


_DISTANCES = ("MseLossBackward0", "SmoothL1LossBackward0", "HuberLossBackward0")
BACK = {**dict.fromkeys(_DISTANCES, _distance), "NllLossBackward0": _nll, "NllLoss2DBackward0": _nll}
FORWARD = {
    **dict.fromkeys(_DISTANCES, _distance_forward),
    "NllLossBackward0": _nll_forward,
    "NllLoss2DBackward0": _nll_forward,
}

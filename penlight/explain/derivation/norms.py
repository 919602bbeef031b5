"""Normalizations: of channels, of samples, of groups of channels.

With x̂ = (x − m) / s, m the mean and s² = variance + eps over the elements that are normalized together, and h the
gradient of x̂: the gradient of x is (h − mean h − x̂ · mean(h x̂)) / s (S. Ioffe and C. Szegedy, Batch Normalization,
2015, section 3, simplified).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.explain.derivation.operators import Operator, Site, Table


class _Normalized:
    """How the elements of an input are put together, and how weights are laid along it."""

    def __init__(self, site: Site) -> None:
        self.site, self.shape = site, site.shape
        self.eps = site.notes["eps"]
        self.fixed: tuple[Any, Any] | None = None
        if site.node.startswith("NativeLayerNorm"):
            own = len(site.notes["normalized_shape"])
            self.view = self.shape
            self.axes = tuple(range(len(self.shape) - own, len(self.shape)))
            self.along = self.shape[-own:]
        else:
            channels = self.shape[1]
            self.along = (channels, *[1] * (len(self.shape) - 2))
            if site.node.startswith("NativeGroupNorm"):
                self.view = (self.shape[0], site.notes["group"], -1)
                self.axes = (2,)
            else:
                self.view = self.shape
                self.axes = tuple(i for i in range(len(self.shape)) if i != 1)
                if not site.notes.get("training", True):
                    self.fixed = site.kept["running_mean"], site.kept["running_var"]

    def hat(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x̂ and s, in the view's shape."""
        v = x.reshape(self.view)
        if self.fixed is not None:
            mean, var = (f.reshape(self.along) for f in self.fixed)
        else:
            mean, var = v.mean(axis=self.axes, keepdims=True), v.var(axis=self.axes, keepdims=True)
        spread = np.sqrt(var + self.eps)
        return (v - mean) / spread, spread

    def weight(self, x: Any) -> Any:
        return 1.0 if x[1] is None else x[1].reshape(self.along)

    def summed(self, array: np.ndarray) -> np.ndarray:
        """Summed to a weight's shape."""
        if self.site.node.startswith("NativeLayerNorm"):
            axes = tuple(i for i in range(len(self.shape)) if i not in self.axes)
        else:
            axes = tuple(i for i in range(len(self.shape)) if i != 1)
        return array.sum(axis=axes)


_TOGETHER = {"Layer": "each sample's", "Batch": "each channel's", "Group": "each group's"}


def _back(site: Site) -> Table:
    n = _Normalized(site)

    def of_input(g: np.ndarray, x: Any, y: Any) -> np.ndarray:
        hat, spread = n.hat(x[0])
        h = (g * n.weight(x)).reshape(n.view)
        if n.fixed is None:
            h = h - h.mean(axis=n.axes, keepdims=True) - hat * (h * hat).mean(axis=n.axes, keepdims=True)
        return (h / spread).reshape(n.shape)

    def of_weight(g: np.ndarray, x: Any, y: Any) -> np.ndarray:
        return n.summed(g * n.hat(x[0])[0].reshape(n.shape))

    weighted = site.shapes[1] is not None or "weight" in site.kept
    h, latex_h = ("<g> · <1>", r"<g>\,<1>") if weighted else ("<g>", "<g>")
    kind = next(words for name, words in _TOGETHER.items() if name in site.node)
    if n.fixed is not None:
        text, latex, words = f"{h} / s", rf"{latex_h} / s", "s² is the running variance + eps: a constant"
    else:
        text = f"(h − mean h − x̂ · mean(h x̂)) / s, with h = {h} and x̂ = (<0> − mean <0>) / s"
        latex = (
            rf"\frac{{1}}{{s}}\left(h - \overline{{h}} - \hat{{x}}\,\overline{{h \hat{{x}}}}\right),\quad "
            rf"h = {latex_h},\; \hat{{x}} = \frac{{<0> - \overline{{<0>}}}}{{s}}"
        )
        words = f"means go over {kind} elements, s² is their variance + eps: mean and spread depend on every element"
    return {
        0: Operator(text, latex, of_input, words),
        1: Operator(
            "Σ <g> · x̂, with x̂ = (<0> − mean <0>) / s",
            r"\sum <g>\,\hat{x},\quad \hat{x} = \frac{<0> - \overline{<0>}}{s}",
            of_weight,
        ),
        2: Operator("Σ <g>", r"\sum <g>", lambda g, x, y: n.summed(g)),
    }


def _forward(site: Site, x: Any) -> np.ndarray:
    n = _Normalized(site)
    result: np.ndarray = n.hat(x[0])[0].reshape(n.shape) * n.weight(x)
    return result if x[2] is None else result + x[2].reshape(n.along)


_NODES = ("NativeBatchNormBackward0", "NativeLayerNormBackward0", "NativeGroupNormBackward0")
BACK = dict.fromkeys(_NODES, _back)
FORWARD = dict.fromkeys(_NODES, _forward)

"""What goes over dimensions: softmax, products, extremes, spreads, norms of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.explain.derivation.operators import Operator, Site, Table


def _softmax(site: Site) -> Table:
    axis = site.notes["dim"]
    return {
        0: Operator(
            "<y> · (<g> − Σ_j <g>[j] · <y>[j])",
            r"<y>\left(<g> - \sum_j <g>_j\,<y>_j\right)",
            lambda g, x, y: y * (g - (g * y).sum(axis=axis, keepdims=True)),
        )
    }


def _log_softmax(site: Site) -> Table:
    axis = site.notes["dim"]
    return {
        0: Operator(
            "<g> − e^<y> · Σ_j <g>[j]",
            r"<g> - e^{<y>} \sum_j <g>_j",
            lambda g, x, y: g - np.exp(y) * g.sum(axis=axis, keepdims=True),
            "e to the power of log_softmax is softmax: what one class gains the others lose",
        )
    }


def _softmax_forward(site: Site, x: Any) -> np.ndarray:
    axis = site.notes["dim"]
    shifted = x[0] - x[0].max(axis=axis, keepdims=True)
    total = np.exp(shifted).sum(axis=axis, keepdims=True)
    return np.exp(shifted) / total if site.node.startswith("Soft") else shifted - np.log(total)


def _logsumexp(site: Site) -> Table:
    return {
        0: Operator(
            "<g> · e^(<0> − <y>)",
            r"<g>\,e^{<0> - <y>}",
            lambda g, x, y: site.widen(g) * np.exp(x[0] - site.widen(y)),
            "each element gets the share it has in the sum",
        )
    }


def _logsumexp_forward(site: Site, x: Any) -> np.ndarray:
    top = x[0].max(axis=site.axes(), keepdims=True)
    total = top + np.log(np.exp(x[0] - top).sum(axis=site.axes(), keepdims=True))
    return total.reshape(site.shape)


def _prod(site: Site) -> Table:
    def others(g: np.ndarray, x: Any, y: Any) -> np.ndarray:
        rows = np.moveaxis(x[0], site.axes(), range(len(site.axes()))) if x[0].ndim else x[0]
        lines = rows.reshape(int(np.prod(rows.shape[: len(site.axes())], dtype=int)), -1)
        products = np.stack([np.prod(np.delete(lines, i, axis=0), axis=0) for i in range(len(lines))])
        back = products.reshape(rows.shape)
        return site.widen(g) * (
            np.moveaxis(back, range(len(site.axes())), site.axes()) if x[0].ndim else back
        )

    return {0: Operator("<g> · Π_(j≠i) <0>[j]", r"<g> \prod_{j \ne i} <0>_j", others)}


def _cumprod(site: Site) -> Table:
    axis = site.notes["dim"]

    def back(g: np.ndarray, x: Any, y: Any) -> np.ndarray:
        lines, grads = np.moveaxis(x[0], axis, -1), np.moveaxis(g, axis, -1)
        result = np.zeros_like(lines)
        for i in range(lines.shape[-1]):
            for j in range(i, lines.shape[-1]):
                result[..., i] += grads[..., j] * np.prod(np.delete(lines[..., : j + 1], i, axis=-1), axis=-1)
        return np.moveaxis(result, -1, axis)

    return {
        0: Operator(
            "[i] = Σ_(j≥i) <g>[j] · Π_(k≤j, k≠i) <0>[k]",
            r"\sum_{j \ge i} <g>_j \prod_{k \le j,\,k \ne i} <0>_k",
            back,
        )
    }


def _extreme(site: Site) -> Table:
    def back(g: np.ndarray, x: Any, y: Any) -> np.ndarray:
        hit = x[0] == site.widen(y)
        return site.widen(g) * hit / hit.sum(axis=site.axes(), keepdims=True)

    return {
        0: Operator(
            "<g> where <0> = <y>, shared among equals; 0 elsewhere",
            r"<g>\,\left[<0> = <y>\right] / \#\{<0> = <y>\}",
            back,
        )
    }


def _spread(site: Site) -> Table:
    axes = site.axes()
    count = int(np.prod([site.input_shape()[a] for a in axes], dtype=int))
    below = count - site.notes.get("correction", 1)
    root = site.node.startswith("Std")

    def back(g: np.ndarray, x: Any, y: Any) -> np.ndarray:
        distance = x[0] - x[0].mean(axis=axes, keepdims=True)
        return (
            site.widen(g) * distance / (below * site.widen(y))
            if root
            else site.widen(g) * 2 * distance / below
        )

    if root:
        return {
            0: Operator(
                f"<g> · (<0> − mean <0>) / ({below:g} <y>)",
                rf"<g>\,\frac{{<0> - \overline{{<0>}}}}{{{below:g}\,<y>}}",
                back,
            )
        }
    return {
        0: Operator(
            f"<g> · 2 (<0> − mean <0>) / {below:g}",
            rf"<g>\,\frac{{2}}{{{below:g}}}\left(<0> - \overline{{<0>}}\right)",
            back,
        )
    }


def _vector_norm(site: Site) -> Table:
    p = site.notes["ord"]
    if p == 2:
        text, latex = "<g> · <0> / <y>", r"<g>\,\frac{<0>}{<y>}"
    elif p == 1:
        text, latex = "<g> · sign <0>", r"<g>\,\operatorname{sign} <0>"
    else:
        text = f"<g> · sign <0> · |<0>|^({p:g} − 1) / <y>^({p:g} − 1)"
        latex = rf"<g>\,\operatorname{{sign}} <0> \left(\frac{{|<0>|}}{{<y>}}\right)^{{{p:g} - 1}}"

    def back(g: np.ndarray, x: Any, y: Any) -> np.ndarray:
        g, signs = site.widen(g), np.sign(x[0])
        if p == 1:
            return g * signs
        norm = np.linalg.norm(x[0].reshape(-1), p) if not site.axes() else None
        norm = (np.abs(x[0]) ** p).sum(axis=site.axes(), keepdims=True) ** (1 / p) if norm is None else norm
        with np.errstate(all="ignore"):
            return np.where(norm > 0, g * signs * (np.abs(x[0]) / norm) ** (p - 1), 0)

    if p in (0, float("inf"), -float("inf")):
        return {}
    return {0: Operator(text, latex, back, "at zero, where there is no slope, the gradient is taken as zero")}


def _vector_norm_forward(site: Site, x: Any) -> np.ndarray:
    p = site.notes["ord"]
    return ((np.abs(x[0]) ** p).sum(axis=site.axes()) ** (1 / p)).reshape(site.shape)


BACK = {
    "SoftmaxBackward0": _softmax,
    "LogSoftmaxBackward0": _log_softmax,
    "LogsumexpBackward0": _logsumexp,
    "ProdBackward0": _prod,
    "ProdBackward1": _prod,
    "CumprodBackward0": _cumprod,
    **dict.fromkeys(("MaxBackward1", "MinBackward1", "AmaxBackward0", "AminBackward0"), _extreme),
    "VarBackward0": _spread,
    "StdBackward0": _spread,
    "LinalgVectorNormBackward0": _vector_norm,
}
FORWARD = {
    "SoftmaxBackward0": _softmax_forward,
    "LogSoftmaxBackward0": _softmax_forward,
    "LogsumexpBackward0": _logsumexp_forward,
    "LinalgVectorNormBackward0": _vector_norm_forward,
}

"""Operations that mix elements: how the gradient goes back, in indices and sums, and worked out with NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = list[np.ndarray | None]


@dataclass(frozen=True)
class Operator:
    """How the gradient of one input follows from that of the output.

    ``text`` and ``latex`` hold <g> for the output's gradient, <0>, <1>, ... for the inputs and <y> for the output.
    """

    text: str
    latex: str
    run: Callable[[np.ndarray, Arrays, np.ndarray | None], np.ndarray]
    words: str = ""


def _t(array: np.ndarray) -> np.ndarray:
    return np.swapaxes(array, -1, -2)


def _matrix(left: int, right: int) -> dict[int, Operator]:
    """A product of matrices whose factors are the inputs of these numbers."""
    a, b = f"<{left}>", f"<{right}>"
    return {
        left: Operator(
            f"<g> @ {b}ᵀ, that is [i,k] = Σ_j <g>[i,j] · {b}[k,j]",
            rf"<g>\,{b}^\top \quad\text{{that is}}\quad [i,k] = \sum_j <g>_{{ij}}\,{b}_{{kj}}",
            lambda g, x, y: g @ _t(x[right]),  # type: ignore[arg-type]
        ),
        right: Operator(
            f"{a}ᵀ @ <g>, that is [k,j] = Σ_i {a}[i,k] · <g>[i,j]",
            rf"{a}^\top\,<g> \quad\text{{that is}}\quad [k,j] = \sum_i {a}_{{ik}}\,<g>_{{ij}}",
            lambda g, x, y: _t(x[left]) @ g,  # type: ignore[arg-type]
        ),
    }


def _sum_to(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    extra = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(extra))) if extra else g
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and g.shape[i] != 1)
    return g.sum(axis=axes, keepdims=True) if axes else g


def _softmax_back(g: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
    return y * (g - (g * y).sum(axis=axis, keepdims=True))


def _log_softmax_back(g: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
    return g - np.exp(y) * g.sum(axis=axis, keepdims=True)


def operator(
    node: str, position: int, notes: dict[str, Any], shapes: list[tuple[int, ...] | None]
) -> Operator | None:
    """The operator that takes a node's gradient to one of its inputs; None where this is not written yet."""
    table: dict[int, Operator] = {}
    if node in ("MmBackward0", "BmmBackward0"):
        table = _matrix(0, 1)
    elif node in ("AddmmBackward0", "BaddbmmBackward0"):
        shape = shapes[0] or ()
        table = {
            0: Operator(
                "<g>, summed over what was broadcast", r"\sum <g>", lambda g, x, y: _sum_to(g, shape)
            ),
            **_matrix(1, 2),
        }
    elif node == "MvBackward0":
        table = {
            0: Operator("<g>[i] · <1>[j]", r"<g>_i\,<1>_j", lambda g, x, y: np.outer(g, x[1])),  # type: ignore[arg-type]
            1: Operator("<0>ᵀ @ <g>, that is [j] = Σ_i <0>[i,j] · <g>[i]",
                        r"<0>^\top\,<g> \quad [j] = \sum_i <0>_{ij}\,<g>_i",
                        lambda g, x, y: x[0].T @ g),  # type: ignore[union-attr]
        }  # fmt: skip
    elif node == "DotBackward0":
        table = {
            0: Operator("<g> · <1>[i]", r"<g>\,<1>_i", lambda g, x, y: g * x[1]),  # type: ignore[operator]
            1: Operator("<g> · <0>[i]", r"<g>\,<0>_i", lambda g, x, y: g * x[0]),  # type: ignore[operator]
        }
    elif node == "SoftmaxBackward0":
        axis = notes["dim"]
        table = {0: Operator("<y> · (<g> − Σ_j <g>[j] · <y>[j])", r"<y>\left(<g> - \sum_j <g>_j\,<y>_j\right)",
                             lambda g, x, y: _softmax_back(g, y, axis))}  # type: ignore[arg-type]  # fmt: skip
    elif node == "LogSoftmaxBackward0":
        axis = notes["dim"]
        table = {0: Operator("<g> − e^<y> · Σ_j <g>[j]", r"<g> - e^{<y>} \sum_j <g>_j",
                             lambda g, x, y: _log_softmax_back(g, y, axis))}  # type: ignore[arg-type]  # fmt: skip
    elif node == "ProdBackward0":
        table = {
            0: Operator(
                "<g> · Π_(j≠i) <0>[j]", r"<g> \prod_{j \ne i} <0>_j", lambda g, x, y: g * _others(x[0])
            )
        }  # type: ignore[arg-type]
    elif node in ("MaxBackward1", "MinBackward1", "AmaxBackward0", "AminBackward0") and shapes[0] is not None:
        table = {0: Operator("<g> where <0> is the extreme, shared among equals; 0 elsewhere",
                             r"<g>\,\left[<0> = <y>\right] / \#\{{<0> = <y>\}}", _at_extreme)}  # fmt: skip
    return table.get(position)


def _others(x: Any) -> np.ndarray:
    flat = x.reshape(-1)
    return np.array([np.prod(np.delete(flat, i)) for i in range(flat.size)]).reshape(x.shape)


def _at_extreme(g: np.ndarray, x: Arrays, y: np.ndarray | None) -> np.ndarray:
    values = x[0]
    if values is None or y is None or y.ndim not in (0, values.ndim):
        raise NotImplementedError("an extreme along some dimensions, without keepdim")
    hit = values == y
    axes = tuple(i for i in range(values.ndim) if y.ndim == 0 or y.shape[i] == 1)
    return g * hit / hit.sum(axis=axes, keepdims=True)


def forward(node: str, x: Arrays, notes: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray | None:
    """The result of an operation that mixes elements; None where it is not known, or a value is missing."""
    if node == "ConvolutionBackward0":
        from penlight.explain.derivation.convolution import convolve, transposed

        if x[0] is None or x[1] is None:
            return None
        result = (transposed if notes["transposed"] else convolve)(notes, x[0], x[1], shape)
        return result if x[2] is None else result + x[2].reshape(1, -1, *[1] * (len(shape) - 2))
    if any(value is None for value in x):
        return None
    if node in ("MmBackward0", "BmmBackward0", "MvBackward0", "DotBackward0"):
        return np.asarray(np.matmul(x[0], x[1]))  # type: ignore[arg-type]
    if node in ("AddmmBackward0", "BaddbmmBackward0"):
        return np.asarray(x[0] + np.matmul(x[1], x[2]))  # type: ignore[arg-type,operator]
    if node in ("SoftmaxBackward0", "LogSoftmaxBackward0"):
        values: Any = x[0]
        shifted = values - values.max(axis=notes["dim"], keepdims=True)
        total = np.exp(shifted).sum(axis=notes["dim"], keepdims=True)
        return np.exp(shifted) / total if node.startswith("Soft") else shifted - np.log(total)
    return None

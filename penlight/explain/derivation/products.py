"""Products of matrices and vectors."""

from __future__ import annotations

import numpy as np

from penlight.explain.derivation.operators import Operator, Site, Table, sum_to


def _t(array: np.ndarray) -> np.ndarray:
    return np.swapaxes(array, -1, -2)


def _matrix(left: int, right: int) -> Table:
    """A product of matrices whose factors are the inputs of these numbers."""
    a, b = f"<{left}>", f"<{right}>"
    return {
        left: Operator(
            f"<g> @ {b}ᵀ, that is [i,k] = Σ_j <g>[i,j] · {b}[k,j]",
            rf"<g>\,{b}^\top \quad\text{{that is}}\quad [i,k] = \sum_j <g>_{{ij}}\,{b}_{{kj}}",
            lambda g, x, y: g @ _t(x[right]),
        ),
        right: Operator(
            f"{a}ᵀ @ <g>, that is [k,j] = Σ_i {a}[i,k] · <g>[i,j]",
            rf"{a}^\top\,<g> \quad\text{{that is}}\quad [k,j] = \sum_i {a}_{{ik}}\,<g>_{{ij}}",
            lambda g, x, y: _t(x[left]) @ g,
        ),
    }


def _added(site: Site) -> Table:
    shape = site.input_shape()
    added = Operator("<g>, summed over what was broadcast", r"\sum <g>", lambda g, x, y: sum_to(g, shape))
    return {0: added, **_matrix(1, 2)}


def _vector(site: Site) -> Table:
    return {
        0: Operator("<g>[i] · <1>[j]", r"<g>_i\,<1>_j", lambda g, x, y: np.outer(g, x[1])),
        1: Operator(
            "<0>ᵀ @ <g>, that is [j] = Σ_i <0>[i,j] · <g>[i]",
            r"<0>^\top\,<g> \quad [j] = \sum_i <0>_{ij}\,<g>_i",
            lambda g, x, y: x[0].T @ g,
        ),
    }


def _dot(site: Site) -> Table:
    return {
        0: Operator("<g> · <1>[i]", r"<g>\,<1>_i", lambda g, x, y: g * x[1]),
        1: Operator("<g> · <0>[i]", r"<g>\,<0>_i", lambda g, x, y: g * x[0]),
    }


BACK = {
    "MmBackward0": lambda site: _matrix(0, 1),
    "BmmBackward0": lambda site: _matrix(0, 1),
    "AddmmBackward0": _added,
    "BaddbmmBackward0": _added,
    "MvBackward0": _vector,
    "DotBackward0": _dot,
}
FORWARD = {
    **dict.fromkeys(
        ("MmBackward0", "BmmBackward0", "MvBackward0", "DotBackward0"), lambda site, x: np.matmul(x[0], x[1])
    ),
    **dict.fromkeys(
        ("AddmmBackward0", "BaddbmmBackward0"), lambda site, x: x[0] + np.matmul(x[1], x[2])
    ),
}  # fmt: skip

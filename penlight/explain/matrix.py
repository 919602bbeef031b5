"""A convolution as the matrix that it is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from penlight.explain.convolution import Convolution

MOST_ENTRIES = 200_000_000  # non-zero ones: 16 bytes each while the matrix is made


def conv_matrix(conv: Any, input_size: int | Sequence[int]) -> Any:
    """The matrix of a convolution: its rows are the kernel, stacked for the channels and shifted along the input.

    A convolution without its bias is linear, so it is a matrix A, sparse, and with the few weights of the kernel on all
    its diagonals: ``A @ x.ravel()`` is ``conv(x).ravel()`` but for the bias. Its transpose carries gradients back:
    where g is the loss's gradient by the output, ``A.T @ g.ravel()`` is the one by the input.

    Args:
        conv: a module such as ``nn.Conv1d(2, 16, 3)``, ordinary or transposed, in 1 to 3 dimensions; or a dict of
            arguments, ``{"weight": w, "stride": 2, "padding": "causal", ...}``.
        input_size: the sizes after the channels, or the shape of an unbatched input with them: ``64``, ``(64,)`` and
            ``(2, 64)`` are the same for ``nn.Conv1d(2, 16, 3)``.

    Returns:
        A ``scipy.sparse.csr_array`` of the weight's dtype and shape (out_channels * outputs, in_channels * inputs),
        rows and columns in the order of ``ravel()``. Every weight that the geometry puts there is stored, also one that
        happens to be zero; taps that fold onto the same element (``"circular"``, ...) are summed.

    Raises:
        ValueError: the size does not fit the convolution, leaves no output, or asks for more than 200 million entries.
        ImportError: SciPy is missing (``pip install 'penlight[viz]'``).

    Example:
        >>> from penlight.explain import conv_matrix
        >>> conv = {"weight": penlight.tensor([[[1., 2., 3.]]])}
        >>> conv_matrix(conv, 5).toarray()
        array([[1., 2., 3., 0., 0.],
               [0., 1., 2., 3., 0.],
               [0., 0., 1., 2., 3.]], dtype=float32)
    """
    try:
        from scipy import sparse
    except ImportError:
        raise ImportError("conv_matrix() needs SciPy: pip install 'penlight[viz]'") from None
    conv = Convolution.of(conv)
    sizes = [input_size] if isinstance(input_size, int) else list(input_size)
    if len(sizes) == conv.dims:
        sizes.insert(0, conv.in_channels)
    conv.check(sizes)
    sizes, out = sizes[1:], conv.output_size(sizes[1:])
    tables = [conv.axis(i, n) for i, n in enumerate(sizes)]
    outs, ins = np.nonzero(_same_group(conv))  # pairs of channels that see each other
    taps = [np.count_nonzero(table >= 0) for table in tables]
    if prod(taps) * len(outs) > MOST_ENTRIES:
        raise ValueError(
            f"input_size: the matrix would have {prod(taps) * len(outs)} entries, at most {MOST_ENTRIES}"
        )
    weights, rows, columns, values = conv.connections(), [], [], []
    for tap in itertools.product(*(range(k) for k in conv.kernel_size)):
        row, column = np.zeros(1, np.int64), np.zeros(1, np.int64)
        for table, k, n, m in zip(tables, tap, sizes, out, strict=True):  # what this tap reads, axis by axis
            read = np.flatnonzero(table[:, k] >= 0)
            row = (row[:, None] * m + read).ravel()
            column = (column[:, None] * n + table[read, k]).ravel()
        rows.append((outs[:, None] * prod(out) + row).ravel())
        columns.append((ins[:, None] * prod(sizes) + column).ravel())
        values.append(np.repeat(weights[(outs, ins, *tap)], len(row)))
    shape = (conv.out_channels * prod(out), conv.in_channels * prod(sizes))
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.coo_array(entries, shape).tocsr()


def _same_group(conv: Convolution) -> np.ndarray:
    outs, ins = conv.out_channels // conv.groups, conv.in_channels // conv.groups
    return np.kron(np.eye(conv.groups, dtype=bool), np.ones((outs, ins), bool))

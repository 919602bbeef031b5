"""Tensors and descriptions as JSON that the front end reads (``frontend/src/lib/arrays.js`` is the other side)."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

FEW = 64  # up to so many elements are written as numbers, which a person can read


def array(values: Any) -> dict[str, Any]:
    """A tensor or array as ``{"shape", "values"}``, or ``{"shape", "dtype", "base64"}`` where it is large.

    Half-precision values become float32, truth values uint8; bytes are little-endian. Values that JSON cannot carry
    (nan and infinities) are always written as bytes.

    >>> array(penlight.tensor([[1., 2.], [3., 4.]]))
    {'shape': [2, 2], 'values': [1.0, 2.0, 3.0, 4.0]}
    """
    if hasattr(values, "detach"):
        values = values.detach()
        if str(values.dtype).rpartition(".")[2] in ("bfloat16", "float16"):
            values = values.float()
        values = values.numpy()
    values = np.asarray(values)
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    elif values.dtype == bool:
        values = values.astype(np.uint8)
    shape = list(values.shape)
    if values.size <= FEW and np.isfinite(values).all():
        return {"shape": shape, "values": values.ravel().tolist()}
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return {
        "shape": shape,
        "dtype": values.dtype.name,
        "base64": base64.b64encode(values.tobytes()).decode("ascii"),
    }


def to_json(description: Any) -> str:
    """JSON that may stand inside a ``<script>`` of a page: no ``<`` is left in it, so no text can end the script."""
    text = json.dumps(description, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")

"""What is shown of a tensor: its values where they are few, otherwise a summary and a tiny histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import penlight
from penlight import Tensor

FEW = 36  # as many values can be read at a glance
BINS = 12


@dataclass(frozen=True)
class Glimpse:
    """A tensor as it was at one moment. It keeps no memory of the tensor itself."""

    shape: tuple[int, ...]
    dtype: str
    values: Any = None  # nested lists (a number for a tensor of no dimension), where they are few
    summary: dict[str, Any] | None = None  # low, high, mean, std, norm, finite, nan, inf, zeros, histogram

    @property
    def few(self) -> bool:
        """Are all values here?"""
        return self.values is not None

    def as_json(self) -> dict[str, Any]:
        """The description that pages are made from."""
        plain: dict[str, Any] = {"shape": list(self.shape), "dtype": self.dtype}
        if self.few:
            plain["values"] = printable(self.values)
        if self.summary:
            plain["summary"] = {key: printable(value) for key, value in self.summary.items()}
        return plain


def glimpse(tensor: Tensor, few: int = FEW) -> Glimpse:
    """Looks at a tensor without recording anything.

    Args:
        tensor: any tensor.
        few: up to so many values are taken as they are.

    Example::

        >>> import penlight
        >>> from penlight.explain.glimpse import glimpse
        >>> glimpse(penlight.tensor([1.0, 2.0])).values
        [1.0, 2.0]
        >>> round(glimpse(penlight.arange(100.0)).summary["mean"], 1)
        49.5
    """
    shape, name = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
    with penlight.no_grad():
        plain = tensor.detach()
        if plain.numel() <= few:
            return Glimpse(shape, name, plain.tolist())
        if tensor.dtype == penlight.bool:
            plain = plain.to(penlight.uint8)
        elif not (tensor.dtype == penlight.float64 or plain.dtype.is_floating_point):
            plain = plain.to(penlight.int64)
        elif plain.dtype.itemsize < 4:
            plain = plain.float()
        return Glimpse(shape, name, None, summarize(plain.numpy()))


def summarize(array: np.ndarray) -> dict[str, Any]:
    """Range, mean, spread, norm and histogram of the finite values, and how many are not finite."""
    flat = array.reshape(-1)
    finite = flat[np.isfinite(flat)]
    nan = int(np.isnan(flat).sum())
    result: dict[str, Any] = {"nan": nan, "inf": int(flat.size - finite.size - nan)}
    if finite.size == 0:
        return result
    wide = finite.astype(np.float64)
    low, high = float(wide.min()), float(wide.max())
    counts, _ = np.histogram(wide, BINS, (low, high if high > low else low + 1))
    return result | {
        "low": low,
        "high": high,
        "mean": float(wide.mean()),
        "std": float(wide.std()),
        "norm": float(np.sqrt(np.square(wide).sum())),
        "zeros": int((wide == 0).sum()),
        "histogram": counts.tolist(),
    }


def norm(seen: Glimpse) -> float:
    """The root of the sum of squares of a tensor seen."""
    if seen.summary is not None:
        return float(seen.summary.get("norm", math.nan))
    return math.sqrt(sum(float(v) ** 2 for v in flat(seen.values)))


def flat(values: Any) -> list[Any]:
    """The numbers of nested lists, in order."""
    if not isinstance(values, list):
        return [values]
    return [number for item in values for number in flat(item)]


def printable(value: Any) -> Any:
    """Numbers that JSON has no word for (inf, nan) as text; everything else as it is."""
    if isinstance(value, (list, tuple)):
        return [printable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if value != value else "inf" if value > 0 else "-inf"
    return value


def number(value: Any, digits: int = 4) -> str:
    """A number in few digits, with a true minus sign; whole numbers without a point."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        text = str(value)
    else:
        text = f"{value:.{digits}g}"
        if text == "-0":
            text = "0"
    return text.replace("-", "\N{MINUS SIGN}")

"""The printed form of a tensor: the characters PyTorch prints for the same values and options.

Only the numbers that are shown are ever looked at, so a tensor of any size prints at once. The format too is
chosen from the shown numbers: integers without decimals ("2."), four decimals, or powers of ten where the
numbers are far apart, very large or very small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from penlight import Tensor

_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
_options: dict[str, Any] = {**_PROFILES["default"], "sci_mode": None}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors are printed from now on. What is left out keeps its value, but for ``sci_mode``.

    Args:
        precision: digits after the decimal point (4 at the start).
        threshold: a tensor of more elements than this is summarised (1000).
        edgeitems: elements shown at each end of an axis in a summary (3).
        linewidth: characters in a line (80).
        profile: ``"default"``, ``"short"`` or ``"full"``; the arguments above override it.
        sci_mode: powers of ten always (``True``), never (``False``), or as the numbers ask for (``None``).

    Raises:
        ValueError: for an unknown profile or a negative number.
        TypeError: for something else than a number.

    Example::

        >>> import penlight
        >>> penlight.set_printoptions(precision=2)
        >>> penlight.tensor([1.12345])
        tensor([1.12])
        >>> penlight.set_printoptions(profile="default")
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"profile must be one of {', '.join(map(repr, _PROFILES))}, got {profile!r}")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes = {name: value for name, value in given.items() if value is not None}
    for name, value in changes.items():
        number = (int, float) if name == "threshold" else int
        if not isinstance(value, number) or isinstance(value, bool):
            raise TypeError(f"{name} must be a whole number, got {type(value).__name__}")
        if value < 0:
            raise ValueError(f"{name} must not be negative, got {value}")
    _options.update(_PROFILES.get(profile or "", {}), **changes, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """The options in force, as a dictionary that ``set_printoptions(**options)`` takes back."""
    return dict(_options)


class printoptions:
    """A ``with`` block with other print options; takes the arguments of :func:`set_printoptions`.

    Example::

        >>> import penlight
        >>> with penlight.printoptions(precision=1):
        ...     print(penlight.tensor([0.25, 0.5]))
        tensor([0.2, 0.5])
    """

    def __init__(self, **options: Any) -> None:
        self._inside = options

    def __enter__(self) -> None:
        self._outside = get_printoptions()
        set_printoptions(**self._inside)

    def __exit__(self, *exception: object) -> None:
        _options.update(self._outside)


def tensor_repr(tensor: Tensor) -> str:
    """``repr(tensor)``."""
    from penlight import Tensor

    kind = type(tensor)
    if kind is not Tensor:
        from penlight.nn import Parameter

        if kind is not Parameter:
            return _described(tensor, kind.__name__)
    return _described(tensor, "tensor")


def tensor_format(tensor: Tensor, spec: str) -> str:
    """``format(tensor, spec)``: the number's format for a tensor without axes, else that of any object."""
    if tensor.dim() == 0:
        return format(tensor.item(), spec)
    return object.__format__(tensor, spec)


def _described(tensor: Tensor, name: str) -> str:
    from penlight import bool as bool_dtype
    from penlight import get_default_dtype, int64

    prefix = name + "("
    suffixes = []
    empty = tensor.numel() == 0
    text = "[]" if empty else _values_text(_as_array(tensor), indent=len(prefix))
    if (empty and tensor.dim() != 1) or (not empty and _options["edgeitems"] == 0):
        suffixes.append(f"size={tuple(tensor.shape)}")
    # The dtypes that the values alone tell; of no values only the default dtype is expected.
    expected = [get_default_dtype()] if empty else [get_default_dtype(), int64, bool_dtype]
    if tensor.dtype not in expected:
        suffixes.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name().rsplit('::', 1)[-1]}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes(prefix + text, suffixes, indent=len(prefix)) + ")"


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Adds each suffix after a comma, on a new line where the last line has no room for it."""
    column = len(text) - text.rfind("\n") + 1  # two more than are there: PyTorch counts so
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options["linewidth"]:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text


def _as_array(tensor: Tensor) -> np.ndarray:
    """The values as an array, which shares the tensor's memory where NumPy knows the dtype."""
    from penlight import bfloat16

    detached = tensor.detach()
    return (detached.float() if tensor.dtype == bfloat16 else detached).numpy()


def _values_text(values: np.ndarray, indent: int) -> str:
    """The nested brackets of a non-empty array, the first of which stands in column ``indent``."""
    edge = _options["edgeitems"]
    shortened = [values.size > _options["threshold"] and size > 2 * edge for size in values.shape]
    if any(shortened):
        if edge == 0:
            return "[...]"
        ends = np.r_[:edge, -edge:0]
        shown = [ends if shortened[axis] else np.arange(size) for axis, size in enumerate(values.shape)]
        values = values[np.ix_(*shown)]
    texts, width = _number_texts(values.ravel())

    def brackets(start: int, stop: int, axis: int, indent: int) -> str:
        """The text of ``texts[start:stop]``, which are the numbers of one bracket along ``axis``."""
        if axis == values.ndim:
            return texts[start]
        if axis == values.ndim - 1:
            items = texts[start:stop]
            if shortened[axis]:
                items.insert(edge, " ...")
            per_line = max(1, (_options["linewidth"] - indent) // (width + 2))
            lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
            newline = ",\n"
        else:
            step = (stop - start) // values.shape[axis]
            lines = [brackets(at, at + step, axis + 1, indent + 1) for at in range(start, stop, step)]
            if shortened[axis]:
                lines.insert(edge, "...")
            newline = "," + "\n" * (values.ndim - 1 - axis)
        return "[" + (newline + " " * (indent + 1)).join(lines) + "]"

    return brackets(0, values.size, 0, indent)


def _number_texts(values: np.ndarray) -> tuple[list[str], int]:
    """Every number's text, all in one format and filled up to one width, and that width.

    Zeros, infinities and NaNs have no say in the choice of the format and of the width.
    """
    if values.dtype.kind != "f":
        texts = [str(value) for value in values.tolist()]
        width = max(map(len, texts))
    else:
        values = values.astype(np.float64)
        telling = np.isfinite(values) & (values != 0)
        format_number = _float_format(values[telling])
        texts = [format_number(value) for value in values.tolist()]
        width = max((len(texts[i]) for i in telling.nonzero()[0]), default=1)
    return [text.rjust(width) for text in texts], width


def _float_format(values: np.ndarray) -> Callable[[float], str]:
    """The format that suits these finite numbers, none of which is zero."""
    if values.size == 0:
        return _whole
    sizes = np.abs(values)
    smallest, largest = float(sizes.min()), float(sizes.max())
    scientific = _options["sci_mode"]
    if scientific is None:
        scientific = largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4
    if scientific:
        return f"{{:.{_options['precision']}e}}".format
    if (values == np.ceil(values)).all():
        return _whole
    return f"{{:.{_options['precision']}f}}".format


def _whole(value: float) -> str:
    return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"

"""Complaints about arguments: what Python functions of the library say when something else stands for a tensor."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any


def _blamed(value: Any, culprit: Any) -> bool:
    if isinstance(value, str):  # whose items are strings again
        return isinstance(culprit, str) and culprit in value
    return value is culprit or (
        isinstance(value, (list, tuple)) and any(_blamed(item, culprit) for item in value)
    )


def _complaint(function: Callable[..., Any], args: Any, kwargs: Any, error: AttributeError) -> str | None:
    """Names the argument that lacks an attribute of tensors; None where the fault lies elsewhere."""
    import inspect

    from penlight import Tensor

    if isinstance(error.obj, Tensor) or not hasattr(Tensor, error.name or ""):
        return None
    try:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError:
        return None
    annotations = function.__annotations__
    for position, (name, value) in enumerate(given.items()):
        wrong = not isinstance(value, Tensor) and annotations.get(name) in ("Tensor", Tensor)
        if wrong or _blamed(value, error.obj):
            kind = type(value if wrong else error.obj).__name__
            return f"{function.__name__}(): argument '{name}' (position {position + 1}) must be Tensor, not {kind}"
    return None


def explained(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function; but where an argument is no tensor and should be one, a TypeError that names it."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except AttributeError as error:
            complaint = _complaint(function, args, kwargs, error)
            if complaint is None:
                raise
        raise TypeError(complaint)

    return call


def explain_all(names: dict[str, Any]) -> None:
    """Explains every public function written in the module, or package, with the given globals."""
    for name in names["__all__"]:
        value = names[name]
        if isinstance(value, FunctionType) and f"{value.__module__}.".startswith(f"{names['__name__']}."):
            names[name] = explained(value)

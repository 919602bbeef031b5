"""Gradients over the steps of a training run: does any layer get too little, or too much?"""

from __future__ import annotations

import math
from typing import Any

from penlight import _C, Tensor
from penlight.viz.network.layers import check_model
from penlight.viz.picture import Picture

VANISHING, EXPLODING = 1e-7, 1e3  # sizes at which the words beside the picture warn


class GradientFlow(Picture):
    """Norms of the gradients of every layer's parameters, a point a backward pass.

    Attributes:
        norms: by parameter name, a list with one norm a pass.
    """

    def __init__(self, model: Any):
        self.norms: dict[str, list[float]] = {}
        self._steps: list[int] = []
        self._handles = []
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                self.norms[name] = []
                self._handles.append(parameter.register_hook(self._watch(name)))
        if not self.norms:
            raise ValueError(
                f"gradient_flow(): {type(model).__name__} has no parameter that requires a gradient"
            )
        self._name = type(model).__name__
        super().__init__({"kind": "lines", "title": f"Gradient flow of {self._name}", "words": ""})

    def _watch(self, name: str) -> Any:
        def hook(grad: Tensor) -> None:
            run = _C._current_run()
            if not self._steps or self._steps[-1] != run:
                self._steps.append(run)
            line = self.norms[name]
            line.extend([math.nan] * (len(self._steps) - 1 - len(line)))  # passes that did not reach it
            norm = grad.detach().float().norm().item()
            if len(line) == len(self._steps):  # the second gradient of one pass
                line[-1] = math.hypot(line[-1], norm)
            else:
                line.append(norm)

        return hook

    def remove(self) -> None:
        """Stops watching; what was seen stays."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def __enter__(self) -> GradientFlow:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

    def describe(self) -> dict[str, Any]:
        steps = len(self._steps)
        lines = [
            {"name": name, "values": [_plain(v) for v in [*line, *[math.nan] * (steps - len(line))]]}
            for name, line in self.norms.items()
        ]
        return {
            **self._description,
            "words": self._words(),
            "lines": lines,
            "x": "backward pass",
            "y": "norm of the gradient",
            "log": True,
        }

    def _words(self) -> str:
        steps = len(self._steps)
        if not steps:
            return "No backward pass has been seen yet."
        last = {name: line[-1] for name, line in self.norms.items() if len(line) == steps}
        said = [f"{steps} backward passes through {len(self.norms)} parameters."]
        for words, names in (
            ("Vanishing", [n for n, v in last.items() if v < VANISHING]),
            ("Exploding", [n for n, v in last.items() if v > EXPLODING or v != v]),
            ("Without a gradient", [n for n in self.norms if n not in last]),
        ):
            if names:
                said.append(f"{words}: {', '.join(names[:6])}{' and more' if len(names) > 6 else ''}.")
        if len(said) == 1:
            said.append(f"The last norms lie between {min(last.values()):.2g} and {max(last.values()):.2g}.")
        return " ".join(said)


def gradient_flow(model: Any) -> GradientFlow:
    """Watches the gradients of a net's parameters from now on; shown after some steps, it draws their norms.

    Args:
        model: an ``nn.Module``.

    Returns:
        A picture that grows with every backward pass; ``remove()``, or leaving its ``with`` block, ends the watch.

    Raises:
        TypeError: something that is no module.
        ValueError: no parameter requires a gradient.

    Example::

        >>> import penlight
        >>> net = penlight.nn.Linear(3, 1)
        >>> with penlight.viz.gradient_flow(net) as flow:
        ...     for _ in range(3):
        ...         net(penlight.ones(2, 3)).sum().backward()
        >>> flow.norms["bias"]
        [2.0, 2.0, 2.0]
    """
    check_model(model, "gradient_flow")
    return GradientFlow(model)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None

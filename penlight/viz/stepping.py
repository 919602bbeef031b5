"""A backward pass as a picture: the flow chart, with a slider that lets the gradients arrive step by step."""

from __future__ import annotations

from typing import Any

from penlight.explain.glimpse import glimpse
from penlight.explain.stepping import BackwardStep, BackwardSteps, one_line
from penlight.viz.flowchart.describe import Describer
from penlight.viz.picture import Picture


class SteppingPicture(Picture):
    """The steps of a backward pass over their flow chart. Made by ``penlight.explain.backward(a).picture()``."""

    height = 900

    def __init__(self, steps: BackwardSteps, passages: list[Any]) -> None:
        describer = Describer(steps.graph, passages, None)
        chart = describer.describe()
        card_of = {step.index: card for card, step in describer.drawn}
        super().__init__(
            {
                **chart,
                "kind": "stepping",
                "title": f"How the gradient of {chart['root']} comes to be",
                "words": f"The backward pass in {len(steps)} steps, from {chart['root']} to the leaves.",
                "steps": [_describe(step, card_of.get(step.index)) for step in steps],
                "details": describer.details(),
                "gradients": True,
            }
        )


def _describe(step: BackwardStep, card: int | None) -> dict[str, Any]:
    return {
        "card": card,
        "name": "leaf" if step.leaf else step.name,
        "formula": step.formula,
        "words": step.words[0].upper() + step.words[1:],
        "incoming": [None if g is None else glimpse(g).as_json() for g in step.incoming],
        "local": [
            {
                "name": local.name,
                "rule": local.rule,
                "elementwise": local.elementwise,
                "matrix": _matrix(step, local),
            }
            for local in step.local
        ],
        "shares": [
            {
                "name": share.name,
                "added": glimpse(share.added).as_json(),
                "before": None if share.before is None else glimpse(share.before).as_json(),
                "after": glimpse(share.after).as_json(),
            }
            for share in step.shares
        ],
        "leaf": step.leaf,
        "accumulates": step.accumulates,
        "place": f"{step.place.file}, line {step.place.line}" if step.place else "",
        "code": step.place.text if step.place else "",
        "source": step.source,
        "said": _said(step),
    }


def _matrix(step: BackwardStep, local: Any) -> dict[str, Any] | None:
    """The Jacobian, or only its diagonal in the input's own shape where each output has its own input."""
    if local.diagonal is not None:
        share = next((s for s in step.shares if s.name == local.name), None)
        shape = share.added.shape if share is not None else local.diagonal.shape
        return glimpse(local.diagonal.reshape(shape), few=100).as_json()
    return None if local.jacobian is None else glimpse(local.jacobian, few=256).as_json()


def _said(step: BackwardStep) -> str:
    """The step in one sentence, for screen readers."""
    if step.leaf:
        return (
            f"{step.shares[0].name}.grad gets {one_line(step.shares[0].added)}."
            if step.shares
            else "Nothing arrives."
        )
    incoming = "; ".join(one_line(g) for g in step.incoming if g is not None)
    handed = "; ".join(f"{one_line(share.added)} to {share.name}" for share in step.shares)
    return f"{step.name}, {step.formula}: gradient in {incoming}; it hands on {handed}."

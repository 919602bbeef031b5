"""What every tensor of a graph is called, and what every operation computes, in formulas."""

from __future__ import annotations

from penlight.explain.reading import Graph, Step
from penlight.explain.rules import formula

LONGEST_NAME = 14  # of a formula that stands for a name


def labels(graph: Graph) -> dict[tuple[int, int], str]:
    """What every tensor of a graph is called: by its variable, or by the formula it was computed by.

    A formula that grows too long to read is cut off and gets a letter with the number of its node.
    """
    found: dict[tuple[int, int], str] = {}
    for step in graph.steps:
        for number, output in enumerate(step.outputs):
            name = output.name
            if not name and step.leaf:
                name = f"leaf {step.index}"
            elif not name and len(step.outputs) == 1:
                name = formula_of(step, found)
            if not name or (len(name) > LONGEST_NAME and not output.name):
                name = f"t{step.index}" + (f"[{number}]" if len(step.outputs) > 1 else "")
            found[step.index, number] = name
    return found


def formula_of(step: Step, names: dict[tuple[int, int], str]) -> str:
    """What a step computes, its inputs by their names."""
    return formula(step.name, input_names(step, names), step.notes)


def input_names(step: Step, names: dict[tuple[int, int], str]) -> list[str]:
    """The names of a step's inputs; '' for a number."""
    constants = iter(step.constants)
    inputs = []
    for position, edge in enumerate(step.inputs):
        if edge is not None:
            inputs.append(names[edge.source, edge.output])
        elif len(step.input_names) > position and step.input_names[position]:
            inputs.append(step.input_names[position])
        elif step.notes and ("other" in step.notes or "self" in step.notes):
            inputs.append("")
        else:
            inputs.append(next((c.name for c in constants), ""))
    return inputs

"""Reads the graph that autograd recorded and draws it: values run down, gradients run up."""

from dataclasses import dataclass, field

import penlight
from penlight.demo.svg import MINUS, Numbers, Svg, matrix_size


@dataclass
class Step:
    """One node of the recorded graph, and the tensor it stands for."""

    node: str  # the name autograd gives it, as ``SubBackward0``
    label: str  # what the tensor is called on the chart
    value: Numbers
    gradient: Numbers
    depth: int  # steps from the result, by the longest way
    inputs: list[int] = field(default_factory=list)  # places, in the list of steps, of what it was made from


def mean_of_squares(x: penlight.Tensor) -> list[Step]:
    """The steps of a = mean(3 (x-2)²), the standard first example of backpropagation; sets ``x.grad``."""
    y = x - 2
    s = y**2
    z = 3 * s
    a = z.mean()
    return trace(a, {"x": x, f"y = x {MINUS} 2": y, "s = y²": s, "z = 3 s": z, "a = mean(z)": a})


def trace(result: penlight.Tensor, names: dict[str, penlight.Tensor]) -> list[Step]:
    """Runs ``result.backward()`` and gives the steps of its graph, the result first.

    Args:
        result: a tensor of one element made by recorded operations.
        names: every tensor on the way, the result and the leaves included, under the words to show; the first
            word stands for the tensor, as in ``"y = x − 2"``.

    Returns:
        the nodes found by walking ``grad_fn`` and ``next_functions``, with each tensor's value and the
        gradient that a hook on it was given.

    Raises:
        ValueError: a node of the graph belongs to none of the named tensors.
    """
    gradients: dict[str, penlight.Tensor] = {}
    hooks = [
        tensor.register_hook(lambda gradient, name=name: gradients.__setitem__(name, gradient))
        for name, tensor in names.items()
    ]
    nodes, inputs = _walk(result.grad_fn)
    result.backward()
    for hook in hooks:
        hook.remove()

    steps = []
    for node, depth in zip(nodes, _depths(inputs), strict=True):
        name = _name_of(node, names)
        steps.append(Step(type(node).__name__, name, _rows(names[name]), _rows(gradients[name]), depth))
    for step, places in zip(steps, inputs, strict=True):
        step.inputs = places
    return steps


def draw(steps: list[Step]) -> str:
    """The chart: one box a step, the leaves on top and the result at the foot."""
    layers: list[list[int]] = [[] for _ in range(1 + max(step.depth for step in steps))]
    for place, step in enumerate(steps):
        layers[-1 - step.depth].append(place)

    box_width, gap, arrow_length = 336.0, 24.0, 46.0
    width = max(len(layer) for layer in layers) * (box_width + gap) - gap + 4
    corners: dict[int, tuple[float, float, float]] = {}
    y = 2.0
    for layer in layers:
        x = (width - len(layer) * (box_width + gap) + gap) / 2
        height = max(_box_height(steps[place]) for place in layer)
        for place in layer:
            corners[place] = (x, y, height)
            x += box_width + gap
        y += height + arrow_length

    sheet = Svg(width, y - arrow_length + 2)
    for place, step in enumerate(steps):
        for source in step.inputs:
            _draw_edge(sheet, step, corners[source], corners[place])
    for place, step in enumerate(steps):
        slope = f"∂{_letter(steps[0])}/∂{_letter(step)}"
        slope += f" → {_letter(step)}.grad" if not step.inputs else ""
        _draw_box(sheet, step, slope, *corners[place], box_width)
    return sheet.render(describe(steps), "flow")


def describe(steps: list[Step]) -> str:
    """The chart in words, from the leaves to the result."""
    said = [
        f"{s.label} has value {_spoken(s.value)} and gradient {_spoken(s.gradient)}" for s in reversed(steps)
    ]
    return "Flow chart of the recorded graph. " + "; ".join(said) + "."


def _walk(first):
    """All nodes that can be reached, and for each the places of the nodes it hands gradients to."""
    nodes, places = [first], {first: 0}
    inputs: list[list[int]] = []
    for node in nodes:  # grows while we walk
        inputs.append([])
        for following, _ in node.next_functions:
            if following is None:
                continue
            if following not in places:
                places[following] = len(nodes)
                nodes.append(following)
            inputs[-1].append(places[following])
    return nodes, inputs


def _depths(inputs: list[list[int]]) -> list[int]:
    depths = [0] * len(inputs)
    for _ in inputs:  # a longest way has fewer edges than there are nodes
        for place, sources in enumerate(inputs):
            for source in sources:
                depths[source] = max(depths[source], depths[place] + 1)
    return depths


def _name_of(node, names: dict[str, penlight.Tensor]) -> str:
    for name, tensor in names.items():
        if tensor.grad_fn == node or (tensor.is_leaf and getattr(node, "variable", None) is tensor):
            return name
    raise ValueError(f"no tensor was named for the node {node.name()}")


def _rows(tensor: penlight.Tensor) -> Numbers:
    return tensor.detach().reshape(-1, tensor.shape[-1] if tensor.dim() else 1).tolist()


def _box_height(step: Step) -> float:
    return 42 + max(matrix_size(step.value)[1], matrix_size(step.gradient)[1])


def _draw_edge(sheet: Svg, step: Step, source, target) -> None:
    """The two ways between a tensor and one made from it: the value down, the gradient up."""
    x, y, height = source
    to_x, to_y, _ = target
    sheet.arrow(x + 92, y + height + 4, to_x + 92, to_y - 4, "values")
    sheet.arrow(to_x + 250, to_y - 4, x + 250, y + height + 4, "gradients")
    middle = (y + height + to_y) / 2 + 4
    sheet.text(to_x + 240, middle, step.node, "small mono gradients", "end")


def _draw_box(sheet: Svg, step: Step, slope: str, x: float, y: float, height: float, width: float) -> None:
    sheet.rect(x, y, width, height, "box", 10)
    sheet.text(x + 16, y + 24, step.label, "strong")
    sheet.text(x + width - 16, y + 24, slope, "small gradients", "end")
    value_width, _ = matrix_size(step.value)
    gradient_width, _ = matrix_size(step.gradient)
    sheet.matrix(x + 92 - value_width / 2, y + 34, step.value, "values")
    sheet.matrix(x + 250 - gradient_width / 2, y + 34, step.gradient, "gradients")


def _letter(step: Step) -> str:
    return step.label.split()[0]


def _spoken(values: Numbers) -> str:
    return str([[round(v, 4) for v in line] for line in values])

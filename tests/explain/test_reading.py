"""What is read of a graph is what the engine holds: nodes, edges, shapes, names and values."""

import pytest

import penlight as torch
from penlight import explain, nn
from penlight.explain.glimpse import flat, glimpse
from penlight.explain.reading import read, walk
from penlight.explain.recording import made


def lesson():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x - 2
    s = y**2
    a = (3 * s).mean()
    return x, y, s, a


def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2 * 3 * 3, 5),
        nn.LogSoftmax(1),
    )


def shared():
    x = torch.randn(3, requires_grad=True)
    h = x.exp()
    parts = (h * x).reshape(3, 1).expand(3, 4).split(2, dim=1)
    return parts[0].sum() + parts[1].prod() + h.max(0).values


def written_in_place():
    x = torch.randn(4, requires_grad=True)
    y = x * 2
    y[1:3] = x[:2] ** 2
    y.add_(1)
    return y.sum()


PROGRAMS = {
    "lesson": lambda: lesson()[-1],
    "net": lambda: net()(torch.randn(2, 1, 8, 8)).sum(),
    "shared": shared,
    "in place": written_in_place,
}


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=PROGRAMS)
def test_nodes_and_edges_are_the_engines(make):
    result = make()
    graph = read(result)
    by_node = {step.node: step for step in graph.steps}
    assert len(by_node) == len(graph.steps)
    assert set(by_node) == set(walk([result.grad_fn]))
    for step in graph.steps:
        held = [
            (by_node[below].index, number) for below, number in step.node.next_functions if below is not None
        ]
        assert [(e.source, e.output) for e in step.inputs if e is not None] == held
        assert [e is None for e in step.inputs] == [below is None for below, _ in step.node.next_functions]
        assert [(o.shape, "torch." + o.dtype) for o in step.outputs] == [
            (tuple(size), str(dtype)) for size, dtype in step.node._input_metadata
        ]
        assert step.leaf == hasattr(step.node, "variable")
    assert sum(len([e for e in step.inputs if e]) for step in graph.steps) == len(graph.edges)
    assert all(edge.source < edge.target for edge in graph.edges)
    assert graph.steps[graph.roots[0][0]].node is result.grad_fn


def test_names_come_from_the_callers_variables():
    x, y, s, a = lesson()
    weights = [torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)]
    table = {"k": torch.ones(2, requires_grad=True)}
    total = a + (weights[1] * table["k"]).sum()
    graph = read(total)
    names = {output.name for step in graph.steps for output in step.outputs}
    assert {"x", "y", "s", "a", "weights[1]", "table['k']", "total"} <= names
    assert graph.step_of(y.grad_fn).outputs[0].name == "y"
    assert graph.step_of(s.grad_fn).outputs[0].name == "s"
    assert next(step for step in graph.steps if step.leaf and step.node.variable is x).outputs[0].name == "x"


def test_parameters_are_named_by_their_place_in_a_module():
    model = net()
    graph = read(model(torch.randn(1, 1, 8, 8)).sum())
    leaves = {step.outputs[0].name: step.node.variable for step in graph.steps if step.leaf}
    assert set(leaves) == {"model.0.weight", "model.0.bias", "model.4.weight", "model.4.bias"}
    assert leaves["model.4.weight"] is model[4].weight


def test_values_say_where_they_are_from_and_are_right():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x - 2
    a = ((y**2).exp() * 3).mean()
    outputs = {step.name: step.outputs[0] for step in read(a).steps}
    assert (outputs["AccumulateGrad"].source, outputs["AccumulateGrad"].value.values) == ("leaf", x.tolist())
    assert (outputs["SubBackward0"].source, outputs["SubBackward0"].value.values) == ("variable", y.tolist())
    assert outputs["ExpBackward0"].source == "kept"
    assert outputs["PowBackward0"].source == "computed again"
    assert outputs["PowBackward0"].value.values == (y**2).tolist()
    assert (outputs["MeanBackward0"].source, outputs["MeanBackward0"].value.values) == ("variable", a.item())


def test_a_value_nobody_holds_is_not_made_up():
    x = torch.randn(50, 50, requires_grad=True)
    graph = read((x + 1).sum())
    add = next(step for step in graph.steps if step.name == "AddBackward0")
    assert add.outputs[0].value is None and add.outputs[0].source == ""


def test_a_tensor_changed_in_place_since_is_not_shown_as_kept():
    x = torch.ones(3, requires_grad=True)
    w = torch.ones(3)
    y = (x * w).sum()
    w.add_(1)
    mul = next(step for step in read(y).steps if step.name == "MulBackward0")
    assert mul.constants == []


def test_constants_that_the_engine_keeps_are_shown():
    data = torch.randn(1, 1, 8, 8)
    model = net()
    conv = next(step for step in read(model(data).sum()).steps if step.name == "ConvolutionBackward0")
    assert [constant.name for constant in conv.constants] == ["data"]
    assert conv.constants[0].value == glimpse(data)


def test_reading_needs_a_graph():
    with pytest.raises(ValueError, match="asks for no gradient"):
        read(torch.ones(2))
    with pytest.raises(TypeError, match="but got int"):
        read([3])


def test_a_summary_counts_what_is_there():
    values = torch.tensor([float("nan"), float("inf"), -1.0, 0.0, 3.0] + [1.0] * 45)
    seen = glimpse(values)
    assert not seen.few
    assert (seen.summary["nan"], seen.summary["inf"], seen.summary["zeros"]) == (1, 1, 1)
    assert (seen.summary["low"], seen.summary["high"]) == (-1.0, 3.0)
    assert sum(seen.summary["histogram"]) == 48
    assert glimpse(torch.arange(100)).summary["mean"] == pytest.approx(49.5)
    assert flat(glimpse(torch.ones(2, 3)).values) == [1.0] * 6
    assert glimpse(torch.ones(100, dtype=torch.bool)).summary["mean"] == 1
    assert glimpse(torch.ones(100, dtype=torch.bfloat16)).summary["mean"] == 1


# ---- recording


def test_a_recording_notes_value_line_expression_and_names():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    shift = torch.tensor([5.0, 6.0])
    with explain.record() as tape:
        y = x + shift
        z = (y * 2).sum()
    add, mul, total = tape.nodes
    assert made(add).place.expression == "x + shift"
    assert made(mul).place.expression == "y * 2"
    assert made(total).place.expression == "(y * 2).sum()"
    assert made(add).place.file == __file__
    assert made(add).outputs[0].values == y.tolist()
    assert made(mul).names[0] == "y"
    step = read(z).step_of(add)
    assert [(c.name, c.value.values) for c in step.constants] == [("shift", shift.tolist())]


def test_a_recording_knows_the_module_of_every_operation():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x):
            return self.inner(x).relu() + self.inner(x)

    model = nn.Sequential(Block(), nn.Linear(4, 2))
    with explain.record() as tape:
        model(torch.randn(3, 4)).sum()
    modules = [[(call.path, call.number) for call in made(node).calls] for node in tape.nodes]
    assert modules[0] == [("model", 1), ("model.0", 1), ("model.0.inner", 1)]
    assert [("model", 1), ("model.0", 1)] in modules  # relu and the sum of both
    assert [("model", 1), ("model.0", 1), ("model.0.inner", 2)] in modules
    assert modules[-1] == []  # the sum outside


def test_recording_ends_with_its_block_and_nests():
    x = torch.ones(2, requires_grad=True)
    with explain.record() as outer:
        x * 2
        with explain.record() as inner:
            x * 3
        x * 4
    x * 5
    assert (len(outer.nodes), len(inner.nodes)) == (2, 1)


def test_recording_can_stand_for_a_notebook():
    x = torch.ones(2, requires_grad=True)
    tape = explain.set_recording(True)
    x * 2
    explain.set_recording(False)
    x * 3
    assert len(tape.nodes) == 1


def test_a_recording_changes_no_result():
    def train():
        torch.manual_seed(3)
        model = net()
        loss = model(torch.randn(2, 1, 8, 8)).sum()
        loss.backward()
        return [p.grad.tolist() for p in model.parameters()]

    plain = train()
    with explain.record():
        recorded = train()
    assert recorded == plain


def test_a_line_is_known_without_a_recording_in_anomaly_mode():
    x = torch.ones(2, requires_grad=True)
    with torch.autograd.detect_anomaly():
        y = x * 7
    place = read(y).step_of(y.grad_fn).place
    assert place.file == __file__ and place.text == "y = x * 7"


# ---- a forward that fails


def test_a_failing_forward_tells_the_expression_and_the_shapes_that_met():
    x = torch.randn(2, 3, requires_grad=True)
    w = torch.randn(4, 5, requires_grad=True)
    with pytest.raises(RuntimeError) as caught, explain.record() as tape:
        h = x.exp()
        h @ w
    failure = tape.failure
    assert failure.error is caught.value
    assert failure.place.expression == "h @ w"
    assert failure.met == [("h", (2, 3), "torch.float32"), ("w", (4, 5), "torch.float32")]
    assert "2×3" in caught.value.__notes__[0] and "4×5" in caught.value.__notes__[0]
    graph = read(tape)
    assert [step.name for step in graph.steps] == ["AccumulateGrad", "ExpBackward0"]
    assert graph.failure is failure
    assert failure.inputs == [(h.grad_fn, 0)]


def test_a_failure_inside_a_module_shows_both_expressions():
    model = nn.Linear(5, 3)
    x = torch.randn(2, 4, requires_grad=True)
    with pytest.raises(RuntimeError), explain.record() as tape:
        model(x * 1)
    assert tape.failure.place.expression == "model(x * 1)"
    assert "linear" in tape.failure.inside.expression
    assert ("self.weight", (3, 5), "torch.float32") in tape.failure.met

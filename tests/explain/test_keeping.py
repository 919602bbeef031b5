"""What the graph keeps for backward, each storage counted once."""

import pytest

import penlight as torch
from penlight import explain, nn


def test_kept_tensors_are_the_nodes_own_with_owner_argument_and_bytes():
    x = torch.randn(100, requires_grad=True)
    w = torch.randn(100, requires_grad=True)
    y = x.tanh()
    a = (y * w).sum()
    report = explain.memory(a)
    found = {(k.node, k.argument): k for k in report}
    held = {
        (node.name(), name)
        for node in (y.grad_fn, a.grad_fn.next_functions[0][0])
        for name in node._saved_names
    }
    assert set(found) == held == {
        ("TanhBackward0", "result"), ("MulBackward0", "self"), ("MulBackward0", "other"),
    }  # fmt: skip
    assert found["TanhBackward0", "result"].name == "y" == found["MulBackward0", "self"].name
    assert found["MulBackward0", "other"].name == "w"
    assert all(k.bytes == 400 and k.shape == (100,) for k in report)
    assert report.total == 800  # y is kept twice, and counted once
    assert report.by_graph_alone == 0  # both are variables here


def test_what_only_the_graph_holds_is_counted_apart():
    x = torch.randn(1000, requires_grad=True)
    report = explain.memory((x.exp().sin() ** 2).sum())
    assert (
        report.total == report.by_graph_alone == 8000
    )  # e^x, kept twice, and its sine; x itself is not needed
    assert {k.name for k in report} == {"e^x", "sin e^x"}


def test_views_share_their_storage():
    x = torch.randn(10, 10, requires_grad=True)
    y = x.exp()
    a = (y[0] * y[1] * y[2]).sum()
    report = explain.memory(a)
    windows = [k for k in report if k.shape == (10,) and k.bytes == 400]
    assert len(windows) >= 3 and len({k.storage for k in windows}) == 1
    assert report.total == 400 + 40  # e^x whole, and the first product


def test_a_net_keeps_inputs_and_weights_and_says_why():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
    data = torch.randn(4, 8)
    with explain.record():
        loss = net(data).sum()
    report = explain.memory(loss)
    text = str(report)
    assert "data" in {k.name for k in report}
    assert "ReluBackward0 as result" in text and "AddmmBackward0" in text
    assert all(k.place is not None and k.place.text == "loss = net(data).sum()" for k in report)
    assert 0 < report.by_graph_alone < report.total
    loss.backward()
    after = explain.memory(loss)
    assert len(after) == 0 and after.released and "freed" in str(after)


def test_a_function_of_ones_own_shows_what_it_saved_and_what_hangs_on_ctx():
    class Mine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.factor = torch.full((3,), 2.0)
            return x * ctx.factor

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.factor

    x = torch.ones(3, requires_grad=True)
    report = explain.memory(Mine.apply(x).sum())
    assert {(k.node, k.argument) for k in report} == {
        ("MineBackward", "saved"),
        ("MineBackward", "ctx.factor"),
    }
    assert report.total == 24


def test_the_report_keeps_no_tensor_alive():
    import weakref

    x = torch.randn(10, requires_grad=True)
    y = x.exp()
    report = explain.memory(y.sum())
    alive = weakref.ref(y)
    del y
    assert alive() is None and len(report) == 1


def test_text_is_escaped_in_a_notebook():
    evil = {"<b>": torch.ones(2, requires_grad=True)}
    a = (evil["<b>"] * evil["<b>"]).sum()
    html = explain.memory(a)._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;" in html


def test_memory_needs_a_graph():
    with pytest.raises(ValueError, match="asks for no gradient"):
        explain.memory(torch.ones(1))


def test_what_hooks_packed_is_listed_with_who_unpacks_it():
    x = torch.ones(1000, requires_grad=True)
    with torch.autograd.graph.save_on_cpu():
        y = x.exp()
    (kept,) = explain.memory(y.sum())
    assert kept.bytes == 4000 and kept.shape == (1000,) and "save_on_cpu" in kept.why

    def unpack(numbers):
        return torch.tensor(numbers)

    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor.tolist(), unpack):
        y = x.exp()
    (kept,) = explain.memory(y.sum())
    assert kept.bytes == 0 and kept.dtype == "list" and kept.why.endswith("unpack")


def test_a_checkpoint_keeps_its_input_alone():
    from penlight.utils.checkpoint import checkpoint

    x = torch.ones(1000, requires_grad=True)
    report = explain.memory(checkpoint(lambda x: (x.exp() * x).sin(), x, use_reentrant=False).sum())
    assert {k.node for k in report} == {"ExpBackward0", "MulBackward0", "SinBackward0"}
    assert report.total == 0

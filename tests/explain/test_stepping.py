"""The backward pass as steps: what each shows is what the engine computed."""

import pytest

import penlight as torch
from penlight import explain, nn


def lesson():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x - 2
    return x, y, (3 * y**2).mean()


def nets():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv1d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3), nn.LogSoftmax(1))
    return net, -(net(torch.randn(2, 1, 8))[:, 0].sum())


def test_the_lesson_step_by_step():
    _x, y, a = lesson()
    steps = explain.backward(a)
    assert [s.name for s in steps] == [
        "MeanBackward0", "MulBackward0", "PowBackward0", "SubBackward0", "AccumulateGrad",
    ]  # fmt: skip
    power = steps[2]
    assert power.formula == "y²" and power.node is steps.graph.steps[power.index].node
    assert power.incoming[0].tolist() == [[0.75, 0.75], [0.75, 0.75]]
    assert power.local[0].elementwise and power.local[0].diagonal.tolist() == (2 * y).reshape(-1).tolist()
    assert power.local[0].rule == "g · 2 · y"
    assert power.outgoing[0].tolist() == (1.5 * y).tolist()
    mean = steps[0]
    assert mean.local[0].jacobian.tolist() == [[0.25] * 4] and not mean.local[0].elementwise
    assert steps[-1].leaf and steps[-1].shares[0].added.tolist() == [[-1.5, 0.0], [1.5, 3.0]]
    assert "3. PowBackward0: y²" in str(steps) and "gradient out  to y: [[−1.5, 0], [1.5, 3]]" in str(steps)


def test_no_grad_changes_unless_asked():
    x, y, a = lesson()
    y.retain_grad()
    explain.backward(a)
    assert x.grad is None and y.grad is None
    steps = explain.backward(a, accumulate=True)
    assert x.grad.tolist() == [[-1.5, 0.0], [1.5, 3.0]]
    assert steps[-1].shares[0].after.tolist() == x.grad.tolist()
    again = explain.backward(a, accumulate=True)
    assert again[-1].shares[0].added.tolist() == [[-1.5, 0.0], [1.5, 3.0]]
    assert again[-1].shares[0].after.tolist() == [[-3.0, 0.0], [3.0, 6.0]] == x.grad.tolist()


def test_every_gradient_and_jacobian_of_a_net_fits_the_engine():
    net, loss = nets()
    steps = explain.backward(loss)
    leaves = [s for s in steps if s.leaf]
    expected = torch.autograd.grad(loss, [s.node.variable for s in leaves], retain_graph=True)
    for step, grad in zip(leaves, expected, strict=True):
        assert torch.equal(step.incoming[0], grad)
    assert {s.shares[0].name for s in leaves} == {f"net.{name}" for name, _ in net.named_parameters()}
    checked = 0
    for step in steps:
        for local in step.local:
            if local.jacobian is not None:
                share = next(s for s in step.shares if s.name == local.name)
                incoming = torch.cat([g.reshape(-1) for g in step.incoming if g is not None])
                assert torch.allclose(local.jacobian.T @ incoming, share.added.reshape(-1), atol=1e-6)
                checked += 1
    assert checked >= 4


def test_a_tensor_used_twice_gets_its_shares_one_by_one():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    a = (y * y + y).sum()
    shares = [s for step in explain.backward(a) for s in step.shares if s.name == "y"]
    assert len(shares) == 3
    assert shares[0].before is None
    for share in shares[1:]:
        assert torch.allclose(share.before + share.added, share.after)
    assert torch.allclose(shares[-1].after, 2 * y + 1)


def test_a_function_of_ones_own_has_its_name_source_and_line():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * 3 * x**2

    x = torch.tensor([2.0, 3.0], requires_grad=True)
    with explain.record():
        a = Cube.apply(x).sum()
    step = explain.backward(a)[1]
    assert step.name == "CubeBackward" and step.formula == "Cube(x)"
    assert "return grad * 3 * x**2" in step.source
    assert step.place.text == "a = Cube.apply(x).sum()"
    assert step.place.expression == "Cube.apply(x)"
    assert step.local[0].diagonal.tolist() == [12.0, 27.0]


def test_a_function_that_is_not_linear_in_its_gradient_gets_no_jacobian():
    class Clip(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad.clamp(-0.1, 0.1)

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    step = explain.backward((Clip.apply(x) * 3).sum())[-2]
    assert step.name == "ClipBackward" and step.local[0].jacobian is None
    assert step.outgoing[0].tolist() == pytest.approx([0.1, 0.1])


def test_several_outputs_and_a_start_of_ones_own():
    x = torch.arange(6.0).requires_grad_()
    first, second = x.split(3)
    y = first * 2 + second
    steps = explain.backward(y, torch.tensor([1.0, 10.0, 100.0]))
    split = next(s for s in steps if s.name.startswith("Split"))
    assert [g.tolist() for g in split.incoming] == [[2.0, 20.0, 200.0], [1.0, 10.0, 100.0]]
    assert split.local[0].jacobian.shape == (6, 6)
    assert steps[-1].incoming[0].tolist() == [2.0, 20.0, 200.0, 1.0, 10.0, 100.0]


def test_steps_are_a_sequence():
    steps = explain.backward(lesson()[2])
    assert len(steps) == 5 and list(steps)[-1] is steps[-1]
    assert [s.number for s in steps[1:3]] == [2, 3]
    assert next(reversed(steps)).leaf


def test_the_pass_can_go_on_after_it_was_explained():
    x, _, a = lesson()
    explain.backward(a)
    a.backward()
    assert x.grad.tolist() == [[-1.5, 0.0], [1.5, 3.0]]
    with pytest.raises(RuntimeError, match="freed by an earlier backward pass"):
        explain.backward(a)


def test_what_cannot_be_explained_is_refused():
    with pytest.raises(TypeError, match="should be a Tensor"):
        explain.backward(3)
    with pytest.raises(ValueError, match="asks for no gradient"):
        explain.backward(torch.ones(1))
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar"):
        explain.backward(torch.ones(2, requires_grad=True) * 2)


def test_the_picture_has_the_engines_numbers(tmp_path):
    x, _, a = lesson()
    steps = explain.backward(a)
    description = steps.picture().describe()
    assert [s["shares"][0]["added"]["values"] for s in description["steps"]] == [
        s.shares[0].added.tolist() for s in steps
    ]
    assert description["steps"][2]["local"][0]["matrix"]["values"] == [[-2.0, 0.0], [2.0, 4.0]]
    steps.save(tmp_path / "steps.html")
    assert (tmp_path / "steps.html").stat().st_size < 1_000_000
    assert not x.grad

"""What the engine tells those who want to show it: the observer, a node's numbers, and a node called by itself."""

import pytest

import penlight as torch
from penlight import _C, nn


@pytest.fixture
def told():
    """Every operation recorded while the test runs, as (node, inputs, outputs)."""
    log = []
    _C._set_observer(lambda node, inputs, outputs: log.append((node, inputs, outputs)))
    yield log
    _C._set_observer(None)


def test_the_observer_sees_each_recorded_operation_with_its_own_tensors(told):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    z = y.exp()
    x.detach() + 1  # not recorded: nobody is told
    assert [node.name() for node, _, _ in told] == ["MulBackward0", "ExpBackward0"]
    assert told[0][1][0] is x and told[0][2][0] is y
    assert told[1][0] is z.grad_fn and told[1][1][0] is y


def test_the_observer_sees_custom_functions_and_writes_into_views(told):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, grad):
            return 2 * grad

    x = torch.ones(3, requires_grad=True)
    y = Twice.apply(x)
    y[0] = 5.0
    names = [type(node).__name__ for node, _, _ in told]
    assert names[0] == "TwiceBackward" and "CopySlices" in names
    assert y.grad_fn in [node for node, _, _ in told]


def test_the_observer_is_gone_when_it_was_taken_away():
    log = []
    _C._set_observer(lambda *told: log.append(told))
    _C._set_observer(None)
    torch.ones(1, requires_grad=True) * 2
    assert log == []


def test_an_exception_in_the_observer_reaches_the_caller():
    def refuse(node, inputs, outputs):
        raise KeyError("no")

    x = torch.ones(1, requires_grad=True)
    _C._set_observer(refuse)
    try:
        with pytest.raises(KeyError):
            x * 2
    finally:
        _C._set_observer(None)
    assert (x * 2).item() == 2


@pytest.mark.parametrize(
    ("make", "notes"),
    [
        (lambda x: x - 2, {"other": 2}),
        (lambda x: 2.5 - x, {"other": 2.5}),
        (lambda x: torch.add(x, 1, alpha=4), {"other": 1, "alpha": 4}),
        (lambda x: x / 4.0, {"other": 4.0}),
        (lambda x: x**3, {"exponent": 3}),
        (lambda x: 2.0**x, {"self": 2.0}),
        (lambda x: x.square(), {"exponent": 2}),
        (lambda x: x.clamp(min=0.5), {"min": 0.5}),
        (lambda x: nn.functional.leaky_relu(x, 0.2), {"negative_slope": 0.2}),
        (lambda x: nn.functional.gelu(x, approximate="tanh"), {"approximate": "tanh"}),
        (lambda x: x.softmax(-1), {"dim": 0}),
        (lambda x: x.exp(), {}),
    ],
)
def test_a_node_tells_the_numbers_it_was_called_with(make, notes):
    assert make(torch.tensor([1.0, 2.0], requires_grad=True)).grad_fn._notes == notes


def test_a_node_called_gives_what_backward_would_hand_on():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    row = torch.ones(2, requires_grad=True)
    y = x * row
    g = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    to_x, to_row = y.grad_fn(g)
    assert torch.equal(to_x, g * row)
    assert torch.equal(to_row, (g * x).sum(0))  # summed over what was broadcast
    assert (x * 1).sum().grad_fn(torch.tensor(3.0)).tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_a_node_called_wrongly_says_so():
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    with pytest.raises(TypeError, match="takes 1 gradients"):
        y.grad_fn(torch.ones(2), torch.ones(2))
    with pytest.raises(RuntimeError, match="gradient 0 has sizes"):
        y.grad_fn(torch.ones(3))
    with pytest.raises(RuntimeError, match="call backward"):
        y.grad_fn.next_functions[0][0](torch.ones(2))

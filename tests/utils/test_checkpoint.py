"""utils.checkpoint: the same gradients with less kept."""

import pytest

import penlight
from penlight import nn
from penlight.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_early_stop,
)


def make_net():
    penlight.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 3), nn.Sigmoid())


def gradients(net, x, run):
    penlight.manual_seed(7)
    net.zero_grad()
    x.grad = None
    (run(x) ** 2).sum().backward()
    return [x.grad, *(p.grad for p in net.parameters())]


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("early_stop", [False, True])
def test_gradients_and_random_draws_are_those_of_a_plain_run(reentrant, early_stop):
    net, x = make_net(), penlight.randn(5, 4).requires_grad_()
    plain = gradients(net, x, net)
    with set_checkpoint_early_stop(early_stop):
        again = gradients(net, x, lambda t: checkpoint(net, t, use_reentrant=reentrant))
    assert all(penlight.equal(a, b) for a, b in zip(plain, again, strict=True))


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_segments_of_a_sequence(segments):
    net, x = make_net(), penlight.randn(5, 4).requires_grad_()
    plain = gradients(net, x, net)
    again = gradients(net, x, lambda t: checkpoint_sequential(net, segments, t, use_reentrant=False))
    assert all(penlight.equal(a, b) for a, b in zip(plain, again, strict=True))


def test_second_derivatives_pass_through_a_checkpoint():
    x = penlight.linspace(-1, 1, 5, dtype=penlight.float64).requires_grad_()

    def function(t):
        return (t.sin() * t.exp()).tanh()

    def second(run):
        (first,) = penlight.autograd.grad(run(x).sum(), x, create_graph=True)
        return penlight.autograd.grad(first.sum(), x)[0]

    assert penlight.allclose(second(function), second(lambda t: checkpoint(function, t, use_reentrant=False)))


def test_a_checkpoint_inside_a_checkpoint():
    x = penlight.tensor([0.3, 0.7], requires_grad=True)

    def inner(t):
        return checkpoint(lambda u: u.sin().exp(), t, use_reentrant=False) * t

    checkpoint(inner, x, use_reentrant=False).sum().backward()
    found, x.grad = x.grad, None
    (x.sin().exp() * x).sum().backward()
    assert penlight.allclose(found, x.grad)


def test_nothing_is_kept_between_forward_and_backward():
    runs = []

    def function(t):
        runs.append(1)
        return t.exp().sin().exp()

    x = penlight.ones(3, requires_grad=True)
    y = checkpoint(function, x, use_reentrant=False)
    assert len(runs) == 1
    y.sum().backward(retain_graph=True)
    assert len(runs) == 2
    y.sum().backward()
    assert len(runs) == 3


def test_a_second_run_that_differs_raises():
    calls = []

    def function(t):
        calls.append(1)
        return (t[: len(calls)].exp()).sum()

    x = penlight.ones(4, requires_grad=True)
    with pytest.raises(CheckpointError, match="different metadata"):
        checkpoint(function, x, use_reentrant=False).backward()
    calls.clear()
    with set_checkpoint_early_stop(False), pytest.raises(CheckpointError):
        checkpoint(
            lambda t: t.exp() if calls.append(1) or len(calls) > 1 else t.exp().sin(), x
        ).sum().backward()


def test_an_error_in_the_second_run_leaves_everything_usable():
    calls = []

    def function(t):
        calls.append(1)
        if len(calls) == 2:
            raise KeyError("once")
        return t.exp()

    x = penlight.ones(2, requires_grad=True)
    with set_checkpoint_early_stop(False):
        y = checkpoint(function, x, use_reentrant=False).sum()
        with pytest.raises(KeyError):
            y.backward(retain_graph=True)
        y.backward()
    assert penlight.allclose(x.grad, penlight.ones(2).exp())
    (x * x).sum().backward()


def test_bad_arguments_are_named():
    x = penlight.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(lambda t: t, x, determinism_check="perhaps")
    with pytest.raises(ValueError, match="Unexpected keyword"):
        checkpoint(lambda t: t, x, use_reentrant=True, more=1)
    with pytest.raises(ValueError, match="segments"):
        checkpoint_sequential([], 0, x)
    with pytest.warns(UserWarning, match="None of the inputs"):
        checkpoint(lambda t: t * 2, penlight.ones(2), use_reentrant=True)

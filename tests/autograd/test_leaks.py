"""Nothing stays behind: cycles are freed, and errors in the middle leave the engine usable and the memory flat."""

import gc

import pytest

import penlight
from penlight.autograd import Function, graph


def live_tensors():
    gc.collect()
    return sum(isinstance(o, penlight.Tensor) for o in gc.get_objects())


class KeepsContext(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x  # not save_for_backward: a cycle through the result
        y = x * 2
        ctx.y = y
        ctx.itself = ctx
        return y

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


class Fails(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        raise KeyError("in backward")


def cycle_through_a_hook(x):
    y = x.exp()
    y.register_hook(lambda grad: grad * y.detach())
    y.grad_fn.register_prehook(lambda grads: (y, grads)[1])
    y.sum().backward()


def cycle_through_a_context(x):
    y = KeepsContext.apply(x)
    y.grad_fn.metadata["y"] = y
    y.sum().backward()


def cycle_through_saved_hooks(x):
    box = []
    with graph.saved_tensors_hooks(lambda t: (box, t), lambda pair: pair[1]):
        box.append(x.exp())
    box[0].sum().backward()


def gradients_of_gradients_in_grad(x):
    (x**3).sum().backward(create_graph=True)
    (x.grad**2).sum().backward()
    x.grad = None


def error_in_backward(x):
    y = Fails.apply(x.exp()).sin().sum()
    with pytest.raises(KeyError):
        y.backward()


def error_in_a_hook(x):
    def hook(grad):
        raise ZeroDivisionError

    y = x.exp()
    y.register_hook(hook)
    with pytest.raises(ZeroDivisionError):
        y.sin().sum().backward()


def error_in_an_unpack_hook(x):
    def unpack(packed):
        raise LookupError

    with graph.saved_tensors_hooks(lambda t: t, unpack):
        y = x.exp().sum()
    with pytest.raises(LookupError):
        y.backward()


def error_in_a_backward_inside_a_backward(x):
    class Inner(Function):
        @staticmethod
        def forward(ctx, t):
            return t.clone()

        @staticmethod
        def backward(ctx, grad):
            with penlight.enable_grad():
                inner = grad.detach().requires_grad_()
                Fails.apply(inner * 2).sum().backward()

    with pytest.raises(KeyError):
        Inner.apply(x.exp()).sum().backward()


PROGRAMS = [
    cycle_through_a_hook, cycle_through_a_context, cycle_through_saved_hooks, gradients_of_gradients_in_grad,
    error_in_backward, error_in_a_hook, error_in_an_unpack_hook, error_in_a_backward_inside_a_backward,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_the_number_of_tensors_is_the_same_before_and_after(program):
    x = penlight.ones(3, requires_grad=True)
    program(x)
    x.grad = None
    before = live_tensors()
    for _ in range(20):
        program(x)
        x.grad = None
    assert live_tensors() == before


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_the_engine_works_as_ever_afterwards(program):
    x = penlight.tensor([1.0, 2.0], requires_grad=True)
    program(x)
    x.grad = None
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    assert penlight.is_grad_enabled()

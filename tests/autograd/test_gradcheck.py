"""autograd.gradcheck and gradgradcheck: right derivatives pass, wrong ones fail with what one needs to know."""

import re

import pytest

import penlight
from penlight.autograd import Function, gradcheck, gradgradcheck
from penlight.autograd.gradcheck import GradcheckError


class Scaled(Function):
    """x², with a backward that is wrong by a factor at one place."""

    @staticmethod
    def forward(ctx, x, wrong):
        ctx.save_for_backward(x)
        ctx.wrong = wrong
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        factor = penlight.full_like(x, 2.0)
        if ctx.wrong is not None:
            factor[ctx.wrong] = 3.0
        return factor * x * grad, None


def points(*shape):
    count = 1
    for size in shape:
        count *= size
    return (penlight.arange(count, dtype=penlight.float64) * 0.9 + 0.4).sin().reshape(shape).requires_grad_()


def test_right_derivatives_pass_in_both_orders():
    x, y = points(2, 3), points(3)
    assert gradcheck(lambda x, y: ((x @ y).tanh(), x.sum()), (x, y))
    assert gradgradcheck(lambda x, y: (x @ y).tanh(), (x, y))
    assert gradcheck(lambda x: Scaled.apply(x, None), (x,)) and gradgradcheck(
        lambda x: Scaled.apply(x, None), (x,)
    )


@pytest.mark.parametrize("place", [0, 2, 4])
def test_the_worst_entry_and_both_its_values_are_named(place):
    x = points(5)
    with pytest.raises(GradcheckError) as caught:
        gradcheck(lambda x: Scaled.apply(x, place), (x,))
    message = str(caught.value)
    assert f"worst at input element {place}, output element {place}" in message
    numeric, analytic = (
        float(re.search(rf"{word}: (\S+)", message)[1]) for word in ("numerical", "analytical")
    )
    assert numeric == pytest.approx(2 * x[place].item(), rel=1e-6)
    assert analytic == pytest.approx(3 * x[place].item(), rel=1e-9)
    assert "ScaledBackward" in message


def test_without_a_custom_function_the_last_operation_is_named():
    x = points(3)
    with pytest.raises(GradcheckError, match="SinBackward0"):
        gradcheck(lambda x: (x.detach() * x).sin(), (x,))


def test_false_instead_of_an_exception_where_asked():
    assert not gradcheck(lambda x: Scaled.apply(x, 1), (points(3),), raise_exception=False)
    assert not gradgradcheck(lambda x: x * (x.detach() * x), (points(3),), raise_exception=False)


def test_inputs_are_left_as_they_were():
    x = points(2, 2)
    before = x.detach().clone()
    gradcheck(lambda x: x.exp(), (x,))
    assert penlight.equal(x.detach(), before) and x.grad is None


def test_nothing_to_check_is_an_error():
    with pytest.raises(ValueError, match="require"):
        gradcheck(lambda x: x, (penlight.ones(2, dtype=penlight.float64),))

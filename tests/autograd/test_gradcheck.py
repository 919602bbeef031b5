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


class Pushed(Function):
    """2x, whose derivatives are wrong where they are told to be."""

    @staticmethod
    def forward(x, wrong):
        return x * 2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.wrong = inputs[1]

    @staticmethod
    def backward(ctx, grad):
        if ctx.wrong == "ignores its gradient":
            return penlight.full_like(grad, 2.0), None
        if ctx.wrong == "differs each time":
            ctx.times = getattr(ctx, "times", 0) + 1
            return grad * (2 + 1e-7 * ctx.times), None
        return grad * (3 if ctx.wrong == "backward" else 2), None

    @staticmethod
    def jvp(ctx, change, _):
        return change * (3 if ctx.wrong == "forward" else 2)


def pushed(wrong):
    return lambda x: Pushed.apply(x, wrong)


BOTH = {"check_forward_ad": True}


@pytest.mark.parametrize("fast_mode", [False, True])
def test_each_mode_is_checked_where_asked(fast_mode):
    x = points(3)
    assert gradcheck(pushed(None), (x,), fast_mode=fast_mode, **BOTH)
    assert gradcheck(pushed("forward"), (x,), fast_mode=fast_mode)
    with pytest.raises(
        GradcheckError, match=r"^Jacobian computed with forward mode mismatch for output 0 with"
    ):
        gradcheck(pushed("forward"), (x,), fast_mode=fast_mode, **BOTH)
    with pytest.raises(GradcheckError, match=r"^Jacobian mismatch for output 0 with respect to input 0,"):
        gradcheck(pushed("backward"), (x,), fast_mode=fast_mode, **BOTH)
    assert gradcheck(pushed("backward"), (x,), fast_mode=fast_mode, check_backward_ad=False, **BOTH)


def test_fast_mode_asks_for_a_few_values_alone():
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return x.sin()

    assert gradcheck(f, (points(100),), fast_mode=True)
    assert calls < 10


def test_a_backward_that_does_not_multiply_by_its_gradient():
    with pytest.raises(GradcheckError):
        gradcheck(pushed("ignores its gradient"), (points(3),))
    with pytest.raises(GradcheckError, match="backward not multiplied by grad_output"):
        gradcheck(pushed("ignores its gradient"), (points(1),))


def test_backward_passes_may_differ_by_the_tolerance():
    with pytest.raises(GradcheckError, match="Backward is not reentrant"):
        gradcheck(pushed("differs each time"), (points(3),))
    assert gradcheck(pushed("differs each time"), (points(3),), nondet_tol=1e-5)


def test_batches_of_gradients_and_tangents():
    x, y = points(2, 3), points(3)
    assert gradcheck(
        lambda x, y: ((x * y).cumsum(1), x.sum(0)), (x, y), check_batched_grad=True,
        check_batched_forward_grad=True, **BOTH,
    )  # fmt: skip

    class ByNumbers(Function):
        """Its backward asks for values, which vmap has not."""

        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad * (2 if grad.sum().item() > -1e9 else 3)

    assert gradcheck(ByNumbers.apply, (x,))
    with pytest.raises(GradcheckError, match="batched gradient"):
        gradcheck(ByNumbers.apply, (x,), check_batched_grad=True)


def test_second_derivatives_by_forward_over_reverse():
    x = points(2, 3)
    assert gradgradcheck(lambda x: x.exp().prod(1), (x,), check_fwd_over_rev=True, check_batched_grad=True)
    assert gradgradcheck(lambda x: x.sin(), (x,), gen_non_contig_grad_outputs=True, fast_mode=True)


@pytest.mark.parametrize(
    "options",
    [
        {"check_backward_ad": False},
        {"check_batched_grad": True, "check_backward_ad": False, "check_forward_ad": True},
        {"check_batched_forward_grad": True},
    ],
)
def test_options_that_contradict_each_other(options):
    with pytest.raises(AssertionError, match="check_"):
        gradcheck(penlight.sin, (points(2),), **options)
    torch = pytest.importorskip("torch")
    with pytest.raises(AssertionError, match="check_"):
        torch.autograd.gradcheck(
            torch.sin, (torch.ones(2, dtype=torch.float64, requires_grad=True),), **options
        )


def test_expanded_inputs_and_single_precision():
    wide = points(1).detach().expand(3).requires_grad_()
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(penlight.sin, (wide,))
    with pytest.warns(UserWarning, match="double precision"):
        gradcheck(penlight.sin, (points(2).detach().float().requires_grad_(),), eps=1e-3, atol=1e-2)


@pytest.mark.parametrize("wrong", [None, "forward", "backward", "ignores its gradient"])
@pytest.mark.parametrize("fast_mode", [False, True])
def test_pytorchs_gradcheck_finds_the_same(wrong, fast_mode):
    torch = pytest.importorskip("torch")

    class Theirs(torch.autograd.Function):
        forward, setup_context, jvp = Pushed.forward, Pushed.setup_context, Pushed.jvp

        @staticmethod
        def backward(ctx, grad):
            if ctx.wrong == "ignores its gradient":
                return torch.full_like(grad, 2.0), None
            return Pushed.backward(ctx, grad)

    x = points(3)
    ours = gradcheck(pushed(wrong), (x,), raise_exception=False, fast_mode=fast_mode, **BOTH)
    y = torch.from_numpy(x.detach().numpy().copy()).requires_grad_()
    theirs = torch.autograd.gradcheck(
        lambda y: Theirs.apply(y, wrong), (y,), raise_exception=False, fast_mode=fast_mode, **BOTH
    )
    assert ours == theirs == (wrong is None)


def test_gradients_in_a_batch_take_one_backward_pass():
    x = points(3)
    passes = 0

    class Counted(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, grad):
            nonlocal passes
            passes += 1
            return grad * 3 * ctx.saved_tensors[0] ** 2

    rows = penlight.eye(3, dtype=penlight.float64)
    (jacobian,) = penlight.autograd.grad(Counted.apply(x), x, rows, is_grads_batched=True, create_graph=True)
    assert passes == 1
    assert penlight.allclose(jacobian, (3 * x.detach() ** 2).diag())
    (second,) = penlight.autograd.grad(jacobian.sum(), x)
    assert penlight.allclose(second, 6 * x.detach())
    y = penlight.zeros(2, dtype=penlight.float64, requires_grad=True)
    found = penlight.autograd.grad(x.sin(), [x, y], rows, is_grads_batched=True, materialize_grads=True)
    assert [tuple(f.shape) for f in found] == [(3, 3), (3, 2)]

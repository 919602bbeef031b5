"""The recorded graph and the engine: leaves, accumulation, hooks, modes, changes in place, very long chains."""

import gc
import subprocess
import sys
import threading
import warnings

import pytest

import penlight as torch


def ones(*shape, grad=True):
    return torch.ones(*shape, requires_grad=grad)


# ---- backward and grad


def test_gradients_accumulate():
    x = ones(2)
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_graph_is_freed_unless_kept():
    x = ones(2)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_backward_with_inputs_accumulates_there_alone():
    x, w = ones(2), ones(2)
    (x * w * 3).sum().backward(inputs=[w])
    assert x.grad is None and w.grad.tolist() == [3.0, 3.0]


def test_grad_of_an_unused_input():
    x, w = ones(2), ones(2)
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        torch.autograd.grad((x * 2).sum(), [x, w])
    assert torch.autograd.grad((x * 2).sum(), [x, w], allow_unused=True)[1] is None
    assert torch.autograd.grad((x * 2).sum(), w, materialize_grads=True)[0].tolist() == [0.0, 0.0]


def test_grad_of_a_tensor_inside_the_graph():
    x = ones(2)
    y = x * 3
    (g,) = torch.autograd.grad((y * y).sum(), y)
    assert g.tolist() == [6.0, 6.0] and x.grad is None


def test_several_elements_need_a_gradient():
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (ones(2) * 2).backward()
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (ones(2) * 2).backward(torch.ones(3))


def test_leaf_rules():
    x = ones(2)
    with pytest.raises(
        RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"
    ):
        x.add_(1)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        x[0:1].add_(1)
    with pytest.raises(RuntimeError, match="only Tensors of floating point"):
        torch.arange(3).requires_grad_()
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables"):
        (x * 2).requires_grad_(False)


def test_retain_grad_and_detach():
    x = ones(2)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 4.0]
    d = y.detach()
    assert not d.requires_grad and d.data_ptr() == y.data_ptr()


# ---- changes in place


def test_changed_saved_tensor_is_an_error_that_names_operation_and_line():
    x = ones(2)
    y = x * 1
    z = y * y
    y.add_(1)  # the line that is named
    line = sys._getframe().f_lineno - 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
        z.sum().backward()
    message = str(caught.value)
    assert "MulBackward0" in message and f"test_engine.py:{line}" in message
    assert "is at version 1; expected version 0" in message


def test_change_through_data_is_not_noticed():
    x = ones(2)
    y = x * x
    x.data.mul_(10)
    y.sum().backward()
    assert x.grad.tolist() == [20.0, 20.0]


def test_write_into_a_view_reaches_the_base():
    w = ones(2)
    base = torch.zeros(3)
    base[1:] = w * 3
    assert type(base.grad_fn).__name__ == "CopySlices"
    assert base.grad_fn.name() == "torch::autograd::CopySlices"  # as PyTorch says it
    (base * torch.tensor([5.0, 7.0, 11.0])).sum().backward()
    assert w.grad.tolist() == [21.0, 33.0]


def test_view_made_before_the_change_follows_its_base():
    x = ones(4)
    y = x * 2
    view = y[:2]
    y.mul_(3)
    view.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0, 0.0, 0.0]


# ---- hooks


def test_hooks_on_tensors_and_nodes():
    x = ones(2)
    y = x * 2
    seen = []
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: seen.append(g.tolist()))
    handle = y.grad_fn.register_hook(lambda inputs, outputs: seen.append(outputs[0].tolist()))
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t is x))
    (y * 3).sum().backward(retain_graph=True)
    assert seen == [[30.0, 30.0], [60.0, 60.0], True]
    assert x.grad.tolist() == [60.0, 60.0]
    handle.remove()
    seen.clear()
    (y * 3).sum().backward()
    assert seen == [[60.0, 60.0], True]


def test_exception_in_a_hook_leaves_the_engine_usable():
    x = ones(2)

    def fail(grad):
        raise KeyError("in the hook")

    handle = x.register_hook(fail)
    with pytest.raises(KeyError):
        (x * 2).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


# ---- modes


def test_modes_nest_decorate_and_follow_generators():
    x = ones(1)

    @torch.no_grad()
    def silent():
        return x * 2

    @torch.no_grad()
    def steps():
        yield x * 2
        yield x * 3

    assert not silent().requires_grad
    for value in steps():
        assert not value.requires_grad and (x * 2).requires_grad
    with torch.no_grad(), torch.enable_grad():
        assert (x * 2).requires_grad
    with torch.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    with torch.inference_mode():
        y = x * 2
    assert y.is_inference() and not y.requires_grad
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        x * y


def test_anomaly_mode_shows_the_line_of_the_forward():
    x = torch.tensor([-1.0], requires_grad=True)
    with torch.autograd.detect_anomaly():
        y = x.sqrt()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with pytest.raises(
                RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"
            ):
                y.backward()
    assert "y = x.sqrt()" in str(caught[0].message)


# ---- custom functions


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(x, factor):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx, grad):
        assert ctx.needs_input_grad == (True, False)
        return grad * ctx.factor, None


def test_function_with_setup_context_and_plain_arguments():
    x = ones(2)
    Scale.apply(x, 3.0).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        (lambda g: (g, g), "returned an incorrect number of gradients"),
        (lambda g: torch.ones(5), "returned an invalid gradient at index 0"),
    ],
)
def test_function_that_returns_wrong_gradients(gradients, message):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return gradients(grad)

    with pytest.raises(RuntimeError, match=message):
        Wrong.apply(ones(2)).sum().backward()


def test_marks_of_a_function():
    class Parts(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            whole = x.floor()
            ctx.mark_non_differentiable(whole)
            return whole, x - whole, x * 2

        @staticmethod
        def backward(ctx, whole, rest, double):
            assert whole is None and double is None
            return rest

    x = torch.tensor([1.25], requires_grad=True)
    whole, rest, _ = Parts.apply(x)
    assert not whole.requires_grad
    rest.backward()
    assert x.grad.tolist() == [1.0]


def test_function_that_changes_its_input():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x = ones(2)
    y = x * 3
    z = Double.apply(y)
    assert z is y and y.grad_fn.name() == "DoubleBackward"
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_once_differentiable_refuses_the_second_derivative():
    from penlight.autograd.function import once_differentiable

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            return 2 * ctx.saved_tensors[0] * grad

    x = torch.tensor(3.0, requires_grad=True)
    one = torch.tensor(1.0, requires_grad=True)
    (g,) = torch.autograd.grad(Square.apply(x), x, one, create_graph=True)
    assert g.item() == 6.0
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.backward()


def test_backward_inside_backward():
    class Nested(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, grad):
            with torch.enable_grad():
                x = ctx.saved_tensors[0].detach().requires_grad_()
                (inner,) = torch.autograd.grad(x**3, x)
            return grad * inner

    x = torch.tensor(2.0, requires_grad=True)
    Nested.apply(x * 1).backward()
    assert x.grad.item() == 12.0


# ---- size and threads


def test_chain_of_a_million_nodes():
    x = ones(2)
    y = x
    for _ in range(1_000_000):
        y = y + 1
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    del y
    gc.collect()


def test_chain_of_nodes_that_python_has_seen_is_freed():
    code = """
import penlight as torch
x = torch.ones(2, requires_grad=True)
y = x
for _ in range(200_000):
    y = y * 1.0
    y.grad_fn.metadata["seen"] = True
y.sum().backward()
del y
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=300, check=False).returncode == 0


def test_threads_have_a_mode_of_their_own():
    seen = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]

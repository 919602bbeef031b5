"""The lesson on convolution and automatic differentiation: every shape, value and error it shows."""

import numpy as np
import pytest

import penlight as torch
from penlight import nn


@pytest.mark.parametrize(
    ("kernel", "length"),
    [(3, 62), (5, 60)],
)
def test_stereo_signal_through_conv1d(kernel, length):
    conv = nn.Conv1d(2, 16, kernel)
    assert conv.weight.shape == (16, 2, kernel)
    assert conv.bias.shape == (16,)
    assert conv(torch.randn(1, 2, 64)).shape == (1, 16, length)


def test_hyperspectral_image_through_conv2d():
    x = torch.randn(1, 20, 64, 128)
    assert nn.Conv2d(20, 16, (3, 5))(x).shape == (1, 16, 62, 124)
    assert nn.Conv2d(20, 16, (3, 5), stride=1, padding=(1, 2))(x).shape == (1, 16, 64, 128)
    assert nn.Conv2d(20, 16, (3, 5)).weight.shape == (16, 20, 3, 5)


def two_by_two():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x - 2
    z = 3 * y**2
    return x, y, z, z.mean()


def test_two_by_two_example():
    x, y, z, a = two_by_two()
    assert str(y) == "tensor([[-1.,  0.],\n        [ 1.,  2.]], grad_fn=<SubBackward0>)"
    assert z.tolist() == [[3.0, 0.0], [3.0, 12.0]]
    assert a.item() == 4.5
    assert y.grad_fn.name() == "SubBackward0"
    assert y.grad_fn.next_functions[0][0].variable is x
    a.backward()
    assert x.grad.tolist() == [[-1.5, 0.0], [1.5, 3.0]]


def test_graph_of_the_two_by_two_example():
    x, _, _, a = two_by_two()
    names, node = [], a.grad_fn
    while node is not None:
        names.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    assert names == ["MeanBackward0", "MulBackward0", "PowBackward0", "SubBackward0", "AccumulateGrad"]
    assert x.grad_fn is None and x.is_leaf and not a.is_leaf


def test_doubling_loop_changes_its_graph_at_every_run():
    x = torch.tensor([0.3, -1.2, 0.7], requires_grad=True)
    y = x * 2
    while y.data.norm() < 1000:
        y = y * 2
    y.backward(torch.tensor([0.1, 1.0, 0.0001]))
    factor = (y / x)[0].item()
    assert factor == 2.0 ** round(np.log2(factor)) >= 512
    np.testing.assert_allclose(x.grad.numpy(), np.float32([0.1, 1.0, 0.0001]) * np.float32(factor), rtol=1e-6)


def test_gradient_of_a_plain_product_is_what_backward_was_given():
    x = torch.zeros(3, requires_grad=True)
    y = x * 1
    y.backward(torch.tensor([0.1, 1.0, 0.0001]))
    assert str(x.grad) == "tensor([1.0000e-01, 1.0000e+00, 1.0000e-04])"


@pytest.mark.parametrize(("w_grad", "x_grad"), [(True, True), (True, False), (False, True)])
def test_matrix_times_vector_gives_gradients_to_those_who_ask(w_grad, x_grad):
    x = torch.arange(1.0, 4, requires_grad=x_grad)
    w = torch.ones(3, requires_grad=w_grad)
    z = w @ x
    z.backward()
    assert (w.grad.tolist() if w_grad else w.grad) == ([1.0, 2.0, 3.0] if w_grad else None)
    assert (x.grad.tolist() if x_grad else x.grad) == ([1.0, 1.0, 1.0] if x_grad else None)


def test_matrix_times_vector_of_which_neither_asks():
    z = torch.ones(3) @ torch.arange(1.0, 4)
    assert not z.requires_grad and z.grad_fn is None
    with pytest.raises(
        RuntimeError, match="element 0 of tensors does not require grad and does not have a grad_fn"
    ):
        z.backward()


def test_no_grad_records_nothing():
    x = torch.arange(1.0, 4, requires_grad=True)
    w = torch.ones(3, requires_grad=True)
    with torch.no_grad():
        z = w @ x
    with pytest.raises(
        RuntimeError, match="element 0 of tensors does not require grad and does not have a grad_fn"
    ):
        z.backward()
    assert (w @ x).requires_grad


class Add(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return x + y

    @staticmethod
    def backward(ctx, grad):
        return grad, grad


class Split(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone(), x.clone()

    @staticmethod
    def backward(ctx, first, second):
        return first + second


class Max(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.first = x > y
        return torch.where(ctx.first, x, y)

    @staticmethod
    def backward(ctx, grad):
        return torch.where(ctx.first, grad, 0), torch.where(ctx.first, 0, grad)


def test_own_functions_composed_in_one_graph():
    x = torch.tensor([1.0, 5.0], requires_grad=True)
    y = torch.tensor([4.0, 2.0], requires_grad=True)
    a, b = Split.apply(x)
    out = Add.apply(Max.apply(a * 3, y), b)
    assert out.tolist() == [5.0, 20.0]
    assert out.grad_fn.name() == "AddBackward"
    out.backward(torch.tensor([10.0, 1.0]))
    assert x.grad.tolist() == [10.0, 4.0]  # b alone; b and three times a
    assert y.grad.tolist() == [10.0, 0.0]  # where it is the greater


def test_own_function_that_wraps_numpy():
    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            values = x.numpy()
            ctx.cosine = torch.from_numpy(np.cos(values))
            return torch.from_numpy(np.sin(values))

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.cosine

    x = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    Sine.apply(x * 2).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.cos([0.0, 2.0]))

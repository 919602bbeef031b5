"""Memory formats: in which order the axes lie, whoever makes the tensor."""

import numpy as np
import pytest

import penlight

IMAGES = (2, 3, 4, 5)
LAST = (60, 1, 15, 3)  # the strides of images whose channels lie closest together
PLAIN = (60, 20, 5, 1)

MAKERS = {
    "empty": lambda T: T.empty(IMAGES, memory_format=T.channels_last),
    "empty of numbers": lambda T: T.empty(*IMAGES, memory_format=T.channels_last),
    "to": lambda T: T.ones(IMAGES).to(memory_format=T.channels_last),
    "to another type": lambda T: T.ones(IMAGES).to(T.float64, memory_format=T.channels_last),
    "double": lambda T: T.ones(IMAGES).double(memory_format=T.channels_last),
    "cpu": lambda T: T.ones(IMAGES).cpu(memory_format=T.channels_last),
    "contiguous": lambda T: T.ones(IMAGES).contiguous(memory_format=T.channels_last),
    "clone": lambda T: T.ones(IMAGES).clone(memory_format=T.channels_last),
    "empty_like": lambda T: T.empty_like(T.ones(IMAGES), memory_format=T.channels_last),
    "zeros_like": lambda T: T.zeros_like(T.ones(IMAGES), memory_format=T.channels_last),
    "full_like": lambda T: T.full_like(T.ones(IMAGES), 2.0, memory_format=T.channels_last),
    "rand_like": lambda T: T.rand_like(T.ones(IMAGES), memory_format=T.channels_last),
    "randint_like": lambda T: T.randint_like(T.ones(IMAGES), 5, memory_format=T.channels_last),
    "zeros_like it": lambda T: T.zeros_like(T.empty(IMAGES, memory_format=T.channels_last)),
    "a result": lambda T: T.ones(IMAGES).to(memory_format=T.channels_last) + 1,
    "a module": lambda T: T.nn.Conv2d(3, 2, (4, 5)).to(memory_format=T.channels_last).weight,
}


@pytest.mark.parametrize("name", MAKERS)
def test_channels_lie_closest_together(name):
    made = MAKERS[name](penlight)
    assert made.shape == IMAGES and made.stride() == LAST
    assert made.is_contiguous(memory_format=penlight.channels_last) and not made.is_contiguous()
    torch = pytest.importorskip("torch")
    assert MAKERS[name](torch).stride() == LAST


@pytest.mark.parametrize("sizes", [(2, 1, 4, 5), (2, 3, 1, 1), (1, 1, 1, 1), (0, 3, 4, 5), (1, 4, 3, 2)])
@pytest.mark.parametrize("call", ["to", "contiguous", "clone"])
def test_axes_of_length_one_have_pytorchs_strides(sizes, call):
    torch = pytest.importorskip("torch")
    found = getattr(penlight.ones(sizes), call)(memory_format=penlight.channels_last)
    assert found.stride() == getattr(torch.ones(sizes), call)(memory_format=torch.channels_last).stride()


def test_volumes_and_the_way_back():
    volume = penlight.arange(720.0).reshape(2, 3, 4, 5, 6)
    last = volume.to(memory_format=penlight.channels_last_3d)
    assert last.stride() == (360, 1, 90, 18, 3)
    assert penlight.equal(last, volume)
    back = penlight.empty_like(last, memory_format=penlight.contiguous_format)
    assert back.is_contiguous() and penlight.empty_like(last).stride() == last.stride()
    assert (
        last.contiguous().is_contiguous()
        and last.to(memory_format=penlight.contiguous_format).is_contiguous()
    )
    assert last.to(memory_format=penlight.preserve_format) is last


def test_values_and_gradients_do_not_depend_on_it():
    x = penlight.arange(120.0).reshape(IMAGES).requires_grad_()
    y = x.to(memory_format=penlight.channels_last)
    np.testing.assert_array_equal(y.detach().numpy(), x.detach().numpy())
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * x.detach().numpy())


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda T: T.empty(2, 3, 4, memory_format=T.channels_last), RuntimeError),
        (lambda T: T.ones(2, 3).to(memory_format=T.channels_last), RuntimeError),
        (lambda T: T.empty_like(T.ones(2, 3), memory_format="channels_last"), TypeError),
        (lambda T: T.ones(2, 3).t().contiguous(memory_format=T.preserve_format), RuntimeError),
        (lambda T: T.empty_strided((2, 3), (1,)), RuntimeError),
        (lambda T: T.empty_strided((2, 3), (1, -2)), RuntimeError),
        (lambda T: T.zeros(2, 3, 4, 5, memory_format=T.channels_last), TypeError),
    ],
)
def test_what_cannot_lie_so(call, error):
    with pytest.raises(error):
        call(penlight)
    torch = pytest.importorskip("torch")
    with pytest.raises(error):
        call(torch)


def test_strides_of_ones_own():
    x = penlight.empty_strided((2, 3), (1, 4), dtype=penlight.float64)
    assert (x.shape, x.stride(), x.dtype, x._is_view()) == ((2, 3), (1, 4), penlight.float64, False)
    x.fill_(3)
    assert x.sum() == 18
    assert x.new_empty_strided((2, 0), (5, 1)).shape == (2, 0)
    assert x.new_empty_strided((3,), (0,)).dtype is penlight.float64


@pytest.mark.parametrize("make", ["clone", "zeros_like", "full_like"])
def test_a_dense_tensors_twin_has_its_very_strides_those_of_size_one_too(make):
    x = penlight.arange(2.0).as_strided((1, 1, 2), (1, 1, 1))
    made = {
        "clone": lambda: x.clone(),
        "zeros_like": lambda: penlight.zeros_like(x),
        "full_like": lambda: penlight.full_like(x, 3.0),
    }[make]()
    assert made.stride() == (1, 1, 1)

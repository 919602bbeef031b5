"""Reading and writing by indices and masks: against NumPy, against PyTorch, and the derivatives by differences."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penlight
from penlight.autograd import gradcheck, gradgradcheck

X = np.arange(24.0).reshape(2, 3, 4) / 7 - 1


def tensor(array, **options):
    return penlight.tensor(np.asarray(array), **options)


# ---- x[...] against NumPy


@st.composite
def arrays_and_indices(draw):
    """An array, and an index tuple with at least one array of numbers or mask in it. No bare numbers: beside
    arrays, NumPy reads them as arrays too, PyTorch as a choice made before."""
    shape = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    index, dim, used_arrays = [], 0, 0
    common = draw(st.sampled_from([(2,), (3,), (2, 3), (1,), (0,), ()]))
    while dim < len(shape):
        kind = draw(st.sampled_from(["slice", "numbers", "mask", "none", "stop"]))
        if kind == "stop":
            break
        if kind == "none":
            index.append(None)
            if len(index) > 6:
                break
        elif kind == "slice":
            bounds = st.one_of(st.none(), st.integers(-5, 5))
            index.append(slice(draw(bounds), draw(bounds), draw(st.sampled_from([None, 1, 2]))))
            dim += 1
        elif kind == "numbers" and shape[dim] > 0 and common != ():
            size = shape[dim]
            wanted = draw(st.sampled_from([common, (1,), common[-1:]]))
            count = int(np.prod(wanted))
            numbers = draw(st.lists(st.integers(-size, size - 1), min_size=count, max_size=count))
            index.append(np.array(numbers, dtype=np.int64).reshape(wanted))
            dim, used_arrays = dim + 1, used_arrays + 1
        elif kind == "mask" and used_arrays == 0:
            width = draw(st.integers(1, len(shape) - dim))
            size = int(np.prod(shape[dim : dim + width]))
            flags = draw(st.lists(st.booleans(), min_size=size, max_size=size))
            index.append(np.array(flags, dtype=bool).reshape(shape[dim : dim + width]))
            dim, used_arrays, common = dim + width, used_arrays + 1, ()
    if draw(st.booleans()) and not any(isinstance(i, np.ndarray) for i in index):
        index.append(Ellipsis)
    return np.arange(np.prod(shape), dtype=np.float64).reshape(shape), tuple(index)


def ours(index):
    return tuple(penlight.from_numpy(i) if isinstance(i, np.ndarray) else i for i in index)


@settings(max_examples=600, deadline=None)
@given(arrays_and_indices())
def test_reading_is_as_in_numpy(case):
    array, index = case
    expected = array[index]
    found = penlight.tensor(array)[ours(index)]
    assert tuple(found.shape) == expected.shape
    assert np.array_equal(found.numpy(), expected)


@settings(max_examples=400, deadline=None)
@given(arrays_and_indices(), st.booleans())
def test_writing_is_as_in_numpy(case, one_number):
    array, index = case
    found = penlight.tensor(array)
    values = (
        -1.0 if one_number else -1.0 - np.arange(array[index].size, dtype=float).reshape(array[index].shape)
    )
    array[index] = values
    found[ours(index)] = values if one_number else penlight.tensor(values)
    assert np.array_equal(found.numpy(), array)


@settings(max_examples=100, deadline=None)
@given(arrays_and_indices())
def test_a_transposed_tensor_is_read_and_written_in_place(case):
    array, index = case
    base = penlight.tensor(np.ascontiguousarray(array.T))
    view = base.permute(*range(base.dim())[::-1])
    assert np.array_equal(view[ours(index)].numpy(), array[index])
    array[index] = 5
    view[ours(index)] = 5
    assert np.array_equal(base.numpy(), array.T)


# ---- derivatives

NUMBERS = np.array([[0, 2], [1, 1]])
CASES = {
    "gather": lambda t, x: x.gather(1, t.tensor([[[0, 1], [2, 0]], [[1, 1], [0, 2]]])),
    "gather, same place twice": lambda t, x: x.gather(0, t.tensor([[[0, 1, 1]], [[0, 0, 1]], [[1, 1, 1]]])),
    "take_along_dim": lambda t, x: t.take_along_dim(x, x.detach().argsort(2, descending=True), 2),
    "take_along_dim of all": lambda t, x: t.take_along_dim(x, t.tensor([3, 3, 0])),
    "index_select": lambda t, x: x.index_select(2, t.tensor([3, 0, 3])),
    "take": lambda t, x: x.take(t.tensor([[1, -1], [1, 20]])),
    "index by numbers": lambda t, x: x[:, t.tensor([0, 2, 0])],
    "index apart": lambda t, x: x[t.tensor([0, 1, 0]), :, t.tensor([3, 3, -1])],
    "index by a mask": lambda t, x: x[x.detach() > 0],
    "index with None and steps": lambda t, x: x[None, ..., t.tensor([[0, 1], [1, 0]]), ::2],
    "masked_select": lambda t, x: x.masked_select(x.detach() > 0.3),
    "masked_fill": lambda t, x: x.masked_fill(x.detach() > 0.3, 2.0),
    "masked_fill, broadcast": lambda t, x: x[0].masked_fill(t.tensor([[[True]], [[False]]]), 0.0),
    "index_fill": lambda t, x: x.index_fill(1, t.tensor([0, -1]), 0.5),
    "scatter a number": lambda t, x: x.scatter(2, t.tensor([[[0, 3]]]), 1.5),
    "select then write": lambda t, x: _written(x, (0, slice(None, 2)), 3.0),
}
PAIRS = {
    "scatter": lambda t, x, y: x.scatter(1, t.tensor([[[0, 1], [2, 0]]]), y[:1, :2, :2]),
    "scatter, larger source": lambda t, x, y: x.scatter(1, t.tensor([[[2, 1]]]), y),
    "scatter_add": lambda t, x, y: x.scatter_add(0, t.tensor([[[0, 0], [1, 0], [1, 1]]]), y),
    "scatter_reduce sum": lambda t, x, y: x.scatter_reduce(2, _lines(t, y, 2, 4), y, "sum"),
    "scatter_reduce mean": lambda t, x, y: x.scatter_reduce(2, _lines(t, y, 2, 4), y, "mean"),
    "scatter_reduce mean of source": lambda t, x, y: x.scatter_reduce(
        1, _lines(t, y, 1, 2), y, "mean", include_self=False
    ),
    "scatter_reduce prod": lambda t, x, y: x.scatter_reduce(2, _lines(t, y, 2, 2), y, "prod"),
    "scatter_reduce prod of source": lambda t, x, y: x.scatter_reduce(
        2, _lines(t, y, 2, 2), y, "prod", include_self=False
    ),
    "scatter_reduce amax": lambda t, x, y: x.scatter_reduce(2, _lines(t, y, 2, 2), y, "amax"),
    "scatter_reduce amin": lambda t, x, y: x.scatter_reduce(
        1, _lines(t, y, 1, 3), y, "amin", include_self=False
    ),
    "index_add": lambda t, x, y: x.index_add(1, t.tensor([2, 0, 2]), y, alpha=-2),
    "index_copy": lambda t, x, y: x.index_copy(1, t.tensor([2, 0]), y[:, :2]),
    "index_fill with a tensor": lambda t, x, y: x.index_fill(0, t.tensor([-1]), y.sum()),
    "index_put": lambda t, x, y: x.index_put((t.tensor([1, 0]), t.tensor([2, 2])), y[:, 0]),
    "index_put, broadcast": lambda t, x, y: x.index_put((t.tensor([1, 0]),), y[0]),
    "index_put, accumulated": lambda t, x, y: x.index_put(
        (t.tensor([1, 1]), t.tensor([0, 0])), y[:, 1], accumulate=True
    ),
    "index_put in place on a view": lambda t, x, y: _put_in_view(t, x, y),
    "written through a mask": lambda t, x, y: _written(x, x.detach() > 0.3, y[0, 0, 0]),
    "masked_scatter": lambda t, x, y: x.masked_scatter(x.detach() > 0.3, y),
    "masked_fill with a tensor": lambda t, x, y: x.masked_fill(x.detach() > 0.3, y.sum()),
    "embedding": lambda t, x, y: t.nn.functional.embedding(t.tensor(NUMBERS), (x * y).reshape(6, 4)),
    "embedding with padding": lambda t, x, y: t.nn.functional.embedding(
        t.tensor(NUMBERS), y.reshape(6, 4), scale_grad_by_freq=False
    ),
}


def _lines(t, y, dim, size):
    """Places along dim, several the same."""
    shape = [1] * y.dim()
    shape[dim] = -1
    return (t.arange(y.size(dim)) * 3 % size).reshape(shape).expand(y.shape)


def _written(x, index, value):
    y = x * 1.0
    y[index] = value
    return y


def _put_in_view(t, x, y):
    z = x * 1.0
    z.transpose(0, 2)[1:].index_put_(
        (t.tensor([0, 2, 0]),), y[0, 0, 0] * x[0, :, 0][:, None], accumulate=True
    )
    return z * z


def numbers(seed):
    return penlight.tensor(np.random.default_rng(seed).standard_normal((2, 3, 4)), requires_grad=True)


@pytest.mark.parametrize("name", CASES)
def test_derivatives_of_one_argument(name):
    function = partial(CASES[name], penlight)
    assert gradcheck(function, (numbers(1),))
    assert gradgradcheck(function, (numbers(1),))


@pytest.mark.parametrize("name", PAIRS)
def test_derivatives_of_two_arguments(name):
    function = partial(PAIRS[name], penlight)
    assert gradcheck(function, (numbers(1), numbers(2)))
    assert gradgradcheck(function, (numbers(1), numbers(2)))


def test_the_product_of_factors_with_zeros_has_the_right_gradient():
    self = penlight.tensor([2.0, 0.0, 3.0], dtype=penlight.float64, requires_grad=True)
    source = penlight.tensor([0.0, 5.0, 0.0, 0.0, 4.0], dtype=penlight.float64, requires_grad=True)
    index = penlight.tensor([0, 0, 2, 2, 1])
    self.scatter_reduce(0, index, source, "prod").sum().backward()
    assert self.grad.tolist() == [0.0, 4.0, 0.0]
    assert source.grad.tolist() == [10.0, 0.0, 0.0, 0.0, 0.0]


def test_padding_and_frequency_of_an_embedding():
    weight = tensor(np.ones((4, 2)), requires_grad=True)
    index = penlight.tensor([0, 1, 1, 3, 3, 3])
    penlight.nn.functional.embedding(index, weight, padding_idx=-1).sum().backward()
    assert weight.grad.tolist() == [[1, 1], [2, 2], [0, 0], [0, 0]]
    weight.grad = None
    penlight.nn.functional.embedding(index, weight, scale_grad_by_freq=True).sum().backward()
    assert weight.grad.tolist() == [[1, 1], [1, 1], [0, 0], [1, 1]]


# ---- memory and history


def test_in_place_forms_change_the_tensor_itself_and_count():
    x = penlight.zeros(3, 2)
    version = x._version
    assert x.index_add_(0, penlight.tensor([0, 0]), penlight.ones(2, 2)) is x
    assert x.scatter_(0, penlight.tensor([[1, 2]]), 5.0) is x
    assert x.masked_fill_(x == 0, -1.0) is x
    assert x._version > version
    assert x.tolist() == [[2, 2], [5, -1], [-1, 5]]


def test_a_saved_tensor_written_by_index_is_noticed():
    x = penlight.ones(3, requires_grad=True)
    y = x * 2
    z = y * y
    y[penlight.tensor([0])] = 7.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_a_leaf_is_not_written_by_index():
    x = penlight.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x[penlight.tensor([0])] = 1.0
    with penlight.no_grad():
        x[penlight.tensor([0])] = 4.0
    assert x.tolist() == [4, 1, 1]


def test_what_is_written_may_not_lie_in_the_memory_written_to():
    x = penlight.arange(6.0)
    x[penlight.tensor([0, 1, 2])] = x[3:].flip(0)  # a copy
    assert x.tolist() == [5, 4, 3, 3, 4, 5]
    with pytest.raises(RuntimeError, match="single memory location"):
        x.index_put_((penlight.tensor([5, 4, 3, 2, 1, 0]),), x)
    with pytest.raises(RuntimeError, match="single memory location"):
        x[penlight.tensor([0, 5])] = x[:2]
    assert x.tolist() == [5, 4, 3, 3, 4, 5]


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_sums_at_the_same_place_are_the_same_bits_at_any_number_of_threads(threads):
    rng = np.random.default_rng(0)
    source = tensor(rng.standard_normal((5000, 130)).astype(np.float32))
    index = penlight.tensor(rng.integers(0, 7, 5000))
    lines = penlight.tensor(rng.integers(0, 7, (5000, 130)))

    def results():
        zeros = penlight.zeros(7, 130)
        return (
            zeros.index_add(0, index, source),
            zeros.index_put((index,), source, accumulate=True),
            zeros.scatter_add(0, lines, source),
            zeros.index_copy(0, index, source),
        )

    before = penlight.get_num_threads()
    try:
        penlight.set_num_threads(1)
        alone = results()
        penlight.set_num_threads(threads)
        together = results()
    finally:
        penlight.set_num_threads(before)
    for a, b in zip(alone, together, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()


# ---- against PyTorch

SAME = r"""
x[1]
x[-1, ..., 0]
x[:, 1:, ::2]
x[None, :, None].shape
x[True].shape
x[False].shape
x[t.tensor(True)].shape
x[[0, 1], [2, 0]]
x[[[0, 1], [2, 0]]]
x[[True, False]]
x[:, []].shape
x[range(2)]
x[t.tensor(1), t.tensor([0, 1])]
x[0, :, t.tensor([0, 1])]
x[t.tensor([0, 1]), 0, t.tensor([0, 1])]
x[t.tensor([0, 1]), None, t.tensor([0, 1])].shape
x[..., t.tensor([0, 1]), None].shape
x[t.tensor([1, 0], dtype=t.int32)]
x[x > 0]
x[:, x[0] > 0]
x[t.tensor([True, False]), :, t.tensor([0])]
t.tensor(3.)[None]
t.tensor(3.)[...]
t.tensor(3.)[True]
t.tensor(3.)[0]
t.tensor(3.)[t.tensor(0)]
x[5]
x[0, 0, 0, 0]
x[::-1]
x[::0]
x[1.5]
x[t.tensor([5])]
x[t.tensor([-3])]
x[t.tensor([0, 1]), t.tensor([0, 1, 2])]
x[t.tensor([.5])]
x[x[:1] > 0]
x[t.tensor([0]), t.tensor([0]), t.tensor([0]), t.tensor([0])]
x.gather(2, t.tensor([[[3, 0]]]))
x.gather(0, t.tensor([[[5]]]))
x.gather(3, t.tensor([[[0]]]))
x.gather(0, t.tensor([0]))
x.gather(0, t.tensor([[[0.]]]))
x.gather(0, t.tensor([[[0] * 9]]))
t.tensor(3.).gather(0, t.tensor([0, 0]))
x.scatter(2, t.tensor([[[0, 1]]]), 9.)
x.scatter(0, t.tensor([[[0, 9]]]), 9.)
x.scatter(0, t.tensor([[[0, 1]]]), x.double())
x.scatter_add(0, t.tensor([[[0, 1]]]), x)
x.scatter_reduce(0, t.tensor([[[0, 1]]]), x, 'amax', include_self=False)
x.scatter_reduce(0, t.tensor([[[0, 1]]]), x, 'median')
x.long().scatter_reduce(0, t.tensor([[[0, 1]]]), x.long(), 'mean')
x.long().scatter_reduce(0, t.tensor([[[0, 1]]]), x.long(), 'amin', include_self=False)
x.index_select(1, t.tensor([2, 0]))
x.index_select(1, t.tensor(2))
x.index_select(1, t.tensor([[1]]))
x.index_select(1, t.tensor([1.]))
t.tensor(3.).index_select(0, t.tensor([0]))
t.tensor(3.).index_select(0, t.tensor([0, 0]))
x.index_add(1, t.tensor([0, 0, 1]), x, alpha=2)
x.index_add(1, t.tensor([0, 1]), x)
x.index_add(1, t.tensor([0, 1, 2]), x.double())
x.index_copy(1, t.tensor([1]), x[:, :1])
x.index_copy(1, t.tensor([7]), x[:, :1])
x.index_fill(1, t.tensor([-1]), 3)
x.index_fill(1, t.tensor([5]), 3)
x.index_fill(1, t.tensor([1.]), 3)
x.take(t.tensor([0, -24]))
x.take(t.tensor([24]))
t.take_along_dim(x, x.argsort(1), 1)
t.take_along_dim(x, t.tensor([0]), 1)
x.masked_fill(x > 0, 1)
x.masked_fill(x > 0, t.tensor([1., 2.]))
x.long().masked_fill(x > 0, 1.5)
x.masked_select(x > 0)
x.masked_select(t.tensor([True, False, True, False]))
x.masked_select(x)
x.masked_scatter(x > 0, t.arange(24.))
x.masked_scatter(x > 0, t.tensor([1.]))
t.nonzero(x > 0)
t.nonzero(x > 0, as_tuple=True)
t.nonzero(t.tensor(0.))
t.where(x > 1)
t.argwhere(x > 1)
x.index_put((t.tensor([0, 1]), t.tensor([0, 0])), t.tensor(9.))
x.index_put((t.tensor([0, 0]),), t.ones(3, 4), accumulate=True)
x.index_put((t.tensor([0, 1]),), t.ones(5))
x.index_put((t.tensor([0, 1]),), t.tensor(1))
x.clone().__setitem__((t.tensor([0]),), t.tensor(1))
t.nn.functional.embedding(t.tensor([[0, 2]]), x[0])
t.nn.functional.embedding(t.tensor([3]), x[0])
t.nn.functional.embedding(t.tensor([-1]), x[0])
""".strip().splitlines()


def outcome(library, line):
    x = library.tensor(X.tolist())
    try:
        return repr(eval(line, {"t": library, "x": x}))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


@pytest.mark.parametrize("line", SAME)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_same_result_or_error_as_in_pytorch(line):
    torch = pytest.importorskip("torch")
    assert outcome(penlight, line) == outcome(torch, line)


# A source larger than the index, and an index from the end: PyTorch's backward raises.
BEYOND_PYTORCH = ("scatter, larger source", "scatter_add", "index_fill with a tensor")


@pytest.mark.parametrize("name", [name for name in (*CASES, *PAIRS) if name not in BEYOND_PYTORCH])
def test_value_gradient_and_node_are_as_in_pytorch(name):
    torch = pytest.importorskip("torch")

    def results(library):
        arrays = [a.detach().numpy() for a in (numbers(1), numbers(2))[: 1 if name in CASES else 2]]
        inputs = [library.tensor(a, requires_grad=True) for a in arrays]
        y = (CASES.get(name) or PAIRS[name])(library, *inputs)
        weights = library.arange(float(y.numel()), dtype=y.dtype).reshape(y.shape)
        grads = library.autograd.grad(y, inputs, weights, allow_unused=True)
        return type(y.grad_fn).__name__, y, *grads

    (node, *found), (expected_node, *expected) = results(penlight), results(torch)
    assert node == expected_node
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("number", [3, -1])
def test_index_select_takes_no_number_out_of_range(number):
    with pytest.raises(IndexError, match="index out of range in self"):
        tensor(X).index_select(1, penlight.tensor([number]))

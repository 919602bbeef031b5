"""Sorting, selecting and searching: against NumPy, against PyTorch, and the derivatives by differences."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import penlight
from penlight.autograd import gradcheck, gradgradcheck

DTYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


@st.composite
def tables(draw, dtypes=DTYPES, least=0):
    """Few different values, so that many are equal; NaN, infinities and both zeros among the floating ones."""
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(arrays.array_shapes(min_dims=1, max_dims=3, min_side=least, max_side=6))
    if dtype.startswith("float"):
        values = st.sampled_from([0.0, -0.0, 1.0, -1.5, 3.0, math.nan, math.inf, -math.inf])
    elif dtype == "bool":
        values = st.booleans()
    else:
        info = np.iinfo(dtype)
        values = st.sampled_from([0, 1, 2, 3, info.min, info.max])
    array = draw(arrays.arrays(dtype, shape, elements=values))
    return array, draw(st.integers(-len(shape), len(shape) - 1))


def sort_key(array):
    """Numbers with NumPy's order of floats, NaN last, in which equal ones are equal."""
    return array.astype(np.float64) + 0.0 if array.dtype.kind == "f" else array


@settings(max_examples=400, deadline=None)
@given(tables())
def test_sorting_is_stable_with_nan_last(case):
    array, dim = case
    found = penlight.from_numpy(array).sort(dim)
    order = np.argsort(sort_key(array), axis=dim, kind="stable")
    assert np.array_equal(found.indices.numpy(), order)
    expected = np.take_along_axis(array, order, dim)
    assert found.values.numpy().tobytes() == np.ascontiguousarray(expected).tobytes()


@settings(max_examples=200, deadline=None)
@given(tables())
def test_descending_order_is_stable_too_with_nan_first(case):
    array, dim = case
    found = penlight.from_numpy(array).argsort(dim, descending=True).numpy()
    back = np.flip(np.argsort(np.flip(sort_key(array), dim), axis=dim, kind="stable"), dim)
    assert np.array_equal(found, array.shape[dim] - 1 - back)


@settings(max_examples=200, deadline=None)
@given(tables(DTYPES[:-1], least=1), st.data())
def test_selections_are_what_sorting_gives(case, data):
    array, dim = case
    x = penlight.from_numpy(array)
    k = data.draw(st.integers(1, array.shape[dim]))
    ascending, descending = x.sort(dim).values, x.sort(dim, descending=True).values
    for pair, values in (
        (x.topk(k, dim), descending.narrow(dim, 0, k)),
        (x.topk(k, dim, largest=False), ascending.narrow(dim, 0, k)),
        (x.kthvalue(k, dim, keepdim=True), ascending.narrow(dim, k - 1, 1)),
    ):
        assert np.array_equal(pair.values.numpy(), values.numpy(), equal_nan=array.dtype.kind == "f")
        taken = np.take_along_axis(array, pair.indices.numpy(), dim)
        assert np.array_equal(pair.values.numpy(), taken, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize("n", [1, 2, 255, 256, 257, 1000, 5000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_long_and_short_rows_are_sorted_alike(n, dtype):
    rng = np.random.default_rng(n)
    array = (rng.standard_normal((3, n, 2)) * 50).astype(dtype)
    x = penlight.from_numpy(array)
    assert np.array_equal(x.sort(1).indices.numpy(), np.argsort(array, 1, kind="stable"))


def test_the_median_is_the_lower_of_two_and_nan_where_there_is_one():
    x = penlight.tensor([[3.0, 1.0, 2.0, 4.0], [1.0, math.nan, 0.0, math.nan]])
    assert x.median(1).values[0] == 2 and x.median(1).indices.tolist() == [2, 1]
    assert x.median().isnan()
    assert x.nanmedian(1).values.tolist() == [2, 0]
    assert x.nanmedian() == 1
    assert x[:, :0].median().isnan()
    assert penlight.tensor([5, 1, 4, 2]).median() == 2


def test_mode_is_the_least_of_the_most_frequent():
    found = penlight.tensor([[2, 1, 2, 1, 3], [7, 7, 0, 0, 0]]).mode()
    assert found.values.tolist() == [1, 0]
    assert found.indices.tolist() == [3, 4]


@settings(max_examples=200, deadline=None)
@given(tables(["float64", "int32", "uint8"]), st.booleans())
def test_searching_is_as_in_numpy(case, right):
    array, _ = case
    values = array[~np.isnan(array)] if array.dtype.kind == "f" else array.reshape(-1)
    bounds = np.sort(values)
    expected = np.searchsorted(bounds, values, side="right" if right else "left")
    x, b = penlight.from_numpy(values.copy()), penlight.from_numpy(bounds)
    assert penlight.searchsorted(b, x, right=right).tolist() == expected.tolist()
    assert penlight.bucketize(x, b, right=right).tolist() == expected.tolist()
    shuffled = penlight.from_numpy(bounds[::-1].copy())
    found = penlight.searchsorted(shuffled, x, right=right, sorter=shuffled.argsort())
    assert found.tolist() == expected.tolist()


def test_each_row_is_searched_in_its_own_boundaries():
    bounds = penlight.tensor([[1, 3, 5], [2, 4, 6]])
    places = penlight.searchsorted(bounds, penlight.tensor([[3, 6, 9], [3, 6, 9]]), out_int32=True)
    assert places.dtype == penlight.int32
    assert places.tolist() == [[1, 3, 3], [1, 2, 3]]


@settings(max_examples=200, deadline=None)
@given(tables(["int64", "uint8", "bool"]))
def test_unique_is_as_in_numpy(case):
    array, _ = case
    values, inverse, counts = np.unique(array.reshape(-1), return_inverse=True, return_counts=True)
    found = penlight.from_numpy(array).unique(return_inverse=True, return_counts=True)
    assert found[0].tolist() == values.tolist()
    assert found[1].tolist() == inverse.reshape(array.shape).tolist()
    assert found[2].tolist() == counts.tolist()


@settings(max_examples=100, deadline=None)
@given(tables(["int64", "bool"], least=1))
def test_unique_slices_are_as_in_numpy(case):
    array, dim = case
    values, inverse, counts = np.unique(array, return_inverse=True, return_counts=True, axis=dim)
    found = penlight.from_numpy(array).unique(return_inverse=True, return_counts=True, dim=dim)
    assert found[0].tolist() == values.tolist()
    assert found[1].tolist() == inverse.reshape(-1).tolist()
    assert found[2].tolist() == counts.tolist()


def test_every_nan_is_unique_and_neighbours_are_joined():
    x = penlight.tensor([math.nan, 1.0, 1.0, math.nan, 1.0])
    assert penlight.unique(x).shape == (3,)
    values, inverse, counts = penlight.unique_consecutive(x, return_inverse=True, return_counts=True)
    assert inverse.tolist() == [0, 1, 1, 2, 3] and counts.tolist() == [1, 2, 1, 1]
    assert values[1] == 1 and values[2].isnan()


DERIVATIVES = {
    "sort": lambda x: x.sort(1, descending=True).values,
    "msort": lambda x: x.msort(),
    "topk": lambda x: x.topk(2, 2).values,
    "kthvalue": lambda x: x.kthvalue(2, 1).values,
    "kthvalue, kept": lambda x: x.kthvalue(2, 1, True).values,
    "median along": lambda x: x.median(2).values,
    "median": lambda x: x.median(),
    "nanmedian": lambda x: x.nanmedian(),
    "mode": lambda x: x.mode(0).values,
    "sort of a number": lambda x: x[0, 0, 0].sort().values,
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name):
    x = penlight.tensor(np.random.default_rng(0).standard_normal((2, 3, 4)), requires_grad=True)
    assert gradcheck(DERIVATIVES[name], (x,))
    assert gradgradcheck(lambda x: DERIVATIVES[name](x * x), (x,))


def test_equal_elements_share_the_gradient_of_the_median():
    x = penlight.tensor([1.0, 2.0, 2.0, 3.0], requires_grad=True)
    x.median().backward()
    assert x.grad.tolist() == [0, 0.5, 0.5, 0]


def test_results_do_not_depend_on_threads():
    x = penlight.from_numpy(np.random.default_rng(0).integers(0, 50, (300, 400)).astype(np.float32))
    before = penlight.get_num_threads()
    try:
        found = []
        for threads in (1, 4):
            penlight.set_num_threads(threads)
            found.append([x.sort(0).indices, x.topk(30).indices, x.kthvalue(9, 0).indices, x.unique()])
    finally:
        penlight.set_num_threads(before)
    for one, several in zip(*found, strict=True):
        assert penlight.equal(one, several)


SAME = r"""
x.sort()
x.sort(0, True)
x.sort(stable=True)
x.argsort(0)
x.topk(2)
x.topk(3, 0)
x.topk(0)
x.topk(-1)
x.topk(1, 5)
(x > 3).topk(2)
x.kthvalue(2)
x.kthvalue(0)
x.kthvalue(9)
x.median()
x.median(0)
x.median(1, keepdim=True)
x.nanmedian(1)
x.long().mode()
e.sort()
e.median()
e.median(0)
e.kthvalue(1)
e.topk(0)
t.empty(3, 0).median(1)
t.empty(3, 0).median(0)
s.sort()
s.topk(1)
s.topk(2)
s.kthvalue(1)
s.median(0)
s.argsort()
x.sort(5)
t.searchsorted(x[0], 3.)
t.searchsorted(x, x)
t.searchsorted(x, x[:1])
t.searchsorted(x, 3.)
t.searchsorted(s, s)
t.searchsorted(e, 3.)
t.searchsorted(x[0], x, side='right')
t.searchsorted(x[0], x, side='up')
t.searchsorted(x[0], x, side='left', right=True)
t.searchsorted(x[0], x[0], sorter=t.tensor([0]))
t.searchsorted(x[0], x[0], sorter=t.tensor([0, 1, 2, 9]))
t.bucketize(x, x)
t.bucketize(x.long(), x[0], out_int32=True)
t.unique(x)
t.unique(x, return_inverse=True)
t.unique(s)
t.unique(e)
t.unique(e, dim=0)
t.unique(s, dim=0)
t.unique(x, dim=5)
t.unique(t.empty(3, 0), dim=0)
t.unique(x.long(), dim=1)
t.unique_consecutive(x.long() // 3, return_counts=True)
t.unique_consecutive(x.long() // 3, dim=0, return_inverse=True)
type(r.sort()[0].grad_fn).__name__
type(r.topk(2)[0].grad_fn).__name__
type(r.kthvalue(2)[0].grad_fn).__name__
type(r.median(0)[0].grad_fn).__name__
type(r.median().grad_fn).__name__
type(r.nanmedian().grad_fn).__name__
""".strip().splitlines()


def outcome(library, line):
    x = library.tensor([[3.0, 1.0, 2.0, 1.0], [0.0, math.nan, -0.0, 5.0], [4.0, 4.0, 4.0, 4.0]])
    names = {"t": library, "x": x, "s": library.tensor(3.0), "e": library.empty(0)}
    names["r"] = x.clone().requires_grad_()
    try:
        return repr(eval(line, names))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


@pytest.mark.parametrize("line", SAME)
def test_the_same_result_or_error_as_in_pytorch(line):
    torch = pytest.importorskip("torch")
    assert outcome(penlight, line) == outcome(torch, line)


@pytest.mark.parametrize("seed", range(20))
def test_which_of_equal_elements_is_taken_is_as_in_pytorch(seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    n = int(rng.choice([5, 16, 17, 100, 1000]))
    array = rng.integers(0, 4, (3, n)).astype(np.float32)
    ours, theirs = penlight.from_numpy(array), torch.from_numpy(array)
    k = int(rng.integers(1, n + 1))
    assert ours.topk(k).indices.tolist() == theirs.topk(k).indices.tolist()
    assert ours.kthvalue(k).indices.tolist() == theirs.kthvalue(k).indices.tolist()
    assert ours.sort().indices.tolist() == theirs.sort(stable=True).indices.tolist()

"""Sharing memory with NumPy and DLPack, copying, pickling, and tensors where Python wants its own objects."""

import copy
import ctypes
import gc
import math
import operator
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import penlight

NUMPY_DTYPES = ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"]


@pytest.mark.parametrize("name", NUMPY_DTYPES)
def test_from_numpy_and_numpy_share_memory(name):
    array = np.zeros((2, 3), name)
    x = penlight.from_numpy(array)
    assert x.dtype == getattr(penlight, name)
    assert x.shape == (2, 3)
    array[0, 1] = 1
    assert x[0, 1].item() == 1
    x[1, 2] = 1
    assert array[1, 2] == 1
    back = x.numpy()
    assert back.dtype == array.dtype
    assert np.shares_memory(back, array)


strided_arrays = npst.arrays(
    st.sampled_from(NUMPY_DTYPES), npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
).flatmap(
    lambda array: st.tuples(
        st.just(array), npst.basic_indices(array.shape, allow_newaxis=True), st.permutations(range(8))
    )
)


@settings(max_examples=300, deadline=None)
@given(strided_arrays)
def test_any_strided_array_comes_in_and_out_unchanged(drawn):
    array, index, order = drawn
    view = np.asarray(array[index])
    view = view.transpose([axis for axis in order if axis < view.ndim])
    backwards = any(stride < 0 and size > 1 for stride, size in zip(view.strides, view.shape, strict=True))
    if backwards and view.size:
        with pytest.raises(ValueError, match="negative"):
            penlight.from_numpy(view)
        return
    x = penlight.from_numpy(view)
    assert tuple(x.shape) == view.shape
    for back in (x.numpy(), np.asarray(x), np.from_dlpack(x), penlight.from_dlpack(x).numpy()):
        assert back.dtype == view.dtype
        np.testing.assert_array_equal(back, view)
        assert view.size == 0 or np.shares_memory(back, view)
    np.testing.assert_array_equal(np.array(x.tolist(), view.dtype).reshape(view.shape), view)


def test_memory_outlives_whoever_lent_it():
    x = penlight.from_numpy(np.arange(100_000.0))
    array = penlight.arange(100_000.0).numpy()
    y = penlight.from_dlpack(np.arange(100_000.0))
    gc.collect()
    penlight.zeros(100_000).fill_(7)
    for kept in (x.numpy(), array, y.numpy()):
        np.testing.assert_array_equal(kept, np.arange(100_000.0))


def test_array_keeps_the_memory_when_the_tensor_gets_other_data():
    x = penlight.arange(100_000.0)
    array = x.numpy()
    x.data = penlight.zeros(3)
    gc.collect()
    penlight.zeros(100_000).fill_(7)
    np.testing.assert_array_equal(array, np.arange(100_000.0))


def test_read_only_and_broadcast_arrays_come_in():
    array = np.arange(3.0)
    array.setflags(write=False)
    assert penlight.from_numpy(array).tolist() == [0, 1, 2]
    x = penlight.from_numpy(np.broadcast_to(np.arange(3.0), (2, 3)))
    assert x.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert x.stride() == (0, 1)


@pytest.mark.parametrize(
    ("array", "error", "words"),
    [
        ([1.0], TypeError, r"expected np.ndarray \(got list\)"),
        (np.float64(1), TypeError, r"expected np.ndarray \(got numpy.float64\)"),
        (np.array(["a"]), TypeError, "can't convert np.ndarray of type numpy.str_"),
        (np.array([None]), TypeError, "can't convert np.ndarray of type numpy.object_"),
        (np.ones(2, np.longdouble), TypeError, "numpy.longdouble"),
        (np.ones(2, ">f4"), ValueError, "byte order"),
        (np.ones(4)[::-1], ValueError, "negative"),
        (np.zeros(3, [("a", "i1"), ("b", "f4")])["b"], ValueError, "not a multiple of the element byte size"),
        (np.frombuffer(bytes(9), np.uint8)[1:].view(np.float32), ValueError, "Copy the numpy array"),
    ],
)
def test_from_numpy_refuses_what_no_tensor_can_be(array, error, words):
    with pytest.raises(error, match=words):
        penlight.from_numpy(array)


def test_numpy_of_a_tensor_that_requires_grad():
    x = penlight.ones(2, requires_grad=True)
    words = r"Can't call numpy\(\) on Tensor that requires grad. Use tensor.detach\(\).numpy\(\) instead."
    for ask in (x.numpy, lambda: np.asarray(x), lambda: np.sin(x)):
        with pytest.raises(RuntimeError, match=words):
            ask()
    assert x.numpy(force=True).tolist() == x.detach().numpy().tolist() == [1, 1]


def test_numpy_has_no_bfloat16():
    with pytest.raises(TypeError, match="BFloat16"):
        penlight.ones(2, dtype=penlight.bfloat16).numpy()


def test_numpy_functions_take_tensors():
    x = penlight.tensor([[0.0, 1.0], [2.0, 3.0]])
    assert isinstance(np.sin(x), penlight.Tensor)
    np.testing.assert_array_equal(np.sin(x).numpy(), np.sin(x.numpy()))
    assert np.greater(x, 1).dtype == penlight.uint8
    assert np.asarray(x, dtype=np.int32).dtype == np.int32
    assert np.array(x, copy=True).base is not x
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert not np.shares_memory(np.array(x), x.numpy())
    with pytest.raises(ValueError, match="copy"):
        np.array(x, dtype=np.int32, copy=False)


def test_numpy_numbers_act_as_python_numbers():
    x = penlight.tensor([1.0, 2.0])
    for product in (np.float64(2) * x, x * np.float64(2), np.int64(2) * x, x * np.int64(2)):
        assert isinstance(product, penlight.Tensor)
        assert product.dtype == penlight.float32
        assert product.tolist() == [2, 4]


@pytest.mark.parametrize("name", NUMPY_DTYPES)
def test_dlpack_shares_memory_both_ways(name):
    array = np.zeros((2, 3), name)
    x = penlight.from_dlpack(array)
    x[0, 0] = 1
    assert array[0, 0] == 1
    assert np.shares_memory(np.from_dlpack(x), array)
    assert x.__dlpack_device__() == (1, 0)
    assert not np.shares_memory(penlight.from_dlpack(array, copy=True).numpy(), array)


def test_dlpack_capsule_is_used_once():
    from penlight.utils.dlpack import from_dlpack, to_dlpack

    capsule = to_dlpack(penlight.arange(3))
    assert from_dlpack(capsule).tolist() == [0, 1, 2]
    with pytest.raises(RuntimeError, match="consumed only once"):
        from_dlpack(capsule)


def test_dlpack_carries_bfloat16():
    x = penlight.tensor([1.5, -2.0], dtype=penlight.bfloat16)
    y = penlight.from_dlpack(x)
    assert y.dtype == penlight.bfloat16
    assert y.tolist() == [1.5, -2.0]


def test_dlpack_refusals():
    with pytest.raises(BufferError, match="require gradient"):
        np.from_dlpack(penlight.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match="negative"):
        penlight.from_dlpack(np.ones(3)[::-1])
    with pytest.raises(TypeError, match="DLPack type code"):
        penlight.from_dlpack(np.ones(3, np.uint32))
    with pytest.raises(RuntimeError, match="invalid capsule"):
        penlight.from_dlpack(3)
    with pytest.raises(BufferError):
        penlight.ones(2).__dlpack__(dl_device=(2, 0))


def test_dlpack_from_a_producer_that_lies_about_its_sizes():
    """Sizes whose product overflows are refused, whoever sends them."""

    class Device(ctypes.Structure):
        _fields_ = [("type", ctypes.c_int32), ("id", ctypes.c_int32)]

    class Kind(ctypes.Structure):
        _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]

    class Managed(ctypes.Structure):
        _fields_ = [
            ("data", ctypes.c_void_p), ("device", Device), ("ndim", ctypes.c_int32), ("dtype", Kind),
            ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
            ("byte_offset", ctypes.c_uint64), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p),
        ]  # fmt: skip

    new_capsule = ctypes.pythonapi.PyCapsule_New
    new_capsule.restype, new_capsule.argtypes = (
        ctypes.py_object,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
    )
    memory, name = (ctypes.c_float * 4)(), b"dltensor"
    for shape, strides in [
        ((2**62, 2**62), (1, 1)),
        ((3, 3), (2**62, 1)),
        ((-1, 2), (1, 1)),
        ((2, 2), (2**63 - 1, 1)),
    ]:
        sent = Managed(
            ctypes.addressof(memory), Device(1, 0), 2, Kind(2, 32, 1),
            (ctypes.c_int64 * 2)(*shape), (ctypes.c_int64 * 2)(*strides), 0, None, None,
        )  # fmt: skip
        with pytest.raises((RuntimeError, ValueError)):
            penlight.from_dlpack(new_capsule(ctypes.addressof(sent), name, None))


def test_dlpack_with_pytorch():
    torch = pytest.importorskip("torch")
    for dtype in (*NUMPY_DTYPES, "bfloat16"):
        theirs = torch.arange(6).reshape(2, 3).t().to(getattr(torch, dtype))
        ours = penlight.from_dlpack(theirs)
        assert ours.dtype == getattr(penlight, dtype)
        assert ours.tolist() == theirs.tolist()
        assert ours.stride() == theirs.stride()
        back = torch.from_dlpack(ours)
        assert back.data_ptr() == theirs.data_ptr()
        assert back.dtype == theirs.dtype


# Values where Python wants a number, a truth value, a length or an index.


def test_python_numbers():
    assert int(penlight.tensor(3.7)) == 3
    assert float(penlight.tensor([[2]])) == 2.0
    assert bool(penlight.tensor([0.0])) is False
    assert operator.index(penlight.tensor([3])) == 3
    assert [10, 20, 30][penlight.tensor(1)] == 20
    assert list(range(penlight.tensor(2))) == [0, 1]
    assert math.floor(penlight.tensor(2.6)) == 2
    assert math.sqrt(penlight.tensor(4.0)) == 2.0
    assert int(penlight.tensor(2**62 + 1)) == 2**62 + 1
    assert penlight.tensor(True).item() is True
    assert type(penlight.tensor(3).item()) is int
    assert type(penlight.tensor(3.0).item()) is float


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (
            lambda t: bool(t.ones(2)),
            RuntimeError,
            "Boolean value of Tensor with more than one value is ambiguous",
        ),
        (lambda t: bool(t.ones(0)), RuntimeError, "Boolean value of Tensor with no values is ambiguous"),
        (lambda t: len(t.tensor(1)), TypeError, "len() of a 0-d tensor"),
        (lambda t: iter(t.tensor(1)), TypeError, "iteration over a 0-d tensor"),
        (lambda t: t.ones(2).item(), RuntimeError, "a Tensor with 2 elements cannot be converted to Scalar"),
        (lambda t: t.ones(0).item(), RuntimeError, "a Tensor with 0 elements cannot be converted to Scalar"),
        (
            lambda t: float(t.ones(2)),
            ValueError,
            "only one element tensors can be converted to Python",
        ),
        (lambda t: int(t.ones(2)), ValueError, "only one element tensors can be converted to Python"),
        (lambda t: operator.index(t.ones(1)), TypeError, "only integer tensors of a single element can be"),
        (lambda t: operator.index(t.arange(2)), TypeError, "only integer tensors of a single element can be"),
        (lambda t: int(t.tensor(float("nan"))), ValueError, "cannot convert float NaN to integer"),
        (lambda t: "a" in t.ones(2), RuntimeError, "Tensor.__contains__ only supports Tensor or scalar"),
    ],
)
def test_refused_conversions_use_pytorchs_words(ask, error, words):
    with pytest.raises(error) as caught:
        ask(penlight)
    assert words in str(caught.value)
    try:
        import torch
    except ImportError:
        return
    with pytest.raises(error) as caught:
        ask(torch)
    assert words in str(caught.value)


def test_containers():
    x = penlight.arange(6).reshape(2, 3)
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[0, 1, 2], [3, 4, 5]]
    assert [row.tolist() for row in reversed(x)] == [[3, 4, 5], [0, 1, 2]]
    assert 4 in x and 7 not in x and penlight.tensor(5) in x
    assert sum(penlight.tensor([1, 2])).item() == 3
    first, second = x
    assert first.data_ptr() == x.data_ptr() and second.tolist() == [3, 4, 5]


def test_hash_is_identity_and_equality_is_by_element():
    x, y = penlight.ones(2), penlight.ones(2)
    assert hash(x) == id(x)
    assert len({x, y, x}) == 2
    assert (x == y).tolist() == [True, True]
    assert (x != y).tolist() == [False, False]


# Copies.


def leaf():
    x = penlight.arange(6.0).reshape(2, 3).requires_grad_()
    x.grad = penlight.ones(2, 3)
    x.label = ["here"]
    return x


def test_copy_shares_memory():
    x = leaf()
    twin = copy.copy(x)
    assert twin is not x
    assert twin.data_ptr() == x.data_ptr()
    assert twin.requires_grad and twin.label is x.label


def test_deepcopy_shares_nothing():
    x = leaf()
    twin = copy.deepcopy(x)
    assert twin.tolist() == x.tolist() and twin.requires_grad and twin.is_leaf
    assert twin.grad.tolist() == x.grad.tolist() and twin.label == x.label and twin.label is not x.label
    with penlight.no_grad():
        twin.fill_(9)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
    a, b = copy.deepcopy([x, x])
    assert a is b


def test_deepcopy_of_a_result_is_refused():
    with pytest.raises(
        RuntimeError, match=r"Only Tensors created explicitly by the user \(graph leaves\) support"
    ):
        copy.deepcopy(leaf() * 2)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", [*NUMPY_DTYPES, "bfloat16"])
def test_pickle_keeps_values_and_dtype(protocol, name):
    x = penlight.tensor([[0, 1, 2], [3, 4, 5]]).to(getattr(penlight, name)).t()
    back = pickle.loads(pickle.dumps(x, protocol))
    assert back.dtype == x.dtype and back.tolist() == x.tolist()
    back[0, 0] = 1
    assert back[0, 0].item() == 1


def test_pickle_keeps_requires_grad_and_attributes():
    back = pickle.loads(pickle.dumps(leaf()))
    assert back.requires_grad and back.is_leaf and back.grad is None and back.label == ["here"]
    assert pickle.loads(pickle.dumps(penlight.zeros(0, 3))).shape == (0, 3)


def test_pickle_of_a_view_carries_only_what_it_shows():
    assert len(pickle.dumps(penlight.zeros(1_000_000)[:3])) < 2000

"""Functions that are told where to put their result."""

import copy
import inspect
import pickle
import pydoc
import warnings

import numpy as np
import op_cases
import pytest

import penlight
from penlight._out import NAMES

ROWS = [row for row in op_cases.ROWS if row.name in NAMES]


def tensors(library, value):
    if isinstance(value, np.ndarray):
        return library.from_numpy(np.ascontiguousarray(value))
    return type(value)(tensors(library, v) for v in value) if isinstance(value, (list, tuple)) else value


def flat(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def like(result):
    return [penlight.empty(0, dtype=part.dtype) for part in flat(result)]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_result_is_put_into_out_and_out_is_returned(row):
    function = getattr(penlight, row.name)
    tried = 0
    for sample in row.samples:
        arguments = tensors(penlight, sample)
        try:
            expected = function(*arguments)
        except TypeError:  # a row that calls by keywords
            continue
        outs = like(expected)
        returned = function(*arguments, out=outs[0] if isinstance(expected, penlight.Tensor) else tuple(outs))
        for out, part, other in zip(outs, flat(expected), flat(returned), strict=True):
            assert other is out and out.shape == part.shape
            assert penlight.allclose(out.double(), part.double(), rtol=0, atol=0, equal_nan=True)
        assert type(returned) is type(expected)
        tried += 1
    assert tried or row.call is not None


def test_the_rows_are_many():
    assert len(ROWS) > 80


def test_out_of_fitting_shape_keeps_its_memory_and_strides():
    out = penlight.empty(3, 2).t()
    address = out.data_ptr()
    assert penlight.add(penlight.ones(2, 3), 1, out=out) is out
    assert out.data_ptr() == address and out.stride() == (1, 2) and out.tolist() == [[2.0] * 3] * 2


def test_out_may_be_an_input():
    x = penlight.arange(4.0)
    penlight.sub(3, x, out=x)
    assert x.tolist() == [3, 2, 1, 0]
    penlight.cumsum(x, 0, out=x)
    assert x.tolist() == [3, 5, 6, 6]


def test_out_of_another_shape_is_resized_with_a_warning_where_it_held_something():
    with pytest.warns(UserWarning, match=r"resized since it had shape \[2\]"):
        assert penlight.exp(penlight.zeros(3), out=penlight.empty(2)).tolist() == [1, 1, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert penlight.exp(penlight.zeros(3), out=penlight.empty(0)).tolist() == [1, 1, 1]


def test_out_of_another_type():
    assert penlight.add(penlight.ones(1, dtype=penlight.int32), 1, out=penlight.empty(1)).tolist() == [2.0]
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        penlight.add(penlight.ones(1), 1, out=penlight.empty(1, dtype=penlight.int64))


def test_nothing_is_recorded_and_what_would_be_is_refused():
    x = penlight.ones(2, requires_grad=True)
    for arguments, out in (((x,), penlight.empty(2)), ((penlight.ones(2),), x)):
        with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
            penlight.exp(*arguments, out=out)
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        penlight.cat([x, x], out=penlight.empty(4))
    with penlight.no_grad():
        assert not penlight.exp(x, out=penlight.empty(2)).requires_grad


def test_a_version_is_counted():
    x = penlight.ones(2, requires_grad=True)
    kept = penlight.ones(2)
    y = x * kept
    penlight.exp(penlight.zeros(2), out=kept)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize(
    "call",
    [
        lambda: penlight.exp(penlight.ones(2), out=3),
        lambda: penlight.exp(penlight.ones(2), out=(penlight.empty(2),)),
        lambda: penlight.sort(penlight.ones(2), out=penlight.empty(2)),
        lambda: penlight.sort(penlight.ones(2), out=(penlight.empty(2),)),
        lambda: penlight.sort(penlight.ones(2), out=(penlight.empty(2), 3)),
        lambda: penlight.relu(penlight.ones(2), out=penlight.empty(2)),
    ],
    ids=["number", "tuple for one", "one for two", "one of two", "a number among them", "not known there"],
)
def test_an_out_that_does_not_fit_is_a_type_error(call):
    with pytest.raises(TypeError, match="out"):
        call()


def test_no_out_is_no_out():
    assert penlight.exp(penlight.zeros(2), out=None).tolist() == [1, 1]


def test_functions_that_know_out_are_functions_like_others():
    assert copy.deepcopy(penlight.add) is penlight.add
    assert pickle.loads(pickle.dumps(penlight.hstack)) is penlight.hstack
    assert penlight.add.__name__ == "add" and penlight.add.__module__ == "penlight"
    assert "alpha" in pydoc.render_doc(penlight.add)
    assert list(inspect.signature(penlight.hstack).parameters) == ["tensors"]

    class Net:
        activation = penlight.sigmoid

    assert Net().activation(penlight.zeros(1)).tolist() == [0.5]


def test_the_same_functions_know_it_in_pytorch():
    torch = pytest.importorskip("torch")

    def known(name):
        # Without any other argument: a function that knows out= misses the others, or complains about the value.
        try:
            getattr(torch, name)(out=torch.empty(0))
        except TypeError as error:
            return "unexpected keyword argument 'out'" not in str(error)
        return True

    assert [name for name in sorted(NAMES) if not known(name)] == []


@pytest.mark.parametrize("name", ["add", "exp", "sum", "matmul", "cumsum", "atan2"])
def test_against_pytorch(name):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3, 3)).astype("float32")
    arguments = {"exp": (a,), "sum": (a, 1), "cumsum": (a, 1)}.get(name, (a, b))
    found = []
    for library in (penlight, torch):
        out = library.zeros(0, dtype=library.float64 if name not in ("matmul", "sum", "cumsum") else None)
        getattr(library, name)(*tensors(library, arguments), out=out)
        found.append(out.numpy())
    assert found[0].dtype == found[1].dtype and found[0].shape == found[1].shape
    np.testing.assert_allclose(*found, rtol=1e-6, atol=1e-6)

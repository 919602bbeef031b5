"""Printed forms: the documented ones by heart, and any other against PyTorch's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import penlight

FLOATS = ["float16", "bfloat16", "float32", "float64"]
INTEGERS = ["uint8", "int8", "int16", "int32", "int64"]


@pytest.fixture(autouse=True)
def usual_options():
    penlight.set_printoptions(profile="default")
    yield
    penlight.set_printoptions(profile="default")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([102.4, 1024.0, 0.1024], "tensor([1.0240e+02, 1.0240e+03, 1.0240e-01])"),
        ([0.1, 1.0, 0.0001], "tensor([1.0000e-01, 1.0000e+00, 1.0000e-04])"),
        ([[-1.5, 0.0], [1.5, 3.0]], "tensor([[-1.5000,  0.0000],\n        [ 1.5000,  3.0000]])"),
        ([[1.0, -1.0], [1.0, -1.0]], "tensor([[ 1., -1.],\n        [ 1., -1.]])"),
        ([[[1], [2]], [[3], [4]]], "tensor([[[1],\n         [2]],\n\n        [[3],\n         [4]]])"),
        (2.5, "tensor(2.5000)"),
        (7, "tensor(7)"),
        (True, "tensor(True)"),
        ([True, False], "tensor([ True, False])"),
        ([], "tensor([])"),
        ([float("nan"), 1.0, -float("inf")], "tensor([nan, 1., -inf])"),
        ([0.5, float("inf")], "tensor([0.5000,    inf])"),
        ([1e10, 1.0], "tensor([1.0000e+10, 1.0000e+00])"),
        (1.12345, "tensor(1.1235)"),
    ],
)
def test_documented_form(values, text):
    assert repr(penlight.tensor(values)) == text
    assert str(penlight.tensor(values)) == text


def test_dtype_is_named_unless_the_values_tell_it():
    assert repr(penlight.tensor([1, 2], dtype=penlight.int32)) == "tensor([1, 2], dtype=torch.int32)"
    assert repr(penlight.tensor([0.5], dtype=penlight.float64)) == "tensor([0.5000], dtype=torch.float64)"
    assert repr(penlight.tensor([0.5], dtype=penlight.bfloat16)) == "tensor([0.5000], dtype=torch.bfloat16)"
    assert repr(penlight.tensor([1])) == "tensor([1])"


def test_empty_tensor_shows_its_size_and_dtype():
    assert repr(penlight.zeros(0, 3)) == "tensor([], size=(0, 3))"
    assert repr(penlight.zeros(0, dtype=penlight.int64)) == "tensor([], dtype=torch.int64)"


def test_gradient_suffixes():
    x = penlight.tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x - 2) == "tensor([-1.,  0.], grad_fn=<SubBackward0>)"
    assert repr(x.detach()) == "tensor([1., 2.])"


def test_suffix_moves_to_a_new_line_where_the_line_is_full():
    x = penlight.arange(12.0).requires_grad_()
    text = "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11.],\n       requires_grad=True)"
    assert repr(x) == text


def test_parameter_and_subclass():
    assert repr(penlight.nn.Parameter(penlight.ones(2))) == (
        "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    )


def test_long_tensor_is_summarised():
    assert repr(penlight.arange(2000)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
    lines = repr(penlight.zeros(100, 100)).split("\n")
    assert lines[0] == "tensor([[0., 0., 0.,  ..., 0., 0., 0.],"
    assert lines[3] == "        ...,"
    assert len(lines) == 7


def test_printing_looks_only_at_what_it_shows():
    """The millions in the middle do not change the format, as they would if they were looked at."""
    x = penlight.ones(3, 1_000_000)
    x[:, 1000:2000] = 1e20
    assert repr(x)[:40].startswith("tensor([[1., 1., 1.,  ..., 1., 1., 1.],")


def test_wide_values_break_the_line_at_linewidth():
    text = repr(penlight.arange(100))
    assert all(len(line) <= 80 for line in text.split("\n"))
    penlight.set_printoptions(linewidth=30)
    assert max(map(len, repr(penlight.arange(100)).split("\n"))) <= 30


def test_profiles():
    x = penlight.arange(2000.0) / 7
    penlight.set_printoptions(profile="short")
    assert repr(x) == "tensor([0.00e+00, 1.43e-01,  ..., 2.85e+02, 2.86e+02])"
    penlight.set_printoptions(profile="full")
    assert "..." not in repr(x)


def test_printoptions_block_restores_what_was_set():
    penlight.set_printoptions(precision=6, sci_mode=True)
    before = penlight.get_printoptions()
    with penlight.printoptions(precision=1):
        assert repr(penlight.tensor([0.25])) == "tensor([0.2])"
    assert penlight.get_printoptions() == before


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"profile": "long"}, ValueError),
        ({"precision": -1}, ValueError),
        ({"edgeitems": 1.5}, TypeError),
        ({"linewidth": "80"}, TypeError),
    ],
)
def test_wrong_option_is_named_and_nothing_is_changed(options, error):
    before = penlight.get_printoptions()
    with pytest.raises(error, match=next(iter(options))):
        penlight.set_printoptions(**options)
    assert penlight.get_printoptions() == before


def test_format_of_a_single_number():
    assert f"{penlight.tensor(3.14159):.2f}" == "3.14"
    assert f"{penlight.tensor(7):>4d}" == "   7"
    assert f"{penlight.tensor([1.0, 2.0])}" == "tensor([1., 2.])"
    with pytest.raises(TypeError):
        f"{penlight.tensor([1.0, 2.0]):.2f}"


def shapes(max_dims: int = 4):
    return npst.array_shapes(min_dims=0, max_dims=max_dims, min_side=0, max_side=9)


@st.composite
def arrays(draw):
    """Values of every dtype: any bits, or all near one magnitude with zeros, infinities and NaNs."""
    name = draw(st.sampled_from(FLOATS + INTEGERS + ["bool"]))
    shape = draw(shapes())
    if name not in FLOATS:
        return name, draw(npst.arrays(name, shape))
    if draw(st.booleans()):
        return name, draw(npst.arrays("float32" if name == "bfloat16" else name, shape))
    seed, magnitude = draw(st.integers(0, 2**32 - 1)), draw(st.floats(-12, 12))
    random = np.random.default_rng(seed)
    values = random.standard_normal(shape) * 10.0**magnitude
    if draw(st.booleans()):
        values = np.round(values)
    special = random.random(shape)
    for at, value in enumerate([0.0, -0.0, np.nan, np.inf, -np.inf]):
        if draw(st.booleans()):
            values = np.where(special * 10 // 1 == at, value, values)
    with np.errstate(over="ignore"):
        return name, np.asarray(values, "float32" if name == "bfloat16" else name)


options = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 12),
        "threshold": st.sampled_from([0, 1, 10, 100, float("inf")]),
        "edgeitems": st.integers(0, 5),
        "linewidth": st.integers(1, 200),
        "profile": st.sampled_from(["default", "short", "full"]),
        "sci_mode": st.sampled_from([None, True, False]),
    },
)


@settings(max_examples=600, deadline=None)
@given(arrays(), options, st.sampled_from(["plain", "leaf", "result"]), st.booleans())
def test_prints_what_pytorch_prints(named_array, options, history, transposed):
    torch = pytest.importorskip("torch")
    name, array = named_array
    texts = []
    for library in (torch, penlight):
        x = library.from_numpy(array.copy()).to(getattr(library, name))
        if transposed:
            x = x.transpose(0, -1)
        if name in FLOATS and history != "plain":
            x = x.detach().requires_grad_()
        if name in FLOATS and history == "result":
            x = x - 0
        library.set_printoptions(profile="default")
        library.set_printoptions(**options)
        try:
            texts.append(repr(x))
        finally:
            library.set_printoptions(profile="default")
    assert texts[1] == texts[0]


def test_default_dtype_is_not_named_like_in_pytorch():
    torch = pytest.importorskip("torch")
    for library in (torch, penlight):
        library.set_default_dtype(library.float64)
    try:
        for dtype in ("float32", "float64", "int64"):
            x = penlight.ones(2, dtype=getattr(penlight, dtype))
            assert repr(x) == repr(torch.ones(2, dtype=getattr(torch, dtype)))
    finally:
        for library in (torch, penlight):
            library.set_default_dtype(library.float32)

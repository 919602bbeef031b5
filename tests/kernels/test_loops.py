"""Loops whose fast paths depend on layout and size: copies between orders, extremes, choices, powers, sums."""

import numpy as np
import pytest

import penlight

DTYPES = ["float32", "float64", "int64", "int32", "int16", "uint8", "bool", "float16"]


def numbers(sizes, dtype, seed=0):
    values = np.random.default_rng(seed).integers(0, 100, sizes)
    return (values % 2 == 0) if dtype == "bool" else values.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("sizes", "order"),
    [
        ((8, 8), (1, 0)),
        ((65, 64), (1, 0)),
        ((7, 700), (1, 0)),
        ((129, 127), (1, 0)),
        ((5, 33, 40), (2, 1, 0)),
        ((5, 33, 40), (0, 2, 1)),
        ((33, 5, 40), (2, 0, 1)),
        ((3, 17, 9, 31), (0, 3, 1, 2)),
        ((3, 17, 9, 31), (3, 2, 1, 0)),
    ],
)
def test_copies_between_orders_of_dimensions(dtype, sizes, order):
    values = numbers(sizes, dtype)
    tensor = penlight.from_numpy(values)
    expected = np.ascontiguousarray(values.transpose(order))
    assert (tensor.permute(order).contiguous().numpy() == expected).all()
    target = penlight.zeros(expected.shape, dtype=tensor.dtype)
    assert (target.copy_(tensor.permute(order)).numpy() == expected).all()
    back = penlight.zeros(sizes, dtype=tensor.dtype)
    back.permute(order).copy_(penlight.from_numpy(expected))
    assert (back.numpy() == values).all()


def test_a_window_of_a_transposed_tensor_is_copied_alone():
    values = numbers((200, 300), "float32")
    window = penlight.from_numpy(values)[10:150, 20:290].t()
    target = penlight.zeros(300, 200)
    target[5:275, 30:170] = window
    expected = np.zeros((300, 200), "float32")
    expected[5:275, 30:170] = values[10:150, 20:290].T
    assert (target.numpy() == expected).all()


@pytest.mark.parametrize("function", ["add", "mul"])
def test_elementwise_on_crossed_operands(function):
    values = numbers((130, 130), "float64")
    tensor = penlight.from_numpy(values)
    expected = getattr(np, {"mul": "multiply"}.get(function, function))(values, values.T)
    assert (getattr(penlight, function)(tensor, tensor.t()).numpy() == expected).all()
    cube = numbers((9, 70, 40), "float32")
    both = penlight.from_numpy(cube) + penlight.from_numpy(cube.transpose(0, 2, 1).copy()).transpose(1, 2)
    assert (both.numpy() == cube + cube).all()


@pytest.mark.parametrize("n", [1, 2, 31, 63, 64, 65, 127, 128, 130, 1000, 70001])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "int16", "uint8"])
def test_extremes_and_their_places(dtype, n):
    values = numbers((3, n), dtype, n)
    tensor = penlight.from_numpy(values)
    for ours, theirs, place in (("amax", np.max, np.argmax), ("amin", np.min, np.argmin)):
        assert getattr(tensor, ours)().item() == theirs(values)
        assert (getattr(tensor, ours)(1).numpy() == theirs(values, 1)).all()
        assert (getattr(tensor, "arg" + ours[1:])(1).numpy() == place(values, 1)).all()
        columns = penlight.from_numpy(np.ascontiguousarray(values.T))
        assert (getattr(columns, "arg" + ours[1:])(0).numpy() == place(values, 1)).all()
        largest, places = getattr(tensor, ours[1:])(1)
        assert (largest.numpy() == theirs(values, 1)).all()
        assert (places.numpy() == place(values, 1)).all()


@pytest.mark.parametrize("columns", [1, 12])
@pytest.mark.parametrize("n", [1, 5, 64, 200])
def test_the_first_nan_is_the_extreme(n, columns):
    for at in {0, n // 2, n - 1}:
        values = np.random.default_rng(0).standard_normal((n, columns)).astype("float32")
        values[at:, 0] = np.nan
        tensor = penlight.from_numpy(values)
        for name in ("max", "min"):
            largest, places = getattr(tensor, name)(0)
            assert penlight.isnan(largest[0])
            assert places[0].item() == at
            assert penlight.isnan(getattr(tensor, "a" + name)())
            assert not penlight.isnan(largest[1:]).any()


def test_extremes_of_infinities():
    tensor = penlight.full((3, 100), -penlight.inf)
    assert tensor.amax().item() == -penlight.inf
    assert tensor.argmax(1).tolist() == [0, 0, 0]
    assert (-tensor).amin(1).tolist() == [penlight.inf] * 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_where_chooses_bits(dtype):
    x, y = numbers((40, 50), dtype, 1), numbers((40, 50), dtype, 2)
    c = numbers((40, 50), "bool", 3)
    ours = [penlight.from_numpy(v) for v in (c, x, y)]
    assert (penlight.where(*ours).numpy() == np.where(c, x, y)).all()
    for first, second in ((x[:1], y), (x, y[:, :1]), (x[:1, :1], y[:1, :1])):
        result = penlight.where(ours[0], penlight.from_numpy(first), penlight.from_numpy(second))
        assert (result.numpy() == np.where(c, first, second)).all()
    turned = penlight.where(ours[0].t(), ours[1].t(), ours[2].t())
    assert (turned.numpy() == np.where(c, x, y).T).all()


def test_where_lets_nothing_of_the_other_side_through():
    x = penlight.tensor([penlight.nan, -0.0, penlight.inf])
    assert str(penlight.where(penlight.tensor([False, True, False]), x, 0.0)) == str(
        penlight.tensor([0.0, -0.0, 0.0])
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_clamp_with_two_bounds(dtype):
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).standard_normal((30, 40)) * 50
    values = values.astype(dtype)
    if dtype != "int64":
        values[3, 5:9] = [np.nan, np.inf, -np.inf, -0.0]
    for low, high in ((-10, 10), (10, -10), (0, 0)):
        ours = penlight.clamp(penlight.from_numpy(values), low, high).numpy()
        np.testing.assert_array_equal(ours, torch.clamp(torch.from_numpy(values), low, high).numpy())
    lows, highs = values[:1] - 5, values[:, :1] + 5
    ours = penlight.clamp(*[penlight.from_numpy(v) for v in (values, lows, highs)]).numpy()
    theirs = torch.clamp(*[torch.from_numpy(v) for v in (values, lows, highs)]).numpy()
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers_of_all_sizes(dtype):
    sizes = [0.0, -0.0, 1e-45, 1e-30, 0.3, 1.0, 1.5, 17.0, 1e30, np.inf]
    base = np.array([*sizes, *[-s for s in sizes], np.nan], dtype)[:, None]
    exponent = np.array([0, -0.0, 0.5, 1, 2, 3.5, -1, -2.5, 40, -40, 1e-8, np.inf, -np.inf, np.nan], dtype)
    with np.errstate(all="ignore"):
        expected = np.power(base.astype("longdouble"), exponent.astype("longdouble")).astype(dtype)
    result = (penlight.from_numpy(base) ** penlight.from_numpy(exponent)).numpy()
    np.testing.assert_allclose(result, expected, rtol=3e-7 if dtype == "float32" else 1e-15)
    positive = np.abs(np.random.default_rng(0).standard_normal(1000)).astype(dtype) + dtype_tiny(dtype)
    power = np.dtype(dtype).type(1.7)
    result = (penlight.from_numpy(positive) ** float(power)).numpy()
    np.testing.assert_allclose(result, positive.astype("longdouble") ** np.longdouble(power), rtol=3e-7)


def dtype_tiny(dtype):
    return np.finfo(dtype).tiny


@pytest.mark.parametrize("sizes", [(40, 3), (40, 8), (5, 30, 300), (2, 1, 9)])
def test_running_sums_and_products(sizes):
    values = np.random.default_rng(0).uniform(0.5, 1.5, sizes)
    tensor = penlight.from_numpy(values)
    for dim in range(len(sizes)):
        np.testing.assert_allclose(tensor.cumsum(dim).numpy(), values.cumsum(dim), rtol=1e-13)
        np.testing.assert_allclose(tensor.cumprod(dim).numpy(), values.cumprod(dim), rtol=1e-13)

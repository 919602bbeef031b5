"""nn.init: PyTorch's numbers for the same seed, and what the numbers must fulfil."""

import math
import statistics

import pytest
from oracle import assert_same

import penlight
from penlight import nn

CALLS = {
    "uniform_": lambda i, t: i.uniform_(t, -2, 3),
    "normal_": lambda i, t: i.normal_(t, 1, 2),
    "trunc_normal_": lambda i, t: i.trunc_normal_(t, 0.1, 1.5, -1, 2),
    "constant_": lambda i, t: i.constant_(t, 3.5),
    "ones_": lambda i, t: i.ones_(t),
    "zeros_": lambda i, t: i.zeros_(t),
    "xavier_uniform_": lambda i, t: i.xavier_uniform_(t, gain=2.0),
    "xavier_normal_": lambda i, t: i.xavier_normal_(t),
    "kaiming_uniform_": lambda i, t: i.kaiming_uniform_(t, a=math.sqrt(5)),
    "kaiming_uniform_-out": lambda i, t: i.kaiming_uniform_(t, mode="fan_out", nonlinearity="relu"),
    "kaiming_normal_": lambda i, t: i.kaiming_normal_(t, nonlinearity="tanh"),
    "orthogonal_": lambda i, t: i.orthogonal_(t, gain=2),
}
MATRICES = {
    "eye_": lambda i, t: i.eye_(t),
    "sparse_": lambda i, t: i.sparse_(t, 0.3),
}


def outcome(library, call, shape):
    library.manual_seed(7)
    tensor = library.nn.Parameter(library.full(shape, 9.0))
    result = call(library.nn.init, tensor)
    assert result is tensor and result.grad_fn is None
    return result


@pytest.mark.parametrize("shape", [(4, 3), (20, 31), (6, 4, 3, 3)], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_the_same_seed_gives_pytorchs_weights(name, shape):
    torch = pytest.importorskip("torch")
    assert_same(outcome(penlight, CALLS[name], shape), outcome(torch, CALLS[name], shape), 2e-5)


@pytest.mark.parametrize("shape", [(4, 3), (20, 31)], ids=str)
@pytest.mark.parametrize("name", MATRICES)
def test_the_same_seed_gives_pytorchs_matrices(name, shape):
    torch = pytest.importorskip("torch")
    assert_same(outcome(penlight, MATRICES[name], shape), outcome(torch, MATRICES[name], shape), 1e-6)


@pytest.mark.parametrize(
    ("shape", "groups"), [((4, 3, 3), 1), ((6, 3, 3, 5), 2), ((2, 3, 3, 3, 3), 1)], ids=str
)
def test_dirac_hands_channels_through(shape, groups):
    weight = nn.init.dirac_(penlight.empty(shape), groups)
    x = penlight.randn(1, shape[1] * groups, *(7,) * (len(shape) - 2))
    conv = getattr(nn.functional, f"conv{len(shape) - 2}d")
    y = conv(x, weight, padding="same", groups=groups)
    per_group = shape[0] // groups
    for group in range(groups):
        for channel in range(min(per_group, shape[1])):
            assert y[0, group * per_group + channel].equal(x[0, group * shape[1] + channel])


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 2)], ids=str)
def test_orthogonal_rows_or_columns(shape):
    matrix = nn.init.orthogonal_(penlight.empty(shape, dtype=penlight.float64), gain=2).reshape(shape[0], -1)
    products = matrix @ matrix.t() if matrix.size(0) <= matrix.size(1) else matrix.t() @ matrix
    assert penlight.allclose(products, 4 * penlight.eye(products.size(0), dtype=penlight.float64))


def test_spreads_are_those_of_the_papers():
    penlight.manual_seed(1)
    wide = penlight.empty(400, 300)
    for fill, variance in (
        (lambda t: nn.init.xavier_uniform_(t), 2 / 700),
        (lambda t: nn.init.xavier_normal_(t), 2 / 700),
        (lambda t: nn.init.kaiming_uniform_(t, nonlinearity="relu"), 2 / 300),
        (lambda t: nn.init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"), 2 / 400),
    ):
        assert statistics.variance(fill(wide).flatten().tolist()) == pytest.approx(variance, rel=0.02)
    inside = nn.init.trunc_normal_(wide, std=2.0, a=-1, b=3)
    assert inside.min() >= -1 and inside.max() <= 3
    # The mean of a standard normal distribution cut at 2 and 3, by its density at both (Johnson and Kotz 1970).
    tail = nn.init.trunc_normal_(wide, a=2, b=3)
    mean = (
        (math.exp(-2) - math.exp(-4.5))
        / math.sqrt(math.pi / 2)
        / (math.erf(3 / 2**0.5) - math.erf(2 / 2**0.5))
    )
    assert tail.min() >= 2 and tail.max() <= 3 and tail.mean().item() == pytest.approx(mean, rel=0.005)


@pytest.mark.parametrize(
    ("nonlinearity", "param", "gain"),
    [
        ("linear", None, 1),
        ("conv2d", None, 1),
        ("sigmoid", None, 1),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("leaky_relu", 0.2, math.sqrt(2 / 1.04)),
        ("selu", None, 0.75),
    ],
)
def test_gains(nonlinearity, param, gain):
    assert nn.init.calculate_gain(nonlinearity, param) == pytest.approx(gain)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda i: i.kaiming_uniform_(penlight.ones(3)), "Fan in and fan out can not be computed"),
        (lambda i: i.kaiming_uniform_(penlight.ones(3, 3), mode="x"), "Mode x not supported"),
        (lambda i: i.orthogonal_(penlight.ones(3)), "2 or more dimensions"),
        (lambda i: i.eye_(penlight.ones(3)), "Only tensors with 2 dimensions"),
        (lambda i: i.sparse_(penlight.ones(3), 0.1), "Only tensors with 2 dimensions"),
        (lambda i: i.dirac_(penlight.ones(3)), "Only tensors with 3, 4, or 5 dimensions"),
        (lambda i: i.dirac_(penlight.ones(3, 2, 2), 2), "dim 0 must be divisible by groups"),
        (lambda i: i.calculate_gain("x"), "Unsupported nonlinearity x"),
        (lambda i: i.calculate_gain("leaky_relu", "x"), "negative_slope x not a valid number"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(nn.init)


def test_nothing_to_fill_is_a_warning():
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        nn.init.kaiming_uniform_(penlight.empty(0, 3))
    with pytest.warns(FutureWarning, match="nn.init.uniform"):
        nn.init.uniform(penlight.empty(2))

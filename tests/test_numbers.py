"""Functions of numbers, statistics, windows and shapes: values, types and errors, against formulas and PyTorch."""

import math

import numpy as np
import pytest

import penlight

A, B = np.array([12, 18, 0, -7]), np.array([8, 12, 5, 21])
X = np.array([[1.5, -2.0, 0.25], [3.0, 8.0, -0.5]])

SAME = {
    "gcd": lambda T: T.gcd(T.from_numpy(A), T.from_numpy(B)),
    "gcd of numbers": lambda T: T.from_numpy(A).gcd_(T.tensor(6)),
    "lcm": lambda T: T.lcm(T.from_numpy(A).int(), T.from_numpy(B)),
    "frexp mantissa": lambda T: T.frexp(T.from_numpy(X * 1e300)).mantissa,
    "frexp exponent": lambda T: T.frexp(T.from_numpy(X).float()).exponent,
    "isposinf": lambda T: T.isposinf(T.tensor([math.inf, -math.inf, math.nan, 1.0])),
    "isneginf": lambda T: T.isneginf(T.tensor([math.inf, -math.inf, math.nan, 1.0])),
    "isneginf of integers": lambda T: T.isneginf(T.tensor([1])),
    "isreal": lambda T: T.isreal(T.tensor([1.0])),
    "float_power of integers": lambda T: T.float_power(T.tensor([1, 2]), T.tensor([3, -1])),
    "float_power of a number": lambda T: T.float_power(2, T.tensor([3.0, -1.0])),
    "quantile of NaN": lambda T: T.quantile(T.tensor([[1.0, math.nan], [1.0, 2.0]]), 0.5, 1),
    "nanquantile": lambda T: T.nanquantile(T.tensor([[1.0, math.nan, 3.0], [math.nan] * 3]), 0.5, dim=1, keepdim=True),
    "quantiles": lambda T: T.quantile(T.from_numpy(X), T.tensor([0.0, 0.3, 1.0], dtype=T.float64), keepdim=True),
    "cov of one": lambda T: T.cov(T.tensor([1.0])),
    "cov uncorrected": lambda T: T.cov(T.from_numpy(X), correction=0),
    "corrcoef": lambda T: T.corrcoef(T.from_numpy(X)),
    "corrcoef of one": lambda T: T.corrcoef(T.tensor([1.0, 2.0])),
    "repeat_interleave": lambda T: T.repeat_interleave(T.tensor([2, 0, 1])),
    "repeat_interleave of a list": lambda T: T.tensor([[1, 2], [3, 4]]).repeat_interleave(T.tensor([1, 2]), dim=-1),
    "trapz": lambda T: T.trapz(T.from_numpy(X), dim=0),
    "gradient of integers": lambda T: T.gradient(T.tensor([1.0, 4.0, 9.0]), edge_order=2)[0],
    "fill_diagonal_ wrapped": lambda T: T.zeros(7, 3).fill_diagonal_(1.0, wrap=True),
    "fill_diagonal_ of a cube": lambda T: T.zeros(3, 3, 3).fill_diagonal_(1.0),
    "resize_ smaller": lambda T: T.arange(6.0).resize_(2, 2),
    "resize_ larger": lambda T: T.arange(6.0).resize_((2, 5))[:1],
    "resize_as_": lambda T: T.arange(6.0).resize_as_(T.ones(3, 2)),
    "put_": lambda T: T.zeros(2, 3).put_(T.tensor([1, 4]), T.tensor([5.0, 6.0])),
    "prelu": lambda T: T.prelu(T.tensor([-2.0, 1.0]), T.tensor([0.25])),
    "rms_norm": lambda T: T.rms_norm(T.from_numpy(X), (3,)),
    "cosine_similarity": lambda T: T.cosine_similarity(T.from_numpy(X), T.from_numpy(X + 1)),
    "pixel_shuffle": lambda T: T.pixel_shuffle(T.arange(16.0).reshape(1, 4, 2, 2), 2),
    "dist": lambda T: T.from_numpy(X).dist(T.zeros(2, 3, dtype=T.float64), 1),
    "hsplit": lambda T: T.from_numpy(X).hsplit(3)[1],
    "kron": lambda T: T.tensor([1.0, 2.0]).kron(T.tensor([3.0, 4.0])),
}  # fmt: skip
for _window in ("hann", "hamming", "blackman", "bartlett", "kaiser"):
    for _length in (0, 1, 2, 7):
        for _periodic in (True, False):
            SAME[f"{_window} window of {_length}, {_periodic}"] = (
                lambda T, w=_window, n=_length, p=_periodic: getattr(T, f"{w}_window")(n, p, dtype=T.float64)
            )

ERRORS = {
    "gcd of floats": lambda T: T.gcd(T.tensor([1.5]), T.tensor([2.0])),
    "frexp of integers": lambda T: T.frexp(T.tensor([1])),
    "quantile of integers": lambda T: T.quantile(T.tensor([1, 2]), 0.5),
    "quantile of nothing": lambda T: T.quantile(T.zeros(0), 0.5),
    "quantile outside": lambda T: T.quantile(T.zeros(2), 1.5),
    "quantile of an odd kind": lambda T: T.quantile(T.zeros(2), 0.5, interpolation="odd"),
    "quantile of another type": lambda T: T.quantile(T.zeros(2), T.tensor([0.5], dtype=T.float64)),
    "quantile along what is not there": lambda T: T.quantile(T.zeros(2), 0.5, dim=1),
    "cov of three dimensions": lambda T: T.cov(T.zeros(2, 2, 2)),
    "cov with negative weights": lambda T: T.cov(T.zeros(2, 2), fweights=T.tensor([1, -1])),
    "cov with floating counts": lambda T: T.cov(T.zeros(2, 2), fweights=T.tensor([1.0, 1.0])),
    "repeats below zero": lambda T: T.zeros(2).repeat_interleave(-1),
    "repeats of another number": lambda T: T.zeros(3).repeat_interleave(T.tensor([1, 2])),
    "renorm of a vector": lambda T: T.renorm(T.zeros(3), 2, 0, 1.0),
    "mvlgamma of dimension zero": lambda T: T.mvlgamma(T.ones(2), 0),
    "a window of negative length": lambda T: T.hann_window(-1),
    "a window of integers": lambda T: T.hann_window(3, dtype=T.int64),
    "gradient of one value": lambda T: T.gradient(T.zeros(1)),
    "fill_diagonal_ of a vector": lambda T: T.zeros(3).fill_diagonal_(1.0),
    "resize_ of what requires grad": lambda T: T.zeros(3, requires_grad=True).resize_(2),
    "put_ of another number": lambda T: T.zeros(3).put_(T.tensor([0, 1]), T.tensor([1.0])),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_values_and_types_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs = SAME[name](penlight), SAME[name](torch)
    assert str(ours.dtype) == str(theirs.dtype) and ours.shape == theirs.shape
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", ERRORS)
def test_mistakes_are_errors_as_in_pytorch(name):
    with pytest.raises((RuntimeError, IndexError)) as ours:
        ERRORS[name](penlight)
    torch = pytest.importorskip("torch")
    with pytest.raises((RuntimeError, IndexError, NotImplementedError)) as theirs:
        ERRORS[name](torch)
    assert issubclass(theirs.type, ours.type)


def test_formulas():
    x = penlight.from_numpy(X)
    np.testing.assert_allclose(penlight.quantile(x, 0.3).item(), np.quantile(X, 0.3))
    np.testing.assert_allclose(penlight.cov(x).numpy(), np.cov(X))
    np.testing.assert_allclose(penlight.corrcoef(x).numpy(), np.corrcoef(X))
    mantissa, exponent = penlight.frexp(x)
    np.testing.assert_array_equal((mantissa * 2.0**exponent).numpy(), X)
    for found, expected in zip(penlight.gradient(x), np.gradient(X), strict=True):
        np.testing.assert_allclose(found.numpy(), expected)
    np.testing.assert_allclose(
        penlight.kaiser_window(9, False, dtype=penlight.float64).numpy(), np.kaiser(9, 12.0)
    )
    np.testing.assert_array_equal(penlight.gcd(penlight.from_numpy(A), 6).numpy(), np.gcd(A, 6))
    np.testing.assert_allclose(
        penlight.logcumsumexp(penlight.tensor([1000.0, 1000.0, 0.0]), 0).numpy(), [1000, 1000 + math.log(2)] * 1 +
        [1000 + math.log(2)], rtol=1e-6,
    )  # fmt: skip
    assert penlight.logcumsumexp(penlight.tensor([-math.inf, -math.inf, 0.0]), 0).tolist() == [
        -math.inf
    ] * 2 + [0]

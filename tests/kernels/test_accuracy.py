"""The elementary functions keep within the errors that docs/accuracy.md states, on every instruction set.

The sample runs through all numbers of the format with a stride that is prime, so that every exponent, sign and
many patterns of digits come up; the reference is NumPy's in float64 or mpmath's in 60 digits.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

import penlight

mpmath = pytest.importorskip("mpmath")
special = pytest.importorskip("scipy.special")

MOST = {  # ulp in float32, ulp in float64; the worst of docs/accuracy.md, rounded up
    "exp": (1.0, 1.0),
    "exp2": (1.1, 1.2),
    "expm1": (1.8, 1.7),
    "log": (0.9, 0.9),
    "log2": (1.4, 1.4),
    "log10": (1.3, 1.2),
    "log1p": (1.5, 1.5),
    "tanh": (1.5, 1.5),
    "sigmoid": (2, 2.1),
    "erf": (1.3, 1.6),
    "sin": (1.6, 2.4),
    "cos": (1.6, 2.4),
}
IN_FLOAT64 = {
    **{name: getattr(np, name) for name in MOST if hasattr(np, name)},
    "sigmoid": special.expit,
    "erf": special.erf,
}
IN_MANY_DIGITS = {
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
}


def applied(name, values):
    return getattr(penlight, name)(penlight.from_numpy(values)).numpy()


def float32_sample(stride):
    return np.arange(0, 1 << 32, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)


def worst_float32(name, values):
    """The largest error in ulp, and where; infinite where a special value is another one."""
    with np.errstate(all="ignore"):
        exact = IN_FLOAT64[name](values.astype(np.float64))
        rounded = exact.astype(np.float32)
    result = applied(name, values)
    finite = np.isfinite(rounded) & np.isfinite(result)
    same = (np.isnan(rounded) & np.isnan(result)) | (rounded == result)
    zeros = (rounded == 0) & (result == 0)
    same &= ~zeros | (np.signbit(rounded) == np.signbit(result))
    _, exponent = np.frexp(np.where(finite, exact, 1.0))
    ulp = np.ldexp(1.0, np.maximum(exponent, -125) - 24)
    with np.errstate(all="ignore"):
        error = np.where(finite & ~zeros, np.abs(result - exact) / ulp, 0)
    error = np.where(finite | same, error, np.inf)
    error = np.where(zeros & ~same, np.inf, error)
    worst = int(np.argmax(error))
    return float(error[worst]), float(values[worst])


@pytest.mark.parametrize("name", MOST)
def test_float32_over_all_exponents(name):
    error, where = worst_float32(name, float32_sample(32771))
    assert error <= MOST[name][0], f"{error} ulp at {where!r}"


@pytest.mark.parametrize("name", MOST)
def test_float32_where_functions_bend(name):
    values = np.random.default_rng(0).uniform(-1.5, 1.5, 200_000).astype(np.float32)
    values = np.concatenate([values, values * 8, np.abs(values) + np.float32(0.25)])
    error, where = worst_float32(name, values)
    assert error <= MOST[name][0], f"{error} ulp at {where!r}"


@pytest.mark.parametrize("name", MOST)
def test_float64_against_many_digits(name):
    rng = np.random.default_rng(1)
    values = np.concatenate(
        [
            rng.standard_normal(300),
            rng.uniform(-40, 40, 200),
            10.0 ** rng.uniform(-300, 2.5, 200) * rng.choice([-1, 1], 200),
            rng.uniform(0.5, 2, 200),
            np.arange(1, 60) * (np.pi / 2),  # next to zeros of sin and cos
            rng.uniform(-1e6, 1e6, 100),
            10.0 ** rng.uniform(6, 300, 40),
        ]
    )
    if name in ("log", "log2", "log10"):
        values = np.abs(values)
    if name == "log1p":
        values = np.where(values > -1, values, -values)
    function = IN_MANY_DIGITS.get(name) or getattr(mpmath, name)
    result = applied(name, values)
    with mpmath.workprec(1200 if name in ("sin", "cos") else 200):
        for x, y in zip(values.tolist(), result.tolist(), strict=True):
            if name in ("exp", "exp2", "expm1") and abs(x) > 700:
                continue
            exact = function(mpmath.mpf(x))
            if exact == 0 or abs(exact) < mpmath.mpf(2) ** -1022:
                continue
            exponent = int(mpmath.floor(mpmath.log(abs(exact), 2)))
            error = abs(mpmath.mpf(y) - exact) / mpmath.mpf(2) ** (exponent - 52)
            assert error <= MOST[name][1], f"{float(error)} ulp at {x!r}"


SPECIAL = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    1e-45,
    -1e-45,
    1e-39,
    3.4e38,
    -3.4e38,
    1e9,
    -1e9,
    1e20,
    1.0,
    -1.0,
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*MOST, "relu", "sqrt", "abs", "sign"])
def test_special_values_are_pytorchs(name, dtype):
    torch = pytest.importorskip("torch")
    values = np.array(SPECIAL * 5, dtype)  # long enough for the vector part of a loop
    expected = getattr(torch, name)(torch.from_numpy(values)).numpy()
    result = applied(name, values)
    # PyTorch takes some results, or arguments, below the normal numbers as zero.
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-37 if dtype == "float32" else 0)
    zeros = (result == 0) & (expected == 0)
    assert (np.signbit(result[zeros]) == np.signbit(expected[zeros])).all()


def test_gelu_within_what_is_stated():
    values = np.concatenate([np.linspace(-14, 14, 100_001), [-40, 40, 0, -0.0, 1e-30]]).astype(np.float32)
    exact = values.astype(np.float64) * special.ndtr(values.astype(np.float64))
    result = penlight.nn.functional.gelu(penlight.from_numpy(values)).numpy()
    ulp = np.spacing(np.maximum(np.abs(exact), 1e-30).astype(np.float32))
    most = 5 if penlight._C._instruction_set() == "baseline" else 4  # without fused products
    assert (np.abs(result - exact) <= 7e-9 * np.abs(values) + most * ulp).all()
    near = (values > -5) & (values < -0.1)
    assert (np.abs(result / exact - 1)[near] < 1e-5).all()


def test_gelu_of_special_values():
    values = penlight.tensor([penlight.inf, penlight.nan, 3e38, -3e38, 0.0] * 5)
    result = penlight.nn.functional.gelu(values)[:5].tolist()
    assert result[0] == penlight.inf
    assert result[1] != result[1]
    assert result[2] == values[2].item()
    assert result[3:] == [0, 0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name", [*MOST, "sqrt", "rsqrt", "reciprocal", "relu"])
def test_an_element_does_not_depend_on_its_place(name, dtype):
    x = (penlight.arange(1, 300, dtype=penlight.float64) / 37).to(getattr(penlight, dtype))
    whole = getattr(penlight, name)(x)
    for start, stop in ((0, 1), (1, 4), (5, 22), (7, 290), (298, 299)):
        assert penlight.equal(getattr(penlight, name)(x[start:stop]), whole[start:stop])
    spread = penlight.zeros(299, 3, dtype=x.dtype)
    spread[:, 1] = x
    assert penlight.equal(getattr(penlight, name)(spread[:, 1]), whole)
    assert penlight.equal(getattr(penlight, name)(spread.t())[1], whole)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_an_activation_does_not_depend_on_its_place(name, dtype):
    function = getattr(penlight.nn.functional, name)
    x = (
        (penlight.arange(-150, 150, dtype=penlight.float64) / 37)
        .to(getattr(penlight, dtype))
        .requires_grad_()
    )
    whole = function(x)
    (slopes,) = penlight.autograd.grad(whole.sum(), x)
    for start, stop in ((0, 1), (1, 4), (5, 22), (7, 290), (299, 300)):
        part = x[start:stop].detach().requires_grad_()
        result = function(part)
        assert penlight.equal(result, whole[start:stop])
        assert penlight.equal(penlight.autograd.grad(result.sum(), part)[0], slopes[start:stop])


@pytest.mark.parametrize("instruction_set", ["baseline", "avx2"])
def test_lesser_instruction_sets_keep_within_the_same_errors(instruction_set):
    if os.environ.get("PENLIGHT_ISA"):
        pytest.skip("an instruction set is chosen already")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", __file__]
    command += ["-k", "float32 or special or place"]
    environment = {**os.environ, "PENLIGHT_ISA": instruction_set}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]

"""Pooling against its definition, its derivatives against differences, and its errors."""

import math

import numpy as np
import pytest
from gradients import check_double_gradients, check_gradients
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import penlight
import penlight.nn.functional as F

MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
ADAPTIVE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
ADAPTIVE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


def windows(size, kernel, stride, padding, dilation, ceil):
    """For each output along one axis: the input positions of its window, and its length with padding."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (math.ceil(room / stride) if ceil else room // stride) + 1
    if ceil and (count - 1) * stride >= size + padding:
        count -= 1
    result = []
    for o in range(count):
        start = o * stride - padding
        taken = [start + t * dilation for t in range(kernel)]
        result.append(([i for i in taken if 0 <= i < size], min(start + kernel, size + padding) - start))
    return result


def adaptive_windows(size, count):
    ranges = [range(o * size // count, -(-(o + 1) * size // count)) for o in range(count)]
    return [(list(r), len(r)) for r in ranges]


def pooled(x, axes, reduce):
    """reduce(a window's values, its length with padding, flat positions) for every output of (..., spatial)."""
    dims = len(axes)
    out = np.empty([*x.shape[:-dims], *map(len, axes)], object)
    flat = np.arange(np.prod(x.shape[-dims:])).reshape(x.shape[-dims:])
    for o in np.ndindex(*map(len, axes)):
        chosen = np.ix_(*[axes[d][o[d]][0] for d in range(dims)])
        length = math.prod(axes[d][o[d]][1] for d in range(dims))
        for lead in np.ndindex(*x.shape[:-dims]):
            out[lead + o] = reduce(x[lead][chosen].ravel(), length, flat[chosen].ravel())
    return out


@st.composite
def cases(draw, dilations=(1, 1, 2)):
    dims = draw(st.integers(1, 3))
    axis = lambda values: [draw(st.sampled_from(values)) for _ in range(dims)]  # noqa: E731
    kernel, dilation = axis([1, 2, 3, 4]), axis(dilations)
    padding = [draw(st.integers(0, k // 2)) for k in kernel]
    sizes = [
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 12 if dims == 1 else 4))
        for k, d, p in zip(kernel, dilation, padding, strict=True)
    ]
    lead = draw(st.sampled_from([(1,), (2,), (1, 1), (2, 3), (0, 2)]))
    return dict(
        dims=dims,
        shape=(*lead, *sizes),
        kernel=kernel,
        stride=axis([1, 2, 3]),
        padding=padding,
        dilation=dilation,
        ceil=draw(st.booleans()),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def axes_of(case):
    spatial = case["shape"][-case["dims"] :]
    names = ("kernel", "stride", "padding", "dilation")
    return [windows(n, *(case[name][i] for name in names), case["ceil"]) for i, n in enumerate(spatial)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int8])
@MANY
@given(case=cases())
def test_max_pool_is_the_definition(case, dtype):
    axes = axes_of(case)
    if any(not taken for axis in axes for taken, _ in axis):
        return  # dilation can leave a window without an element
    # Few different values: ties must take the first.
    x = np.random.default_rng(case["seed"]).integers(-3, 4, case["shape"]).astype(dtype)
    got, indices = MAX[case["dims"]](
        penlight.tensor(x),
        case["kernel"],
        case["stride"],
        case["padding"],
        case["dilation"],
        case["ceil"],
        return_indices=True,
    )
    assert np.array_equal(got.numpy(), pooled(x, axes, lambda v, n, at: v.max()).astype(dtype))
    assert np.array_equal(indices.numpy(), pooled(x, axes, lambda v, n, at: at[v.argmax()]).astype(np.int64))


@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@MANY
@given(case=cases(dilations=(1,)))
def test_avg_pool_is_the_definition(case, dtype, count_include_pad):
    x = np.random.default_rng(case["seed"]).standard_normal(case["shape"]).astype(dtype)
    got = AVERAGE[case["dims"]](
        penlight.tensor(x), case["kernel"], case["stride"], case["padding"], case["ceil"], count_include_pad
    )
    want = pooled(
        x.astype(np.float64),
        axes_of(case),
        lambda v, n, at: v.sum() / (n if count_include_pad else max(len(v), 1)),
    )
    assert got.shape == want.shape
    assert np.allclose(
        got.numpy(), want.astype(np.float64), rtol=0, atol={np.float32: 1e-5, np.float64: 1e-14}[dtype]
    )


@pytest.mark.parametrize("sizes", [(7,), (12,), (5, 9), (1, 6), (4, 3, 5)])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 11])
def test_adaptive_pools_are_the_definition(sizes, count):
    dims = len(sizes)
    x = np.random.default_rng(count).standard_normal([2, 3, *sizes])
    axes = [adaptive_windows(n, count) for n in sizes]
    got = ADAPTIVE[dims](penlight.tensor(x), [count] * dims)
    assert np.allclose(
        got.numpy(), pooled(x, axes, lambda v, n, at: v.mean()).astype(np.float64), rtol=0, atol=1e-14
    )
    largest, indices = ADAPTIVE_MAX[dims](penlight.tensor(x), [count] * dims, return_indices=True)
    assert np.array_equal(largest.numpy(), pooled(x, axes, lambda v, n, at: v.max()).astype(np.float64))
    assert np.array_equal(indices.numpy(), pooled(x, axes, lambda v, n, at: at[v.argmax()]).astype(np.int64))
    for function in (ADAPTIVE[dims], ADAPTIVE_MAX[dims]):
        check_gradients(lambda t, f=function: f(t, [count] * dims), [x])
        check_double_gradients(lambda t, f=function: f(t, [count] * dims), [x])


def test_none_keeps_a_size_and_zero_gives_nothing():
    x = penlight.ones(1, 2, 5, 6)
    assert F.adaptive_avg_pool2d(x, (None, 3)).shape == (1, 2, 5, 3)
    assert F.adaptive_avg_pool2d(x, (0, 3)).shape == (1, 2, 0, 3)


@MANY
@given(case=cases())
def test_gradients(case):
    if any(not taken for axis in axes_of(case) for taken, _ in axis):
        return  # dilation can leave a window without an element
    # Distinct values, far enough apart for the differences.
    count = int(np.prod(case["shape"]))
    x = np.random.default_rng(case["seed"]).permutation(count).reshape(case["shape"]).astype(np.float64)
    keywords = dict(stride=case["stride"], padding=case["padding"], ceil_mode=case["ceil"])
    largest = lambda t: MAX[case["dims"]](t, case["kernel"], dilation=case["dilation"], **keywords)  # noqa: E731
    check_gradients(largest, [x], case["seed"])
    check_double_gradients(lambda t: largest(t) ** 2, [x], case["seed"], tolerance=1e-4)
    average = lambda t: AVERAGE[case["dims"]](t, case["kernel"], **keywords)  # noqa: E731
    if all(d == 1 for d in case["dilation"]):
        check_gradients(average, [x], case["seed"])
        check_double_gradients(lambda t: average(t) ** 2, [x], case["seed"], tolerance=1e-4)


def test_not_a_number_wins():
    x = penlight.tensor([[1.0, float("nan"), 3.0, 4.0]])
    got, at = F.max_pool1d(x, 2, return_indices=True)
    assert got.isnan().tolist() == [[True, False]]
    assert at.tolist() == [[1, 3]]


def test_minus_infinity_is_a_value():
    x = penlight.full([1, 4], -math.inf)
    got, at = F.max_pool1d(x, 2, return_indices=True)
    assert got.tolist() == [[-math.inf] * 2]
    assert at.tolist() == [[0, 2]]


def test_divisor_override():
    x = penlight.ones(1, 4, 4)
    assert F.avg_pool2d(x, 2, divisor_override=3).tolist() == [[[float(np.float32(4 / 3))] * 2] * 2]
    with pytest.raises(RuntimeError, match="divisor must be not zero"):
        F.avg_pool2d(x, 2, divisor_override=0)


@pytest.mark.parametrize(
    ("function", "arguments", "names"),
    [
        (F.max_pool1d, (2,), ["SqueezeBackward1", "MaxPool2DWithIndicesBackward0", "UnsqueezeBackward0"]),
        (F.avg_pool1d, (2,), ["SqueezeBackward1", "AvgPool2DBackward0", "UnsqueezeBackward0"]),
        (F.max_pool2d, (2,), ["MaxPool2DWithIndicesBackward0"]),
        (F.avg_pool2d, (2,), ["AvgPool2DBackward0"]),
        (F.adaptive_avg_pool2d, (2,), ["AdaptiveAvgPool2DBackward0"]),
        (F.adaptive_avg_pool2d, (1,), ["MeanBackward1"]),
        (F.max_pool3d, (2,), ["MaxPool3DWithIndicesBackward0"]),
    ],
)
def test_names_of_nodes(function, arguments, names):
    dims = int(function.__name__[-2])
    y = function(penlight.ones(1, 2, *[4] * dims, requires_grad=True), *arguments)
    node, found = y.grad_fn, []
    while node.next_functions:
        found.append(node.name())
        node = node.next_functions[0][0]
    assert found == names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(kernel_size=0), "kernel_size must be greater than zero"),
        (dict(kernel_size=6), r"Calculated output size: \(1x0x0\). Output size is too small"),
        (dict(kernel_size=2, padding=2), "pad should be at most half of effective kernel size"),
        (dict(kernel_size=2, padding=-1), "pad must be non-negative"),
        (dict(kernel_size=2, stride=0), "stride should not be zero"),
        (dict(kernel_size=2, dilation=0), "dilation should be greater than zero"),
        (dict(kernel_size=(2, 2, 2)), "kernel_size must either be a single int, or a tuple of two ints"),
        (dict(kernel_size=()), "kernel_size must either be a single int, or a tuple of two ints"),
        (dict(kernel_size=2**62, padding=2**61), "too large|Output size is too small"),
    ],
)
def test_what_does_not_fit_is_an_error(arguments, words):
    with pytest.raises(RuntimeError, match=words):
        F.max_pool2d(penlight.zeros(1, 1, 5, 5), **arguments)


@pytest.mark.parametrize("shape", [(5, 5), (1, 0, 5, 5), (1, 1, 0, 5), (1, 1, 1, 5, 5)])
@pytest.mark.parametrize("function", [F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d])
def test_an_input_that_cannot_be_pooled(function, shape):
    with pytest.raises((RuntimeError, ValueError)):
        function(penlight.zeros(shape), 2)


EXTREME = [0, 1, -1, 2**31, -(2**31), 2**63 - 1, -(2**63) + 1, (), (1, 1, 1, 1)]


@pytest.mark.parametrize("name", ["kernel_size", "stride", "padding", "dilation"])
@pytest.mark.parametrize("function", [F.max_pool1d, F.max_pool2d, F.max_pool3d, F.avg_pool1d, F.avg_pool2d])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_extreme_arguments_give_a_result_or_an_exception(function, name, ceil_mode):
    if name == "dilation" and "avg" in function.__name__:
        return
    dims = int(function.__name__[-2])
    for value in EXTREME:
        try:
            y = function(
                penlight.ones(1, 1, *[4] * dims), **{"kernel_size": 2, "ceil_mode": ceil_mode, name: value}
            )
        except (RuntimeError, TypeError, ValueError):
            continue
        assert y.numel() < 10**4


@MANY
@given(case=cases())
def test_pytorch_has_the_same_values_and_gradients(case):
    torch = pytest.importorskip("torch")
    functions = torch.nn.functional
    x = np.random.default_rng(case["seed"]).standard_normal(case["shape"])
    dims, arguments = case["dims"], [case["kernel"], case["stride"], case["padding"]]
    pairs = [(f"avg_pool{dims}d", [*arguments, case["ceil"]])]
    if all(taken for axis in axes_of(case) for taken, _ in axis):
        pairs.append((f"max_pool{dims}d", [*arguments, case["dilation"], case["ceil"]]))
    for name, values in pairs:
        theirs, ours = torch.tensor(x, requires_grad=True), penlight.tensor(x, requires_grad=True)
        try:
            wanted = getattr(functions, name)(theirs, *values)
        except RuntimeError:
            continue  # it limits padding and kernels of three axes further
        got = getattr(F, name)(ours, *values)
        assert np.allclose(got.detach().numpy(), wanted.detach().numpy(), rtol=0, atol=1e-14)
        try:
            (wanted**2).sum().backward()
        except RuntimeError:
            continue
        (got**2).sum().backward()
        assert np.allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=0, atol=1e-13)

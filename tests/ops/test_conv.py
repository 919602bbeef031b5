"""Convolutions against their definition, their derivatives against differences, and their errors."""

import math
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from conv_cases import conv_cases, convolution, error, strided, transpose_cases, transposed_convolution
from gradients import check_double_gradients, check_gradients
from hypothesis import HealthCheck, given, settings

import penlight
import penlight.nn.functional as F

MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
# Relative to the largest result; sums of up to a few thousand products.
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-13}


def tensor(array, dtype=np.float64, layout="contiguous"):
    return None if array is None else penlight.from_numpy(strided(np.asarray(array, dtype), layout))


def arguments(case):
    return dict(
        stride=tuple(case.stride),
        padding=tuple(case.padding),
        dilation=tuple(case.dilation),
        groups=case.groups,
        padding_mode=case.mode,
    )


def transposed_arguments(case):
    return dict(
        stride=tuple(case.stride),
        padding=tuple(case.padding),
        output_padding=tuple(case.output_padding),
        groups=case.groups,
        dilation=tuple(case.dilation),
    )


def reference(case, x, w, b):
    return convolution(x, w, b, case.stride, case.pairs, case.dilation, case.groups, case.mode)


# ---- values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@MANY
@given(case=conv_cases())
def test_forward_is_the_definition(case, dtype):
    x, w, b = (None if a is None else a.astype(dtype) for a in case.arrays())
    got = CONV[case.dims](
        tensor(x, dtype, case.layout), tensor(w, dtype, case.layout), tensor(b, dtype), **arguments(case)
    )
    assert got.numpy().dtype == dtype
    assert error(got.numpy(), reference(case, x, w, b)) <= TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@MANY
@given(case=transpose_cases())
def test_transposed_is_the_definition(case, dtype):
    x, w, b = (None if a is None else a.astype(dtype) for a in case.arrays(transposed=True))
    got = TRANSPOSED[case.dims](
        tensor(x, dtype, case.layout),
        tensor(w, dtype, case.layout),
        tensor(b, dtype),
        **transposed_arguments(case),
    )
    want = transposed_convolution(
        x, w, b, case.stride, case.padding, case.output_padding, case.groups, case.dilation
    )
    assert error(got.numpy(), want) <= TOLERANCE[dtype]


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 7, 13, 14, 15, 16, 17, 29])
@pytest.mark.parametrize("width", [1, 7, 8, 15, 16, 17, 31, 32, 33, 65])
def test_sizes_around_the_blocks(channels, width):
    rng = np.random.default_rng(width)
    x, w = rng.standard_normal([2, 3, 3, width + 2]), rng.standard_normal([channels, 3, 2, 3])
    want = convolution(x, w, None, [1, 1], [(0, 0), (0, 0)], [1, 1], 1)
    for dtype, bound in TOLERANCE.items():
        got = F.conv2d(tensor(x, dtype), tensor(w, dtype))
        # The inputs are rounded to float32 as well.
        assert error(got.numpy(), want) <= 10 * bound


def test_a_sum_deeper_than_a_block_of_it():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal([1, 1, 2500]), rng.standard_normal([2, 1, 1023])
    want = convolution(x, w, None, [1], [(511, 511)], [1], 1)
    assert error(F.conv1d(tensor(x), tensor(w), padding=511).numpy(), want) <= 1e-13
    x, w = rng.standard_normal([1, 300, 5, 5]), rng.standard_normal([31, 300, 3, 3])
    want = convolution(x, w, None, [1, 1], [(1, 1), (1, 1)], [1, 1], 1)
    assert error(F.conv2d(tensor(x), tensor(w), padding=1).numpy(), want) <= 1e-13


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("channels", "kernel", "stride", "dilation", "groups"),
    [(1, 300, 1, 1, 1), (2, 100, 2, 1, 1), (4, 100, 5, 3, 4), (3, 17, 400, 2, 1), (2, 1023, 1, 2, 1)],
)
def test_long_kernels(channels, kernel, stride, dilation, groups, mode, dtype):
    rng = np.random.default_rng(kernel)
    x = rng.standard_normal([2, channels, dilation * kernel + 500]).astype(dtype)
    w = rng.standard_normal([channels, channels // groups, kernel]).astype(dtype)
    arguments = dict(stride=stride, padding=40, dilation=dilation, groups=groups, padding_mode=mode)
    want = convolution(x, w, None, [stride], [(40, 40)], [dilation], groups, mode)
    leaves = [penlight.tensor(a, requires_grad=True) for a in (x, w)]
    y = F.conv1d(*leaves, **arguments)
    assert error(y.detach().numpy(), want) <= TOLERANCE[dtype]
    # <gradient of the input, v> and <gradient of the weight, u> by definition, for random v and u.
    g, v, u = rng.standard_normal(y.shape), rng.standard_normal(x.shape), rng.standard_normal(w.shape)
    y.backward(penlight.tensor(g.astype(dtype)))
    for leaf, direction, change in (
        (leaves[0], v, convolution(v, w, None, [stride], [(40, 40)], [dilation], groups, mode)),
        (leaves[1], u, convolution(x, u, None, [stride], [(40, 40)], [dilation], groups, mode)),
    ):
        found = np.sum(leaf.grad.numpy().astype(np.float64) * direction)
        scale = np.linalg.norm(g) * np.linalg.norm(change)
        assert abs(found - np.sum(g * change)) <= TOLERANCE[dtype] * (1 + scale)


@pytest.mark.parametrize("isa", ["baseline", "avx2"])
def test_lesser_instruction_sets_compute_the_same(isa):
    # Where the processor has not the one asked for, its best is tested again.
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider", "-q"),
            *(__file__, "-k", "definition or blocks or long_kernels or deeper"),
        ],
        env={**os.environ, "PENLIGHT_ISA": isa},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate"])
def test_padding_longer_than_the_input_goes_round_again(mode):
    x, w = np.arange(1.0, 4.0).reshape(1, 1, 3), np.array([[[1.0, 10.0]]])
    want = convolution(x, w, None, [1], [(8, 8)], [1], 1, mode)
    got = F.conv1d(tensor(x), tensor(w), padding=8, padding_mode=mode)
    assert np.array_equal(got.numpy(), want)


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [1, 2, 6, 7, 10])
@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (2, 1), (3, 1), (3, 2), (4, 3)])
def test_padding_same_gives_the_inputs_size_over_the_stride(size, stride, kernel, dilation):
    rng = np.random.default_rng(size)
    x, w = rng.standard_normal([1, 2, size]), rng.standard_normal([3, 2, kernel])
    out = math.ceil(size / stride)
    total = max((out - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    want = convolution(x, w, None, [stride], [(total // 2, total - total // 2)], [dilation], 1)
    got = F.conv1d(tensor(x), tensor(w), stride=stride, padding="same", dilation=dilation)
    assert got.shape == (1, 3, out)
    assert error(got.numpy(), want) <= 1e-13


@pytest.mark.parametrize("transposed", [False, True])
def test_steps_that_are_never_taken_may_be_of_any_size(transposed):
    # One tap is never dilated, one output never stepped from.
    function = penlight.conv_transpose2d if transposed else penlight.conv2d
    x, w = penlight.ones(1, 2, 1, 1, requires_grad=True), penlight.ones(2, 2, 1, 1, requires_grad=True)
    most = 2**63 - 1
    for options in ({"dilation": most}, {"stride": most}, {"dilation": most, "stride": most}):
        y = function(x, w, **options)
        gradients = penlight.autograd.grad(y.sum(), (x, w))
        assert y.tolist() == [[[[2.0]], [[2.0]]]]
        assert [g.flatten().tolist() for g in gradients] == [[2.0] * 2, [1.0] * 4]
        kept = y.grad_fn._saved_dilation if "dilation" in options else y.grad_fn._saved_stride
        assert kept == (most, most)


def test_padding_valid_is_none():
    rng = np.random.default_rng(0)
    x, w = tensor(rng.standard_normal([1, 2, 9])), tensor(rng.standard_normal([3, 2, 4]))
    assert penlight.equal(F.conv1d(x, w, padding="valid"), F.conv1d(x, w))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_an_input_without_batch(dims):
    rng = np.random.default_rng(dims)
    x, w = tensor(rng.standard_normal([2, *[5] * dims])), tensor(rng.standard_normal([2, 2, *[3] * dims]))
    for function in (CONV[dims], TRANSPOSED[dims]):
        got = function(x, w)
        assert got.dim() == dims + 1
        assert penlight.equal(got, function(x.unsqueeze(0), w).squeeze(0))


def test_sums_over_nothing_are_the_bias():
    bias = penlight.tensor([1.0, 2.0])
    got = F.conv1d(penlight.empty(3, 0, 5), penlight.empty(2, 0, 3), bias)
    assert got.tolist() == [[[1.0] * 3, [2.0] * 3]] * 3
    assert F.conv2d(penlight.empty(0, 2, 5, 5), penlight.empty(4, 2, 3, 3)).shape == (0, 4, 3, 3)
    w = penlight.ones(4, 2, 3, requires_grad=True)
    F.conv1d(penlight.empty(0, 2, 5), w).sum().backward()
    assert w.grad.tolist() == penlight.zeros(4, 2, 3).tolist()


def test_integers_are_summed_exactly():
    rng = np.random.default_rng(0)
    x, w = rng.integers(-9, 9, [2, 3, 7, 8]), rng.integers(-9, 9, [4, 3, 3, 2])
    got = F.conv2d(penlight.tensor(x), penlight.tensor(w), stride=2, padding=1)
    want = convolution(x, w, None, [2, 2], [(1, 1), (1, 1)], [1, 1], 1)
    assert got.dtype == penlight.int64
    assert np.array_equal(got.numpy(), want.astype(np.int64))


def test_half_precision_sums_in_single():
    # 1 + 2000 * 2^-12 would stay 1 if every sum were rounded to 11 bits.
    x = penlight.full([1, 1, 2001], 2.0**-12, dtype=penlight.float16)
    x[0, 0, 0] = 1.0
    got = F.conv1d(x, penlight.ones(1, 1, 2001, dtype=penlight.float16))
    assert got.dtype == penlight.float16
    assert got.item() == float(np.float16(1 + 2000 * 2.0**-12))


def test_not_a_number_stays_where_its_windows_are():
    x = penlight.zeros(1, 1, 9)
    x[0, 0, 4] = float("nan")
    got = F.conv1d(x, penlight.ones(1, 1, 3))
    assert got.isnan().tolist() == [[[False, False, True, True, True, False, False]]]


def test_the_lessons_shapes():
    conv = penlight.nn.Conv1d(2, 16, 3)
    assert (conv.weight.shape, conv.bias.shape) == ((16, 2, 3), (16,))
    assert conv(penlight.randn(1, 2, 64)).shape == (1, 16, 62)
    assert penlight.nn.Conv1d(2, 16, 5)(penlight.randn(1, 2, 64)).shape == (1, 16, 60)
    image = penlight.randn(1, 20, 64, 128)
    assert penlight.nn.Conv2d(20, 16, (3, 5))(image).shape == (1, 16, 62, 124)
    assert penlight.nn.Conv2d(20, 16, (3, 5), stride=1, padding=(1, 2))(image).shape == (1, 16, 64, 128)


# ---- derivatives


@MANY
@given(case=conv_cases(batches=(1, 2), channels=(1, 2, 3)))
def test_gradients(case):
    inputs = [a for a in case.arrays() if a is not None]
    check_gradients(lambda x, w, b=None: CONV[case.dims](x, w, b, **arguments(case)), inputs, case.seed)


@MANY
@given(case=conv_cases(batches=(1, 2), channels=(1, 2)))
def test_gradients_of_gradients(case):
    inputs = [a for a in case.arrays() if a is not None]
    check_double_gradients(
        lambda x, w, b=None: CONV[case.dims](x, w, b, **arguments(case)), inputs, case.seed
    )


@MANY
@given(case=transpose_cases())
def test_gradients_of_transposed(case):
    inputs = [a for a in case.arrays(transposed=True) if a is not None]
    function = lambda x, w, b=None: TRANSPOSED[case.dims](x, w, b, **transposed_arguments(case))  # noqa: E731
    check_gradients(function, inputs, case.seed)
    check_double_gradients(function, inputs, case.seed)


def test_third_derivatives():
    # d/dx of the squared norm of the gradient of sum(conv(x, w)^3), against differences.
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal([1, 2, 6]), rng.standard_normal([2, 2, 3])

    def penalty(x, w):
        leaves = [t if t.requires_grad else t.detach().requires_grad_() for t in (x, w)]
        y = (F.conv1d(*leaves, padding=2, padding_mode="circular") ** 3).sum()
        gx, gw = penlight.autograd.grad(y, leaves, create_graph=True)
        return (gx**2).sum() + (gw**2).sum()

    check_double_gradients(penalty, [x, w], tolerance=1e-4)


def test_only_the_gradients_asked_for():
    x, w = penlight.randn(1, 2, 8), penlight.randn(3, 2, 3, requires_grad=True)
    y = F.conv1d(x, w)
    assert y.grad_fn.name() == "ConvolutionBackward0"
    y.sum().backward()
    assert x.grad is None
    assert w.grad.shape == w.shape


# ---- against PyTorch


@MANY
@given(case=conv_cases(modes=("zeros",), batches=(1, 2)))
def test_pytorch_has_the_same_values_and_gradients(case):
    torch = pytest.importorskip("torch")
    x, w, b = case.arrays()
    functions = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, w, b) if a is not None]
    ours = [penlight.tensor(a, requires_grad=True) for a in (x, w, b) if a is not None]
    keywords = {k: v for k, v in arguments(case).items() if k != "padding_mode"}
    wanted = functions[case.dims](*theirs, **keywords)
    got = CONV[case.dims](*ours, **keywords)
    assert error(got.detach().numpy(), wanted.detach().numpy()) <= 1e-13
    (wanted**2).sum().backward()
    (got**2).sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        assert error(a.grad.numpy(), b.grad.numpy()) <= 1e-12


# ---- bad arguments


def call(function=F.conv1d, x=(1, 2, 20), w=(16, 2, 5), b=None, **keywords):
    return function(
        penlight.zeros(x), penlight.zeros(w), None if b is None else penlight.zeros(b), **keywords
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            dict(x=(1, 3, 64), w=(16, 2, 3)),
            r"Given groups=1, weight of size \[16, 2, 3\], expected input\[1, 3, 64\] to have 2 channels, "
            r"but got 3 channels instead",
        ),
        (
            dict(x=(1, 2, 2)),
            r"Calculated padded input size per channel: \(2\). Kernel size: \(5\). Kernel size can't be "
            r"greater than actual input size",
        ),
        (dict(stride=0), "non-positive stride is not supported"),
        (dict(stride=-1), "non-positive stride is not supported"),
        (dict(padding=-1), "negative padding is not supported"),
        (dict(dilation=0), "dilation should be greater than zero"),
        (dict(groups=0), "non-positive groups is not supported"),
        (dict(w=(16, 1, 5), groups=3), "expected weight to be divisible by 3 at dimension 0"),
        (dict(stride=(1, 2)), r"expected stride to be a single integer value or a list of 1 values"),
        (dict(stride=()), r"expected stride to be a single integer value or a list of 1 values"),
        (
            dict(b=(15,)),
            r"expected bias to be 1-dimensional with 16 elements, but got bias of size \[15\] instead",
        ),
        (dict(w=(0, 2, 5)), "expected weight to be at least 1 at dimension 0"),
        (dict(w=(16, 2, 0)), "kernel size should be greater than zero"),
        (dict(x=(1, 2, 0), padding=4), "Only zero batch or zero channel inputs are supported"),
        (
            dict(x=(20,)),
            r"Expected 2D \(unbatched\) or 3D \(batched\) input to conv1d, but got input of size: \[20\]",
        ),
        (dict(padding="full"), "Invalid padding string: 'full'"),
        (dict(padding_mode="mirror"), "padding_mode"),
        (dict(padding=2**62), "expected padding to be at most"),
        (dict(dilation=2**62), "too large"),
        (dict(x=(1, 2, 1), padding=3, padding_mode="reflect"), "reflect"),
        (
            dict(function=F.conv_transpose1d, x=(1, 3, 5), w=(4, 3, 3)),
            r"Given transposed=1, weight of size \[4, 3, 3\], expected input\[1, 3, 5\] to have 4 channels",
        ),
        (
            dict(function=F.conv_transpose1d, w=(2, 3, 3), output_padding=1),
            "output padding must be smaller than either stride or dilation",
        ),
        (dict(function=F.conv_transpose1d, w=(2, 3, 3), output_padding=-1), "negative output_padding"),
        (dict(function=F.conv_transpose1d, x=(1, 2, 1), w=(2, 3, 3), padding=2), "Output size is too small"),
    ],
)
def test_what_does_not_fit_is_an_error(arguments, words):
    with pytest.raises(RuntimeError, match=words):
        call(**arguments)


def test_types_must_agree():
    with pytest.raises(
        RuntimeError, match=r"Input type \(torch.FloatTensor\) and weight type \(torch.DoubleTensor\)"
    ):
        F.conv1d(penlight.zeros(1, 1, 5), penlight.zeros(1, 1, 3, dtype=penlight.float64))
    with pytest.raises(RuntimeError, match="bias type"):
        F.conv1d(penlight.zeros(1, 1, 5), penlight.zeros(1, 1, 3), penlight.zeros(1, dtype=penlight.float64))


EXTREME = [0, 1, -1, 2**31, -(2**31), 2**63 - 1, -(2**63) + 1, (), (1, 1, 1, 1)]


@pytest.mark.parametrize("function", [F.conv1d, F.conv2d, F.conv3d, F.conv_transpose1d, F.conv_transpose2d])
@pytest.mark.parametrize("name", ["stride", "dilation", "groups", "padding", "output_padding"])
def test_extreme_arguments_give_a_result_or_an_exception(function, name):
    transposed = function in (F.conv_transpose1d, F.conv_transpose2d)
    if name == "output_padding" and not transposed:
        return
    dims = int(function.__name__[-2])
    for value in EXTREME:
        if name == "padding" and isinstance(value, int) and 0 < value <= 2**31 and value != 1:
            continue  # asks for gigabytes, and may get them
        if transposed and isinstance(value, int) and value == 2**31:
            continue
        try:
            y = function(penlight.ones(1, 1, *[4] * dims), penlight.ones(1, 1, *[2] * dims), **{name: value})
        except (RuntimeError, TypeError, ValueError, MemoryError):
            continue
        assert y.numel() < 10**6


# ---- promises


def test_the_same_bits_at_any_number_of_threads():
    rng = np.random.default_rng(0)
    cases = [
        ((4, 16, 30, 31), (24, 16, 3, 3), dict(padding=1, padding_mode="circular")),
        ((2, 3, 40, 40), (16, 3, 5, 5), dict(stride=2)),
        ((8, 64, 14, 14), (64, 64, 1, 1), {}),
        ((1, 8, 5000), (8, 1, 25), dict(groups=8, padding=3, padding_mode="reflect")),
    ]
    before = penlight.get_num_threads()
    try:
        for x_shape, w_shape, keywords in cases:
            x, w = rng.standard_normal(x_shape), rng.standard_normal(w_shape)
            function = CONV[len(x_shape) - 2]
            results = []
            for threads in (1, 2, 3):
                penlight.set_num_threads(threads)
                leaves = [tensor(a, np.float32).requires_grad_() for a in (x, w)]
                y = function(*leaves, **keywords)
                (y * y).sum().backward()
                results.append([t.detach().numpy().tobytes() for t in (y, leaves[0].grad, leaves[1].grad)])
            assert results[0] == results[1] == results[2]
    finally:
        penlight.set_num_threads(before)


def test_no_unfolded_copy_of_the_input_is_made():
    # Unfolded, this input takes 49 * 32 MiB = 1.6 GiB; it, its output and the gradients take 32 MiB each.
    script = textwrap.dedent("""
        import resource
        import penlight
        import penlight.nn.functional as F
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        x = penlight.ones(1, 32, 512, 512, requires_grad=True)
        w = penlight.ones(32, 32, 7, 7, requires_grad=True)
        before = peak()
        y = F.conv2d(x, w, padding=3, padding_mode="reflect")
        forward = peak() - before
        y.sum().backward()
        print(forward, peak() - before)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    forward, both = map(float, done.stdout.split())
    assert forward < 32 + 16
    assert both < 5 * 32 + 16

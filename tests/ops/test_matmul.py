"""Matrix products against NumPy's, their derivatives against differences, and their errors."""

import numpy as np
import pytest
from gradients import check_double_gradients, check_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

import penlight
import penlight.nn.functional as F

SIZES = [0, 1, 2, 3, 5, 13, 14, 15, 16, 17, 31, 32, 33, 64, 65]
MANY = settings(max_examples=150, deadline=None)


def close(got, wanted, dtype):
    assert got.shape == wanted.shape
    bound = {np.float32: 1e-5, np.float64: 1e-13}[dtype]
    assert np.all(np.abs(got - wanted) <= bound * (1 + np.abs(wanted).max(initial=0)))


@st.composite
def matrices(draw, rows, columns):
    """A matrix of float64 in some memory layout."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    layout = draw(st.sampled_from(["rows", "columns", "stepped", "backwards", "repeated"]))
    if layout == "columns":
        return rng.standard_normal([columns, rows]).T
    if layout == "stepped":
        return rng.standard_normal([2 * rows, 3 * columns])[::2, ::3]
    if layout == "repeated":
        return np.broadcast_to(rng.standard_normal([1, columns]), [rows, columns])
    numbers = rng.standard_normal([rows, columns])
    return np.ascontiguousarray(numbers[::-1])[::-1] if layout == "backwards" else numbers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@MANY
@given(data=st.data())
def test_mm_is_numpys(data, dtype):
    m, n, k = (data.draw(st.sampled_from(SIZES)) for _ in range(3))
    a, b = data.draw(matrices(m, k)), data.draw(matrices(k, n))

    def tensor(x):
        # Strides kept where they can be: transposed and stepped views of one memory.
        t = penlight.tensor(np.ascontiguousarray(x.base if x.base is not None else x).astype(dtype))
        if x.base is None or any(s < 0 for s in x.strides):
            return penlight.tensor(x.astype(dtype))
        return t.as_strided(x.shape, [s // 8 for s in x.strides])

    want = a.astype(dtype).astype(np.float64) @ b.astype(dtype).astype(np.float64)
    close(penlight.mm(tensor(a), tensor(b)).numpy(), want, dtype)


@pytest.mark.parametrize(
    "size", [(150, 300, 70), (33, 2100, 40), (2, 5000, 3), (1, 700, 900), (900, 700, 1), (300, 1, 300)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sizes_beyond_the_blocks(size, dtype):
    m, k, n = size
    rng = np.random.default_rng(m)
    a, b = rng.standard_normal([m, k]).astype(dtype), rng.standard_normal([k, n]).astype(dtype)
    want = a.astype(np.float64) @ b.astype(np.float64)
    bound = np.sqrt(k) * {np.float32: 1e-6, np.float64: 1e-15}[dtype] * 4
    for left in (a, np.asfortranarray(a)):
        for right in (b, np.asfortranarray(b)):
            got = (penlight.from_numpy(left) @ penlight.from_numpy(right)).numpy()
            assert np.abs(got - want).max() <= bound * np.sqrt(k)


@pytest.mark.parametrize(
    "shapes",
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (3,)),
        ((2, 3), (5, 3, 4)),
        ((3,), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((1, 2, 3), (5, 3, 4)),
        ((6, 1, 2, 3), (5, 3, 4)),
        ((6, 5, 2, 3), (1, 1, 3, 4)),
        ((0, 2, 3), (3, 4)),
        ((2, 0), (0, 3)),
        ((5, 0, 3), (5, 3, 2)),
        ((0,), (0,)),
    ],
)
def test_matmul_broadcasts_as_numpys_does(shapes):
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape) for shape in shapes)
    close((penlight.tensor(a) @ penlight.tensor(b)).numpy(), a @ b, np.float64)
    check_gradients(penlight.matmul, [a, b])
    check_double_gradients(penlight.matmul, [a, b])


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("lead", [(), (4,), (2, 4), (2, 3, 4), (0,), (2, 0)])
def test_linear(lead, bias):
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal([*lead, 5]), rng.standard_normal([3, 5]), rng.standard_normal(3)][
        : 2 + bias
    ]
    want = inputs[0] @ inputs[1].T + (inputs[2] if bias else 0)
    close(F.linear(*map(penlight.tensor, inputs)).numpy(), want, np.float64)
    check_gradients(F.linear, inputs)
    check_double_gradients(F.linear, inputs)


@pytest.mark.parametrize(("beta", "alpha"), [(1, 1), (0.5, 2.0), (0, 3.0)])
@pytest.mark.parametrize(
    ("function", "product", "shapes"),
    [
        (penlight.addmm, np.matmul, [(4,), (2, 3), (3, 4)]),
        (penlight.addmm, np.matmul, [(2, 1), (2, 3), (3, 4)]),
        (penlight.baddbmm, np.matmul, [(2, 4), (5, 2, 3), (5, 3, 4)]),
        (penlight.addmv, np.matmul, [(2,), (2, 3), (3,)]),
        (penlight.addr, np.outer, [(2, 3), (2,), (3,)]),
        (penlight.addbmm, lambda a, b: (a @ b).sum(0), [(2, 4), (5, 2, 3), (5, 3, 4)]),
    ],
)
def test_sums_with_a_product(function, product, shapes, beta, alpha):
    rng = np.random.default_rng(0)
    x, a, b = (rng.standard_normal(shape) for shape in shapes)
    blend = lambda x, a, b: function(x, a, b, beta=beta, alpha=alpha)  # noqa: E731
    close(blend(*map(penlight.tensor, (x, a, b))).numpy(), beta * x + alpha * product(a, b), np.float64)
    check_gradients(blend, [x, a, b])
    check_double_gradients(blend, [x, a, b])


def test_with_beta_zero_the_input_is_not_read():
    nothing = penlight.full([2, 2], float("nan"))
    assert (
        penlight.addmm(nothing, penlight.ones(2, 3), penlight.ones(3, 2), beta=0).tolist() == [[3.0, 3.0]] * 2
    )


def test_addmm_in_place():
    x = penlight.ones(2, 2)
    assert x.addmm_(penlight.ones(2, 3), penlight.ones(3, 2)) is x
    assert x.tolist() == [[4.0, 4.0]] * 2


def test_integers_wrap_around_and_half_sums_in_single():
    a = penlight.full([1, 2], 2**40, dtype=penlight.int64)
    assert (a @ penlight.full([2, 1], 2**30, dtype=penlight.int64)).item() == (2**71 + 2**63) % 2**64 - 2**63
    small = penlight.full([1, 64], 100, dtype=penlight.int8)
    assert (small @ penlight.ones(64, 1, dtype=penlight.int8)).item() == (6400 + 128) % 256 - 128
    half = penlight.full([1, 2001], 2.0**-12, dtype=penlight.float16)
    half[0, 0] = 1.0
    got = half @ penlight.ones(2001, 1, dtype=penlight.float16)
    assert got.item() == float(np.float16(1 + 2000 * 2.0**-12))


def test_names_of_nodes():
    a, b = penlight.ones(2, 3, requires_grad=True), penlight.ones(3, 2, requires_grad=True)
    v, w = penlight.ones(3, requires_grad=True), penlight.ones(2, requires_grad=True)
    assert (a @ b).grad_fn.name() == "MmBackward0"
    assert (a @ v).grad_fn.name() == "MvBackward0"
    assert (v @ v).grad_fn.name() == "DotBackward0"
    assert penlight.bmm(a.unsqueeze(0), b.unsqueeze(0)).grad_fn.name() == "BmmBackward0"
    assert F.linear(a, b.T, w).grad_fn.name() == "AddmmBackward0"
    assert penlight.outer(v, w).grad_fn.name() == "MulBackward0"


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("right", [False, True])
def test_the_lessons_product_with_and_without_gradients(left, right):
    w = penlight.tensor([1.0, 2.0, 3.0], requires_grad=left)
    x = penlight.tensor([4.0, 5.0, 6.0], requires_grad=right)
    y = w @ x
    assert y.item() == 32
    assert y.requires_grad == (left or right)
    if not y.requires_grad:
        with pytest.raises(RuntimeError, match="does not require grad"):
            y.backward()
        return
    y.backward()
    assert (w.grad.tolist() if left else w.grad) == ([4.0, 5.0, 6.0] if left else None)
    assert (x.grad.tolist() if right else x.grad) == ([1.0, 2.0, 3.0] if right else None)


@pytest.mark.parametrize(
    ("function", "shapes", "words"),
    [
        (penlight.mm, [(2, 3), (4, 5)], r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 4x5\)"),
        (penlight.mm, [(2, 3), (3,)], "mat2 must be a matrix"),
        (penlight.mm, [(3,), (3, 2)], "self must be a matrix"),
        (
            penlight.matmul,
            [(3,), (4,)],
            r"expected tensor \[3\] and src \[4\] to have the same number of elements",
        ),
        (penlight.matmul, [(2, 3), (4,)], r"size mismatch, got input \(2\), mat \(2x3\), vec \(4\)"),
        (penlight.matmul, [(2, 2, 3), (4, 5)], r"mat1 and mat2 shapes cannot be multiplied \(4x3 and 4x5\)"),
        (penlight.matmul, [(2, 2, 3), (2, 4, 5)], r"Expected size for first two dimensions of batch2 tensor"),
        (
            penlight.matmul,
            [(2, 2, 3), (3, 3, 5)],
            r"The size of tensor a \(2\) must match the size of tensor b \(3\)",
        ),
        (
            penlight.matmul,
            [(), (3,)],
            "both arguments to matmul need to be at least 1D, but they are 0D and 1D",
        ),
        (penlight.bmm, [(2, 3), (2, 3, 4)], "batch1 must be a 3D tensor"),
        (penlight.dot, [(3, 1), (3,)], "1D tensors expected, but got 2D and 1D tensors"),
        (
            penlight.addmm,
            [(2,), (2, 3), (3, 4)],
            r"The expanded size of the tensor \(4\) must match the existing",
        ),
        (F.linear, [(2, 3), (5, 4)], r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 4x5\)"),
        (F.linear, [(), (5, 1)], "both arguments to linear need to be at least 1D"),
    ],
)
def test_what_does_not_fit_is_an_error(function, shapes, words):
    with pytest.raises(RuntimeError, match=words):
        function(*[penlight.zeros(shape) for shape in shapes])


def test_types_must_agree():
    with pytest.raises(
        RuntimeError, match="expected m1 and m2 to have the same dtype, but got: float != double"
    ):
        penlight.ones(2, 3) @ penlight.ones(3, 2, dtype=penlight.float64)
    with pytest.raises(
        RuntimeError, match="self and mat2 must have the same dtype, but got Double and Float"
    ):
        penlight.addmm(penlight.ones(2, dtype=penlight.float64), penlight.ones(2, 3), penlight.ones(3, 2))
    with pytest.raises(NotImplementedError, match="not implemented for 'Bool'"):
        penlight.ones(2, 2, dtype=penlight.bool) @ penlight.ones(2, 2, dtype=penlight.bool)
    with pytest.raises(TypeError):
        penlight.ones(3) @ 2


def test_the_same_bits_at_any_number_of_threads():
    rng = np.random.default_rng(0)
    a, b = (penlight.tensor(rng.standard_normal([300, 700]).astype(np.float32)) for _ in range(2))
    before = penlight.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            penlight.set_num_threads(threads)
            results.append(
                [(x.contiguous()).numpy().tobytes() for x in (a @ b.T, a.T @ b, a[:3] @ b.T, a @ b[0])]
            )
        assert results[0] == results[1] == results[2]
    finally:
        penlight.set_num_threads(before)

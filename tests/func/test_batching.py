"""vmap of operations whose indices, weights or rows differ between the examples, against a loop and PyTorch."""

import numpy as np
import pytest

import penlight
from penlight.func import vmap

RANDOM = np.random.default_rng(7)
X = RANDOM.standard_normal((4, 3, 5))
ROWS = RANDOM.integers(0, 3, (4, 2))
PLACES = RANDOM.integers(0, 5, (4, 3, 2))
VALUES = RANDOM.standard_normal((4, 3, 2))
LINES = RANDOM.standard_normal((4, 2, 5))
IMAGES = RANDOM.standard_normal((4, 2, 6, 7, 5))[..., :3]
WEIGHTS = RANDOM.standard_normal((4, 4, 3, 3, 2))
BIAS = RANDOM.standard_normal((4, 4))

# What is called, and its arguments, each with a dimension of examples in front.
CASES = {
    "index_select": (lambda lib, x, i: x.index_select(0, i), X, ROWS),
    "index_select of numbers": (lambda lib, x, i: x.index_select(0, i), X[:, 0, 0], ROWS[:, :1] * 0),
    "index": (lambda lib, x, i: x[i], X, ROWS),
    "index behind a slice": (lambda lib, x, i: x[:, i], X, PLACES[:, :, 0]),
    "index by two": (lambda lib, x, i, j: x[i, j], X, ROWS, PLACES[:, 0]),
    "index apart": (lambda lib, x, i, j: x[None][i * 0, :, j], X, ROWS, PLACES[:, 0]),
    "index of a matrix of places": (lambda lib, x, i: x[:, i], X, PLACES),
    "index_add": (lambda lib, x, i, y: x.index_add(0, i, y), X, ROWS, LINES),
    "index_copy": (lambda lib, x, i, y: x.index_copy(0, i, y), X, np.sort(ROWS) * 0 + [0, 2], LINES),
    "index_fill": (lambda lib, x, i: x.index_fill(0, i, 0.5), X, ROWS),
    "index_put": (lambda lib, x, i, y: x.index_put((i,), y, accumulate=True), X, ROWS, LINES),
    "index_put behind a slice": (
        lambda lib, x, i, y: x[:, :].index_put((lib.tensor([0, 1, 2])[:, None], i), y, accumulate=True),
        X,
        PLACES,
        VALUES,
    ),
    "index_put of a number": (lambda lib, x, i, y: x.index_put((i,), y), X, ROWS, X[:, 0, 0]),
    "gather": (lambda lib, x, i: x.gather(1, i), X, PLACES),
    "scatter_add": (lambda lib, x, i, y: x.scatter_add(1, i, y), X, PLACES, VALUES),
    "scatter": (lambda lib, x, i: x.scatter(1, i, 0.5), X, PLACES),
    "take": (lambda lib, x, i: x.take(i), X, PLACES),
    "embedding": (lambda lib, x, i: lib.nn.functional.embedding(i, x), X, ROWS),
    "searchsorted": (lambda lib, x, y: lib.searchsorted(x, y), np.sort(X, -1), VALUES),
    "searchsorted of one row": (lambda lib, x, y: lib.searchsorted(x, y), np.sort(X[:, 0], -1), VALUES),
    "bucketize": (lambda lib, y: lib.bucketize(y, lib.tensor([-1.0, 0.0, 1.0], dtype=lib.float64)), VALUES),
    "sort": (lambda lib, x: x.sort(0)[0], X),
    "sort of numbers": (lambda lib, x: x.sort(0)[0], X[:, 0, 0]),
    "argsort": (lambda lib, x: x.argsort(-1, descending=True), X),
    "topk": (lambda lib, x: x.topk(2, 0)[1], X),
    "kthvalue": (lambda lib, x: x.kthvalue(2, 1)[0], X),
    "conv2d": (
        lambda lib, x, w, b: lib.nn.functional.conv2d(x, w.transpose(1, 2)[:, :2], b, padding=1),
        IMAGES.transpose(0, 1, 4, 2, 3)[:, :, :2],
        WEIGHTS,
        BIAS,
    ),
    "conv2d of one image": (
        lambda lib, x, w: lib.nn.functional.conv2d(x, w.transpose(1, 2)[:, :2]),
        IMAGES.transpose(0, 1, 4, 2, 3)[:, 0, :2],
        WEIGHTS,
    ),
    "conv2d in groups": (
        lambda lib, x, w: lib.nn.functional.conv2d(x, w[:, :1], groups=2, stride=2),
        IMAGES.transpose(0, 1, 4, 2, 3)[:, :, :2],
        WEIGHTS,
    ),
    "conv_transpose2d": (
        lambda lib, x, w, b: lib.nn.functional.conv_transpose2d(x, w[:2, :2], b[:2], stride=2),
        IMAGES.transpose(0, 1, 4, 2, 3)[:, :, :2],
        WEIGHTS,
        BIAS,
    ),
}  # fmt: skip


def made(lib, arrays):
    return [lib.from_numpy(np.ascontiguousarray(a)) for a in arrays]


def numbers(x):
    return np.asarray(x.detach().numpy(), np.float64)


def with_gradient(lib, call, arguments):
    """The result, and where it is a floating one, gradients of a weighted sum of it."""
    inputs = [a.requires_grad_() if a.is_floating_point() else a for a in arguments]
    y = call(*inputs)
    if not y.requires_grad:
        return [y]
    weights = lib.linspace(0.5, 1.5, y.numel(), dtype=lib.float64).reshape(y.shape)
    wanted = [a for a in inputs if a.requires_grad]
    return [y, *lib.autograd.grad((y * weights).sum(), wanted)]


@pytest.mark.parametrize("name", CASES)
def test_the_examples_get_what_they_get_alone(name):
    call, *arrays = CASES[name]

    def one_by_one(*arguments):
        return penlight.stack([call(penlight, *(a[i] for a in arguments)) for i in range(4)])

    found = with_gradient(penlight, vmap(lambda *a: call(penlight, *a)), made(penlight, arrays))
    expected = with_gradient(penlight, one_by_one, made(penlight, arrays))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_pytorch_gives_the_same(name):
    torch = pytest.importorskip("torch")
    call, *arrays = CASES[name]
    try:
        theirs = with_gradient(torch, torch.func.vmap(lambda *a: call(torch, *a)), made(torch, arrays))
    except RuntimeError as error:
        assert "vmap" in str(error) or "atching rule" in str(error)  # it has no rule for everything
        return
    ours = with_gradient(penlight, vmap(lambda *a: call(penlight, *a)), made(penlight, arrays))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("shared", [0, 1])
def test_an_argument_that_is_the_same_for_all(name, shared):
    call, *arrays = CASES[name]
    if shared >= len(arrays):
        return
    arguments = made(penlight, arrays)
    same = arguments[shared][0].clone()
    arguments[shared] = same
    dims = tuple(None if i == shared else 0 for i in range(len(arguments)))
    if dims == (None,):
        return

    def one_by_one(*given):
        return penlight.stack(
            [
                call(penlight, *(a if d is None else a[i] for a, d in zip(given, dims, strict=True)))
                for i in range(4)
            ]
        )

    fresh = [a.detach().clone() for a in arguments]
    found = with_gradient(penlight, vmap(lambda *a: call(penlight, *a), in_dims=dims), arguments)
    expected = with_gradient(penlight, one_by_one, fresh)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-12, atol=1e-14)


def test_indices_outside_are_refused_for_every_example():
    x, i = penlight.zeros(2, 3), penlight.tensor([[0, 1], [2, 3]])
    for call in (lambda x, i: x[i], lambda x, i: x.gather(0, i), lambda x, i: x.index_select(0, i)):
        with pytest.raises((IndexError, RuntimeError)):
            vmap(call)(x, i)


LOSSES = {
    "mean": ((5, 4), (5,), {}),
    "sum": ((5, 4), (5,), {"reduction": "sum"}),
    "none": ((5, 4), (5,), {"reduction": "none"}),
    "weights": ((5, 4), (5,), {"weight": [0.5, 1.0, 2.0, 1.5], "ignore_index": 1}),
    "positions": ((2, 4, 3), (2, 3), {"reduction": "none", "ignore_index": 2}),
    "one sample": ((4,), (), {}),
}


@pytest.mark.parametrize("loss", ["nll_loss", "cross_entropy"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_classes_has_the_jacobian_and_hessian_of_pytorch(name, loss):
    """Its gradient is mapped over unit vectors: the examples are more samples with the same classes."""
    torch = pytest.importorskip("torch")
    shape, classes, options = LOSSES[name]
    random = np.random.default_rng(2)
    x, target = random.standard_normal(shape), random.integers(0, 4, classes)
    seen = []
    for lib in (penlight, torch):
        given = dict(options)
        if "weight" in given:
            given["weight"] = lib.tensor(given["weight"], dtype=lib.float64)
        aim = lib.tensor(target.tolist())

        def f(x, lib=lib, aim=aim, given=given):
            return getattr(lib.nn.functional, loss)(x.sin(), aim, **given)

        at = lib.from_numpy(x)
        seen.append(
            [t(f)(at) for t in (lib.func.jacrev, lib.func.jacfwd, lib.func.hessian)]
            + [lib.func.jacrev(lib.func.jacrev(f))(at)]
        )
    for ours, theirs in zip(*seen, strict=True):
        np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-10, atol=1e-12)


WINDOWS = {
    "unfold": lambda x: x.unfold(0, 3, 1),
    "unfold twice": lambda x: x.reshape(3, 4).unfold(0, 2, 1).unfold(1, 3, 1),
    "strided": lambda x: x.as_strided((3, 4), (2, 1)),
    "strided, one place again and again": lambda x: x.as_strided((3, 2, 4), (2, 0, 1), 1),
    "expanded": lambda x: x.expand(2, 12).as_strided((3, 4), (1, 1)),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_that_overlap_have_the_jacobian_of_pytorch(name):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(3).standard_normal(12)

    def f(x):
        windows = WINDOWS[name](x)
        return windows * windows.flatten()[1]

    ours = penlight.autograd.functional.jacobian(f, penlight.from_numpy(x), vectorize=True)
    theirs = torch.autograd.functional.jacobian(f, torch.from_numpy(x))
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_windows_that_overlap_add_up_in_their_own_type(dtype):
    torch = pytest.importorskip("torch")
    seen = []
    for lib in (penlight, torch):
        x = lib.arange(24.0, dtype=lib.float32).to(getattr(lib, dtype)).reshape(4, 6).requires_grad_()
        windows = x.unfold(0, 2, 1).unfold(1, 3, 2)
        windows.backward(lib.ones_like(windows) * 0.5)
        seen.append(x.grad)
    assert str(seen[0].dtype) == str(seen[1].dtype) and seen[0].tolist() == seen[1].tolist()


def test_no_examples_at_all():
    images, weights = penlight.zeros(0, 2, 3, 5, 5), penlight.zeros(0, 4, 3, 3, 3)
    assert vmap(penlight.nn.functional.conv2d)(images, weights).shape == (0, 2, 4, 3, 3)
    assert vmap(lambda x, i: x[i])(
        penlight.zeros(0, 3), penlight.zeros(0, 2, dtype=penlight.int64)
    ).shape == (0, 2)

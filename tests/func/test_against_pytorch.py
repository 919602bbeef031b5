"""The same programs in penlight.func and torch.func."""

import numpy as np
import pytest

import penlight

torch = pytest.importorskip("torch")

RANDOM = np.random.default_rng(0)
VECTOR, OTHER = RANDOM.standard_normal(4), RANDOM.standard_normal(4)
MATRIX, IMAGES = RANDOM.standard_normal((3, 4)), RANDOM.standard_normal((3, 2, 5, 5))
WEIGHT = RANDOM.standard_normal((3, 2, 3, 3))


def loss(L, x, w):
    return L.tanh(w @ x).pow(2).sum()


def convolved(L, x, w):
    y = L.nn.functional.conv2d(x.unsqueeze(0), w, padding=1)
    y = L.nn.functional.max_pool2d(L.nn.functional.gelu(y), 2)
    return L.log_softmax(y.flatten(), 0)


PROGRAMS = {
    "grad": lambda L, F, x, w: F.grad(lambda x: loss(L, x, w))(x),
    "grad of both": lambda L, F, x, w: F.grad(lambda x, w: loss(L, x, w), argnums=(0, 1))(x, w),
    "grad of grad": lambda L, F, x, w: F.grad(lambda x: F.grad(lambda x: loss(L, x, w))(x).pow(2).sum())(x),
    "grad and value": lambda L, F, x, w: F.grad_and_value(lambda x: loss(L, x, w))(x),
    "aux": lambda L, F, x, w: F.grad(lambda x: (loss(L, x, w), x * 2), has_aux=True)(x),
    "vjp": lambda L, F, x, w: F.vjp(lambda x: w @ x, x)[1](w.sum(1)),
    "vjp of a dict": lambda L, F, x, w: F.vjp(lambda x: {"a": x * 2, "b": w @ x}, x)[1](
        {"a": x, "b": w.sum(1)}
    ),
    "jvp": lambda L, F, x, w: F.jvp(lambda x: L.sin(w @ x), (x,), (x,)),
    "jvp of grad": lambda L, F, x, w: F.jvp(F.grad(lambda x: loss(L, x, w)), (x,), (x,)),
    "jacrev": lambda L, F, x, w: F.jacrev(lambda x: (w @ x, x.pow(3)))(x),
    "jacrev of both": lambda L, F, x, w: F.jacrev(lambda x, w: w @ x, argnums=(0, 1))(x, w),
    "jacrev in chunks": lambda L, F, x, w: F.jacrev(lambda x: w @ x.sin(), chunk_size=2)(x),
    "jacfwd": lambda L, F, x, w: F.jacfwd(lambda x: (w @ x, x.pow(3)))(x),
    "hessian": lambda L, F, x, w: F.hessian(lambda x: loss(L, x, w))(x),
    "jacrev of jacfwd": lambda L, F, x, w: F.jacrev(F.jacfwd(lambda x: loss(L, x, w)))(x),
    "vmap": lambda L, F, x, w: F.vmap(lambda row: row * row.sum() + x)(w),
    "vmap, other dims": lambda L, F, x, w: F.vmap(lambda c: c.cumsum(0), in_dims=1, out_dims=1)(w),
    "vmap of vmap": lambda L, F, x, w: F.vmap(F.vmap(lambda a, b: a * b, (0, None)), (None, 0))(x, w),
    "vmap of grad": lambda L, F, x, w: F.vmap(F.grad(lambda x, r: (x * r).sum().sin()), (None, 0))(x, w),
    "vmap of hessian": lambda L, F, x, w: F.vmap(F.hessian(lambda r: (r * x).sum().sin()))(w),
    "vmap of jvp": lambda L, F, x, w: F.vmap(lambda t: F.jvp(L.exp, (x,), (t,))[1])(w),
    "grad of vmap": lambda L, F, x, w: F.grad(lambda x: F.vmap(lambda r: (x * r).sum().sin())(w).sum())(x),
    "jacrev of vmap": lambda L, F, x, w: F.jacrev(lambda x: F.vmap(lambda r: (x * r).sum().sin())(w))(x),
    "linearize": lambda L, F, x, w: F.linearize(lambda x: L.sin(w @ x), x)[1](x),
    "indexing": lambda L, F, x, w: F.vmap(lambda r: r[r.argsort()][:2] * r[L.tensor([0, 1])])(w),
    "sorting": lambda L, F, x, w: F.vmap(lambda r: r.sort().values * x)(w),
    "where": lambda L, F, x, w: F.vmap(F.grad(lambda r: L.where(r > 0, r.exp(), r).sum()))(w),
    "norms": lambda L, F, x, w: F.vmap(F.jacrev(lambda r: L.nn.functional.layer_norm(r, (4,))))(w),
}
IMAGE_PROGRAMS = {
    "convnet": lambda L, F, x, w: F.vmap(lambda x: convolved(L, x, w))(x),
    "gradients of each": lambda L, F, x, w: F.vmap(F.grad(lambda w, x: convolved(L, x, w)[0]), (None, 0))(
        w, x
    ),
    "weights of each": lambda L, F, x, w: F.vmap(lambda x, k: convolved(L, x, k))(x, L.stack([w, w * 2, -w])),
    "slope": lambda L, F, x, w: F.jvp(lambda w: convolved(L, x[0], w), (w,), (w,)),
    "second slope": lambda L, F, x, w: F.jvp(F.grad(lambda w: convolved(L, x[0], w)[1]), (w,), (w * w,)),
}


def flat(value):
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in flat(value[key])]
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in flat(item)]
    return [value.detach().numpy()]


@pytest.mark.parametrize("name", [*PROGRAMS, *IMAGE_PROGRAMS])
def test_the_same_numbers(name):
    program = {**PROGRAMS, **IMAGE_PROGRAMS}[name]
    arrays = (VECTOR, MATRIX) if name in PROGRAMS else (IMAGES, WEIGHT)
    ours = flat(program(penlight, penlight.func, *map(penlight.from_numpy, arrays)))
    theirs = flat(program(torch, torch.func, *map(torch.from_numpy, arrays)))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    "program",
    [
        lambda L, F: F.vmap(lambda x: x.item())(L.ones(2)),
        lambda L, F: F.vmap(lambda x: L.zeros(()).add_(x))(L.ones(2)),
        lambda L, F: F.vmap(lambda x: x + L.randn(()))(L.ones(2)),
        lambda L, F: F.vmap(L.add)(L.ones(2), L.ones(3)),
        lambda L, F: F.vmap(L.sin, in_dims=2)(L.ones(2)),
        lambda L, F: F.vmap(L.sin, in_dims=None)(L.ones(2)),
        lambda L, F: F.grad(lambda x: x)(L.ones(2)),
        lambda L, F: F.grad(lambda x: 3)(L.ones(())),
        lambda L, F: F.jvp(L.sin, (L.ones(2),), (L.ones(2), L.ones(2))),
        lambda L, F: F.vjp(L.sin, L.ones(2))[1]((L.ones(2), L.ones(2))),
        lambda L, F: F.functional_call(L.nn.Linear(2, 2), {"nothing": L.ones(2)}, L.ones(2), strict=True),
    ],
)
def test_the_same_exceptions(program):
    kinds = []
    for library in (penlight, torch):
        with pytest.raises(Exception) as caught:
            program(library, library.func)
        kinds.append(caught.type.__name__)
    assert kinds[0] == kinds[1]

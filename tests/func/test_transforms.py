"""The transforms' arguments, nesting, errors, and what they leave behind."""

import gc

import pytest

import penlight as torch
from penlight.autograd import forward_ad
from penlight.func import (
    functional_call,
    grad,
    grad_and_value,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    stack_module_state,
    vjp,
    vmap,
)  # fmt: skip


def equal(a, b):
    assert a.shape == b.shape and (a - b).abs().max().item() < 1e-5


def test_structures_go_through():
    tree = {"a": torch.ones(2), "b": [torch.ones(3), torch.ones(())]}
    f = lambda t, k: t["a"].sum() * t["b"][0].sum() * t["b"][1] * k  # noqa: E731
    g = grad(f)(tree, 2.0)
    assert g["b"][1].item() == 12 and g["a"].tolist() == [6, 6]
    g, value = grad_and_value(f, argnums=(0,))(tree, 1.0)
    assert isinstance(g, tuple) and value.item() == 6
    gradient, (value, aux) = grad_and_value(lambda x: (x * x, {"twice": 2 * x}), has_aux=True)(
        torch.tensor(3.0)
    )
    assert (gradient.item(), value.item(), aux["twice"].item()) == (6, 9, 6)
    assert not aux["twice"].requires_grad and not value.requires_grad
    j = jacrev(lambda x: {"y": x * 2, "z": (x.sum(),)})(torch.ones(2))
    assert j["y"].tolist() == [[2, 0], [0, 2]] and j["z"][0].tolist() == [1, 1]
    j = jacfwd(lambda x, y: x.sum() * y, argnums=(0, 1))(torch.ones(2), torch.ones(3))
    assert j[0].shape == (3, 2) and j[1].tolist() == (2 * torch.eye(3)).tolist()


def test_in_dims_out_dims_and_chunks():
    x, y = torch.randn(2, 5, 3), torch.randn(3, 5)
    f = lambda x, y: (x + y, x.sum())  # noqa: E731
    a, b = vmap(f, in_dims=(1, 1), out_dims=(-1, 0))(x, y)
    assert a.shape == (2, 3, 5) and b.shape == (5,)
    for size in (1, 2, 5, 9):
        c, d = vmap(f, in_dims=(1, 1), out_dims=(-1, 0), chunk_size=size)(x, y)
        equal(a, c), equal(b, d)
    equal(
        vmap(lambda p: p["x"] * p["k"], in_dims=({"x": 1, "k": None},))({"x": x, "k": 2.0}),
        2 * x.movedim(1, 0),
    )
    assert vmap(lambda x: torch.ones(2))(x).shape == (2, 2)
    equal(vmap(vmap(torch.dot, in_dims=(0, None)), in_dims=(None, 0))(y, y), y @ y.T)
    assert vmap(lambda x: x * 2)(torch.zeros(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    "call, kind, words",
    [
        (lambda: vmap(torch.sin)(), ValueError, "got no inputs"),
        (lambda: vmap(torch.sin, in_dims="0")(torch.ones(2)), ValueError, "expected `in_dims`"),
        (lambda: vmap(torch.sin, in_dims=(0, 0))(torch.ones(2)), ValueError, "not compatible"),
        (lambda: vmap(torch.sin, in_dims=(1,))(torch.ones(2)), ValueError, "in_dim=1"),
        (lambda: vmap(torch.mul)(torch.ones(2), 3), ValueError, "non-Tensor"),
        (lambda: vmap(torch.mul)(torch.ones(2), torch.ones(3)), ValueError, "same size"),
        (lambda: vmap(lambda x: 1)(torch.ones(2)), ValueError, "must only return Tensors"),
        (lambda: vmap(torch.sin, randomness="odd")(torch.ones(2)), RuntimeError, "randomness"),
        (lambda: vmap(torch.sin, chunk_size=0), ValueError, "chunk_size"),
        (lambda: vmap(lambda x: x.item())(torch.ones(2)), RuntimeError, "vmap"),
        (lambda: vmap(lambda x: x if x > 0 else -x)(torch.ones(2)), RuntimeError, "vmap"),
        (lambda: vmap(lambda x: torch.ones(3).add_(x))(torch.ones(2)), RuntimeError, "vmap"),
        (lambda: vmap(lambda x: x + torch.rand(()))(torch.ones(2)), RuntimeError, "randomness"),
        (lambda: grad(lambda x: x)(torch.ones(2)), RuntimeError, "scalar"),
        (lambda: grad(lambda x: 1)(torch.ones(())), RuntimeError, "to return a Tensor"),
        (lambda: grad(torch.sin, argnums=1)(torch.ones(())), RuntimeError, "argnum"),
        (lambda: vjp(torch.sin), RuntimeError, "primal"),
        (lambda: vjp(torch.sin, torch.ones(2))[1](torch.ones(3)), RuntimeError, "shape"),
        (lambda: jvp(torch.sin, torch.ones(2), (torch.ones(2),)), RuntimeError, "tuple"),
        (lambda: jvp(torch.sin, (torch.ones(2),), (torch.ones(3),)), RuntimeError, "tangent"),
        (lambda: jvp(torch.sin, (torch.ones(2),), ()), RuntimeError, "structure"),
        (lambda: forward_ad.make_dual(torch.ones(2), torch.ones(2)), RuntimeError, "level"),
        (lambda: forward_ad.exit_dual_level(), RuntimeError, "level"),
    ],
)
def test_mistakes_are_named(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_random_numbers_inside_of_vmap():
    x = torch.zeros(4, 100)
    different = vmap(lambda x: x + torch.randn(100), randomness="different")(x)
    assert (different[0] - different[1]).abs().max() > 0.1
    same = vmap(lambda x: x + torch.randn(100), randomness="same")(x)
    assert (same[0] - same[1]).abs().max() == 0
    dropped = vmap(lambda x: torch.nn.functional.dropout(x, 0.5), randomness="different")(torch.ones(4, 100))
    assert dropped[0].tolist() != dropped[1].tolist() and set(dropped.flatten().tolist()) == {0.0, 2.0}
    dropped = vmap(lambda x: torch.nn.functional.dropout(x, 0.5), randomness="same")(torch.ones(4, 100))
    assert dropped[0].tolist() == dropped[1].tolist()
    orders = vmap(lambda x: torch.randperm(50), randomness="different")(x)
    assert sorted(orders[0].tolist()) == list(range(50)) and orders[0].tolist() != orders[1].tolist()


def test_closures_no_grad_and_backward_inside():
    w = torch.tensor(2.0, requires_grad=True)
    g = grad(lambda x: w * x * x)(torch.tensor(3.0))
    assert g.item() == 12
    g.backward()
    assert w.grad.item() == 6
    with torch.no_grad():
        assert not grad(lambda x: w * x)(torch.tensor(1.0)).requires_grad

    def held(x):
        with torch.no_grad():
            c = x * x
        return x * c

    assert grad(held)(torch.tensor(3.0)).item() == 9
    assert not grad(lambda x: x * x)(torch.tensor(3.0)).requires_grad

    def inside(x):
        v = torch.tensor(4.0, requires_grad=True)
        (v * v).backward()
        return x * v.grad

    assert grad(inside)(torch.tensor(1.0)).item() == 8


def test_gradient_of_a_mapped_function_sums_what_is_shared():
    x = torch.randn(5, 3)
    w = torch.randn(3, requires_grad=True)
    vmap(lambda x: (w * x).sum().sin())(x).sum().backward()
    v = w.detach().clone().requires_grad_()
    (x @ v).sin().sum().backward()
    equal(w.grad, v.grad)
    h = jacrev(grad(lambda w: vmap(lambda x: (w * x).sum().sin())(x).sum()))(w.detach())
    equal(h, jacrev(grad(lambda w: (x @ w).sin().sum()))(w.detach()))


def test_in_place_and_views():
    def f(x):
        y = x * 2
        y[0] = y[1].clone() * x[2]
        y[1:].mul_(x[1:])
        return y.pow(2).sum()

    x = torch.randn(4, dtype=torch.float64)
    v = torch.randn(4, dtype=torch.float64)
    assert jvp(f, (x,), (v,))[1].item() == pytest.approx(torch.dot(grad(f)(x), v).item())
    many = torch.randn(3, 4, dtype=torch.float64)
    equal(vmap(f)(many), torch.stack([f(m) for m in many]))
    equal(vmap(grad(f))(many), torch.stack([grad(f)(m) for m in many]))


def test_dual_levels():
    with forward_ad.dual_level():
        x = forward_ad.make_dual(torch.tensor(2.0), torch.tensor(1.0))
        assert forward_ad.unpack_dual(x**3).tangent.item() == 12
        with torch.no_grad():
            assert forward_ad.unpack_dual(x**3).tangent.item() == 12
        assert forward_ad.unpack_dual(x.detach()).tangent is None
        kept = x * x
    assert forward_ad.unpack_dual(kept).tangent is None


class Scale(torch.autograd.Function):
    """x ** 2, with every derivative and the mapping by hand."""

    @staticmethod
    def forward(x):
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x

    @staticmethod
    def jvp(ctx, t):
        (x,) = ctx.saved_tensors
        return t * 2 * x

    @staticmethod
    def vmap(info, in_dims, x):
        assert info.batch_size == 3
        return Scale.apply(x), in_dims[0]


class Generated(Scale):
    generate_vmap_rule = True
    vmap = torch.autograd.Function.vmap


@pytest.mark.parametrize("function", [Scale, Generated])
def test_a_function_of_ones_own_in_every_transform(function):
    x = torch.tensor([1.0, 2.0, 3.0])
    f = function.apply
    equal(jvp(f, (x,), (torch.ones(3),))[1], 2 * x)
    equal(vmap(f)(x), x * x)
    equal(vmap(grad(f))(x), 2 * x)
    equal(vmap(grad(grad(f)))(x), 2 * torch.ones(3))
    equal(jvp(vmap(grad(f)), (x,), (x,))[1], 2 * x)
    equal(grad(lambda x: vmap(f)(x).sum())(x), 2 * x)


def test_a_function_without_rules_says_so():
    class Bare(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    with pytest.raises(RuntimeError, match="vmap"):
        vmap(Bare.apply)(torch.ones(2))
    with pytest.raises(NotImplementedError, match="jvp"):
        jvp(Bare.apply, (torch.ones(2),), (torch.ones(2),))


def test_nets_as_functions():
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    given = {k: torch.zeros_like(v) for k, v in model.named_parameters()}
    assert functional_call(model, given, torch.ones(4, 2)).abs().max() == 0
    assert all((model.state_dict()[k] - before[k]).abs().max() == 0 for k in given)
    with pytest.raises(RuntimeError, match="functional_call"):
        functional_call(model, given, torch.ones(4, 2), strict=True)
    nets = [torch.nn.Linear(2, 3) for _ in range(4)]
    params, _buffers = stack_module_state(nets)
    x = torch.randn(5, 2)
    found = vmap(lambda p: functional_call(nets[0], p, (x,)))(params)
    equal(found, torch.stack([n(x) for n in nets]))
    found.sum().backward()
    assert params["weight"].grad.shape == (4, 3, 2)
    with pytest.raises(RuntimeError, match="at least one"):
        stack_module_state([])


def live():
    gc.collect()
    return sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects())


def test_exceptions_leave_nothing_behind():
    class Stop(Exception):
        pass

    x = torch.ones(3)

    def stop(x):
        y = x.exp() * 2
        raise Stop(y.shape)

    programs = [
        lambda: grad(stop)(x),
        lambda: vmap(stop)(x),
        lambda: jvp(stop, (x,), (x,)),
        lambda: vmap(grad(lambda x: jvp(stop, (x,), (x,))[1]))(x),
        lambda: jacfwd(jacrev(stop))(x),
        lambda: jvp(lambda x: vmap(grad(stop))(x), (x,), (x,)),
        lambda: linearize(stop, x),
    ]
    for program in programs:
        with pytest.raises(Stop):
            program()
    before = live()
    for _ in range(5):
        for program in programs:
            with pytest.raises(Stop):
                program()
    assert live() == before
    assert grad(torch.sin)(torch.tensor(0.0)).item() == 1.0
    assert not torch._C._carries_tangents() and not torch._C._vmap_running()


def test_levels_of_forward_mode_over_recorded_graphs_do_not_leak():
    w = torch.ones(3, requires_grad=True)

    def run():
        # exp keeps its result, whose tangent leads back to its node.
        return jvp(lambda x: (w * x).exp().sum(), (torch.ones(3),), (torch.ones(3),))

    run()
    before = live()
    for _ in range(20):
        run()
    assert live() == before


def test_changes_in_place_inside_of_vmap_reach_the_graph_outside():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    y = x * 1
    row = y[0]
    sums = vmap(lambda a: a.mul_(2).sum())(y)
    equal(torch.autograd.grad(y.sum(), x, retain_graph=True)[0], torch.full((2, 2), 2.0, dtype=torch.float64))
    equal(
        torch.autograd.grad(row.sum(), x, retain_graph=True)[0],
        torch.tensor([[2.0, 2.0], [0.0, 0.0]]).double(),
    )
    equal(torch.autograd.grad(sums[1], x)[0], torch.tensor([[0.0, 0.0], [2.0, 2.0]]).double())

    target = torch.zeros(2, 2, dtype=torch.float64)
    vmap(lambda a, b: b[1:].copy_(a[:1] ** 2))(x, target)
    equal(target.detach(), torch.tensor([[0.0, 1.0], [0.0, 9.0]]).double())
    equal(torch.autograd.grad(target.sum(), x)[0], torch.tensor([[2.0, 0.0], [6.0, 0.0]]).double())

    with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
        vmap(lambda a: a.mul_(2))(x)

    nested = x * 1
    vmap(vmap(lambda a: a.pow_(3)), in_dims=1)(nested)
    equal(torch.autograd.grad(nested.sum(), x)[0], 3 * x.detach() ** 2)

    def changed(x):
        y = x * 1
        vmap(lambda a: a[:1].mul_(a[1:]), in_dims=1)(y)
        return y

    v = torch.tensor([[0.5, -1.0], [2.0, 1.5]], dtype=torch.float64)
    equal(jvp(changed, (x.detach(),), (v,))[1], (torch.func.jacrev(changed)(x.detach()) * v).sum((2, 3)))


def test_forward_of_a_function_of_ones_own_carries_no_tangents():
    from penlight.autograd import forward_ad

    seen = []

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(x):
            y = x * 2
            seen.append(forward_ad.unpack_dual(y).tangent)
            return y

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def jvp(ctx, change):
            return change * 2

    value, change = jvp(Twice.apply, (torch.tensor(3.0),), (torch.tensor(1.0),))
    assert (value.item(), change.item(), seen) == (6.0, 2.0, [None])
    assert jvp(torch.sin, (torch.tensor(0.0),), (torch.tensor(1.0),))[1] == 1  # carried again afterwards

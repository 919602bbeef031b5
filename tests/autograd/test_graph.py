"""autograd.graph: edges, hooks on saved tensors, hooks on several gradients."""

import gc
import weakref

import numpy as np
import pytest

import penlight
from penlight.autograd import graph


def test_hooks_see_what_is_kept_and_backward_sees_what_they_give_back():
    x = penlight.tensor([1.0, 2.0, 3.0], requires_grad=True)
    seen = []

    def pack(tensor):
        seen.append(tensor.detach().tolist())
        return tensor.numpy() if not tensor.requires_grad else tensor.detach().numpy().copy()

    with graph.saved_tensors_hooks(pack, lambda array: penlight.from_numpy(array) * 10):
        y = x * penlight.tensor([4.0, 5.0, 6.0])
    y.sum().backward()
    assert [4.0, 5.0, 6.0] in seen
    assert x.grad.tolist() == [40.0, 50.0, 60.0]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_identity_hooks_change_no_derivative_of_any_order(order):
    def program(x):
        y = (x.exp() * x).sin() / (1 + x * x)
        return (y @ y.t()).logsumexp(1).sum()

    def derivative(hooked):
        x = penlight.linspace(-1, 1, 6, dtype=penlight.float64).reshape(2, 3).requires_grad_()
        if hooked:
            with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
                value = program(x)
        else:
            value = program(x)
        for _ in range(order):
            (value,) = penlight.autograd.grad(value.sum(), x, create_graph=True)
        return value

    assert penlight.allclose(derivative(True), derivative(False), rtol=1e-12)


def test_a_kept_leaf_is_given_to_the_hook_as_the_very_object():
    weight = penlight.nn.Parameter(penlight.ones(2, 2))
    seen = []
    with graph.saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        (penlight.ones(1, 2, requires_grad=True) @ weight).sum()
    assert any(t is weight for t in seen)


def test_the_innermost_hooks_count_and_blocks_nest():
    x = penlight.ones(2, requires_grad=True)
    log = []
    with graph.saved_tensors_hooks(lambda t: log.append("outer") or t, lambda t: t):
        with graph.saved_tensors_hooks(lambda t: log.append("inner") or t, lambda t: t):
            x.exp()
        x.exp()
    x.exp()
    assert log == ["inner", "outer"]


def test_an_operation_in_place_under_hooks_has_its_derivative():
    x = penlight.tensor([0.5, 1.5], dtype=penlight.float64, requires_grad=True)

    def program(t):
        v = t * 2
        v.mul_(v)
        v.exp_()
        v.sin_()
        return v

    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        value = program(x)
    value.sum().backward()
    u = 4 * x.detach() ** 2
    assert penlight.allclose(x.grad, u.exp().cos() * u.exp() * 8 * x.detach())


def test_hooks_reach_what_a_custom_function_saves():
    class Square(penlight.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            return 2 * ctx.saved_tensors[0] * grad

    x = penlight.tensor(3.0, requires_grad=True)
    packed = []
    with graph.saved_tensors_hooks(lambda t: packed.append(t.item()) or t.item(), penlight.tensor):
        y = Square.apply(x)
    y.backward()
    assert packed == [3.0] and x.grad.item() == 6.0


def test_a_hook_that_changes_its_argument_raises():
    x = penlight.ones(2, requires_grad=True)
    with (
        graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t),
        pytest.raises(RuntimeError, match="modifying its input in place"),
    ):
        (x * 1).exp()


def test_unpacking_to_no_tensor_raises_type_error():
    x = penlight.ones(2, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: "nothing"):
        y = x.exp().sum()
    with pytest.raises(TypeError, match="unpack_hook expected to be a Tensor"):
        y.backward()


def test_hooks_registered_on_one_raw_saved_tensor():
    x = penlight.tensor([2.0, 3.0], requires_grad=True)
    y = x**2
    raw = y.grad_fn._raw_saved_self
    raw.register_hooks(lambda t: t.tolist(), lambda values: penlight.tensor(values) * 100)
    with pytest.raises(RuntimeError, match="already been set"):
        raw.register_hooks(lambda t: t, lambda t: t)
    y.sum().backward()
    assert x.grad.tolist() == [400.0, 600.0]
    with pytest.raises(RuntimeError, match="already been freed"):
        raw.register_hooks(lambda t: t, lambda t: t)


def test_disabled_hooks_raise_the_message():
    with (
        graph.disable_saved_tensors_hooks("not here"),
        pytest.raises(RuntimeError, match="not here"),
        graph.saved_tensors_hooks(lambda t: t, lambda t: t),
    ):
        pass


def test_saved_copies_survive_a_change_in_place():
    x = penlight.tensor([1.0, 2.0], requires_grad=True)
    b = x.clone()
    with graph.allow_mutation_on_saved_tensors() as kept:
        y = (b**2).sum()
        b.zero_()
        y.backward()
        kept.clear()
    assert x.grad.tolist() == [2.0, 4.0]
    with graph.save_on_cpu():
        y = (x * x).sum()
    with penlight.no_grad():
        x.zero_()
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_packed_cycles_are_freed():
    class Box:
        pass

    x = penlight.ones(2, requires_grad=True)
    box = Box()
    with graph.saved_tensors_hooks(lambda t, box=box: (box, t), lambda pair: pair[1]):
        box.y = x.exp()
    gone = weakref.ref(box)
    del box
    gc.collect()
    assert gone() is None


def test_an_edge_stands_for_its_tensor_in_grad_and_backward():
    x = penlight.tensor([1.0, 2.0], requires_grad=True)
    z = x * 2
    edge = graph.get_gradient_edge(z)
    assert edge.node is z.grad_fn and edge.output_nr == 0
    y = (z**2).sum()
    assert penlight.autograd.grad(y, edge, retain_graph=True)[0].tolist() == [4.0, 8.0]
    penlight.autograd.backward(edge, penlight.tensor([1.0, 10.0]), retain_graph=True)
    assert x.grad.tolist() == [2.0, 20.0]
    with pytest.raises(RuntimeError, match="GradientEdge"):
        penlight.autograd.grad(y, edge, materialize_grads=True)
    with pytest.raises(RuntimeError, match="does not require gradients"):
        graph.get_gradient_edge(penlight.ones(2))
    with pytest.raises(ValueError, match="1 outputs"):
        penlight.autograd.grad(y, graph.GradientEdge(z.grad_fn, 5))
    with pytest.raises(TypeError):
        penlight.autograd.grad(y, [3])


@pytest.mark.parametrize("mode", ["all", "any"])
def test_one_hook_on_several_gradients(mode):
    x, y, unused = (penlight.ones(2, requires_grad=True) for _ in range(3))
    calls = []
    handle = graph.register_multi_grad_hook([x, y, unused], calls.append, mode=mode)
    for _ in range(2):
        (x * 3 + y * 5).sum().backward()
    assert len(calls) == 2
    if mode == "all":
        assert [g if g is None else g.tolist() for g in calls[0]] == [[3.0, 3.0], [5.0, 5.0], None]
    else:
        assert calls[0].tolist() in ([3.0, 3.0], [5.0, 5.0])
    handle.remove()
    (x + y).sum().backward()
    assert len(calls) == 2
    with pytest.raises(ValueError, match="mode"):
        graph.register_multi_grad_hook([x], calls.append, mode="some")


def test_a_counted_change_is_noticed_by_backward():
    x = penlight.ones(2, requires_grad=True)
    b = x.clone()
    y = (b**2).sum()
    before = b._version
    graph.increment_version(b)
    assert b._version == before + 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


SAVED = [
    (lambda T, x: x.exp(), ["result"]),
    (lambda T, x: x**3, ["self", "exponent"]),
    (lambda T, x: x.select(1, 2), ["dim", "index", "self_sym_sizes"]),
    (lambda T, x: x[:, 1:], ["dim", "start", "end", "step"]),
    (lambda T, x: x.transpose(0, 1), ["dim0", "dim1"]),
    (lambda T, x: x.permute(1, 0), ["dims"]),
    (lambda T, x: x.unsqueeze(1), ["dim"]),
    (lambda T, x: T.cat([x, x], 1), ["dim"]),
    (lambda T, x: T.stack([x, x], 2), ["dim"]),
    (lambda T, x: x.sum(1, keepdim=True), ["dim", "keepdim", "self_sym_sizes"]),
    (lambda T, x: x.mean(0), ["dim", "keepdim", "self_sym_sizes"]),
    (lambda T, x: x.flip(0), ["dims"]),
    (lambda T, x: x.cumsum(1), ["dim"]),
    (lambda T, x: x.softmax(1), ["dim", "result"]),
    (lambda T, x: x.clamp(-0.5, 0.5), ["self", "min", "max"]),
    (lambda T, x: x[[0, 1]], ["indices", "self_sym_sizes"]),
    (lambda T, x: x.index_select(1, T.tensor([0])), ["dim", "index", "self_sym_sizes"]),
    (lambda T, x: x.gather(1, T.tensor([[0]])), ["dim", "index"]),
    (
        lambda T, x: T.conv1d(x[None], T.ones(1, 2, 2), stride=2, padding=1),
        ["stride", "padding", "dilation", "groups"],
    ),
    (lambda T, x: x.expand(2, 2, 3), ["self_sym_sizes"]),
]


@pytest.mark.parametrize("place", range(len(SAVED)))
def test_what_a_node_keeps_has_pytorchs_names_and_values(place):
    call, names = SAVED[place]
    torch = pytest.importorskip("torch")

    def kept(lib):
        node = call(lib, lib.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], requires_grad=True)).grad_fn
        found = {}
        for name in names:
            value = getattr(node, f"_saved_{name}")
            if isinstance(value, lib.Tensor):
                value = value.tolist()
            elif isinstance(value, tuple):
                value = [v.tolist() if isinstance(v, lib.Tensor) else v for v in value]
            found[name] = value
        return node, found

    (node, ours), (_, theirs) = kept(penlight), kept(torch)
    for found in (ours, theirs):  # what was computed may differ in its last bits, what was given may not
        found["result"] = np.array(found.get("result", 0.0))
    np.testing.assert_allclose(ours.pop("result"), theirs.pop("result"), rtol=1e-6, atol=0)
    assert ours == theirs
    listed = [n for n in dir(node) if n.startswith("_saved_")]
    assert {f"_saved_{n}" for n in names} - {"_saved_self_sym_sizes"} <= set(listed)
    assert not {"_saved_names", "_saved_raw"} & set(listed)  # those are penlight's own


def test_a_name_that_is_not_kept_is_no_attribute():
    node = penlight.ones(2, requires_grad=True).exp().grad_fn
    with pytest.raises(AttributeError, match="_saved_other"):
        _ = node._saved_other

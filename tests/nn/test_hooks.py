"""Hooks of modules: when they are called, with what, and what they may replace."""

import pytest

import penlight
from penlight import nn
from penlight.nn.modules import _hooks


def net():
    penlight.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))


X = penlight.tensor([[1.0, 2.0], [3.0, -1.0]])


def test_forward_hooks_see_and_replace():
    module = nn.Linear(2, 2)
    calls = []
    module.register_forward_pre_hook(lambda m, args: calls.append(("pre", m is module, args[0] is X)))
    module.register_forward_pre_hook(lambda m, args: args[0] * 0)
    module.register_forward_hook(lambda m, args, output: calls.append(("post", args[0].sum().item())))
    module.register_forward_hook(lambda m, args, output: output + 1)
    assert module(X).equal((module.bias + 1).expand(2, 2))
    assert calls == [("pre", True, True), ("post", 0.0)]


def test_keyword_arguments_and_order():
    class Scaled(nn.Module):
        def forward(self, x, *, scale=1.0):
            return x * scale

    module = Scaled()
    order = []
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"scale": 3.0}), with_kwargs=True)
    module.register_forward_hook(lambda m, args, output: order.append("second"))
    module.register_forward_hook(
        lambda m, args, kwargs, output: order.append(kwargs["scale"]), prepend=True, with_kwargs=True
    )
    assert module(X, scale=2.0).equal(X * 3) and order == [3.0, "second"]
    module.register_forward_pre_hook(lambda m, args, kwargs: 5, with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple of"):
        module(X)


def test_removed_hooks_are_silent():
    module, calls = net(), []
    handle = module.register_forward_hook(lambda *a: calls.append(1))
    module(X)
    handle.remove()
    handle.remove()
    module(X)
    with module.register_forward_pre_hook(lambda *a: calls.append(2)):
        module(X)
    module(X)
    assert calls == [1, 2]


def test_a_hook_that_is_always_called():
    class Failing(nn.Module):
        def forward(self, x):
            raise ArithmeticError("inside")

    module, calls = Failing(), []
    module.register_forward_hook(lambda m, args, output: calls.append("never"))
    module.register_forward_hook(lambda m, args, output: calls.append(output), always_call=True)
    with pytest.raises(ArithmeticError, match="inside"):
        module(X)
    assert calls == [None]


def gradients_seen(library, need_input_grad):
    """What backward hooks of two layers see, and the gradients at the end."""
    library.manual_seed(0)
    layers = library.nn
    module = layers.Sequential(layers.Linear(2, 3), layers.Tanh(), layers.Linear(3, 1))
    seen = []

    def hook(m, grad_input, grad_output):
        seen.append([None if g is None else g.tolist() for g in (*grad_input, *grad_output)])

    module.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 2,))
    for part in (module, module[0], module[2]):
        part.register_full_backward_hook(hook)
    module[2].register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] * 3,))
    x = library.tensor(X.tolist(), requires_grad=need_input_grad)
    module(x).sum().backward()
    grads = [p.grad.tolist() for p in module.parameters()] + [x.grad.tolist() if need_input_grad else None]
    return seen, grads


@pytest.mark.parametrize("need_input_grad", [True, False])
def test_backward_hooks_see_what_pytorchs_see(need_input_grad):
    torch = pytest.importorskip("torch")

    def flat(value):
        if isinstance(value, list):
            return [x for entry in value for x in flat(entry)]
        return [value]

    ours, theirs = (flat(list(gradients_seen(library, need_input_grad))) for library in (penlight, torch))
    assert [x is None for x in ours] == [x is None for x in theirs]
    assert [x for x in ours if x is not None] == pytest.approx([x for x in theirs if x is not None], rel=1e-5)


def test_a_backward_hook_by_hand():
    module = nn.Linear(2, 1, bias=False)
    seen = []
    module.register_full_backward_hook(
        lambda m, grad_input, grad_output: seen.append((grad_input, grad_output))
    )
    x = X.clone().requires_grad_()
    (module(x) * 5).sum().backward()
    ((grad_input,), (grad_output,)) = seen[0]
    assert grad_output.tolist() == [[5.0], [5.0]]
    assert grad_input.equal(5 * module.weight.expand(2, 2)) and x.grad.equal(grad_input)


def test_a_wrong_number_of_gradients_is_an_error():
    module = nn.Linear(2, 1)
    module.register_full_backward_hook(lambda m, grad_input, grad_output: (None, None))
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        module(X.clone().requires_grad_()).sum().backward()


def test_hooks_do_not_hinder_second_derivatives():
    module = nn.Sequential(nn.Linear(2, 2), nn.Tanh()).double()
    module.register_full_backward_hook(lambda m, grad_input, grad_output: None)
    x = X.double().requires_grad_()
    assert penlight.autograd.gradgradcheck(module, [x])


def test_hooks_on_every_module():
    calls = []
    handles = [
        _hooks.register_module_forward_pre_hook(lambda m, args: calls.append(f"before {type(m).__name__}")),
        _hooks.register_module_forward_hook(lambda m, args, out: calls.append(f"after {type(m).__name__}")),
        _hooks.register_module_full_backward_hook(
            lambda m, gi, go: calls.append(f"backward {type(m).__name__}")
        ),
    ]
    try:
        nn.Tanh()(X.clone().requires_grad_()).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    nn.Tanh()(X)
    assert calls == ["before Tanh", "after Tanh", "backward Tanh"]

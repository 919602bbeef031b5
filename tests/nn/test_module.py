"""nn.Module itself: attributes, names, traversal, state, conversions."""

import pytest

import penlight
from penlight import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 2, 3)
        self.body = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(4, 2))
        self.scale = nn.Parameter(penlight.ones(1))
        self.register_buffer("seen", penlight.zeros(1))
        self.register_buffer("scratch", penlight.zeros(1), persistent=False)

    def forward(self, x):
        return self.scale * self.body(self.conv(x))


PARAMETERS = [
    "scale",
    "conv.weight",
    "conv.bias",
    "body.0.weight",
    "body.0.bias",
    "body.1.weight",
    "body.1.bias",
]
BUFFERS = ["seen", "scratch", "body.0.running_mean", "body.0.running_var", "body.0.num_batches_tracked"]


def test_names_of_parts():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == PARAMETERS
    assert [name for name, _ in net.named_buffers()] == BUFFERS
    assert [name for name, _ in net.named_modules()] == ["", "conv", "body", "body.0", "body.1"]
    assert [name for name, _ in net.named_children()] == ["conv", "body"]
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert next(iter(net.body.named_parameters(prefix="x")))[0] == "x.0.weight"
    assert set(net.state_dict()) == {*PARAMETERS, *BUFFERS} - {"scratch"}


def test_a_shared_module_is_met_once():
    shared = nn.Linear(2, 2)
    net = nn.Sequential(shared, nn.ReLU(), shared)
    assert len(list(net.parameters())) == 2 and len(list(net.modules())) == 3
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_finding_parts_by_path():
    net = Net()
    assert net.get_submodule("body.1") is net.body[1] and net.get_submodule("") is net
    assert net.get_parameter("body.1.weight") is net.body[1].weight
    assert net.get_buffer("body.0.running_mean") is net.body[0].running_mean
    with pytest.raises(AttributeError, match=r"Net has no attribute `nothing`"):
        net.get_submodule("nothing.at.all")
    with pytest.raises(AttributeError, match=r"`scale` is not an nn\.Module"):
        net.get_submodule("scale")
    with pytest.raises(AttributeError, match=r"`seen` is not an nn\.Parameter"):
        net.get_parameter("seen")
    net.set_submodule("body.1", nn.Tanh())
    assert isinstance(net.body[1], nn.Tanh)


def test_assignment_decides_what_an_attribute_is():
    net = nn.Module()
    net.thing = 3
    net.thing = nn.Parameter(penlight.ones(1))
    assert "thing" in net._parameters and "thing" not in net.__dict__
    with pytest.raises(
        TypeError, match=r"cannot assign 'torch.FloatTensor' as parameter 'thing' \(torch.nn.Parameter"
    ):
        net.thing = penlight.ones(1)
    net.thing = None
    assert net.thing is None and list(net.parameters()) == []
    del net.thing
    net.thing = nn.Linear(1, 1)
    with pytest.raises(TypeError, match="cannot assign 'int' as child module 'thing'"):
        net.thing = 3
    net.store = nn.Buffer(penlight.ones(2), persistent=False)
    assert "store" in net._buffers and list(net.state_dict()) == ["thing.weight", "thing.bias"]
    net.store = penlight.zeros(2)
    assert net._buffers["store"].tolist() == [0, 0]
    with pytest.raises(TypeError, match="cannot assign 'int' as buffer 'store'"):
        net.store = 3
    with pytest.raises(AttributeError, match="'Module' object has no attribute 'absent'"):
        _ = net.absent
    with pytest.raises(AttributeError):
        del net.absent


@pytest.mark.parametrize("part", [lambda: nn.Linear(1, 1), lambda: nn.Parameter(penlight.ones(1))])
def test_assignment_before_init_is_an_error(part):
    class Early(nn.Module):
        def __init__(self):
            self.part = part()

    with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
        Early()


@pytest.mark.parametrize("register", ["register_parameter", "register_buffer", "add_module"])
@pytest.mark.parametrize(
    ("name", "error"), [(3, TypeError), ("a.b", KeyError), ("", KeyError), ("forward", KeyError)]
)
def test_names_that_cannot_be(register, name, error):
    with pytest.raises(error):
        getattr(nn.Module(), register)(name, None)


def test_a_parameter_is_a_tensor_of_its_own_kind():
    p = nn.Parameter(penlight.ones(2))
    assert repr(p) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    assert (
        isinstance(p, penlight.Tensor) and type(p * 2) is penlight.Tensor and type(p.data) is penlight.Tensor
    )
    assert not nn.Parameter(penlight.ones(2), requires_grad=False).requires_grad
    with pytest.raises(
        RuntimeError, match="Only Tensors of floating point and complex dtype can require gradients"
    ):
        nn.Parameter(penlight.ones(2, dtype=penlight.int64))
    source = penlight.zeros(3)
    nn.Parameter(source).data[1] = 7
    assert source.tolist() == [0, 7, 0]


def test_train_eval_and_gradients_go_down():
    net = Net()
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert all(m.training for m in net.train().modules())
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        net.train(3)
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    net.requires_grad_()
    net(penlight.ones(2, 1, 6)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(p.grad.abs().sum() == 0 for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_apply_meets_children_first():
    met = []
    net = Net()
    assert net.apply(lambda m: met.append(type(m).__name__)) is net
    assert met == ["Conv1d", "BatchNorm1d", "Linear", "Sequential", "Net"]


def test_conversion_keeps_the_parameters_and_leaves_integers():
    net = Net()
    before = list(net.parameters())
    net(penlight.ones(2, 1, 6)).sum().backward()
    assert net.double() is net
    assert all(a is b for a, b in zip(before, net.parameters(), strict=True))
    assert all(p.dtype == penlight.float64 and p.grad.dtype == penlight.float64 for p in net.parameters())
    assert net.body[0].num_batches_tracked.dtype == penlight.int64
    assert net.to(penlight.bfloat16).scale.dtype == penlight.bfloat16
    assert net.half().scale.dtype == penlight.float16
    assert net.to("cpu", penlight.float32).scale.dtype == penlight.float32
    assert net.to(penlight.ones(1, dtype=penlight.float64)).scale.dtype == penlight.float64
    with pytest.raises(TypeError, match="only accepts floating point"):
        net.to(penlight.int32)
    with pytest.raises((RuntimeError, TypeError)):
        net.to("nowhere")


def test_forward_must_be_defined():
    with pytest.raises(
        NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'
    ):
        nn.Module()(1)


def test_state_goes_back_and_forth_with_pytorch():
    torch = pytest.importorskip("torch")
    ours = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(4, 5))
    theirs = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Linear(4, 5))
    theirs.load_state_dict({k: torch.from_numpy(v.numpy().copy()) for k, v in ours.state_dict().items()})
    fresh = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(4, 5))
    fresh.load_state_dict({k: penlight.from_numpy(v.numpy().copy()) for k, v in theirs.state_dict().items()})
    for name, value in ours.state_dict().items():
        assert fresh.state_dict()[name].equal(value)


def test_state_that_does_not_fit_is_told_in_full():
    with pytest.raises(RuntimeError) as caught:
        nn.Linear(2, 3).load_state_dict({"weight": penlight.ones(3, 3), "z": penlight.ones(1)})
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Linear:\n"
        '\tMissing key(s) in state_dict: "bias". \n'
        '\tUnexpected key(s) in state_dict: "z". \n'
        "\tsize mismatch for weight: copying a param with shape torch.Size([3, 3]) from checkpoint, "
        "the shape in current model is torch.Size([3, 2])."
    )
    result = nn.Linear(2, 3).load_state_dict({"weight": penlight.ones(3, 2)}, strict=False)
    assert result.missing_keys == ["bias"] and result.unexpected_keys == []
    linear = nn.Linear(2, 3)
    assert str(linear.load_state_dict(nn.Linear(2, 3).state_dict())) == "<All keys matched successfully>"
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        linear.load_state_dict(3)
    with pytest.raises(RuntimeError, match=r"expected torch\.Tensor or Tensor-like object"):
        linear.load_state_dict({"weight": 3, "bias": penlight.ones(3)})


def test_loaded_state_is_a_copy_unless_assigned():
    linear, state = nn.Linear(2, 3), nn.Linear(2, 3).state_dict()
    kept = linear.weight
    linear.load_state_dict(state)
    assert linear.weight is kept and linear.weight.data_ptr() != state["weight"].data_ptr()
    linear.load_state_dict(state, assign=True)
    assert linear.weight.data_ptr() == state["weight"].data_ptr()
    assert isinstance(linear.weight, nn.Parameter) and linear.weight.requires_grad


def test_extra_state_and_hooks_of_state():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.count = 0

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    net, other = nn.Sequential(Counter()), nn.Sequential(Counter())
    net[0].count = 5
    other.load_state_dict(net.state_dict())
    assert other[0].count == 5
    calls = []
    net.register_state_dict_pre_hook(lambda module, prefix, keep: calls.append(prefix))
    net.register_state_dict_post_hook(lambda module, state, prefix, metadata: state.update(added=1))
    assert set(net.state_dict(prefix="net.")) == {"net.0._extra_state", "added"} and calls == ["net."]
    handle = net.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    net.load_state_dict({})
    handle.remove()
    with pytest.raises(RuntimeError, match="Missing key"):
        net.load_state_dict({})

"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict; nn.utils."""

from collections import OrderedDict

import pytest

import penlight
from penlight import nn


def kinds(modules):
    return [type(module).__name__ for module in modules]


def test_sequential_is_a_list_of_steps():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    net.append(nn.Tanh()).insert(1, nn.Sigmoid())
    assert kinds(net) == ["Linear", "Sigmoid", "ReLU", "Tanh"] and len(net) == 4
    assert list(net._modules) == ["0", "1", "2", "3"]
    assert kinds(net[1:3]) == ["Sigmoid", "ReLU"] and net[-1] is net[3]
    assert list(net[1:3]._modules) == ["1", "2"]
    net[0] = nn.Identity()
    del net[1]
    assert kinds(net) == ["Identity", "ReLU", "Tanh"] and kinds([net.pop(-1)]) == ["Tanh"]
    del net[:1]
    assert kinds(net.extend([nn.Tanh(), nn.Tanh()])) == ["ReLU", "Tanh", "Tanh"]
    assert kinds(net + nn.Sequential(nn.GELU())) == ["ReLU", "Tanh", "Tanh", "GELU"]
    assert kinds(2 * nn.Sequential(nn.ReLU())) == ["ReLU", "ReLU"]
    net *= 2
    assert len(net) == 6 and net(penlight.tensor([-1.0])).tolist() == [0.0]


def test_sequential_of_named_steps():
    net = nn.Sequential(OrderedDict(first=nn.Linear(1, 1), second=nn.ReLU()))
    assert net.first is net[0] and repr(net).startswith("Sequential(\n  (first): Linear")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda s: s[1], IndexError, "index 1 is out of range"),
        (lambda s: s["a"], TypeError, "cannot be interpreted as an integer"),
        (lambda s: s.insert(5, nn.ReLU()), IndexError, "Index out of range: 5"),
        (lambda s: s.insert(0, 3), AssertionError, "module should be of type"),
        (lambda s: s.append(3), TypeError, "int is not a Module subclass"),
        (lambda s: s.extend(3), TypeError, "'int' object is not iterable"),
        (lambda s: s.__add__([3]), ValueError, "add operator supports only objects of Sequential class"),
        (lambda s: s * 0, ValueError, "Non-positive multiplication factor 0"),
        (lambda s: s * 1.5, TypeError, "unsupported operand type"),
        (lambda s: nn.Sequential(3), TypeError, "int is not a Module subclass"),
    ],
)
def test_what_a_sequential_is_not(change, error, words):
    with pytest.raises(error, match=words):
        change(nn.Sequential(nn.ReLU()))


def test_module_list():
    modules = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    modules += [nn.GELU()]
    modules.insert(1, nn.Linear(1, 1))
    assert kinds(modules) == ["ReLU", "Linear", "Tanh", "GELU"] and len(list(modules.parameters())) == 2
    assert kinds(modules[::2]) == ["ReLU", "Tanh"] and kinds(modules.__add__([nn.ReLU()]))[-1] == "ReLU"
    assert kinds([modules.pop(1)]) == ["Linear"] and len(modules) == 3
    modules[-1] = nn.SiLU()
    del modules[0]
    assert kinds(modules) == ["Tanh", "SiLU"] and list(modules._modules) == ["0", "1"]
    with pytest.raises(TypeError, match=r"ModuleList\.extend should be called with an iterable, but got int"):
        nn.ModuleList(3)
    with pytest.raises(IndexError, match="index 7 is out of range"):
        modules[7]
    with pytest.raises(NotImplementedError):
        modules(1)


def test_module_dict():
    modules = nn.ModuleDict([["a", nn.ReLU()], ("b", nn.Tanh())])
    modules.update({"c": nn.GELU()})
    modules["d"] = nn.SiLU()
    assert list(modules) == ["a", "b", "c", "d"] and "c" in modules and len(modules) == 4
    assert kinds([modules.pop("c")]) == ["GELU"] and kinds(modules.values()) == ["ReLU", "Tanh", "SiLU"]
    del modules["a"]
    assert [key for key, _ in modules.items()] == ["b", "d"]
    modules.clear()
    assert not len(modules)
    with pytest.raises(KeyError):
        modules["x"]
    with pytest.raises(KeyError, match="attribute 'keys' already exists"):
        modules["keys"] = nn.ReLU()
    with pytest.raises(ValueError, match="has length 3; 2 is required"):
        nn.ModuleDict([[1, 2, 3]])
    with pytest.raises(TypeError, match="should be called with an iterable of key/value pairs"):
        nn.ModuleDict(3)


def test_parameter_list():
    values = nn.ParameterList([penlight.ones(2), nn.Parameter(penlight.zeros(1)), "note"])
    assert isinstance(values[0], nn.Parameter) and len(list(values.parameters())) == 2
    values.append(penlight.ones(3)).extend([1])
    assert len(values) == 5 and values[-1] == 1 and len(values[1:3]) == 2
    values[2] = penlight.ones(1)
    assert values.pop(0).tolist() == [1, 1] and [type(v) for v in values][-1] is int
    assert list(dict(values.named_parameters())) == ["0", "1", "2"]
    with pytest.raises(RuntimeError, match="ParameterList should not be called"):
        values()
    with pytest.raises(IndexError, match="index 9 is out of range"):
        values[9]


def test_parameter_dict():
    values = nn.ParameterDict({"a": penlight.ones(2), "b": 3})
    values["c"] = nn.Parameter(penlight.zeros(1))
    assert isinstance(values["a"], nn.Parameter) and list(values) == ["a", "b", "c"] and "b" in values
    assert values.get("x") is None and values.get("b") == 3 and values.setdefault("d", 5) == 5
    assert (values | {"e": 1})["e"] == 1 and "e" not in values and next(reversed(values)) == "d"
    assert values.popitem() == ("d", 5) and values.pop("b") == 3 and len(values) == 2
    assert values.copy()["a"] is values["a"]
    values.update([("z", penlight.ones(1))])
    assert [name for name, _ in values.named_parameters()] == ["a", "c", "z"]
    values.clear()
    with pytest.raises(KeyError, match=r"popitem\(\): dictionary is empty"):
        values.popitem()
    with pytest.raises(TypeError, match="is not a string"):
        values[3] = penlight.ones(1)
    with pytest.raises(RuntimeError, match="ParameterDict should not be called"):
        values(1)


def gradients(*values):
    parameters = []
    for value in values:
        parameter = nn.Parameter(penlight.zeros(len(value)))
        parameter.grad = penlight.tensor(value)
        parameters.append(parameter)
    return parameters


@pytest.mark.parametrize(("norm_type", "norm"), [(2.0, 13.0), (1.0, 19.0), (float("inf"), 12.0)])
def test_clipping_the_norm(norm_type, norm):
    parameters = gradients([3.0, 4.0], [-12.0])
    total = nn.utils.clip_grad_norm_(parameters, norm / 2, norm_type)
    assert total.item() == pytest.approx(norm)
    assert [x for p in parameters for x in p.grad.tolist()] == pytest.approx([1.5, 2.0, -6.0])
    nn.utils.clip_grad_norm_(parameters, 1e9, norm_type)
    assert [x for p in parameters for x in p.grad.tolist()] == pytest.approx([1.5, 2.0, -6.0])


def test_clipping_without_gradients_and_of_infinities():
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0
    assert nn.utils.clip_grad_norm_([nn.Parameter(penlight.ones(1))], 1.0).item() == 0
    with pytest.raises(RuntimeError, match="is non-finite, so it cannot be clipped"):
        nn.utils.clip_grad_norm_(gradients([penlight.inf]), 1.0, error_if_nonfinite=True)


def test_clipping_values():
    (parameter,) = gradients([3.0, -4.0, 0.5])
    nn.utils.clip_grad_value_(parameter, 1)
    assert parameter.grad.tolist() == [1.0, -1.0, 0.5]


def test_parameters_as_a_vector_and_back():
    net = nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (9,) and vector.requires_grad
    nn.utils.vector_to_parameters(penlight.arange(9.0), net.parameters())
    assert net.weight.tolist() == [[0, 1], [2, 3], [4, 5]] and net.bias.tolist() == [6, 7, 8]
    with pytest.raises(TypeError, match=r"expected torch.Tensor, but got: int"):
        nn.utils.vector_to_parameters(3, net.parameters())

"""Optimizers against PyTorch's: trajectories to the last steps, state both ways, errors."""

import copy

import numpy as np
import pytest

import penlight
from penlight import nn, optim

OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.01, "maximize": True}),
    ("Adam", {"lr": 0.02}),
    ("Adam", {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.02, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.02, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.02}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.3, "amsgrad": True}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.01, "weight_decay": 0.1, "maximize": True}),
]
NAMED = [pytest.param(*row, id=f"{row[0]}-{'-'.join(row[1])}") for row in OPTIMIZERS]

START = np.random.default_rng(1).standard_normal((4, 3)).astype("float32")
TARGETS = np.random.default_rng(2).standard_normal((4, 3)).astype("float32")


class Run:
    """A small problem in one library: two parameters, one of which meets gradients only at every other step."""

    def __init__(self, library, name, options):
        self.library = library
        self.wide = library.nn.Parameter(library.from_numpy(START.copy()))
        self.narrow = library.nn.Parameter(library.from_numpy(START[0].copy()))
        self.idle = library.nn.Parameter(library.from_numpy(START[1].copy()))
        self.targets = library.from_numpy(TARGETS.copy())
        groups = [{"params": [self.wide]}, {"params": [self.narrow, self.idle], "lr": 0.03}]
        self.optimizer = getattr(library.optim, name)(groups, **options)
        self.done = 0

    def steps(self, count):
        for _ in range(count):
            self.optimizer.zero_grad()
            loss = ((self.wide - self.targets) ** 2).sum()
            if self.done % 2:
                loss = loss + (self.narrow**4).sum()
            loss.backward()
            self.optimizer.step()
            self.done += 1
        return np.concatenate([p.detach().numpy().ravel() for p in (self.wide, self.narrow, self.idle)])


@pytest.mark.parametrize(("name", "options"), NAMED)
def test_trajectories_are_pytorchs(name, options):
    torch = pytest.importorskip("torch")
    ours, theirs = Run(penlight, name, options), Run(torch, name, options)
    for _ in range(6):
        np.testing.assert_allclose(ours.steps(5), theirs.steps(5), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("name", "options"), NAMED)
def test_printed_form_and_state_keys_are_pytorchs(name, options):
    torch = pytest.importorskip("torch")
    ours, theirs = Run(penlight, name, options), Run(torch, name, options)
    ours.steps(3), theirs.steps(3)
    assert repr(ours.optimizer) == repr(theirs.optimizer)
    mine, other = ours.optimizer.state_dict(), theirs.optimizer.state_dict()
    assert mine["param_groups"] == other["param_groups"]
    assert {k: set(v) for k, v in mine["state"].items()} == {k: set(v) for k, v in other["state"].items()}


def carried(state, library):
    """A state_dict with its tensors taken to another library."""
    entries = {
        number: {name: library.from_numpy(np.array(value.numpy())) for name, value in values.items()}
        for number, values in state["state"].items()
    }
    return {"state": entries, "param_groups": copy.deepcopy(state["param_groups"])}


@pytest.mark.parametrize(("name", "options"), NAMED)
def test_state_goes_over_to_pytorch_and_back(name, options):
    torch = pytest.importorskip("torch")
    expected = Run(penlight, name, options)
    ours, theirs = Run(penlight, name, options), Run(torch, name, options)
    expected.steps(9)
    for target, source, library in ((theirs, ours, torch), (ours, theirs, penlight)):
        source.steps(3)
        for place in ("wide", "narrow", "idle"):
            getattr(target, place).data = library.from_numpy(getattr(source, place).detach().numpy().copy())
        target.optimizer.load_state_dict(carried(source.optimizer.state_dict(), library))
        target.done = source.done
    np.testing.assert_allclose(ours.steps(3), expected.steps(0), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("name", "options"), NAMED)
def test_a_state_taken_over_goes_on_the_same(name, options):
    whole, first, second = (Run(penlight, name, options) for _ in range(3))
    expected = whole.steps(8)
    first.steps(4)
    second.wide.data, second.narrow.data = first.wide.data.clone(), first.narrow.data.clone()
    second.idle.data = first.idle.data.clone()
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.done = 4
    first.steps(2)  # must not move what the second one took over
    assert second.steps(4).tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax"])
def test_every_optimizer_finds_a_minimum(name):
    x = nn.Parameter(penlight.tensor([2.0, -3.0], dtype=penlight.float64))
    optimizer = getattr(optim, name)([x], lr={"Adagrad": 0.5, "Adadelta": 5.0}.get(name, 0.05))
    for _ in range(600):
        optimizer.zero_grad()
        loss = (x**2).sum()
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-2


def parameter():
    return nn.Parameter(penlight.ones(2))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: optim.SGD([]), ValueError, "optimizer got an empty parameter list"),
        (
            lambda: optim.SGD(parameter()),
            TypeError,
            "params argument given to the optimizer should be an iterable",
        ),
        (lambda: optim.SGD([3]), TypeError, "can only optimize Tensors, but one of the params is int"),
        (lambda: optim.SGD([parameter() * 2]), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda: optim.SGD([parameter()], lr=-1), ValueError, "Invalid learning rate: -1"),
        (lambda: optim.SGD([parameter()], lr=penlight.nan), ValueError, "Invalid learning rate: nan"),
        (lambda: optim.SGD([parameter()], momentum=-1), ValueError, "Invalid momentum value: -1"),
        (lambda: optim.SGD([parameter()], weight_decay=-1), ValueError, "Invalid weight_decay value: -1"),
        (
            lambda: optim.SGD([parameter()], nesterov=True),
            ValueError,
            "Nesterov momentum requires a momentum",
        ),
        (lambda: optim.Adam([parameter()], betas=(1, 2)), ValueError, "Invalid beta parameter at index 0: 1"),
        (
            lambda: optim.Adam([parameter()], betas=(0.1, 2)),
            ValueError,
            "Invalid beta parameter at index 1: 2",
        ),
        (lambda: optim.Adam([parameter()], eps=-1), ValueError, "Invalid epsilon value: -1"),
        (lambda: optim.RMSprop([parameter()], alpha=-1), ValueError, "Invalid alpha value: -1"),
        (lambda: optim.Adagrad([parameter()], lr_decay=-1), ValueError, "Invalid lr_decay value: -1"),
        (lambda: optim.Adadelta([parameter()], rho=2), ValueError, "Invalid rho value: 2"),
        (lambda: optim.SGD([{"params": {parameter()}}]), TypeError, "organized in ordered collections"),
        (lambda: optim.SGD([{"lr": 3}]), KeyError, "params"),
        (lambda: optim.SGD([("a", parameter()), parameter()]), ValueError, "Some param names are missing"),
        (lambda: optim.SGD([parameter()]).add_param_group(3), TypeError, "param_group must be a dict"),
        (
            lambda: optim.SGD([parameter()]).load_state_dict({"param_groups": [], "state": {}}),
            ValueError,
            "different number of parameter groups",
        ),
        (
            lambda: optim.SGD([parameter()]).load_state_dict({"param_groups": [{"params": []}], "state": {}}),
            ValueError,
            "doesn't match the size of optimizer's group",
        ),
    ],
)
def test_bad_arguments_are_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_parameter_belongs_to_one_group():
    p = parameter()
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([p, p])


def test_named_parameters_leave_their_names_in_the_state():
    net = nn.Linear(2, 3)
    assert optim.SGD(net.named_parameters()).state_dict()["param_groups"][0]["param_names"] == [
        "weight",
        "bias",
    ]


def test_zero_grad_drops_or_zeroes():
    p = parameter()
    optimizer = optim.SGD([p])
    p.sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0, 0]
    optimizer.zero_grad()
    assert p.grad is None


def test_a_closure_is_called_with_gradients_on():
    p = parameter()
    optimizer = optim.SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    with penlight.no_grad():
        assert optimizer.step(closure).item() == 2
    assert p.tolist() == [0.5, 0.5]


def test_hooks_are_called_around_a_step_until_removed():
    calls = []
    p = parameter()
    optimizer = optim.Adam([p])
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: calls.append("before")),
        optimizer.register_step_post_hook(lambda o, args, kwargs: calls.append("after")),
    ]
    optimizer.register_state_dict_post_hook(lambda o, state: state.update(extra=1))
    optimizer.step()
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert calls == ["before", "after"] and optimizer.state_dict()["extra"] == 1


def test_an_optimizer_of_ones_own():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @penlight.no_grad()
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(p.grad.sign() * group["lr"])

    p = parameter()
    (p * penlight.tensor([1.0, -1.0])).sum().backward()
    Signs([p], lr=0.5).step()
    assert p.tolist() == [0.5, 1.5]
    with pytest.raises(NotImplementedError):
        optim.Optimizer([p], {}).step()


def test_gradients_pass_through_a_step_where_it_is_differentiable():
    """One step p' = p - lr * 2 p has the derivative 1 - 2 lr."""
    leaf = penlight.tensor([3.0], requires_grad=True)
    p = leaf.clone()
    p.retain_grad()
    optimizer = optim.SGD([p], lr=0.1, differentiable=True)
    (p.grad,) = penlight.autograd.grad((p**2).sum(), p, create_graph=True)
    optimizer.step()
    (slope,) = penlight.autograd.grad(p.sum(), leaf)
    assert slope.item() == pytest.approx(0.8)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize(("name", "options"), NAMED)
def test_all_parameters_at_once_move_as_one_by_one(name, options, dtype):
    def run(at_once):
        rng = np.random.default_rng(0)
        kind = getattr(penlight, dtype)
        sizes = [(3,), (40, 500), (0,), (17, 33), (1,), (16384,), (2, 16385)]
        params = [nn.Parameter(penlight.from_numpy(rng.standard_normal(s)).to(kind)) for s in sizes]
        optimizer = getattr(optim, name)(params, **options)
        if not at_once:
            optimizer._update_all = lambda *_: False
        for _ in range(3):
            for param in params:
                param.grad = penlight.from_numpy(rng.standard_normal(param.shape)).to(kind)
            params[3].grad = None
            optimizer.step()
        return [param.detach().double().numpy() for param in params]

    tolerance = {"float32": 1e-5, "float64": 1e-12, "bfloat16": 0.05}[dtype]
    if dtype == "bfloat16" and options.get("centered"):
        tolerance = 0.5  # divides by the difference of two numbers that are nearly the same
    for ours, expected in zip(run(True), run(False), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance)


def test_parameters_that_share_memory_take_their_steps_in_turn():
    whole = penlight.ones(6)
    first, second = nn.Parameter(whole[:4]), nn.Parameter(whole[2:])
    optimizer = optim.SGD([first, second], lr=0.5)
    first.grad, second.grad = penlight.ones(4), penlight.ones(4)
    optimizer.step()
    assert whole.tolist() == [0.5, 0.5, 0.0, 0.0, 0.5, 0.5]


def test_strided_parameters_and_tensors_as_learning_rate():
    param = nn.Parameter(penlight.ones(3, 4).t())
    param.grad = penlight.full((4, 3), 2.0)
    optim.SGD([param], lr=0.25).step()
    assert param.tolist() == [[0.5] * 3] * 4
    other = nn.Parameter(penlight.ones(2))
    other.grad = penlight.ones(2)
    optim.SGD([other], lr=penlight.tensor(0.5)).step()
    assert other.tolist() == [0.5, 0.5]


def test_a_step_is_noticed_by_a_graph_that_kept_the_parameter():
    param = parameter()
    loss = (param * param).sum()
    param.grad = penlight.ones(2)
    optim.Adam([param]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()

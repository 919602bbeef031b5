"""Learning-rate schedules against PyTorch's, and by hand."""

import warnings

import pytest

import penlight
from penlight.optim import lr_scheduler

SCHEDULES = {
    "StepLR": lambda s, o: s.StepLR(o, 3, gamma=0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 9], gamma=0.5),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.5, 4),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.25, 0.75, 7),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 9, 2.0),
    "LambdaLR": lambda s, o: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (e + 1)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.9 if e % 2 else 0.8),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 5, eta_min=0.01),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=31),
    "OneCycleLR-linear": lambda s, o: s.OneCycleLR(
        o, [0.5, 0.3], epochs=8, steps_per_epoch=4, anneal_strategy="linear", three_phase=True, pct_start=0.4
    ),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=4), s.CosineAnnealingLR(o, 8), s.ExponentialLR(o, 0.9)], [4, 15]
    ),
    "SequentialLR-constant": lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.1, 20), s.StepLR(o, 2)], [6]),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9)]),
}


def rates(library, make, steps):
    p = library.nn.Parameter(library.ones(1))
    q = library.nn.Parameter(library.ones(1))
    optimizer = library.optim.SGD([{"params": [p]}, {"params": [q], "lr": 0.2}], lr=0.1, momentum=0.9)
    schedule = make(library.optim.lr_scheduler, optimizer)
    seen = []
    for _ in range(steps):
        seen.append([[group["lr"], group["momentum"]] for group in optimizer.param_groups])
        assert schedule.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
        optimizer.step()
        schedule.step()
    return seen, schedule


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, schedule = rates(penlight, SCHEDULES[name], 30)
    theirs, other = rates(torch, SCHEDULES[name], 30)
    for a, b in zip(ours, theirs, strict=True):
        for mine, its in zip(a, b, strict=True):
            assert mine == pytest.approx(its, rel=1e-12)
    assert getattr(schedule, "last_epoch", None) == getattr(other, "last_epoch", None)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_taken_up_again_goes_on_the_same(name):
    expected, _ = rates(penlight, SCHEDULES[name], 20)
    _, half = rates(penlight, SCHEDULES[name], 9)
    groups = half.optimizer.state_dict()["param_groups"]
    optimizer = penlight.optim.SGD(
        [{"params": [penlight.nn.Parameter(penlight.ones(1))]} for _ in range(2)], lr=0.1, momentum=0.9
    )
    optimizer.param_groups[1]["lr"] = 0.2
    schedule = SCHEDULES[name](lr_scheduler, optimizer)
    optimizer.load_state_dict({"state": {}, "param_groups": groups})
    schedule.load_state_dict(half.state_dict())
    seen = []
    for _ in range(9, 20):
        seen.append([[group["lr"], group["momentum"]] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    assert seen == expected[9:]


@pytest.mark.parametrize(
    "options", [{}, {"mode": "max", "threshold_mode": "abs", "threshold": 0.1}, {"cooldown": 2}]
)
def test_plateaus_are_pytorchs(options):
    torch = pytest.importorskip("torch")
    values = [5, 4, 4, 4, 4, 3.9999, 4, 4, 4, 4, 6, 6.05, 6.05, 6.05, 1, 1, 1, 1, 1, 1, 1, 1]
    seen = []
    for library in (penlight, torch):
        optimizer = library.optim.SGD([library.nn.Parameter(library.ones(1))], lr=1.0)
        schedule = library.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=0.5, patience=2, min_lr=0.05, **options
        )
        history = []
        for value in values:
            schedule.step(value)
            history.append((schedule.get_last_lr(), schedule.num_bad_epochs, schedule.best))
        seen.append(history)
    assert seen[0] == seen[1]


def test_a_step_schedule_by_hand():
    optimizer = penlight.optim.SGD([penlight.nn.Parameter(penlight.ones(1))], lr=0.5)
    schedule = lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    seen = []
    for _ in range(5):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert seen == [0.5, 0.5, 0.25, 0.25, 0.125]


def test_the_wrong_order_is_warned_of():
    optimizer = penlight.optim.SGD([penlight.nn.Parameter(penlight.ones(1))])
    schedule = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        schedule.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda s, o: s.StepLR(3, 3), TypeError, "int is not an Optimizer"),
        (lambda s, o: s.StepLR(o, 0), ValueError, "step_size must be positive"),
        (lambda s, o: s.StepLR(o, 2, last_epoch=3), KeyError, "initial_lr"),
        (lambda s, o: s.LinearLR(o, 2), ValueError, "Starting multiplicative factor"),
        (lambda s, o: s.LinearLR(o, 0.5, 2), ValueError, "Ending multiplicative factor"),
        (lambda s, o: s.ConstantLR(o, 2), ValueError, "Constant multiplicative factor"),
        (lambda s, o: s.LambdaLR(o, [abs, abs]), ValueError, "Expected 1 lr_lambdas, but got 2"),
        (lambda s, o: s.CosineAnnealingLR(o, 0), ValueError, "T_max must be positive"),
        (lambda s, o: s.CosineAnnealingWarmRestarts(o, 0), ValueError, "Expected positive integer T_0"),
        (lambda s, o: s.OneCycleLR(o, 0.1), ValueError, "You must define either total_steps"),
        (
            lambda s, o: s.OneCycleLR(o, 0.1, total_steps=0),
            ValueError,
            "Expected positive integer total_steps",
        ),
        (lambda s, o: s.OneCycleLR(o, 0.1, 10, pct_start=3), ValueError, "Expected float between 0 and 1"),
        (lambda s, o: s.OneCycleLR(o, 0.1, 10, anneal_strategy="x"), ValueError, "anneal_strategy must be"),
        (lambda s, o: s.ReduceLROnPlateau(o, "x"), ValueError, "mode x is unknown"),
        (lambda s, o: s.ReduceLROnPlateau(o, factor=2), ValueError, "Factor should be < 1.0"),
        (lambda s, o: s.SequentialLR(o, [], []), ValueError, "at least one scheduler"),
        (lambda s, o: s.SequentialLR(o, [s.StepLR(o, 2)], [3]), ValueError, "one more than the number of"),
    ],
)
def test_bad_arguments_are_named(make, error, words):
    optimizer = penlight.optim.SGD([penlight.nn.Parameter(penlight.ones(1))])
    with pytest.raises(error, match=words):
        make(lr_scheduler, optimizer)

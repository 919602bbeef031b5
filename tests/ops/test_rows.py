"""Every differentiable function of the surface has a row in ``tests/op_cases.py`` or in the tables of ``tests/nn``.

Whether a name is differentiable is found by calling it: with tensors that ask for gradients, and with the arguments
that operations take most often. Where a result is recorded, there must be a row.
"""

import inspect
import warnings

from cases import CASES
from op_cases import ROWS

import penlight

X = penlight.arange(1.0, 5.0, dtype=penlight.float64).reshape(2, 2) / 5
EXEMPT = {
    # Random numbers: nodes that say the gradient is zero (tests/ops/test_random.py).
    "normal_", "uniform_", "random_", "exponential_", "cauchy_", "log_normal_", "geometric_", "bernoulli_", "normal",
    # Of the engine itself, or of Python.
    "requires_grad_", "retain_grad", "register_hook", "__copy__", "__deepcopy__", "new_tensor", "as_subclass",
    "__setstate__", "set_", "apply_", "new",
    "bernoulli", "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
    "gumbel_softmax", "rrelu_",
}  # fmt: skip


def samples():
    def x():
        return X.clone().requires_grad_()

    def v():
        return penlight.tensor([0.1, 0.2, 0.3, 0.4], dtype=penlight.float64, requires_grad=True)

    def batch():
        return (penlight.arange(32.0).reshape(1, 2, 4, 4) / 40).requires_grad_()

    index = penlight.tensor([0, 1])
    mask = X > 0.3
    yield lambda: (x(),)
    yield lambda: (x(), x())
    yield lambda: (x(), x(), x())
    for numbers in [
        (0,),
        (1,),
        (2,),
        (0, 1),
        (0, 0, 1),
        (1, 1, 1),
        ((0,),),
        ((0,), (1,)),
        ((4,),),
        ((-1, 0), 0.5),
    ]:
        yield lambda numbers=numbers: (x(), *numbers)
        yield lambda numbers=numbers: (v(), *numbers)
    yield lambda: (v(),)
    yield lambda: (v(), v())
    yield lambda: (v(), v(), v())
    yield lambda: ([x(), x()],)
    yield lambda: ([v(), v()],)
    yield lambda: ([x(), x()], 0)
    yield lambda: ("ij,jk->ik", x(), x())
    yield lambda: (mask, x(), x())
    yield lambda: (x(), mask, x())
    yield lambda: (x(), mask, 0.5)
    yield lambda: (x(), mask)
    yield lambda: (x(), 0, index)
    yield lambda: (x(), 0, index, x())
    yield lambda: (x(), 0, index, 0.5)
    yield lambda: (x(), 0, index.reshape(1, 2), x())
    yield lambda: (x(), index)
    yield lambda: (x(), 0, index.reshape(1, 2), x(), "sum")
    yield lambda: (x(), (index,), v()[:2])
    yield lambda: (x(), x()[0], 0, 1)
    yield lambda: (x(), v()[:2], v()[:2])
    yield lambda: (batch(),)
    yield lambda: (batch(), 2)
    yield lambda: (batch(), batch())
    yield lambda: (batch(), batch(), batch())
    yield lambda: (x(), penlight.tensor([1, 0]))
    yield lambda: (index, x())
    yield lambda: (batch()[0], batch()[0], batch()[0])
    yield lambda: (x(), batch()[0, :, :2, :2], batch()[0, :, :2, :2])
    yield lambda: (x(), None, None)
    yield lambda: (x(), (1, 2))
    yield lambda: (batch(), 1)
    yield lambda: (v().reshape(1, 4), 1, (2, 2))


def outputs(result):
    for one in result if isinstance(result, (tuple, list)) else [result]:
        if isinstance(one, penlight.Tensor):
            yield one


def is_recorded(name, function) -> bool:
    """Does the function ever give a result with a history?"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in samples():
            arguments = sample()
            if (name.endswith("_") and not name.endswith("__")) or name.startswith("Tensor.__i"):
                arguments = tuple(
                    a * 1 if isinstance(a, penlight.Tensor) and a.requires_grad and a.is_leaf else a
                    for a in arguments
                )
            before = [(a, a.grad_fn) for a in arguments if isinstance(a, penlight.Tensor)]
            try:
                result = function(*arguments)
                for output in outputs(result):
                    if output.grad_fn is not None and not any(
                        output is a and output.grad_fn is n for a, n in before
                    ):
                        return True
            except Exception:
                continue
    return False


def surface():
    for prefix, place in (
        ("", penlight), ("Tensor.", penlight.Tensor), ("linalg.", penlight.linalg),
        ("nn.functional.", penlight.nn.functional),
    ):  # fmt: skip
        for name in dir(place):
            value = getattr(place, name)
            special = name.startswith("__") and prefix == "Tensor."
            if callable(value) and not inspect.isclass(value) and (special or not name.startswith("_")):
                yield prefix + name, value


def bare(name: str) -> str:
    """Functions and methods of one name are one operation."""
    return name.rsplit(".", 1)[-1]


def covered() -> set[str]:
    names = set()
    for row in ROWS:
        names |= {row.name.split(" ")[0], row.in_place or "", *row.covers}
    names |= {bare(name) for name in names}
    return names | {case.name.split("-")[0] for case in CASES}


def test_every_differentiable_function_has_a_row():
    rows = covered()
    missing = [
        name
        for name, function in surface()
        if bare(name) not in rows | EXEMPT and is_recorded(name, function)
    ]
    assert not missing, f"give these a row in tests/op_cases.py (or tests/nn): {' '.join(missing)}"


def test_a_function_without_a_row_would_be_found():
    assert is_recorded("sin", penlight.sin) and is_recorded("Tensor.sin_", penlight.Tensor.sin_)
    assert is_recorded("nn.functional.conv2d", penlight.nn.functional.conv2d)
    assert not is_recorded("isnan", penlight.isnan)
    assert not is_recorded("zeros_like", penlight.zeros_like)

"""One row for each differentiable operation of the surface.

A row says how an operation is called and with what. Inputs are NumPy arrays, so that the same row serves penlight
and PyTorch: float64 arrays become tensors that are differentiated, arrays of other types plain tensors. What is
tested over the rows stands in ``tests/ops/test_derivatives.py``.

The first argument of a call is the library (penlight or torch), the others are the sample's.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Row:
    """An operation.

    name: what it is called on the library ("sin"), on tensors ("Tensor.sin") or in a module ("nn.functional.relu").
    samples: tuples of arguments.
    call: how it is called, where that is not by its name.
    twice: can its gradient be differentiated again?
    in_place: the method of the same operation in place, or None.
    torch: is it PyTorch's too?
    covers: other names on the surface for the same operation.
    """

    name: str
    samples: list[tuple[Any, ...]]
    call: Callable[..., Any]
    twice: bool = True
    in_place: str | None = None
    torch: bool = True
    covers: tuple[str, ...] = ()
    tolerance: float = 1e-9
    arrays: int = field(default=0)

    def __str__(self) -> str:
        return self.name


ROWS: list[Row] = []


def row(
    name: str,
    samples: Callable[[Numbers], Iterable[Any]],
    call: Callable[..., Any] | None = None,
    **options: Any,
) -> None:
    if call is None:

        def call(library, *arguments):
            if name.startswith("Tensor."):
                return getattr(arguments[0], name.removeprefix("Tensor."))(*arguments[1:])
            function = library
            for part in name.split("."):
                function = getattr(function, part)
            return function(*arguments)

    made = [s if isinstance(s, tuple) else (s,) for s in samples(Numbers(name))]
    ROWS.append(Row(name, made, call, **options))


class Numbers:
    """Arrays of random float64 numbers, the same at every run."""

    def __init__(self, name: str) -> None:
        self.random = np.random.default_rng(zlib.crc32(name.encode()))

    def __call__(self, *shape: int, low: float = -2.0, high: float = 2.0) -> np.ndarray:
        return np.asarray(self.random.uniform(low, high, shape))

    def apart(self, *shape: int) -> np.ndarray:
        """No two equal, and far enough apart for differences to be taken."""
        count = int(np.prod(shape))
        return (self.random.permutation(count) * 0.31 - 0.1 * count + 0.07).reshape(shape)

    def integers(self, high: int, *shape: int) -> np.ndarray:
        return self.random.integers(0, high, shape)

    def mask(self, *shape: int) -> np.ndarray:
        return self.random.random(shape) < 0.5


SHAPES = [(), (1,), (3,), (2, 3), (2, 1, 2), (0,), (2, 0)]


def shapes(low: float = -2.0, high: float = 2.0) -> Callable[[Numbers], Iterable[Any]]:
    return lambda r: [r(*shape, low=low, high=high) for shape in SHAPES]


def flat(*samples: Callable[[Numbers], Iterable[Any]]) -> Callable[[Numbers], Iterable[Any]]:
    return lambda r: [s for make in samples for s in make(r)]


PAIRS = [
    ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)), ((2,), ()), ((), ()), ((0,), (1,)),
    ((1, 2), (2, 1, 1)),
]  # fmt: skip


def pairs(
    low: float = -2.0, high: float = 2.0, low2: float | None = None, high2: float | None = None
) -> Callable[[Numbers], Iterable[Any]]:
    low2, high2 = low if low2 is None else low2, high if high2 is None else high2
    return lambda r: [(r(*a, low=low, high=high), r(*b, low=low2, high=high2)) for a, b in PAIRS]


# ---- elementwise, one tensor

for _name, _low, _high in [
    ("abs", -2, 2), ("neg", -2, 2), ("square", -2, 2), ("reciprocal", 0.3, 2), ("exp", -2, 2),
    ("exp2", -2, 2), ("expm1", -2, 2), ("log", 0.2, 3), ("log2", 0.2, 3), ("log10", 0.2, 3),
    ("log1p", -0.8, 2), ("sqrt", 0.2, 3), ("rsqrt", 0.2, 3), ("sin", -3, 3), ("cos", -3, 3),
    ("tan", -1.2, 1.2), ("asin", -0.9, 0.9), ("acos", -0.9, 0.9), ("atan", -3, 3), ("sinh", -2, 2),
    ("cosh", -2, 2), ("tanh", -2, 2), ("asinh", -2, 2), ("acosh", 1.2, 3), ("atanh", -0.9, 0.9),
    ("sigmoid", -3, 3), ("erf", -2, 2), ("erfc", -2, 2), ("erfinv", -0.8, 0.8), ("lgamma", 0.3, 4),
    ("floor", -3, 3), ("ceil", -3, 3), ("round", -3, 3), ("trunc", -3, 3), ("frac", -3, 3),
    ("relu", -2, 2), ("sign", -2, 2), ("deg2rad", -90, 90), ("rad2deg", -2, 2), ("sinc", 0.2, 3),
]:  # fmt: skip
    _others = {
        "abs": ("absolute", "absolute_", "__abs__"), "neg": ("negative", "negative_", "__neg__"),
        "sign": ("sgn", "sgn_"), "trunc": ("fix", "fix_"), "acos": ("arccos", "arccos_"),
        "asin": ("arcsin", "arcsin_"), "atan": ("arctan", "arctan_"), "acosh": ("arccosh", "arccosh_"),
        "asinh": ("arcsinh", "arcsinh_"), "atanh": ("arctanh", "arctanh_"),
        "erf": ("special.erf",), "erfc": ("special.erfc",), "sinc": ("special.sinc",),
        "sigmoid": ("special.expit",),
    }.get(_name, ())  # fmt: skip
    row(_name, shapes(_low, _high), in_place=_name + "_", covers=_others)
row("digamma", shapes(0.4, 4), in_place="digamma_")
row("polygamma", lambda r: [(n, r(*s, low=0.4, high=4)) for n in (1, 2, 3, 5) for s in ((), (3,), (2, 3), (0,))],
    tolerance=1e-8)  # fmt: skip
row("polygamma in place", lambda r: [(r(*s, low=0.4, high=4), n) for n in (1, 2) for s in ((), (2, 3))],
    lambda T, x, n: x.polygamma(n), in_place="polygamma_", covers=("Tensor.polygamma_",), tolerance=1e-8)  # fmt: skip
row("logit", flat(shapes(0.1, 0.9), lambda r: [(r(4, low=0.2, high=0.8), 0.1)]), in_place="logit_")
row(
    "nan_to_num",
    lambda r: [
        r(3),
        np.array([1.0, np.nan, 2.0]),
        (np.array([np.inf, -np.inf, np.nan, 0.5]), 1.0, 2.0, -3.0),
    ],
    in_place="nan_to_num_",
    twice=False,
)
row("positive", shapes(), covers=("__pos__",))
row("clone", shapes(), covers=("Tensor.clone", "_clone"))
row("Tensor.contiguous", shapes())
row("Tensor.to", shapes(), lambda T, x: x.to(T.float32).to(T.float64), tolerance=1e-6, twice=False, covers=(
    "Tensor.float", "Tensor.double", "Tensor.half", "Tensor.bfloat16", "Tensor.type", "Tensor.type_as",
    "Tensor._cast", "Tensor.cpu",
))  # fmt: skip

# ---- elementwise, two and three

row(
    "add",
    flat(pairs(), lambda r: [(r(3), 2.5), (r(), 1)]),
    in_place="add_",
    covers=("__add__", "__radd__", "__iadd__"),
)
row("add alpha", lambda r: [(r(2, 3), r(3))], lambda T, x, y: T.add(x, y, alpha=-1.5))
row("sub", flat(pairs(), lambda r: [(r(3), 2.5)]), in_place="sub_",
    covers=("subtract", "__sub__", "subtract_", "__isub__"))  # fmt: skip
row("sub alpha", lambda r: [(r(2, 3), r(3))], lambda T, x, y: T.sub(x, y, alpha=2.5))
row("rsub", flat(pairs(), lambda r: [(r(3), 2.5)]), covers=("__rsub__",))
row("mul", flat(pairs(), lambda r: [(r(3), 2.5)]), in_place="mul_",
    covers=("multiply", "multiply_", "__mul__", "__rmul__", "__imul__"))  # fmt: skip
row("div", flat(pairs(0.5, 2), lambda r: [(r(3), 2.5)]), in_place="div_",
    covers=("divide", "true_divide", "divide_", "true_divide_", "__truediv__", "__itruediv__"))  # fmt: skip
row("Tensor.__rtruediv__", lambda r: [(r(3, low=0.5, high=2), 2.5)], lambda T, x, n: n / x)
row("div floor", flat(pairs(0.5, 2), lambda r: [(r(3), 0.7)]),
    lambda T, x, y: T.div(x, y, rounding_mode="floor"))  # fmt: skip
row("div trunc", flat(pairs(0.5, 2), lambda r: [(r(3), 0.7)]),
    lambda T, x, y: T.div(x, y, rounding_mode="trunc"))  # fmt: skip
row("floor_divide", lambda r: [(r(3), r(3, low=0.5, high=1))],
    lambda T, x, y: T.floor_divide(x, y) + x, in_place=None, torch=False,
    covers=("floor_divide_", "__floordiv__", "__rfloordiv__", "__ifloordiv__"))  # fmt: skip
row("remainder", flat(pairs(0.5, 2), lambda r: [(r(3), 0.7), (r(3), -0.7)]), in_place="remainder_",
    covers=("__mod__", "__imod__"))  # fmt: skip
row("fmod", flat(pairs(0.5, 2), lambda r: [(r(3), 0.7)]), in_place="fmod_")
row("pow", flat(
    pairs(0.3, 2, -2, 2),
    lambda r: [(r(3), n) for n in (2, 3, 1, 0, 4, 2.0)] + [(r(3, low=0.3), n) for n in (0.5, -1, -2, 1.5, -0.5)],
), in_place="pow_", covers=("__pow__", "__ipow__", "float_power"))  # fmt: skip
row("Tensor.__rpow__", lambda r: [(r(3), 2.5), (r(2, 2), 2)], lambda T, x, n: n**x)
row("Tensor.__rmod__", lambda r: [(r(3, low=0.5, high=2), 2.5)], lambda T, x, n: n % x, torch=False)
row("atan2", pairs(0.3, 2), in_place="atan2_", covers=("arctan2", "arctan2_"))
row("hypot", pairs(0.3, 2), in_place="hypot_")
row("copysign", flat(pairs(0.3, 2), lambda r: [(r(3), -1.0)]), in_place="copysign_")
row("maximum", pairs(), covers=("maximum_",))
row("minimum", pairs(), covers=("minimum_",))
row("fmax", flat(pairs(), lambda r: [(np.array([1.0, np.nan]), np.array([np.nan, 2.0]))]), twice=False,
    covers=("fmax_",))  # fmt: skip
row("fmin", flat(pairs(), lambda r: [(np.array([1.0, np.nan]), np.array([np.nan, 2.0]))]), twice=False,
    covers=("fmin_",))  # fmt: skip
row("logaddexp", pairs())
row("logaddexp2", pairs())
row("xlogy", flat(pairs(0.3, 2), lambda r: [(r(3), 2.0)]), in_place="xlogy_", covers=("special.xlogy",))
row("where", lambda r: [
    (r.mask(2, 3), r(2, 3), r(3)), (r.mask(3), r(2, 3), r()), (r.mask(3), r(3), 1.5), (r.mask(3), 2.0, r(3)),
    (r.mask(0), r(0), r(1)),
])  # fmt: skip
row("clamp", lambda r: [
    (r(2, 3), -0.5, 0.8), (r(3), None, 0.5), (r(3), 0.1, None), (r(2, 3), r(3), r(3) + 2.5), (r(3), 0.5, -0.5),
    (r(), -1, 1), (r(0), -1, 1), (r(3), r(3), None),
], in_place="clamp_", covers=("clip", "clip_"))  # fmt: skip
row("clamp_min", lambda r: [(r(3), 0.1), (r(2, 3), r(3))], in_place="clamp_min_")
row("clamp_max", lambda r: [(r(3), 0.1), (r(2, 3), r(3))], in_place="clamp_max_")
row("addcmul", lambda r: [(r(2, 3), r(3), r(2, 1)), (r(), r(), r())],
    lambda T, x, a, b: T.addcmul(x, a, b, value=0.7))  # fmt: skip
row(
    "Tensor.addcmul_",
    lambda r: [(r(2, 3), r(3), r(2, 1))],
    lambda T, x, a, b: (x + 0).addcmul_(a, b, value=2),
)
row("addcdiv", lambda r: [(r(2, 3), r(3), r(2, 1, low=0.5))],
    lambda T, x, a, b: T.addcdiv(x, a, b, value=0.7))  # fmt: skip
row(
    "Tensor.addcdiv_",
    lambda r: [(r(2, 3), r(3), r(2, 1, low=0.5))],
    lambda T, x, a, b: (x + 0).addcdiv_(a, b),
)
row("lerp", lambda r: [(r(3), r(3), 0.3), (r(3), r(3), 0.8), (r(2, 3), r(3), r(2, 1, low=0, high=1))],
    in_place="lerp_")  # fmt: skip
row("Tensor.masked_fill", lambda r: [(r(2, 3), r.mask(2, 3), 1.5), (r(2, 3), r.mask(3), r())],
    in_place="masked_fill_", covers=("masked_fill",))  # fmt: skip
row("heaviside of a difference", lambda r: [(r(3),)],
    lambda T, x: T.heaviside(x.detach(), T.tensor([0.5], dtype=x.dtype)) * x)  # fmt: skip

# ---- reductions

ALONG = [((3,), 0), ((2, 3), 1), ((2, 3), -2), ((2, 3, 2), 1), ((1, 3), 0), ((), 0), ((0, 2), 1)]


def along(*, empty: bool = True, apart: bool = False, low: float = -2, high: float = 2) -> Any:
    def make(r):
        for shape, dim in ALONG:
            x = r.apart(*shape) if apart else r(*shape, low=low, high=high)
            if x.size and (empty or x.shape != ()):
                yield x, dim
                yield x, dim, True

    return make


def several(r, empty=True):
    # PyTorch itself trips over an empty list with logsumexp and var.
    for dims in ((0,), (0, 1), (-1, 0), (0, 1, 2), *([()] if empty else [])):
        yield r(2, 3, 2), dims
        yield r(2, 3, 2), dims, True


row("sum", flat(shapes(), along(), several, lambda r: [(r(0, 2), 0)]))
row("mean", flat(lambda r: [r(), r(3), r(2, 3)], along(), several))
row("nansum", flat(lambda r: [r(), r(3), np.array([1.0, np.nan])], along()))
row("nanmean", flat(lambda r: [r(3), np.array([1.0, np.nan, 3.0])], along()), twice=False)
row("prod", flat(shapes(), along(), lambda r: [
    np.array([1.0, 0.0, 3.0]), np.array([0.0, 0.0, 3.0]), (np.array([[1.0, 0.0], [0.0, 0.0]]), 1),
]))  # fmt: skip
row("var", flat(lambda r: [r(3), r(2, 3)], along(empty=False)), lambda T, x, *d: T.var(x, *d[:1],
    correction=0, keepdim=len(d) > 1) if d else T.var(x))  # fmt: skip
row(
    "var of several",
    lambda r: several(r, empty=False),
    lambda T, x, d, k=False: T.var(x, d, correction=0.5, keepdim=k),
)
row("std", flat(lambda r: [r(3), r(2, 3)]))
row("std of several", lambda r: [(r(2, 3, 2), (0, 2)), (r(2, 3, 2), (1,), True)],
    lambda T, x, d, k=False: T.std(x, d, correction=0, keepdim=k))  # fmt: skip
row("var_mean", lambda r: [(r(2, 3), 1), (r(3), 0)])
row("std_mean", lambda r: [(r(2, 3), 1), (r(3), 0)])
row("amax", flat(lambda r: [r.apart(3), r.apart(2, 3), r.apart()], along(apart=True)))
row("amin", flat(lambda r: [r.apart(3), r.apart(2, 3)], along(apart=True)))
row("aminmax", lambda r: [r.apart(3), r.apart(2, 3)], lambda T, x: tuple(T.aminmax(x)))
row("aminmax along", lambda r: [(r.apart(2, 3), 1)], lambda T, x, d: tuple(T.aminmax(x, dim=d)))
row("max", flat(lambda r: [r.apart(3), r.apart(2, 3), r.apart()], lambda r: [(r(3), r(3)), (r(2, 1), r(3))]))
row("min", flat(lambda r: [r.apart(3), r.apart(2, 3), r.apart()], lambda r: [(r(3), r(3)), (r(2, 1), r(3))]))
for _name in ("max", "min"):
    row(f"{_name} along", along(apart=True), lambda T, *a, _f=_name: tuple(getattr(T, _f)(*a)))
row("logsumexp", flat(along(), lambda r: several(r, empty=False)))
row(
    "logcumsumexp",
    lambda r: [(r(3), 0), (r(2, 3), 1), (r(2, 3), 0), (r(), 0), (r(0, 2), 0), (r(2, 3, 2), -2)],
)
# PyTorch's gradient goes through logarithms as great as the numbers, which bfloat16 rounds.
row(
    "logcumsumexp far apart",
    lambda r: [(r(4, low=-800, high=800), 0)],
    lambda T, *a: T.logcumsumexp(*a),
    torch=False,
)
row("cumsum", lambda r: [(r(3), 0), (r(2, 3), 1), (r(2, 3), 0), (r(), 0), (r(0, 2), 0), (r(2, 3, 2), 1)],
    in_place="cumsum_")  # fmt: skip
row("cumprod", lambda r: [
    (r(3), 0), (r(2, 3), 1), (r(2, 3), 0), (r(), 0), (r(0, 2), 0), (np.array([1.0, 0.0, 2.0, 0.0]), 0),
], in_place="cumprod_")  # fmt: skip
row("norm", lambda r: [r(3), r(2, 3)] + [(r(2, 3), p, d) for p in (2, 1, 3, 1.5, float("inf")) for d in (0, 1)] +
    [(r(2, 3), 2, 1, True)])  # fmt: skip
row("linalg.vector_norm", lambda r: [r(3), (r(2, 3), 1), (r(2, 3), 3, 0), (r(2, 3), 2, (0, 1), True)])
row("linalg.norm", lambda r: [r(3), r(2, 3), (r(3), 1), (r(2, 3), "fro")])
row("dist", lambda r: [(r(3), r(3)), (r(2, 3), r(3), 1)])
row("diff", lambda r: [r(4), (r(3, 4), 2), (r(3, 4), 1, 0), (r(1),)])
row("trapezoid", lambda r: [(r(4),), (r(2, 4), r(4))], covers=("trapz",))
row("trapezoid dx", lambda r: [(r(4),)], lambda T, y: T.trapezoid(y, dx=0.5))
row("Tensor.sum_to_size", lambda r: [(r(2, 3), 1, 3), (r(2, 3), (2, 1)), (r(2, 3), (1,))])
row("trace", lambda r: [r(3, 3), r(2, 3)])

# ---- shapes and views

row("Tensor.view", lambda r: [(r(2, 3), 6), (r(2, 3), -1, 2), (r(), 1), (r(1), ()), (r(0, 2), 0)])
row("reshape", lambda r: [(r(2, 3), (6,)), (r(2, 3), (-1, 2)), (r(), (1,)), (r(0, 2), (0,))],
    covers=("Tensor.reshape",))  # fmt: skip
row("Tensor.view_as", lambda r: [(r(2, 3), r(3, 2))], lambda T, x, y: x.view_as(y) + y,
    covers=("Tensor.reshape_as",))  # fmt: skip
row("permute", lambda r: [(r(2, 3, 2), (2, 0, 1)), (r(2, 3), (-1, 0)), (r(), ())], covers=("Tensor.permute",))
row("transpose", lambda r: [(r(2, 3), 0, 1), (r(2, 3, 2), -1, 0), (r(), 0, 0)], in_place="transpose_",
    covers=("swapaxes", "swapdims", "swapaxes_", "swapdims_"))  # fmt: skip
row("t", lambda r: [r(2, 3), r(3), r()], in_place="t_")
row("Tensor.T", lambda r: [r(2, 3)], lambda T, x: x.T * x.mT, covers=("Tensor.mT", "Tensor.H", "Tensor.mH"))
row("adjoint", lambda r: [r(2, 3), r(2, 2, 3)])
row("movedim", lambda r: [(r(2, 3, 2), 0, 2), (r(2, 3, 2), (0, 1), (2, 0))], covers=("moveaxis",))
row("Tensor.expand", lambda r: [(r(3), 2, 3), (r(2, 1), -1, 3), (r(), 2), (r(1), 0), (r(2, 1), (4, 2, 1))])
row("Tensor.expand_as", lambda r: [(r(3), r(2, 3))], lambda T, x, y: x.expand_as(y) * y)
row("broadcast_to", lambda r: [(r(3), (2, 3)), (r(), (2,))])
row("broadcast_tensors", lambda r: [(r(3), r(2, 1))])
row("squeeze", lambda r: [r(1, 3, 1), (r(1, 3, 1), 0), (r(1, 3, 1), (0, 2)), (r(2, 3), 0), r()],
    in_place="squeeze_")  # fmt: skip
row("unsqueeze", lambda r: [(r(2, 3), 0), (r(2, 3), -1), (r(2, 3), 1), (r(), 0)], in_place="unsqueeze_")
row("flatten", lambda r: [r(2, 3), (r(2, 3, 2), 1), (r(2, 3, 2), 0, 1), r(), r(3)])
row("unflatten", lambda r: [(r(6), 0, (2, 3)), (r(2, 6), -1, (-1, 2))])
row("ravel", lambda r: [r(2, 3), r()])
row("select", lambda r: [(r(2, 3), 0, 1), (r(2, 3), 1, -1), (r(3), 0, 0)])
row("narrow", lambda r: [(r(2, 3), 1, 1, 2), (r(4), 0, -2, 1), (r(4), 0, 4, 0)])
row("Tensor.__getitem__", lambda r: [
    (r(2, 3), 0), (r(2, 3), (slice(None), 1)), (r(2, 3), (Ellipsis, None, slice(0, 2))), (r(5), slice(1, 5, 2)),
    (r(), ()), (r(2, 3), (None, 1, slice(3, 1))),
])  # fmt: skip
row("as_strided", lambda r: [(r(6), (2, 2), (1, 2)), (r(6), (3, 2), (1, 1), 1), (r(6), (2, 2), (0, 1))])
row("diagonal", lambda r: [r(3, 3), (r(2, 3), 1), (r(3, 2), -1), (r(2, 3, 2), 0, 0, 2), (r(2, 2), 5)],
    covers=("linalg.diagonal",))  # fmt: skip
row("diag", lambda r: [r(3), r(3, 3), (r(2), 1), (r(2), -2), (r(2, 3), 1)])
row("diag_embed", lambda r: [r(2, 3), (r(3), 1)])
row("diagflat", lambda r: [r(2, 2), (r(3), -1)])
row("Tensor.unfold", lambda r: [(r(5), 0, 2, 1), (r(5), 0, 2, 2), (r(2, 5), 1, 3, 2), (r(), 0, 1, 1)])
row("split", lambda r: [(r(5), 2), (r(5), [1, 4]), (r(2, 4), 2, 1)])
row("split_with_sizes", lambda r: [(r(5), [1, 4])])
row("chunk", lambda r: [(r(5), 2), (r(2, 4), 2, 1)])
row("tensor_split", lambda r: [(r(5), 2), (r(5), (1, 3))])
row("hsplit", lambda r: [(r(2, 4), 2), (r(4), 2)])
row("vsplit", lambda r: [(r(4, 2), 2)])
row("dsplit", lambda r: [(r(2, 2, 4), 2)])
row("unbind", lambda r: [r(2, 3), (r(2, 3), 1)])
row("Tensor.__iter__", lambda r: [r(2, 3)], lambda T, x: tuple(x))
row("Tensor.__reversed__", lambda r: [r(3)], lambda T, x: reversed(x))

# ---- joined and rearranged

for _name, _others in (("cat", ("concat", "concatenate")), ("stack", ())):
    row(_name, lambda r: [(r(2, 3), r(2, 3)), (r(3), r(3), r(3)), (r(0), r(0))],
        lambda T, *x, _f=_name: getattr(T, _f)(x), covers=_others)  # fmt: skip
    row(f"{_name} along", lambda r: [(r(2, 3), r(2, 3))], lambda T, *x, _f=_name: getattr(T, _f)(x, -1))
row("cat of an input twice", lambda r: [(r(2, 3), r(1, 3))], lambda T, x, y: T.cat([x, y, x]))
for _name in ("hstack", "vstack", "dstack", "column_stack"):
    row(_name, lambda r: [(r(3), r(3)), (r(2, 3), r(2, 3))], lambda T, *x, _f=_name: getattr(T, _f)(x),
        covers=("row_stack",) if _name == "vstack" else ())  # fmt: skip
row("block_diag", lambda r: [(r(2, 3), r(1, 2)), (r(3), r(2, 2))])
row("flip", lambda r: [(r(3), (0,)), (r(2, 3), (0, 1)), (r(2, 3), (-1,)), (r(0, 2), (0,))],
    covers=("Tensor.flip",))  # fmt: skip
row("fliplr", lambda r: [r(2, 3)])
row("flipud", lambda r: [r(2, 3)])
row("rot90", lambda r: [r(2, 3), (r(2, 3), 2), (r(2, 3), 3, (0, 1)), (r(2, 2, 3), -1, (1, 2))])
row("roll", lambda r: [(r(4), 1), (r(2, 3), 2), (r(2, 3), (1, -1), (0, 1)), (r(2, 3), 1, 1)])
row("Tensor.repeat", lambda r: [(r(3), 2), (r(2, 3), 1, 2), (r(3), 2, 2), (r(), 3), (r(3), 0)])
row("tile", lambda r: [(r(3), (2,)), (r(2, 3), (2,)), (r(3), (2, 2))], covers=("Tensor.tile",))
row("tril", lambda r: [r(3, 3), (r(2, 3), 1), (r(2, 3, 2), -1)], in_place="tril_")
row("triu", lambda r: [r(3, 3), (r(2, 3), 1), (r(2, 3, 2), -1)], in_place="triu_")
row("constant_pad_nd", lambda r: [(r(3), (1, 2)), (r(2, 3), (0, 1, 2, 0), 1.5), (r(4), (-1, 1))])
row("select_scatter", lambda r: [(r(2, 3), r(3), 0, 1), (r(2, 3), r(2), 1, -1)])
row("slice_scatter", lambda r: [(r(4, 2), r(2, 2), 0, 1, 3), (r(4), r(2), 0, 0, 4, 2)])
row("diagonal_scatter", lambda r: [(r(3, 3), r(3)), (r(2, 3), r(2), 1)])
row("atleast_1d", lambda r: [r(), r(3)])
row("atleast_2d", lambda r: [r(), r(3)])
row("atleast_3d", lambda r: [r(), r(3), r(2, 3)])
row("meshgrid", lambda r: [(r(2), r(3))], lambda T, *x: T.meshgrid(*x, indexing="ij"))
row("meshgrid xy", lambda r: [(r(2), r(3))], lambda T, *x: T.meshgrid(*x, indexing="xy"))
row("cartesian_prod", lambda r: [(r(2), r(3))])
row("combinations", lambda r: [(r(4),), (r(3), 2, True)])

# ---- in place

row("Tensor.copy_", lambda r: [(r(2, 3), r(3)), (r(2, 3), r(2, 3))], lambda T, x, y: (x * 2).copy_(y))
row("Tensor.fill_", lambda r: [(r(3), r())], lambda T, x, y: (x * 2).fill_(y) * x)
row("Tensor.zero_", lambda r: [r(3)], lambda T, x: (x * 2).zero_() + x)
row("Tensor.__setitem__", lambda r: [(r(3, 2), r(2)), (r(3, 2), r(1, 2))], lambda T, x, y: _set(x * 2, 1, y))
row("Tensor.__setitem__ of a slice", lambda r: [(r(4), r(2)), (r(4), 1.5)],
    lambda T, x, y: _set(x * 2, slice(0, 4, 2), y))  # fmt: skip


def _set(x, index, value):
    x[index] = value
    return x


# The other families stand in files of their own, which add their rows to the table above.
import op_cases_nets  # noqa: E402, F401
import op_cases_numbers  # noqa: E402, F401
import op_cases_places  # noqa: E402, F401
import op_cases_products  # noqa: E402, F401

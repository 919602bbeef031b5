"""Rows of functions of numbers and of statistics that are made of other operations; see op_cases.py."""

import numpy as np
from op_cases import row

NAN = float("nan")


def flat(found):
    return tuple(found)


row("quantile", lambda r: [(r.apart(5), 0.3), (r.apart(2, 3), 0.5, 1), (r.apart(3, 2), 1.0, 0, True), (r.apart(),
    0.5)], covers=("Tensor.quantile",))  # fmt: skip
row("quantile of several", lambda r: [(r.apart(2, 4),)],
    lambda T, x: T.quantile(x, T.tensor([0.1, 0.5, 0.95], dtype=x.dtype), 1, True))  # fmt: skip
for _kind in ("lower", "higher", "midpoint", "nearest"):
    row(f"quantile {_kind}", lambda r: [(r.apart(2, 4),)],
        lambda T, x, _kind=_kind: T.quantile(x, 0.4, -1, interpolation=_kind))  # fmt: skip
row("nanquantile", lambda r: [(r.apart(5), 0.3), (r.apart(2, 3), 0.5, 1)], covers=("Tensor.nanquantile",))
row("nanquantile beside NaN", lambda r: [(r.apart(2, 3),)],
    lambda T, x: T.nanquantile(T.cat([x, x[:, :1] * 0 + NAN], 1), 0.4, 1))  # fmt: skip
row("cov", lambda r: [r(3), r(2, 4)], covers=("Tensor.cov",))
row("cov weighted", lambda r: [(r(2, 4), np.array([1, 2, 3, 1]), r(4, low=0.2, high=1.0)), (r(2, 4),
    np.array([1, 2, 3, 1]), None), (r(2, 4), None, r(4, low=0.2, high=1.0))],
    lambda T, x, f, a: T.cov(x, fweights=f, aweights=a), tolerance=1e-8)  # fmt: skip
row("corrcoef", lambda r: [r(3, 5)], covers=("Tensor.corrcoef",))
row(
    "renorm",
    lambda r: [(r(3, 4), 2, 0, 1.0), (r(2, 3, 2), 1, 1, 2.0), (r(3, 4), 3, -1, 50.0)],
    in_place="renorm_",
)
row("cumulative_trapezoid", lambda r: [r(4), r(2, 3), (r(2, 3), np.array([0.0, 1.0, 4.0]))])
row("gradient", lambda r: [r(4), r(2, 3)], lambda T, x: flat(T.gradient(x)))
row(
    "gradient at ends", lambda r: [r(4), r(3, 5)], lambda T, x: flat(T.gradient(x, edge_order=2, spacing=0.5))
)
row("gradient by coordinates", lambda r: [r(4)],
    lambda T, x: flat(T.gradient(x, spacing=(T.tensor([0.0, 1.0, 3.0, 4.0], dtype=x.dtype),))))  # fmt: skip
row("float_power", lambda r: [(r(3, low=0.2, high=2), 2.5), (r(2, 2, low=0.2, high=2), r(2))])
row("float_power in place", lambda r: [(r(3, low=0.2, high=2), 2.5)], lambda T, x, p: x.float_power(p),
    in_place="float_power_", covers=("Tensor.float_power_",))  # fmt: skip
row("ldexp", lambda r: [(r(3), np.array([1, 2, 0]))], in_place="ldexp_")
# PyTorch's gradient is 0 where the exponent is a negative integer.
row("ldexp downwards", lambda r: [(r(3), np.array([1, -2, 0]))], lambda T, x, e: T.ldexp(x, e), torch=False)
row("frexp", lambda r: [r(4)], lambda T, x: T.frexp(x)[0], covers=("Tensor.frexp",))
row(
    "mvlgamma",
    lambda r: [(r(3, low=2, high=4), 3), (r(2, 2, low=1, high=3), 1)],
    in_place="mvlgamma_",
    tolerance=1e-8,
)
row("repeat_interleave", lambda r: [(r(2, 3), 2), (r(2, 3), 2, 1), (r(3, 2), np.array([0, 2, 1]), 0)],
    covers=("Tensor.repeat_interleave",))  # fmt: skip
row("narrow_copy", lambda r: [(r(2, 3), 1, 1, 2)], covers=("Tensor.narrow_copy",))
row(
    "unsafe_chunk",
    lambda r: [(r(5, 2), 2)],
    lambda T, *a: flat(T.unsafe_chunk(*a)),
    covers=("Tensor.unsafe_chunk",),
)
row(
    "unsafe_split",
    lambda r: [(r(5, 2), 2)],
    lambda T, *a: flat(T.unsafe_split(*a)),
    covers=("Tensor.unsafe_split",),
)
row(
    "put",
    lambda r: [(r(2, 3), np.array([4, 0]), r(2)), (r(2, 3), np.array([4, 4]), r(2), True)],
    in_place="put_",
)
# PyTorch gives the input the gradient of what it is replaced by.
row(
    "as_strided_scatter",
    lambda r: [(r(2, 3), r(2, 2), (2, 2), (3, 1))],
    covers=("Tensor.as_strided_scatter",),
    torch=False,
)
row("Tensor.fill_diagonal_", lambda r: [(r(3, 3), 2.0), (r(5, 2), 2.0, True)],
    lambda T, x, *a: (x * 1).fill_diagonal_(*a))  # fmt: skip

"""Rows of operations that look up, put and order elements by place; see op_cases.py."""

import numpy as np
from op_cases import row

FIRST, BOTH, TWICE = np.array([0]), np.array([2, 0]), np.array([1, 1, 0])


def places(*rows):
    return np.array(rows)


row("index_select", lambda r: [(r(3, 2), 0, BOTH), (r(2, 3), 1, TWICE), (r(), 0, FIRST)])
row("Tensor.__getitem__ of places", lambda r: [(r(3, 2), BOTH), (r(3, 2), TWICE)], lambda T, x, i: x[i])
row("Tensor.__getitem__ of a mask", lambda r: [(r(2, 3), r.mask(2, 3))], lambda T, x, m: x[m])
row("index_put", lambda r: [(r(3, 2), BOTH, r(2, 2)), (r(3, 2), BOTH, r(2))],
    lambda T, x, i, v: T.index_put(x, (i,), v), covers=("index_put_",))  # fmt: skip
row("index_put added", lambda r: [(r(3, 2), TWICE, r(3, 2))],
    lambda T, x, i, v: (x * 1).index_put_((i,), v, accumulate=True))  # fmt: skip
for _name in ("index_add", "index_copy"):
    row(_name, lambda r: [(r(3, 2), 0, BOTH, r(2, 2)), (r(2, 3), -1, BOTH, r(2, 2))], in_place=f"{_name}_")
row("index_add scaled", lambda r: [(r(3, 2), 0, TWICE, r(3, 2))], lambda T, *a: T.index_add(*a, alpha=2.5))
row("index_fill", lambda r: [(r(3, 2), 0, BOTH, 1.5), (r(2, 3), 1, BOTH, r())], in_place="index_fill_")
row("gather", lambda r: [(r(2, 3), 1, places([0, 2], [1, 1])), (r(3), 0, TWICE), (r(), 0, np.array(0))])
row("take", lambda r: [(r(2, 3), places([0, 5], [1, 1]))])
row(
    "take_along_dim",
    lambda r: [(r(2, 3), places([0, 2], [1, 1]), 1), (r(2, 3), places([0, 5, 5]).reshape(-1))],
)
row("scatter", lambda r: [
    (r(2, 3), 1, places([0, 2], [1, 0]), r(2, 2)), (r(2, 3), 1, places([0, 2], [1, 0]), 0.5), (r(3), 0, BOTH, r(2)),
], in_place="scatter_")  # fmt: skip
row("scatter_add", lambda r: [(r(2, 3), 1, places([0, 0], [1, 1]), r(2, 2))], in_place="scatter_add_")
for _reduce in ("sum", "mean", "prod", "amax", "amin"):
    row(f"scatter_reduce {_reduce}", lambda r: [(r.apart(2, 3), 1, places([0, 0], [1, 2]), r.apart(2, 2) + 0.05)],
        lambda T, *a, how=_reduce: T.scatter_reduce(*a, how), twice=_reduce in ("sum", "mean"))  # fmt: skip
row("Tensor.scatter_reduce_", lambda r: [(r(3), 0, TWICE, r(3))],
    lambda T, x, *a: (x * 1).scatter_reduce_(*a, "sum"))  # fmt: skip
row("masked_select", lambda r: [(r(2, 3), r.mask(2, 3)), (r(3), r.mask(2, 3))])
row("masked_scatter", lambda r: [(r(2, 3), r.mask(2, 3), r(6))], in_place="masked_scatter_")
row("sort", lambda r: [(r.apart(3),), (r.apart(2, 3), 0), (r.apart(2, 3), 1, True), (r.apart(),)],
    lambda T, *a: T.sort(*a)[0])  # fmt: skip
row("msort", lambda r: [r.apart(3, 2)])
row("topk", lambda r: [(r.apart(4), 2), (r.apart(2, 3), 2, 0), (r.apart(2, 3), 1, 1, False)],
    lambda T, *a: T.topk(*a)[0])  # fmt: skip
row("kthvalue", lambda r: [(r.apart(4), 2), (r.apart(2, 3), 1, 0)], lambda T, *a: T.kthvalue(*a)[0])
row("median", lambda r: [r.apart(3), r.apart(2, 2)])
row("median along", lambda r: [(r.apart(2, 3), 1), (r.apart(2, 3), 0, True)], lambda T, *a: T.median(*a)[0])
row("nanmedian", lambda r: [r.apart(3), np.array([1.0, np.nan, 3.0, 0.5])])
row("mode", lambda r: [(r.apart(3),), (r.apart(2, 3), 0)], lambda T, *a: T.mode(*a)[0])
for _name in ("cummax", "cummin"):
    row(_name, lambda r: [(r.apart(4), 0), (r.apart(2, 3), 1), (r.apart(2, 3), 0), (r(), 0), (r(0, 2), 0)],
        lambda T, *a, n=_name: getattr(T, n)(*a)[0])  # fmt: skip

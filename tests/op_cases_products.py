"""Rows of matrix products and their kin; see op_cases.py."""

from op_cases import row

for _name in ("mm", "matmul"):
    row(_name, lambda r: [(r(2, 3), r(3, 4)), (r(2, 0), r(0, 2)), (r(1, 1), r(1, 1))],
        covers=("__matmul__", "__rmatmul__") if _name == "matmul" else ())  # fmt: skip
row("matmul of stacks", lambda r: [
    (r(3), r(3)), (r(2, 3), r(3)), (r(3), r(3, 2)), (r(2, 2, 3), r(3, 2)), (r(2, 1, 2, 3), r(2, 3, 2)),
    (r(2, 2, 3), r(3)),
], lambda T, a, b: T.matmul(a, b))  # fmt: skip
row("bmm", lambda r: [(r(2, 2, 3), r(2, 3, 2))])
row("mv", lambda r: [(r(2, 3), r(3))])
row("dot", lambda r: [(r(3), r(3)), (r(0), r(0))], covers=("vdot",))
row("inner", lambda r: [(r(3), r(3)), (r(2, 3), r(3)), (r(2, 3), r(4, 3))])
row("outer", lambda r: [(r(3), r(2))], covers=("ger",))
row("kron", lambda r: [(r(2, 2), r(1, 3)), (r(2), r(2, 2))])
row("cross", lambda r: [(r(3), r(3), 0), (r(2, 3), r(2, 3), 1)])
row(
    "tensordot",
    lambda r: [(r(2, 3, 2), r(3, 2, 2)), (r(2, 3), r(3, 2), 1), (r(2, 3), r(3, 2), ([0, 1], [1, 0]))],
)
row(
    "einsum",
    lambda r: [("ij,jk->ik", r(2, 3), r(3, 2)), ("bij,bjk->b", r(2, 2, 3), r(2, 3, 2)), ("ii->i", r(3, 3))],
)
for _name, _shapes in {
    "addmm": ((2, 2), (2, 3), (3, 2)), "addbmm": ((2, 2), (2, 2, 3), (2, 3, 2)), "addr": ((2, 3), (2,), (3,)),
    "baddbmm": ((2, 2, 2), (2, 2, 3), (2, 3, 2)), "addmv": ((2,), (2, 3), (3,)),
}.items():  # fmt: skip
    row(_name, lambda r, s=_shapes: [tuple(r(*shape) for shape in s), (r(), *(r(*shape) for shape in s[1:]))])
    row(f"{_name} scaled", lambda r, s=_shapes: [tuple(r(*shape) for shape in s)],
        lambda T, *a, n=_name: getattr(T, n)(*a, beta=0.5, alpha=-1.5))  # fmt: skip
    row(f"Tensor.{_name}_", lambda r, s=_shapes: [tuple(r(*shape) for shape in s)],
        lambda T, x, *a, n=_name: getattr(x * 1, f"{n}_")(*a))  # fmt: skip
row("linear", lambda r: [(r(2, 3), r(4, 3), r(4)), (r(3), r(4, 3)), (r(2, 2, 3), r(4, 3), r(4))],
    lambda T, *a: T.nn.functional.linear(*a))  # fmt: skip
row("cdist", lambda r: [(r(2, 3), r(4, 3)), (r(2, 2, 3), r(2, 2, 3))], twice=False)
row("vander", lambda r: [(r(3),), (r(3), 4)], torch=False)  # PyTorch cannot differentiate its own

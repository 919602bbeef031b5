"""Random programs of operations, views, changes in place and backward passes, the same for penlight and PyTorch.

``run(library, seed)`` makes the program of a seed as it goes and gives what was seen, a line each: the statement, and
its value, its flags and its place in the graph, or the type of the error it raised. Two libraries that agree give the
same lines, to rounding. ``python programs.py FIRST LAST`` compares a range of seeds and prints the first difference of
each.
"""

from __future__ import annotations

import random
import sys
import warnings

import numpy as np

SHAPES = [(), (1,), (3,), (2, 3), (3, 2), (3, 3), (2, 3, 2), (1, 3), (2, 1), (0, 3)]

UNARY = [
    "sin", "cos", "tanh", "sigmoid", "relu", "neg", "abs", "square", "exp", "clone", "atan", "sign", "erf", "expm1",
    "frac", "trunc", "contiguous", "sum", "mean", "max", "double", "std",
]  # fmt: skip
UNARY_IN_PLACE = [
    "sin_",
    "tanh_",
    "sigmoid_",
    "relu_",
    "neg_",
    "abs_",
    "square_",
    "cos_",
    "zero_",
    "atan_",
    "sign_",
    "exp_",
    "erf_",
    "expm1_",
    "frac_",
]
BINARY = ["add", "sub", "mul", "maximum", "minimum", "atan2", "div"]
BINARY_IN_PLACE = ["add_", "sub_", "mul_", "copy_", "atan2_", "div_"]
NUMBER = ["add", "mul", "sub", "div", "pow", "clamp_min", "clamp_max", "remainder", "__rsub__"]
NUMBER_IN_PLACE = ["add_", "mul_", "sub_", "div_", "fill_", "clamp_min_", "clamp_max_", "pow_", "remainder_"]
REDUCED = [
    "sum", "mean", "amax", "amin", "prod", "logsumexp", "cumsum", "softmax", "log_softmax", "var", "cumprod", "nansum",
]  # fmt: skip
VIEWS = ["unbind", "split", "chunk", "tensor_split"]
PICKED = [*VIEWS, "max", "min", "cummax", "aminmax"]


class Program:
    def __init__(self, library, seed: int) -> None:
        self.library, self.random = library, random.Random(seed)
        self.pool, self.lines, self.hooked = [], [], []
        self.second = False  # are these second gradients? Who takes part in them, a derivative's form decides
        self.numbers = np.random.default_rng(seed)

    # ---- what a program is made of

    def some(self):
        """A tensor made before; late ones more often."""
        size = len(self.pool)
        return self.pool[max(self.random.randrange(size), self.random.randrange(size))]

    def name(self, x) -> str:
        return next(f"t{i}" for i, y in enumerate(self.pool) if y is x)

    def dim(self, x) -> int:
        return self.random.randrange(x.dim()) if x.dim() else 0

    def tangled(self, x, y) -> bool:
        """Do they share memory, but are not the same window? (Of windows of one element, PyTorch takes (1,) for (1, 1)
        to overlap in part.)"""
        like = x.is_contiguous() and y.is_contiguous() and x.shape == y.shape and x.stride() == y.stride()
        return self.shared(x, y) and x is not y and not like

    def shared(self, x, y) -> bool:
        return x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr() and x.numel() > 0

    def without_nan(self, x):
        return x.detach().nan_to_num(0.5) if x.isnan().any() else x * 1

    def folded(self, x) -> bool:
        """Do windows of the tensor share memory? What is written there depends on the order of loops."""
        reach = sum((size - 1) * stride for size, stride in zip(x.shape, x.stride(), strict=True)) + 1
        return 0 < reach < x.numel() and 0 not in x.stride()

    def expanded(self, x) -> bool:
        return x.numel() > 0 and any(
            size > 1 and stride == 0 for size, stride in zip(x.shape, x.stride(), strict=True)
        )

    def is_base(self, x) -> bool:
        return any(
            y is not x and y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr() for y in self.pool
        )

    def unused(self, x) -> bool:
        """May the tensor leave the graph? A leaf may not: it would be no input of the gradients asked for at the end,
        and PyTorch complains of changed tensors also where no gradient needs them."""
        return not (self.leaf(x) and x.requires_grad)

    def number(self) -> float:
        return self.random.choice([2.0, -1.0, 0.5, 1.5, 3.0])

    def view(self, x):
        """The text of a view of x, and a function that makes it."""
        r, d, e = self.random, self.dim(x), self.dim(x)
        n = x.shape[d] if x.dim() else 1
        start = r.randrange(n + 1)
        sizes = list(x.shape)
        wider = [*sizes[:d], 3, *sizes[d + 1 :]] if x.dim() and n == 1 else [2, *sizes]
        turned = r.sample(range(x.dim()), x.dim())
        flat = [-1] if x.numel() else [0]
        return r.choice(
            [
                (f"view({flat})", lambda: x.view(flat)),
                (f"reshape({flat})", lambda: x.reshape(flat)),
                (f"view_as(itself, {sizes})", lambda: x.view(sizes)),
                (f"transpose({d}, {e})", lambda: x.transpose(d, e)),
                (f"permute({turned})", lambda: x.permute(turned)),
                (f"select({d}, 0)", lambda: x.select(d, 0)),
                (f"[{n - 1}]", lambda: x[n - 1]),
                (f"narrow({d}, {start}, {n - start})", lambda: x.narrow(d, start, n - start)),
                ("[::2]", lambda: x[::2]),
                ("[..., 1:]", lambda: x[..., 1:]),
                ("[None]", lambda: x[None]),
                (f"unsqueeze({d})", lambda: x.unsqueeze(d)),
                ("squeeze()", lambda: x.squeeze()),
                (f"expand({wider})", lambda: x.expand(wider)),
                ("diagonal()", lambda: x.diagonal()),
                (f"unbind({d})", lambda: x.unbind(d) if n else x),
                (f"split(1, {d})", lambda: x.split(1, d)),
                (f"chunk(2, {d})", lambda: x.chunk(2, d)),
                (f"split([{start}, {n - start}], {d})", lambda: x.split([start, n - start], d)),
                (f"movedim({d}, {e})", lambda: x.movedim(d, e)),
                (f"select({d}, -1)", lambda: x.select(d, -1)),
                (f"[..., {n - 1}]", lambda: x[..., n - 1]),
                (f"unflatten({d}, (1, {n}))", lambda: x.unflatten(d, (1, n))),
                (f"squeeze({d})", lambda: x.squeeze(d)),
                (f"diagonal(-1, {d}, {e})", lambda: x.diagonal(-1, d, e)),
                ("as_strided((2, 2), (1, 1))", lambda: x.as_strided((2, 2), (1, 1))),
                ("as_strided((2,), (2,))", lambda: x.as_strided((2,), (2,), x.storage_offset())),
                (f"unbind({d})[0]", lambda: x.unbind(d)[0]),
                (f"split(2, {d})[-1]", lambda: x.split(2, d)[-1]),
                (f"chunk(2, {d})[0]", lambda: x.chunk(2, d)[0]),
                (f"unfold({d}, 2, 1)", lambda: x.unfold(d, 2, 1)),
                ("flatten()", lambda: x.flatten()),
                ("detach()", lambda: x.detach()),
                ("view_as(x)", lambda: x.view_as(x)),
                ("T", lambda: x.t() if x.dim() == 2 else x.flatten()),
            ]
        )

    def plain(self):
        r, x, y = self.random, self.some(), self.some()
        a, b, d = self.name(x), self.name(y), self.dim(x)
        kind = r.randrange(11)
        if kind == 10:
            f = r.choice(PICKED)
            given = {"split": (1, d), "chunk": (2, d), "tensor_split": (2, d)}.get(f, (d,))
            if f == "unbind" and not (x.dim() and x.shape[d]):
                f, given = "max", ()
            if f == "aminmax":  # where there is NaN, its derivative is NaN there, shared among the NaNs here
                return f"{a}.aminmax()", lambda: self.without_nan(x).aminmax()
            # PyTorch keeps the input of some for its sizes alone, and complains where it is changed.
            return f"{a}.{f}{given}", lambda: getattr(x if x.is_leaf or f in VIEWS else x * 1, f)(*given)
        if kind == 9:
            return self.picking(x, y, a, b, d)
        if kind < 2:
            f = r.choice(UNARY)
            if f == "std":
                return f"{a}.std(correction=0)", lambda: x.std(correction=0)
            return f"{a}.{f}()", lambda: getattr(x, f)()
        if kind < 5:
            f = r.choice(BINARY)
            return f"{a}.{f}({b})", lambda: getattr(x, f)(y)
        if kind < 6:
            f, n = r.choice(NUMBER), self.number()
            return f"{a}.{f}({n})", lambda: getattr(x, f)(n)
        if kind < 7:
            f = r.choice(REDUCED)
            if f == "var":
                return f"{a}.var({d}, correction=0)", lambda: x.var(d, correction=0)
            # PyTorch's derivative divides the result by the input, also where x.data was exchanged for other numbers
            # meanwhile; its second one goes through the result, and its hooks.
            if f == "prod":
                return f"({a} * 1).prod({d}) * 1", lambda: (x * 1).prod(d) * 1
            if f == "cumprod":  # dividing by NaN, it also makes NaN of those before it
                return (
                    f"{a}.nan_to_num().cumprod({d}) * 1",
                    lambda: (x * 1).nan_to_num(0.5, 2, -2).cumprod(d) * 1,
                )
            if f == "log_softmax" and x.dim() == 0:  # of NaN; its derivative is 0 here, NaN there
                f = "softmax"
            return f"{a}.{f}({d})", lambda: getattr(x, f)(d)
        if kind < 8:
            f = r.choice(
                ["cat", "stack", "where", "matmul", "lerp", "addcmul", "conv1d", "legacy cat", "outer"]
            )
            call = {
                "cat": lambda t: t.cat([x, y, x], d),
                "legacy cat": lambda t: t.cat([x.flatten()[:0], x, y], d),
                "addcmul": lambda t: t.addcmul(x, x, y, value=0.5),
                "conv1d": lambda t: t.conv1d(x.sin().reshape(1, 1, -1), (y * 1).reshape(1, 1, -1)[..., :2]),
                "outer": lambda t: x.reshape(-1).outer(y.reshape(-1)),
                "stack": lambda t: t.stack([x, y]),
                "where": lambda t: t.where(x > 0, x, y),
                "matmul": lambda t: t.matmul(x * 1, y * 1) * 1,  # it may keep copies, and give a view
                "lerp": lambda t: t.lerp(x, y, 0.25),
            }[f]
            return f"{f}({a}, {b})", lambda: call(self.library)
        places = [r.randrange(max(x.shape[0], 1)) if x.dim() else 0 for _ in range(2)]
        # Of a tensor in another order PyTorch's result is in that order too; here it is contiguous.
        return f"{a}[{places}]", lambda: x.contiguous()[places]

    def picking(self, x, y, a, b, d):
        """Elements by index, moved or repeated.

        Of copies: PyTorch keeps some inputs for their sizes alone, and complains where they are changed.
        """
        t, r, x, y = self.library, self.random, copy(x), copy(y)
        first = t.tensor([0])
        text, call = r.choice(
            [
                ("index_select", lambda: x.index_select(d, t.tensor([0, 0]))),
                ("gather", lambda: x.gather(d, t.zeros(tuple(x.shape), dtype=t.int64))),
                ("take", lambda: x.take(t.tensor([0, 0]))),
                ("masked_select", lambda: x[x > 0]),
                ("[:, [0, 0]]", lambda: x[:, [0, 0]]),
                ("[first, ..., None]", lambda: x[first, ..., None]),
                ("roll", lambda: x.roll(1, d)),
                ("repeat(2, 1)", lambda: x.repeat(2, *[1] * x.dim())),
                ("masked_fill", lambda: x.masked_fill(x > 0.3, 0.5)),
                ("index_add", lambda: x.index_add(d, first, x.narrow(d, 0, 1))),
                ("scatter", lambda: x.scatter(d, t.zeros(tuple(x.shape), dtype=t.int64), 0.5)),
                ("clamp", lambda: x.clamp(min=y)),
                ("clamp(max)", lambda: x.clamp(max=y)),
                (
                    "index_put",
                    lambda: x.index_put((t.tensor([0, 0]),), x.narrow(0, 0, 1) * 2, accumulate=True),
                ),
                ("diag_embed", lambda: x.diag_embed()),
                ("rot90", lambda: t.flip(x, [d])),
                ("trace", lambda: x.trace()),
                ("triu", lambda: x.triu(1)),
                ("sort", lambda: x.sort(d)[0]),
                ("norm", lambda: (x * x + 1).norm(2, d)),
                ("norm 3", lambda: (x * x + 1).norm(3)),
                ("masked_scatter", lambda: x.masked_scatter(x > 0, x * 2)),
                ("select_scatter", lambda: x.select_scatter(y, d, 0)),
                ("slice_scatter", lambda: x.slice_scatter(y, d, 0, 1)),
                ("diagonal_scatter", lambda: x.diagonal_scatter(y)),
            ]
        )
        # In PyTorch, some of these give results whose memory or version tells how they were made.
        return f"{a}.{text}({b}, {d})", lambda: call().clone(memory_format=t.contiguous_format)

    def in_place(self):
        r, x, y = self.random, self.some(), self.some()
        a, b, d, n = self.name(x), self.name(y), self.dim(x), self.number()
        if self.folded(x):
            x = copy(x)
        if self.tangled(x, y):  # what PyTorch reads then depends on the order of its loops
            y = y.detach().clone()
        kind = r.randrange(13)
        if self.expanded(x) and not 3 <= kind < 6:  # PyTorch writes in some operations, and only warns
            x = copy(x)
        self.leaf(x)  # PyTorch sees a view's old place in the graph where nobody asked for its grad_fn since
        if kind < 3:
            f = r.choice(UNARY_IN_PLACE)
            return f"{a}.{f}()", lambda: getattr(x, f)()
        if kind < 6:
            f = r.choice(BINARY_IN_PLACE)
            return f"{a}.{f}({b})", lambda: getattr(x, f)(y)
        if kind < 8:
            f = r.choice(NUMBER_IN_PLACE)
            return f"{a}.{f}({n})", lambda: getattr(x, f)(n)
        if x.numel() == 0:  # it complains of these in its own ways
            return f"{a}.sin_()", lambda: x.sin_()
        if kind < 10:
            index = r.choice(
                [0, slice(None, None, 2), (Ellipsis, 0), [0, 0], slice(1, None), x.detach() > 0, None]
            )
            if self.shared(x, y):
                y = y.detach().clone()
            value = r.choice([n, y])

            def assign():
                x[index] = value
                return x

            return f"{a}[{index}] = {n if value is n else b}", assign
        t = self.library
        first = t.tensor([0])
        apart = y if y.shape == x.shape and not self.shared(x, y) else x.detach().clone()
        text, call = r.choice(
            [
                ("index_put_", lambda: x.index_put_((t.tensor([0, 0]),), apart[:1], accumulate=True)),
                ("index_copy_", lambda: x.index_copy_(d, first, x.narrow(d, 0, 1) * 2)),
                ("scatter_", lambda: x.scatter_(d, t.zeros(tuple(x.shape), dtype=t.int64), 0.5)),
                ("scatter_add_", lambda: x.scatter_add_(d, t.zeros(tuple(x.shape), dtype=t.int64), apart)),
                ("masked_scatter_", lambda: x.masked_scatter_(x > 0, apart)),
                ("addcdiv_", lambda: x.addcdiv_(y, y.detach() * 0 + 2.0, value=n)),
                ("addmm_", lambda: x.addmm_(apart, y * 1)),
                ("squeeze_", lambda: x.squeeze_(d)),
                ("swapaxes_", lambda: x.swapaxes_(d, 0)),
                ("t_", lambda: x.t_()),
                ("cumprod_", lambda: x.cumprod_(d)),
                ("triu_", lambda: x.triu_()),
                ("__imul__", lambda: x.__imul__(y)),
                ("__ipow__", lambda: x.__ipow__(2)),
                ("exponent", lambda: x.pow_(2)),
                ("clamp_(min)", lambda: x.clamp_(min=y)),
                ("fill_ of a tensor", lambda: x.fill_(y.sum())),
                ("masked_fill_", lambda: x.masked_fill_(x > 0.3, n)),
                ("addcmul_", lambda: x.addcmul_(y, y, value=n)),
                ("index_fill_", lambda: x.index_fill_(d, self.library.tensor([0]), n)),
                ("index_add_", lambda: x.index_add_(d, self.library.tensor([0]), x.narrow(d, 0, 1).clone())),
                ("transpose_", lambda: x.transpose_(d, 0)),
                ("unsqueeze_", lambda: x.unsqueeze_(d)),
                ("squeeze_", lambda: x.squeeze_()),
                ("clamp_", lambda: x.clamp_(-0.5, 0.8)),
                ("__iadd__", lambda: x.__iadd__(y)),
                ("cumsum_", lambda: x.cumsum_(d)),
                ("lerp_", lambda: x.lerp_(y, 0.25)),
                ("tril_", lambda: x.tril_()),
            ]
        )
        return f"{a}.{text}({b}, {d}, {n})", call

    def flags(self):
        x, t = self.some(), self.library
        a = self.name(x)

        def hooked():
            if x._is_view() and self.leaf(x):  # a view made under no_grad: PyTorch crashes
                return
            x.register_hook(lambda grad: None if grad is None else grad * 2)
            self.hooked.append(x)

        def looked_at():
            if self.leaf(x):  # of a view made under no_grad PyTorch crashes
                return

            def look(grad):
                if grad is not None and not self.second:  # PyTorch calls hooks also where no gradient came
                    self.lines.append((f"{a}'s hook", *values(grad)))

            x.register_hook(look)

        def removed():
            if not (x._is_view() and self.leaf(x)):
                x.register_hook(lambda grad: grad * 2).remove()

        def other_data():  # where views share memory with it, PyTorch counts their versions together none the less
            if not x._is_view() and not self.is_base(x) and self.leaf(x):
                x.data = x.detach() * 0.5

        def other_memory():
            if not x._is_view() and not self.is_base(x) and not (self.leaf(x) and x.requires_grad):
                x.set_(x.detach() * 0.5)

        def through_data():
            if self.leaf(x):  # which results are kept for backward, and so would change unseen, is no promise
                x.data.mul_(2)
            return x

        return self.random.choice(
            [
                (f"{a}.requires_grad_()", lambda: x.requires_grad_()),
                (f"{a}.requires_grad_(False)", lambda: self.unused(x) and x.requires_grad_(False)),
                (f"{a}.detach()", lambda: x.detach()),
                (f"{a}.detach_()", lambda: self.unused(x) and x.detach_()),
                (f"{a}.retain_grad()", lambda: x.retain_grad()),
                (f"{a}.data = its half", other_data),
                (f"{a}.set_(its half)", other_memory),
                (f"{a}.register_hook(look)", looked_at),
                (f"{a}.register_hook(double), removed", removed),
                (f"{a}.register_hook(double)", hooked),
                (f"{a}.data.mul_(2)", through_data),
                (f"{a}.grad = None", lambda: setattr(x, "grad", None)),
                (f"leaf like {a}", lambda: t.full_like(x, 0.5).requires_grad_()),
            ]
        )

    def backward(self):
        """A backward pass in the middle of things."""
        r, x, y = self.random, self.some(), self.some()
        retain, create = r.random() < 0.8, r.random() < 0.5
        if r.random() < 0.5:

            def gradient():
                grad = self.library.autograd.grad(
                    (x * x).sum(), y, retain_graph=retain, create_graph=create, allow_unused=True
                )[0]
                return grad if grad is None else grad * 1  # not a view, whoever made it

            return f"grad({self.name(x)}.sum(), {self.name(y)}, retain {retain}, create {create})", gradient
        return (
            f"{self.name(x)}.sum().backward(retain {retain})",
            lambda: (x * 1.5).sum().backward(retain_graph=retain),
        )

    # ---- running it

    def look(self, x):
        grad_fn = None if x.grad_fn is None else x.grad_fn.name().replace("ReshapeAlias", "View")
        return (
            x.detach().to(self.library.float64).numpy().copy(),
            (
                tuple(x.shape),
                tuple(s for s, n in zip(x.stride(), x.shape, strict=True) if n > 1 and x.numel()),
                x.requires_grad,
                x.is_leaf,
                x._version,
                x._is_view(),
                x.output_nr,
            ),
            grad_fn,
        )

    def do(self, text, call) -> None:
        try:
            result = call()
        except Exception as error:  # which errors are raised is what is compared
            self.lines.append((text, type(error).__name__, str(error)))
            return
        if isinstance(result, (tuple, list)) and result and isinstance(result[0], self.library.Tensor):
            for i, part in enumerate(result[:3]):
                self.take(f"{text}[{i}]", part)
            return
        if not isinstance(result, self.library.Tensor):
            self.lines.append((text, str(result), ""))
            return
        self.take(text, result)

    def take(self, text, result) -> None:
        self.see(text, result)
        if result.numel() < 200 and result.is_floating_point() and not any(result is x for x in self.pool):
            self.pool.append(result)

    def see(self, text, x) -> None:
        try:
            self.lines.append((text, *self.look(x)))
        except Exception as error:
            self.lines.append((text, type(error).__name__, str(error)))

    def run(self):
        r, t = self.random, self.library
        for i in range(r.randint(1, 3)):
            shape = r.choice(SHAPES)
            leaf = t.from_numpy(np.asarray(self.numbers.uniform(-1.5, 1.5, shape)))
            if r.random() < 0.75:
                leaf.requires_grad_()
            self.do(f"leaf {i} {shape}", lambda leaf=leaf: leaf)
            if r.random() < 0.6:
                self.do(f"t{len(self.pool) - 1} * 1", lambda leaf=leaf: leaf * 1)
        for _ in range(r.randint(3, 14)):
            kind = r.random()
            if kind < 0.3:
                text, call = self.plain()
            elif kind < 0.6:
                x = self.some()
                text, call = self.view(x)
                text = f"{self.name(x)}.{text}"
            elif kind < 0.88:
                text, call = self.in_place()
            elif kind < 0.96:
                text, call = self.flags()
            else:
                text, call = self.backward()
            if r.random() < 0.08 and not any(f in text for f in ("squeeze_", "transpose_")):
                with t.no_grad():
                    self.do(f"no_grad: {text}", call)
            else:
                self.do(text, call)
        for x in self.pool:
            self.see(f"at the end {self.name(x)}", x)
        self.gradients()
        return self.lines

    def leaf(self, x) -> bool:
        try:
            return x.grad_fn is None
        except RuntimeError:  # of a view made under no_grad, whose base was changed since
            return True

    def gradients(self) -> None:
        """Gradients of every tensor for every leaf, second ones too, then what backward leaves in ``grad``."""
        t = self.library
        roots = [x for x in self.pool if x.requires_grad]
        # Whether a hook runs before its tensor's gradient is captured depends, in PyTorch, on the other inputs.
        inputs = [x for x in roots if not any(x is y for y in self.hooked)]
        leaves = [
            x for x in inputs if self.leaf(x)
        ]  # others' second gradients depend on how a derivative is written
        for x in roots:
            weights = t.linspace(0.5, 1.5, max(x.numel(), 1), dtype=t.float64)[: x.numel()].reshape(x.shape)
            first = None
            for second in (False, True):
                self.second = second
                text = f"{'second' if second else 'first'} gradients of {self.name(x)}"
                asked = leaves if second else inputs
                try:
                    if (
                        second
                    ):  # an input that does not matter has None or zeros, as the derivative is written
                        of = sum((g * g).sum() for g in first if g is not None)
                        of = of + sum((y * 0).sum() for y in asked)
                        found = t.autograd.grad(of, asked, retain_graph=True) if asked else []
                    else:
                        found = first = t.autograd.grad(
                            x, asked, weights, retain_graph=True, create_graph=True, allow_unused=True
                        )
                except Exception as error:
                    self.lines.append((text, type(error).__name__, str(error)))
                    break
                for y, g in zip(asked, found, strict=True):
                    self.lines.append((f"{text} for {self.name(y)}", *values(g)))
        for x in self.pool:
            if not self.leaf(x):  # retained by the passes before, whose ways differ
                x.grad = None
        if roots:
            self.do("backward of all", lambda: sum((x * 0.5).sum() for x in roots).backward())
        if roots and self.lines[-1][1] != "None":  # what such a pass had done before is no promise
            return
        for x in self.pool:
            grad = x.grad if self.leaf(x) or x.retains_grad else None
            self.lines.append((f"{self.name(x)}.grad", *values(grad)))


def copy(x):
    try:
        return x.clone()
    except RuntimeError:  # of a view made under no_grad, whose base was changed since
        return x.detach().clone()


def values(grad):
    """A gradient's numbers and shape. PyTorch has zeros without memory, which must be forced."""
    if grad is None:
        return "None", ""
    shape = tuple(grad.shape)
    return grad.detach().numpy(force=True).copy(), shape, ""


def run(library, seed: int):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return Program(library, seed).run()


def difference(ours, theirs) -> str | None:
    """Where two runs part, with the statements before; None where they agree.

    Where PyTorch fails by an assertion about its own insides, it says nothing of what is right.
    """
    for i, (a, b) in enumerate(zip(ours, theirs, strict=False)):
        if "INTERNAL ASSERT" in str(b[2]):
            return None
            return None
        if isinstance(a[1], str) and isinstance(b[1], str):
            same = a[1] == b[1] or (("is a view" in b[2] or "A view was" in b[2]) and a[1].endswith("Error"))
        else:
            same = not isinstance(a[1], str) and not isinstance(b[1], str) and a[2:4] == b[2:4]
            same = same and a[1].shape == b[1].shape and np.allclose(a[1], b[1], 1e-7, 1e-9, equal_nan=True)
        if not same or a[0] != b[0]:
            before = "\n".join(
                f"  {line[0]}{'' if not isinstance(line[1], str) else '   -> ' + line[1]}"
                for line in theirs[:i]
                if not line[0].startswith(("at the end", "first", "second"))
            )
            return f"{before}\n  {a[0]}\nhere:    {a[1:]}\nPyTorch: {b[1:]}"
    return None if len(ours) == len(theirs) else "one goes on where the other ends"


if __name__ == "__main__":
    import torch

    import penlight

    count = 0
    for seed in range(int(sys.argv[1]), int(sys.argv[2])):
        found = difference(run(penlight, seed), run(torch, seed))
        if found:
            count += 1
            if count <= int(sys.argv[3]) if len(sys.argv) > 3 else True:
                print(f"seed {seed}\n{found}\n")
    print(f"{count} differences")

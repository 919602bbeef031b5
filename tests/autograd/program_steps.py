"""The steps of random programs: operations, views, changes in place, flags and backward passes.

Each method picks one for a tensor of the program and gives its text and a function that does it. Where PyTorch's
behaviour is its own (of windows that share memory, of NaN), the step goes round it and says so.
"""

from __future__ import annotations

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


class Steps:
    """Steps for the tensors in ``pool``; ``library``, ``random`` and the rest are the program's."""

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

    def folded(self, x) -> bool:
        """Do windows of the tensor share memory? What is written there depends on the order of loops."""
        places = sum(
            (i * stride for i, stride in zip(np.indices(tuple(x.shape)), x.stride(), strict=True)),
            np.int64(0),
        )
        return np.unique(places).size < x.numel() and 0 not in x.stride()

    def expanded(self, x) -> bool:
        return x.numel() > 0 and any(
            size > 1 and stride == 0 for size, stride in zip(x.shape, x.stride(), strict=True)
        )

    def whole(self, x):
        """A tensor whose elements from 0 to 2 are its own: of a window that leaves its tensor, PyTorch's gradient
        depends on whether it was written into."""
        return x if x.is_contiguous() and x.numel() > 2 else x * 1

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
                ("as_strided((2, 2), (1, 1))", lambda: self.whole(x).as_strided((2, 2), (1, 1))),
                ("as_strided((2,), (2,))", lambda: self.whole(x).as_strided((2,), (2,))),
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
            # PyTorch keeps the input of some for its sizes alone, and complains where it is changed.
            return f"{a}.{f}{given}", lambda: getattr(x if f in VIEWS else x * 1, f)(*given)
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
            if f in ("prod", "cumprod"):
                self.divides = True
                # PyTorch's derivative divides the result by the input: NaN spreads to the gradients of others, and
                # where x.data was exchanged meanwhile, old and new are mixed. Its second one goes through the
                # result, and its hooks.
                return (
                    f"{a}.nan_to_num().{f}({d}) * 1",
                    lambda: getattr((x * 1).nan_to_num(0.5, 2, -2), f)(d) * 1,
                )
            if (
                f in ("softmax", "log_softmax") and x.dim() == 0
            ):  # its derivative is 0 here, 0 times NaN there
                f = "sum"
            return f"{a}.{f}({d})", lambda: getattr(x, f)(d)
        if kind < 8:
            f = r.choice(
                ["cat", "stack", "where", "matmul", "lerp", "addcmul", "conv1d", "legacy cat", "outer"]
            )
            call = {
                "cat": lambda t: t.cat([x, y, x], d),
                "legacy cat": lambda t: t.cat([x.flatten()[:0], x, y], d),
                "addcmul": lambda t: t.addcmul(x, x, y, value=0.5),
                # Whether NaN times the zeros of padding is taken, algorithms decide.
                "conv1d": lambda t: t.conv1d(
                    (x * 1).nan_to_num(0.5, 2, -2).sin().reshape(1, 1, -1),
                    (y * 1).nan_to_num(0.5, 2, -2).reshape(1, 1, -1)[..., :2],
                ),
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
            if x is y and self.expanded(x):  # PyTorch records a copy to itself that has no backward
                return f"{a}.{f}({a} * 1)", lambda: getattr(x, f)(x * 1)
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

    def through_a_view(self):
        """A change through a view made on the spot, or between two views of one tensor."""
        t, r, x, d, n = self.library, self.random, self.some(), 0, self.number()
        a, d = self.name(x), self.dim(x)
        if self.folded(x) or self.expanded(x):
            x = copy(x)
        self.leaf(x)
        rows = x.shape[0] if x.dim() else 0
        text, call = r.choice(
            [
                ("[0].copy_([-1])", lambda: x[0].copy_(x[-1] * n)),
                ("[0] = [-1]", lambda: x.__setitem__(0, x[-1] * n)),
                ("[:1].copy_([-1:])", lambda: x[:1].copy_(x[rows - 1 :].clone())),
                ("diagonal().mul_", lambda: x.diagonal().mul_(n)),
                ("T.add_", lambda: x.t().add_(n)),
                ("unbind()[0].mul_", lambda: x.unbind(0)[0].mul_(n)),
                ("split()[0].add_", lambda: x.split(1, d)[0].add_(n)),
                ("chunk()[-1].detach().mul_", lambda: x.chunk(2, d)[-1].detach().mul_(n)),
                ("chunk()[0] of a copy", lambda: copy(x).chunk(2, d)[0].mul_(n)),
                ("view(-1)[1:].zero_", lambda: x.view(-1)[1:].zero_()),
                ("view(-1)[::2] *=", lambda: x.view(-1)[::2].__imul__(n)),
                ("select().select().fill_", lambda: x.select(0, 0).select(0, 0).fill_(n)),
                ("expand().add_", lambda: x.expand(2, *x.shape).add_(n)),
                ("unsqueeze().squeeze_()", lambda: x.unsqueeze(d).squeeze_(d)),
                ("view_as().t_()", lambda: x.view_as(x).t_()),
                ("transpose().mul_", lambda: x.transpose(d, 0).mul_(n)),
                ("narrow().sigmoid_", lambda: x.narrow(d, 0, 1).sigmoid_()),
                ("narrow().copy_ of a sum", lambda: x.narrow(d, 0, 1).copy_(x.sum(d, keepdim=True))),
                ("unfold().sum", lambda: x.unfold(d, 2, 1).sum() * x),
                ("[...].addcmul_", lambda: x[...].addcmul_(x.detach() * 2, x * 0.5)),
                ("masked_fill_ of a view", lambda: x.view(-1).masked_fill_(x.view(-1) > 0, n)),
                (
                    "index_put_ of a view",
                    lambda: x.view(-1).index_put_((t.tensor([0]),), t.full((1,), n).double()),
                ),
                ("scatter_ of a view", lambda: x.view(-1).scatter_(0, t.tensor([0]), n)),
                ("fill_diagonal_", lambda: x.fill_diagonal_(n)),
                (
                    "index_copy_ of a view",
                    lambda: x.view(-1).index_copy_(0, t.tensor([0]), x.view(-1)[-1:] * 1),
                ),
                ("detach().zero_", lambda: x.detach().zero_()),
                ("data[:1].mul_", lambda: x if x._is_view() or not self.leaf(x) else x.data[:1].mul_(n)),
                ("no_grad copy_", lambda: self.quiet(lambda: x.copy_(x.detach() * n))),
                ("no_grad view, changed", lambda: (self.quiet(lambda: x.view(-1)).mul_(n), x)[1]),
                ("a leaf's view", lambda: t.full((2, 3), n).double().requires_grad_()[0].mul_(2)),
            ]
        )

        def changed():
            result = call()  # a view made under no_grad and changed since is of no more use
            return x if result is None or not t.is_grad_enabled() else result

        return f"{a}: {text} ({d}, {n})", changed

    def quiet(self, call):
        self.silent = True
        with self.library.no_grad():
            return call()

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

        def accumulated():
            if self.leaf(x) and not x._is_view():
                x.register_post_accumulate_grad_hook(
                    lambda leaf: self.lines.append((f"{a} accumulated", *values(leaf.grad)))
                )

        def packed():
            hooks = t.autograd.graph.saved_tensors_hooks(
                lambda kept: kept.detach().clone(), lambda kept: kept
            )
            with hooks:
                return (x * 1) * (x * 2)

        def recomputed():
            if not (x._is_view() or self.is_base(x)) and x.numel():
                function = lambda y: (y * y).sin() * 2  # noqa: E731
                return t.utils.checkpoint.checkpoint(function, x * 1, use_reentrant=False)
            return x

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
                (f"{a}.detach_()", lambda: self.unused(x) and not self.is_base(x) and x.detach_()),
                (f"{a}.retain_grad()", lambda: x.retain_grad()),
                (f"{a}.data = its half", other_data),
                (f"{a}.set_(its half)", other_memory),
                (f"{a}.register_hook(look)", looked_at),
                (f"{a}.register_hook(double), removed", removed),
                (f"{a}.register_hook(double)", hooked),
                (f"{a}.data.mul_(2)", through_data),
                (f"{a}.grad = None", lambda: setattr(x, "grad", None)),
                (f"{a}.register_post_accumulate_grad_hook", accumulated),
                (f"{a} squared with hooks on what is kept", packed),
                (f"{a} in a checkpoint", recomputed),
                (f"leaf like {a}", lambda: t.full_like(x, 0.5).requires_grad_()),
            ]
        )

    def backward(self):
        """A backward pass in the middle of things."""
        r, x, y = self.random, self.some(), self.some()
        retain, create = r.random() < 0.8, r.random() < 0.5
        if r.random() < 0.5:

            def gradient():
                asked = [y]
                if self.silent:
                    # PyTorch complains of a kept tensor that was changed also where this gradient has no use for
                    # it; so that it has, the leaves' gradients are wanted too.
                    asked += [
                        leaf for leaf in self.pool if self.leaf(leaf) and leaf.requires_grad and leaf is not y
                    ]
                grad = self.library.autograd.grad(
                    (x * x).sum(), asked, retain_graph=retain, create_graph=create, allow_unused=True
                )[0]
                return grad if grad is None else grad * 1  # not a view, whoever made it

            return f"grad({self.name(x)}.sum(), {self.name(y)}, retain {retain}, create {create})", gradient
        return (
            f"{self.name(x)}.sum().backward(retain {retain})",
            lambda: (x * 1.5).sum().backward(retain_graph=retain),
        )

    def leaf(self, x) -> bool:
        try:
            return x.grad_fn is None
        except RuntimeError:  # of a view made under no_grad, whose base was changed since
            return True


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

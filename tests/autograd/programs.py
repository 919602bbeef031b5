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
from autograd.program_steps import SHAPES, Steps, values


class Program(Steps):
    def __init__(self, library, seed: int) -> None:
        self.library, self.random = library, random.Random(seed)
        self.pool, self.lines, self.hooked = [], [], []
        self.second = False  # are these second gradients? Who takes part in them, a derivative's form decides
        self.divides = False  # is cumprod in it?
        self.silent = False  # was something changed that no graph knows of?
        self.numbers = np.random.default_rng(seed)

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
        before = len(self.lines)
        try:
            result = call()
        except (
            Exception
        ) as error:  # which errors are raised is what is compared; what was done until then is no promise
            del self.lines[before:]
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
            if kind < 0.25:
                text, call = self.plain()
            elif kind < 0.5:
                x = self.some()
                text, call = self.view(x)
                text = f"{self.name(x)}.{text}"
            elif kind < 0.75:
                text, call = self.in_place()
            elif kind < 0.88:
                text, call = self.through_a_view()
            elif kind < 0.96:
                text, call = self.flags()
            else:
                text, call = self.backward()
            if r.random() < 0.08 and not any(
                f in text for f in ("squeeze_", "transpose_", "swapaxes_", ".t_(")
            ):
                self.silent = True
                with t.no_grad():
                    self.do(f"no_grad: {text}", call)
            else:
                self.do(text, call)
        for x in self.pool:
            self.see(f"at the end {self.name(x)}", x)
        self.gradients()
        return self.lines

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
                if second and self.divides and any(g is not None and g.isnan().any() for g in first):
                    break  # PyTorch's second derivative of cumprod divides: NaN reaches further
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

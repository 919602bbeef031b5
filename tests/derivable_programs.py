"""Small programs made at random, for derivations to be tried on."""

import random

import penlight as torch
from penlight import nn

UNARY = [
    torch.tanh, torch.sigmoid, torch.sin, torch.cos, torch.relu, torch.atan, torch.erf, torch.square,
    lambda t: t * 3, lambda t: 2 - t, lambda t: t / 4, lambda t: t - 0.5, lambda t: -t, lambda t: t**3,
    lambda t: (t * 0.3).exp(), lambda t: (t**2 + 1).log(), lambda t: (t**2 + 2).sqrt(), lambda t: 1 / (t**2 + 1),
    nn.functional.silu, nn.functional.gelu, lambda t: nn.functional.leaky_relu(t, 0.2), nn.functional.softplus,
    lambda t: t.clamp(-0.7, 0.9), lambda t: (t**2 + 1).rsqrt(), torch.abs, lambda t: 2.0 ** (t * 0.5),
]  # fmt: skip
BINARY = [
    lambda a, b: a + b, lambda a, b: a - 2 * b, lambda a, b: a * b, lambda a, b: a / (b**2 + 1), torch.maximum,
    lambda a, b: torch.sub(a, b, alpha=3), lambda a, b: torch.hypot(a, b + 3),
]  # fmt: skip


def program(seed):
    """A result of one element, and the tensors it may be derived by."""
    rng = random.Random(seed)
    torch.manual_seed(seed)

    def new(*shape, grad=True):
        return torch.randn(*shape, dtype=torch.float64, requires_grad=grad)

    rows, columns = rng.randint(1, 3), rng.randint(2, 4)
    x = new(rows, columns)
    leaves, tensors = [x], [x]
    for _ in range(rng.randint(2, 6)):
        t = rng.choice(tensors[-2:])
        kind = rng.choice(
            ["one", "one", "one", "two", "constant", "row", "matrix", "shape", "reduce", "softmax", "part"]
        )
        if kind == "one":
            t = rng.choice(UNARY)(t)
        elif kind == "two":
            other = next((o for o in tensors if o.shape == t.shape and o is not t), t)
            t = rng.choice(BINARY)(t, other)
        elif kind == "constant":
            t = rng.choice(BINARY)(t, new(*t.shape, grad=False))
        elif kind == "row" and t.dim() == 2:
            leaves.append(new(t.shape[-1]))
            t = rng.choice(BINARY)(t, leaves[-1])
        elif kind == "matrix" and t.dim() == 2:
            leaves.append(new(rng.randint(1, 3), t.shape[-1]))
            t = nn.functional.linear(t, leaves[-1]) if rng.random() < 0.5 else leaves[-1] @ t.t()
        elif kind == "shape":
            t = rng.choice([lambda t: t.reshape(-1), lambda t: t.unsqueeze(0), lambda t: t.flip(0)])(t)
        elif kind == "reduce" and t.dim() > 0:
            t = t.mean(dim=-1, keepdim=rng.random() < 0.5) if rng.random() < 0.5 else t.sum(dim=0)
        elif kind == "softmax" and t.dim() > 0:
            t = rng.choice([torch.softmax, torch.log_softmax])(t, -1)
        elif kind == "part" and t.dim() > 0 and t.shape[0] > 1:
            t = t[:-1] if rng.random() < 0.5 else torch.cat([t, t * 2], dim=0)
        tensors.append(t)
    last = tensors[-1]
    return (last.sum() if rng.random() < 0.5 else last.mean()), leaves

"""Derivatives by central differences, along random directions.

A gradient is right when, for random u and v, the inner product of v with the gradient of u · f is the slope of u · f
along v. One pair of directions finds any wrong element with probability one.
"""

import numpy as np

import penlight


def _numbers(tensor):
    return np.asarray(tensor.detach().numpy(), np.float64)


def check_gradients(function, inputs, seed=0, step=1e-5, tolerance=1e-6):
    """function takes float64 tensors and returns one tensor or a list; inputs are float64 arrays."""
    rng = np.random.default_rng(seed)

    def values(arrays):
        out = function(*[penlight.tensor(a, dtype=penlight.float64) for a in arrays])
        return [_numbers(y) for y in (out if isinstance(out, (list, tuple)) else [out])]

    tensors = [penlight.tensor(a, dtype=penlight.float64, requires_grad=True) for a in inputs]
    out = function(*tensors)
    out = list(out) if isinstance(out, (list, tuple)) else [out]
    weights = [rng.standard_normal(y.shape) for y in out]
    used = [(y, u) for y, u in zip(out, weights, strict=True) if y.requires_grad]
    grads = penlight.autograd.grad(
        [y for y, _ in used],
        tensors,
        [penlight.tensor(u, dtype=penlight.float64) for _, u in used],
        allow_unused=True,
    )
    for i, (array, grad) in enumerate(zip(inputs, grads, strict=True)):
        direction = rng.standard_normal(array.shape)
        ahead, behind = list(inputs), list(inputs)
        ahead[i], behind[i] = array + step * direction, array - step * direction
        slope = sum(
            float(np.sum(u * (a - b))) / (2 * step)
            for u, a, b in zip(weights, values(ahead), values(behind), strict=True)
        )
        found = 0.0 if grad is None else float(np.sum(_numbers(grad) * direction))
        scale = 1 + abs(slope) + sum(float(np.abs(u).sum()) for u in weights)
        assert abs(found - slope) <= tolerance * scale, (
            f"input {i}: gradient gives {found}, differences {slope}"
        )


def check_double_gradients(function, inputs, seed=0, step=1e-5, tolerance=1e-6):
    """The same for the gradients of u · function, as a function of u and the inputs."""
    rng = np.random.default_rng(seed)
    shape = function(*[penlight.tensor(a, dtype=penlight.float64) for a in inputs]).shape

    def gradients(u, *tensors):
        leaves = [t if t.requires_grad else t.detach().requires_grad_() for t in tensors]
        y = function(*leaves)
        grads = penlight.autograd.grad(y, leaves, u, create_graph=True)
        return list(grads)

    check_gradients(gradients, [rng.standard_normal(tuple(shape)), *inputs], seed + 1, step, tolerance)

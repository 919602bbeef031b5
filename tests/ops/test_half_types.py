"""float16 and bfloat16: every differentiable operation gives PyTorch's values and gradients, to their rounding."""

import numpy as np
import pytest
from op_cases import ROWS
from ops.test_derivatives import tensors, values_and_gradients

import penlight as P

# A result of few operations is within some units of its own type's rounding: 2^-10 and 2^-7.
TOLERANCE = {"float16": 2e-2, "bfloat16": 1e-1}


def arguments(library, sample, dtype):
    """The sample's tensors of floating numbers in a type, also those in lists."""

    def converted(x):
        if isinstance(x, (list, tuple)):
            return type(x)(map(converted, x))
        if not isinstance(x, library.Tensor) or x.dtype != library.float64:
            return x
        return x.detach().to(getattr(library, dtype)).requires_grad_(x.requires_grad)

    return [converted(x) for x in tensors(library, sample)]


def run(row, library, sample, dtype):
    return values_and_gradients(row, library, arguments(library, sample, dtype))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("row", [row for row in ROWS if row.torch], ids=str)
def test_values_and_gradients_are_pytorchs(row, dtype):
    torch = pytest.importorskip("torch")
    for sample in row.samples:
        try:
            theirs = run(row, torch, sample, dtype)
        except NotImplementedError:  # some pooling of float16: here it is
            continue
        except RuntimeError:  # quantiles, which are not for these types
            with pytest.raises(RuntimeError):
                run(row, P, sample, dtype)
            continue
        ours = run(row, P, sample, dtype)
        for a, b in zip(ours, theirs, strict=True):
            for x, y in zip(a, b, strict=True):
                np.testing.assert_allclose(x, y, TOLERANCE[dtype], TOLERANCE[dtype])

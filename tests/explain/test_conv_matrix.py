"""The matrix of a convolution is the convolution: over generated arguments of every mode, and its transpose is the
gradient."""

from math import prod

import numpy as np
import pytest
from conv_cases import conv_cases, error, transpose_cases
from hypothesis import given, settings
from hypothesis import strategies as st

import penlight as torch
from penlight import nn
from penlight.explain import conv_matrix
from penlight.explain.convolution import Convolution, parameters

pytest.importorskip("scipy")
from scipy import sparse

SMALL = {"batches": (1,), "channels": (1, 2, 3)}


def held(case, arguments, x, w, bias):
    """A @ x and A.T @ g beside the engine's output and gradient, and what is counted beside what is stored."""
    conv = Convolution.of(
        {**arguments, "weight": torch.from_numpy(w), "bias": None if bias is None else torch.from_numpy(bias)}
    )
    matrix = conv_matrix({**arguments, "weight": torch.from_numpy(w)}, case.input)
    assert sparse.issparse(matrix) and matrix.dtype == w.dtype
    y = conv(x := torch.from_numpy(x[0]).requires_grad_())
    assert list(y.shape[1:]) == conv.output_size(case.input)
    wanted = y.detach().numpy() - (0 if bias is None else bias.reshape(-1, *[1] * case.dims))
    assert error((matrix @ x.detach().numpy().ravel()).reshape(y.shape), wanted) < 1e-12
    g = torch.randn(y.shape, dtype=torch.float64)
    y.backward(g)
    assert error((matrix.T @ g.numpy().ravel()).reshape(x.shape), x.grad.numpy()) < 1e-12
    counted = parameters(conv, case.input)
    assert (counted["rows"], counted["columns"]) == matrix.shape
    assert counted["nonzero"] == matrix.nnz and counted["weights"] == w.size


@settings(max_examples=150, deadline=None)
@given(conv_cases(**SMALL))
def test_a_convolution_of_every_mode_is_its_matrix(case):
    arguments = {
        "stride": tuple(case.stride), "padding": tuple(case.padding), "dilation": tuple(case.dilation),
        "groups": case.groups, "padding_mode": case.mode,
    }  # fmt: skip
    held(case, arguments, *case.arrays())


@settings(max_examples=60, deadline=None)
@given(conv_cases(**SMALL), st.sampled_from(["same", "valid", "causal"]))
def test_padding_by_name_is_in_the_matrix(case, padding):
    if padding == "valid":
        case.input = [n + 2 * p for n, p in zip(case.input, case.padding, strict=True)]
    arguments = {
        "stride": tuple(case.stride), "padding": padding, "dilation": tuple(case.dilation),
        "groups": case.groups, "padding_mode": case.mode,
    }  # fmt: skip
    held(case, arguments, *case.arrays())


@settings(max_examples=100, deadline=None)
@given(transpose_cases())
def test_a_transposed_convolution_is_its_matrix(case):
    arguments = {
        "stride": tuple(case.stride), "padding": tuple(case.padding), "dilation": tuple(case.dilation),
        "groups": case.groups, "transposed": True, "output_padding": tuple(case.output_padding),
    }  # fmt: skip
    held(case, arguments, *case.arrays(transposed=True))


@pytest.mark.parametrize(
    ("module", "size"),
    [
        (nn.Conv1d(2, 16, 3), 64),
        (nn.Conv1d(2, 4, 3, padding="same", padding_mode="circular"), (2, 9)),
        (nn.Conv2d(3, 4, (3, 5), padding=(1, 2), groups=1), (3, 6, 7)),
        (nn.Conv3d(1, 2, 2), (4, 3, 5)),
        (nn.ConvTranspose1d(2, 4, 3, stride=2, output_padding=1), 5),
        (nn.ConvTranspose2d(4, 2, 3, stride=2, groups=2), (3, 4)),
    ],
)
def test_a_module_is_its_matrix(module, size):
    matrix = conv_matrix(module, size)
    sizes = [size] if isinstance(size, int) else list(size)
    sizes = sizes if len(sizes) > module.dims else [module.in_channels, *sizes]
    x = torch.randn(sizes)
    y = module(x).detach().numpy() - module.bias.detach().numpy().reshape(-1, *[1] * module.dims)
    np.testing.assert_allclose((matrix @ x.numpy().ravel()).reshape(y.shape), y, atol=1e-5)


def test_a_row_is_the_kernel_and_the_next_row_the_kernel_shifted():
    conv = nn.Conv1d(2, 16, 3)
    matrix = conv_matrix(conv, 64).toarray()
    rows = matrix.reshape(16, 62, 2, 64)
    for o in range(0, 62, 7):
        np.testing.assert_array_equal(rows[:, o, :, o : o + 3], conv.weight.detach().numpy())
        assert np.count_nonzero(rows[:, o]) == conv.weight.numel()


def test_weights_are_counted_against_a_dense_layer():
    counted = parameters(Convolution.of(nn.Conv2d(20, 16, (3, 5))), (64, 128))
    assert counted["entries"] == nn.Linear(1, 1).weight.numel() * prod((20, 64, 128)) * prod((16, 62, 124))
    assert counted["weights"] == 16 * 20 * 3 * 5
    assert counted["nonzero"] == counted["weights"] * 62 * 124


@pytest.mark.parametrize(
    ("conv", "size", "kind", "words"),
    [
        (nn.Linear(2, 3), 4, TypeError, "conv must be a convolution"),
        (nn.Conv1d(2, 3, 5), 4, ValueError, "leaves no output"),
        (nn.Conv1d(2, 3, 3), (3, 8), ValueError, "does not fit a 1-D convolution of 2 channels"),
        (nn.Conv2d(2, 3, 3), 8, ValueError, "does not fit a 2-D"),
        (nn.Conv2d(64, 64, 3), (600, 600), ValueError, "at most 200000000"),
        ({"weight": torch.ones(1, 1, 3), "strides": 2}, 8, TypeError, "no argument 'strides'"),
        ({"weight": torch.ones(1, 1, 3), "stride": 0}, 8, ValueError, "stride must be an int of at least 1"),
        ({"weight": torch.ones(1, 1, 3), "padding": "some"}, 8, ValueError, "padding must be"),
        ({"weight": torch.ones(3, 1, 3), "groups": 2}, 8, ValueError, "groups must be"),
        ({"weight": torch.ones(3)}, 8, ValueError, "weight must be"),
        ({"out_channels": 2}, 8, ValueError, "in_channels"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(conv, size, kind, words):
    with pytest.raises(kind, match=words):
        conv_matrix(conv, size)

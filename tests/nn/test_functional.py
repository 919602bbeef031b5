"""penlight.nn.functional: every function against PyTorch, and its derivatives against finite differences."""

import pytest
from cases import CASES
from oracle import assert_same, tensors

import penlight

NAMED = [pytest.param(case, id=case.name) for case in CASES]
SMOOTH = [pytest.param(case, id=case.name) for case in CASES if case.smooth]
TOLERANCES = {"float64": 1e-9, "float32": 2e-5}


def outcome(library, case, dtype):
    """The results, and the gradients of a sum of the results with different factors."""
    inputs = tensors(library, case.inputs, dtype)
    result = case.call(library, *inputs)
    floating = [t for t in inputs if t.requires_grad]
    if not floating:
        return result, []
    numbers = library.arange(result.numel()).view(result.shape).to(result.dtype)
    (result * (numbers * 0.3).cos()).sum().backward()
    return result, [t.grad for t in floating]


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("case", NAMED)
def test_values_and_gradients_are_pytorchs(case, dtype):
    torch = pytest.importorskip("torch")
    ours, theirs = outcome(penlight, case, dtype), outcome(torch, case, dtype)
    assert_same(ours[0], theirs[0], TOLERANCES[dtype])
    assert_same(ours[1], theirs[1], 10 * TOLERANCES[dtype])


@pytest.mark.parametrize("case", SMOOTH)
def test_derivatives_agree_with_finite_differences(case):
    inputs = tensors(penlight, case.inputs)
    assert penlight.autograd.gradcheck(lambda *t: case.call(penlight, *t), inputs)


@pytest.mark.parametrize("case", SMOOTH)
def test_second_derivatives_agree_with_finite_differences(case):
    inputs = tensors(penlight, case.inputs)
    assert penlight.autograd.gradgradcheck(lambda *t: case.call(penlight, *t), inputs)


@pytest.mark.parametrize("case", NAMED)
def test_memory_in_another_order_gives_the_same(case):
    plain = tensors(penlight, case.inputs, requires_grad=False)
    turned = [t.t().contiguous().t() if t.dim() == 2 else t.flip(0).contiguous().flip(0) for t in plain]
    spread = [penlight.stack([t, t], -1)[..., 0] for t in turned]
    expected = case.call(penlight, *plain)
    result = case.call(penlight, *spread)
    # To the tolerance: a product sums in another order when its operands lie otherwise in memory.
    assert_same(result, expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "name",
    ["relu", "gelu", "silu", "softplus", "hardtanh", "leaky_relu", "elu", "mish", "softmax", "log_softmax"],
)
def test_16_bit_formats_round_once(name, dtype):
    """What is computed in float32 and rounded: within one unit of the format."""
    x = penlight.linspace(-4, 4, 101)
    options = {"dim": 0} if "softmax" in name else {}
    call = getattr(penlight.nn.functional, name)
    half = getattr(penlight, dtype)
    rounded = call(x.to(half), **options)
    assert rounded.dtype == half
    exact = call(x.to(half).double(), **options)
    unit = 2.0 ** (-10 if dtype == "float16" else -7)
    assert bool(((rounded.double() - exact).abs() <= unit * exact.abs() + 1e-6).all())


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_does_not_overflow(name):
    x = penlight.tensor([[1e4, 0.0, -1e4], [-3e38, -3e38, -3e38]])
    result = getattr(penlight.nn.functional, name)(x, dim=1)
    expected = penlight.tensor([[1.0, 0, 0], [1 / 3] * 3])
    if name == "log_softmax":
        expected = penlight.tensor([[0.0, -1e4, -2e4], [-1.0986123] * 3])
    assert penlight.allclose(result, expected)


def test_softmax_of_nothing_finite():
    inf = penlight.inf
    x = penlight.tensor([[-inf, -inf], [inf, 0.0], [penlight.nan, 0.0], [-inf, 0.0]])
    result = penlight.nn.functional.softmax(x, dim=1)
    assert result[:3].isnan().any(1).all() and result[3].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("call", "node"),
    [
        (lambda F, x: F.relu(x), "ReluBackward0"),
        (lambda F, x: F.leaky_relu(x), "LeakyReluBackward0"),
        (lambda F, x: F.elu(x), "EluBackward0"),
        (lambda F, x: F.gelu(x), "GeluBackward0"),
        (lambda F, x: F.silu(x), "SiluBackward0"),
        (lambda F, x: F.softplus(x), "SoftplusBackward0"),
        (lambda F, x: F.hardtanh(x), "HardtanhBackward0"),
        (lambda F, x: F.softmax(x, 1), "SoftmaxBackward0"),
        (lambda F, x: F.log_softmax(x, 1), "LogSoftmaxBackward0"),
        (lambda F, x: F.mse_loss(x, x.detach() + 1), "MseLossBackward0"),
        (lambda F, x: F.batch_norm(x, None, None, training=True), "NativeBatchNormBackward0"),
        (lambda F, x: F.layer_norm(x, (3,)), "NativeLayerNormBackward0"),
    ],
)
def test_nodes_have_pytorchs_names(call, node):
    x = penlight.ones(2, 3, requires_grad=True)
    assert call(penlight.nn.functional, x).grad_fn.name() == node


def test_cross_entropy_is_an_nll_node_on_a_log_softmax_node():
    loss = penlight.nn.functional.cross_entropy(
        penlight.ones(2, 3, requires_grad=True), penlight.tensor([0, 1])
    )
    assert loss.grad_fn.name() == "NllLossBackward0"
    assert loss.grad_fn.next_functions[0][0].name() == "LogSoftmaxBackward0"

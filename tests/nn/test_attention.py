"""Attention with several heads, against PyTorch's."""

import pytest

import penlight as torch
from penlight import nn

OPTIONS = [
    ({}, {}),
    ({"batch_first": True}, {"average_attn_weights": False}),
    ({"bias": False}, {"need_weights": False}),
    ({"kdim": 5, "vdim": 7}, {}),
    ({"add_bias_kv": True, "add_zero_attn": True}, {"mask": "causal"}),
    ({}, {"mask": "float"}),
    ({"batch_first": True}, {"mask": "heads", "padding": True}),
    ({"add_zero_attn": True}, {"padding": True}),
]


def inputs(module, options, call):
    L, S, N, E = 4, 6, 3, 8
    rng = __import__("numpy").random.default_rng(0)

    def new(length, width):
        sizes = (N, length, width) if options.get("batch_first") else (length, N, width)
        return module.tensor(rng.standard_normal(sizes), dtype=module.float32)

    tensors = [new(L, E), new(S, options.get("kdim", E)), new(S, options.get("vdim", E))]
    extra = {k: v for k, v in call.items() if k not in ("mask", "padding")}
    masks = {
        "causal": lambda: module.ones(L, S, dtype=module.bool).triu(2),
        "float": lambda: module.tensor(rng.standard_normal((L, S)), dtype=module.float32),
        "heads": lambda: module.tensor(rng.standard_normal((N * 2, L, S)) > 1.2),
    }
    if "mask" in call:
        extra["attn_mask"] = masks[call["mask"]]()
    if call.get("padding"):
        extra["key_padding_mask"] = module.tensor([[False] * 5 + [True]] * N)
    return tensors, extra


@pytest.mark.parametrize(("options", "call"), OPTIONS, ids=str)
def test_results_weights_gradients_and_initial_values_are_pytorchs(options, call):
    oracle = pytest.importorskip("torch")
    results = []
    for module in (torch, oracle):
        module.manual_seed(0)
        attend = module.nn.MultiheadAttention(8, 2, **options)
        tensors, extra = inputs(module, options, call)
        result, weights = attend(*tensors, **extra)
        result.square().sum().backward()
        results.append((attend, result, weights))
    (own, result, weights), (theirs, expected, expected_weights) = results
    assert list(own.state_dict()) == list(theirs.state_dict())
    for (name, parameter), (_, other) in zip(own.named_parameters(), theirs.named_parameters(), strict=True):
        assert parameter.tolist() == other.tolist(), name
        assert parameter.grad.numpy() == pytest.approx(other.grad.numpy(), abs=2e-5), name
    assert result.detach().numpy() == pytest.approx(expected.detach().numpy(), abs=1e-5)
    if expected_weights is None:
        assert weights is None
    else:
        assert weights.detach().numpy() == pytest.approx(expected_weights.detach().numpy(), abs=1e-6)


def test_one_sequence_alone_and_with_itself():
    torch.manual_seed(0)
    attend = nn.MultiheadAttention(8, 4)
    x = torch.randn(5, 8)
    result, weights = attend(x, x, x)
    batched, _ = attend(x.unsqueeze(1), x.unsqueeze(1), x.unsqueeze(1))
    assert result.shape == (5, 8) and weights.shape == (5, 5)
    assert torch.allclose(result, batched.squeeze(1), atol=1e-6)
    assert torch.allclose(weights.sum(-1), torch.ones(5))


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="greater than 0"):
        nn.MultiheadAttention(0, 1)
    with pytest.raises(AssertionError, match="divisible"):
        nn.MultiheadAttention(8, 3)
    attend, x = nn.MultiheadAttention(8, 2), torch.randn(4, 3, 8)
    with pytest.raises(RuntimeError, match=r"The shape of the 2D attn_mask"):
        attend(x, x, x, attn_mask=torch.zeros(3, 3))
    with pytest.raises(RuntimeError, match="key_padding_mask should have shape"):
        attend(x, x, x, key_padding_mask=torch.zeros(2, 2))
    with pytest.raises(RuntimeError, match="Need attn_mask"):
        attend(x, x, x, is_causal=True)

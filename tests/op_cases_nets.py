"""Rows of what nets are made of, where tests/nn has none; see op_cases.py. Convolution has tests/ops/test_conv.py."""

from op_cases import row


def functional(name):
    return lambda T, *a: getattr(T.nn.functional, name)(*a)


for _name in ("softmax", "log_softmax"):
    row(_name, lambda r: [(r(3), 0), (r(2, 3), 1), (r(2, 3), 0), (r(), 0), (r(0, 2), 1), (r(2, 3, 2), 1)])
for _name in ("elu", "gelu", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish", "silu", "softplus"):
    row(_name, lambda r: [r.apart(2, 3), r.apart(3)], functional(_name))
for _name in ("celu_", "elu_", "hardtanh_", "leaky_relu_", "relu_", "selu_", "threshold_"):
    _more = (0.3, 0.2) if _name == "threshold_" else ()
    row(f"nn.functional.{_name}", lambda r, more=_more: [(r.apart(2, 3), *more)],
        lambda T, x, *a, n=_name: getattr(T.nn.functional, n)(x * 1, *a))  # fmt: skip
row("conv2d", lambda r: [(r(1, 2, 4, 4), r(3, 2, 3, 3), r(3))])
for _dims, _sizes in ((1, (6,)), (2, (4, 6)), (3, (4, 4, 2))):
    row(
        f"avg_pool{_dims}d",
        lambda r, s=_sizes: [(r(1, 2, *s), 2), (r(2, *s), 2, 1)],
        functional(f"avg_pool{_dims}d"),
    )
    row(f"max_pool{_dims}d", lambda r, s=_sizes: [(r.apart(1, 2, *s), 2), (r.apart(2, *s), 2, 1)],
        functional(f"max_pool{_dims}d"))  # fmt: skip
    row(f"max_pool{_dims}d_with_indices", lambda r, s=_sizes: [(r.apart(1, 2, *s), 2)],
        lambda T, *a, d=_dims: getattr(T.nn.functional, f"max_pool{d}d")(*a, return_indices=True)[0])  # fmt: skip
    row(f"adaptive_avg_pool{_dims}d", lambda r, s=_sizes: [(r(1, 2, *s), 2), (r(2, *s), 3)],
        functional(f"adaptive_avg_pool{_dims}d"))  # fmt: skip
    row(f"adaptive_max_pool{_dims}d", lambda r, s=_sizes: [(r.apart(1, 2, *s), 2)],
        functional(f"adaptive_max_pool{_dims}d"))  # fmt: skip
row("layer_norm", lambda r: [(r(2, 3), (3,)), (r(2, 3), (3,), r(3), r(3))], covers=("native_layer_norm",))
row("group_norm", lambda r: [(r(2, 4, 3), 2), (r(2, 4, 3), 2, r(4), r(4))])
row("binary_cross_entropy", lambda r: [(r(2, 3, low=0.1, high=0.9), r(2, 3, low=0.1, high=0.9))],
    functional("binary_cross_entropy"))  # fmt: skip
row("mse_loss", lambda r: [(r(2, 3), r(2, 3))], functional("mse_loss"))
row("nll_loss", lambda r: [(r(2, 3), r.integers(3, 2))], functional("nll_loss"))
row(
    "nn.functional.scaled_dot_product_attention",
    lambda r: [(r(2, 3), r(4, 3), r(4, 2)), (r(1, 2, 3), r(1, 2, 3), r(1, 2, 3))],
)
row("nn.functional.triplet_margin_with_distance_loss", lambda r: [(r(2, 3), r(2, 3), r(2, 3))])
row("nn.functional.upsample", lambda r: [(r(1, 2, 3, 2), None, 2)])

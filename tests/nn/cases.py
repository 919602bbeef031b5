"""One row for each function of penlight.nn.functional: a call that both libraries understand, and its inputs.

A row's call gets the library (``penlight`` or ``torch``) and the inputs as its tensors, and may return one tensor or
several. Inputs are NumPy arrays: floating ones are differentiated, others are not.
"""

import numpy as np

RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.standard_normal(shape)


def apart(*shape):
    """Numbers that are no closer to each other, or to a whole or half number, than finite differences reach."""
    count = int(np.prod(shape))
    values = (RNG.permutation(count) - count // 2) * 0.37 + 0.17
    return values.reshape(shape)


def unit(*shape):
    return RNG.uniform(0.05, 0.95, shape)


def positive(*shape):
    return RNG.uniform(0.5, 2.0, shape)


def fixed_positive(*shape):
    return Fixed(positive(*shape))


def classes(count, *shape):
    return RNG.integers(0, count, shape)


def signs(*shape):
    return Fixed(RNG.choice([-1.0, 1.0], shape))


def probabilities(*shape):
    values = positive(*shape)
    return values / values.sum(1, keepdims=True)


class Fixed:
    """An input that is not differentiated."""

    def __init__(self, array):
        self.array = array


class Case:
    """``smooth``: derivatives may be compared with finite differences, twice."""

    def __init__(self, name, call, *inputs, smooth=True):
        self.name, self.call, self.inputs, self.smooth = name, call, inputs, smooth


def function(name, *inputs, smooth=True, label="", **options):
    """A row that calls F.name(*inputs, **options)."""
    return Case(
        name + (f"-{label}" if label else ""),
        lambda lib, *tensors: getattr(lib.nn.functional, name)(*tensors, **options),
        *inputs,
        smooth=smooth,
    )


def weighted(name, label, *inputs, keyword="weight", smooth=True, **options):
    """A row whose last input is given by keyword."""
    return Case(
        f"{name}-{label}",
        lambda lib, *tensors: getattr(lib.nn.functional, name)(
            *tensors[:-1], **{keyword: tensors[-1]}, **options
        ),
        *inputs,
        smooth=smooth,
    )


ACTIVATIONS = [
    function(name, apart(3, 5))
    for name in [
        "relu",
        "relu6",
        "hardtanh",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "mish",
        "softplus",
        "logsigmoid",
        "sigmoid",
        "tanh",
        "softsign",
        "tanhshrink",
        "hardshrink",
        "softshrink",
        "hardsigmoid",
        "hardswish",
    ]
] + [
    function("hardtanh", apart(4, 3), label="limits", min_val=-0.5, max_val=2.0),
    function("leaky_relu", apart(4, 3), label="slope", negative_slope=0.3),
    function("elu", apart(4, 3), label="alpha", alpha=0.7),
    function("celu", apart(4, 3), label="alpha", alpha=0.7),
    function("gelu", apart(4, 3), label="tanh", approximate="tanh"),
    function("softplus", apart(4, 3), label="options", beta=2, threshold=3),
    function("threshold", apart(4, 3), label="", threshold=0.2, value=-3.0),
    function("hardshrink", apart(4, 3), label="lambda", lambd=1.0),
    function("softshrink", apart(4, 3), label="lambda", lambd=1.0),
    function("rrelu", apart(4, 3), label="evaluation"),
    function("glu", normal(3, 4, 2), label="middle", dim=1),
    function("prelu", apart(2, 3, 4), positive(3), label="channels"),
    function("prelu", apart(2, 3), positive(1), label="one"),
    function("softmax", normal(3, 5), dim=1),
    function("softmax", normal(3, 5, 4), label="middle", dim=1),
    function("softmax", normal(3, 70, 3), label="first", dim=0),
    function("softmin", normal(3, 5), dim=-1),
    function("log_softmax", normal(3, 37), dim=1),
    function("log_softmax", normal(2, 5, 4), label="middle", dim=1),
    Case("relu-in place", lambda lib, x: lib.nn.functional.relu(x * 1, inplace=True), apart(3, 4)),
    Case("silu-in place", lambda lib, x: lib.nn.functional.silu(x * 1, inplace=True), apart(3, 4)),
    Case("elu-transposed", lambda lib, x: lib.nn.functional.elu(x.t()), apart(3, 4)),
    Case(
        "attention-groups",
        lambda lib, q, k, v: lib.nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True),
        normal(1, 4, 3, 2),
        normal(1, 2, 5, 2),
        normal(1, 2, 5, 3),
    ),
    Case(
        "attention",
        lambda lib, q, k, v: lib.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True),
        normal(2, 3, 4),
        normal(2, 3, 4),
        normal(2, 3, 5),
    ),
]

NORMS = [
    function("normalize", normal(3, 4), dim=1),
    function("normalize", normal(3, 4), label="p", p=3.0, dim=0),
    Case(
        "batch_norm-training",
        lambda lib, x, w, b: lib.nn.functional.batch_norm(x, None, None, w, b, True),
        normal(4, 3, 5),
        positive(3),
        normal(3),
    ),
    Case(
        "batch_norm-flat",
        lambda lib, x, w, b: lib.nn.functional.batch_norm(x, None, None, w, b, True, 0.1, 1e-3),
        normal(6, 5),
        positive(5),
        normal(5),
    ),
    Case(
        "batch_norm-plain",
        lambda lib, x: lib.nn.functional.batch_norm(x, None, None, training=True),
        normal(4, 3, 2),
    ),
    Case(
        "batch_norm-evaluation",
        lambda lib, x, m, v, w, b: lib.nn.functional.batch_norm(x, m, v, w, b),
        normal(4, 3, 2, 2),
        Fixed(normal(3)),
        fixed_positive(3),
        positive(3),
        normal(3),
    ),
    function("layer_norm", normal(3, 4, 5), label="plain", normalized_shape=(5,)),
    Case(
        "layer_norm",
        lambda lib, x, w, b: lib.nn.functional.layer_norm(x, (4, 5), w, b),
        normal(3, 4, 5),
        positive(4, 5),
        normal(4, 5),
    ),
    Case(
        "layer_norm-whole",
        lambda lib, x, w: lib.nn.functional.layer_norm(x, (4, 5), w),
        normal(4, 5),
        positive(4, 5),
    ),
    Case(
        "group_norm",
        lambda lib, x, w, b: lib.nn.functional.group_norm(x, 2, w, b),
        normal(3, 4, 5),
        positive(4),
        normal(4),
    ),
    Case("group_norm-plain", lambda lib, x: lib.nn.functional.group_norm(x, 3), normal(2, 6)),
    Case(
        "instance_norm",
        lambda lib, x, w, b: lib.nn.functional.instance_norm(x, weight=w, bias=b),
        normal(2, 3, 5),
        positive(3),
        normal(3),
    ),
    Case("rms_norm", lambda lib, x, w: lib.nn.functional.rms_norm(x, (4,), w), normal(3, 4), positive(4)),
    function("local_response_norm", normal(2, 5, 4), size=3),
    function("cosine_similarity", normal(3, 4), normal(3, 4), dim=1),
    function("pairwise_distance", normal(3, 4), normal(3, 4)),
    function("pdist", normal(4, 3)),
    Case(
        "bilinear",
        lambda lib, *t: lib.nn.functional.bilinear(*t),
        normal(3, 2),
        normal(3, 4),
        normal(5, 2, 4),
        normal(5),
    ),
    Case("linear", lambda lib, *t: lib.nn.functional.linear(*t), normal(2, 3, 4), normal(5, 4), normal(5)),
]

LOSSES = [
    function(name, apart(3, 4), normal(3, 4), reduction=reduction, label=reduction)
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
    for reduction in ("mean", "sum", "none")
] + [
    function("smooth_l1_loss", apart(3, 4), normal(3, 4), label="beta", beta=0.3),
    function("huber_loss", apart(3, 4), normal(3, 4), label="delta", delta=0.3),
    weighted("mse_loss", "weights", normal(3, 4), normal(3, 4), fixed_positive(3, 4)),
    function("binary_cross_entropy", unit(3, 4), unit(3, 4)),
    function("binary_cross_entropy_with_logits", normal(3, 4), unit(3, 4)),
    weighted(
        "binary_cross_entropy", "weights", unit(3, 4), unit(3, 4), fixed_positive(3, 4), reduction="sum"
    ),
    weighted(
        "binary_cross_entropy_with_logits",
        "pos",
        normal(3, 4),
        unit(3, 4),
        fixed_positive(4),
        keyword="pos_weight",
    ),
    function("kl_div", normal(3, 4), probabilities(3, 4), reduction="batchmean"),
    function("kl_div", normal(3, 4), normal(3, 4), label="log", reduction="sum", log_target=True),
    function("poisson_nll_loss", normal(3, 4), positive(3, 4)),
    function(
        "poisson_nll_loss", positive(3, 4), 3 * positive(3, 4), label="full", log_input=False, full=True
    ),
    function("gaussian_nll_loss", normal(3, 4), normal(3, 4), positive(3, 1), full=True),
    function("soft_margin_loss", normal(3, 4), signs(3, 4)),
    function("hinge_embedding_loss", apart(3, 4), signs(3, 4), smooth=False),
    function("margin_ranking_loss", normal(5), normal(5), signs(5), margin=0.5, smooth=False),
    function("cosine_embedding_loss", normal(5, 3), normal(5, 3), signs(5), smooth=False),
    function("triplet_margin_loss", normal(4, 3), normal(4, 3), normal(4, 3), smooth=False),
    function(
        "triplet_margin_loss", normal(4, 3), normal(4, 3), normal(4, 3), label="swap", swap=True, smooth=False
    ),
    function("multi_margin_loss", normal(4, 3), classes(3, 4), smooth=False),
    function("multilabel_soft_margin_loss", normal(4, 3), unit(4, 3)),
]

CLASSIFICATION = [
    Case(
        f"{name}-{'x'.join(map(str, shape))}-{reduction}{'-weights' if weights else ''}{extra or ''}",
        lambda lib, x, t, *w, name=name, reduction=reduction, extra=extra: getattr(lib.nn.functional, name)(
            x, t, *(w or (None,)), reduction=reduction, **extra
        ),
        normal(*shape),
        classes(shape[1 if len(shape) > 1 else 0], *shape[:1][: len(shape) > 1], *shape[2:]),
        *((fixed_positive(shape[1 if len(shape) > 1 else 0]),) if weights else ()),
    )
    for name, extras in (
        ("nll_loss", [{}, {"ignore_index": 1}]),
        (
            "cross_entropy",
            [{}, {"ignore_index": 1}, {"label_smoothing": 0.2}, {"ignore_index": 2, "label_smoothing": 0.1}],
        ),
    )
    for shape in ((4,), (5, 4), (3, 4, 2, 3))
    for reduction in ("mean", "sum", "none")
    for weights in (False, True)
    for extra in extras
    if not (len(shape) == 1 and extra)
] + [
    Case(
        f"cross_entropy-probabilities-{reduction}-{smoothing}",
        lambda lib, x, t, w, reduction=reduction, smoothing=smoothing: lib.nn.functional.cross_entropy(
            x, t, w, reduction=reduction, label_smoothing=smoothing
        ),
        normal(3, 4, 2),
        probabilities(3, 4, 2),
        fixed_positive(4),
    )
    for reduction in ("mean", "sum", "none")
    for smoothing in (0.0, 0.1)
]

IMAGES = [
    function("pad", normal(2, 3, 4), label="constant", pad=(1, 2, 0, 1), value=1.5),
    function("pad", normal(2, 3, 4), label="negative", pad=(-1, 2, 0, -1)),
    function("pad", normal(2, 3, 4), label="reflect", pad=(3, 2), mode="reflect"),
    function("pad", normal(2, 3, 4, 4), label="reflect2", pad=(3, 2, 1, 0), mode="reflect"),
    function("pad", normal(2, 3, 4), label="replicate", pad=(5, 2), mode="replicate"),
    function("pad", normal(1, 2, 3, 4, 3), label="replicate3", pad=(1, 2, 3, 0, 1, 1), mode="replicate"),
    function("pad", normal(2, 3, 4), label="circular", pad=(4, 3), mode="circular"),
    function("pad", normal(2, 3, 4, 5), label="circular2", pad=(-1, 3, 2, 0), mode="circular"),
    function("unfold", normal(2, 3, 6, 5), kernel_size=(3, 2), dilation=(2, 1), padding=1, stride=(1, 2)),
    function("fold", normal(2, 12, 12), output_size=(4, 5), kernel_size=2, stride=1),
    function(
        "fold", normal(2, 18, 6), label="padded", output_size=(5, 4), kernel_size=3, stride=2, padding=1
    ),
    function("pixel_shuffle", normal(2, 8, 3, 2), upscale_factor=2),
    function("pixel_unshuffle", normal(2, 2, 4, 6), downscale_factor=2),
    function("channel_shuffle", normal(2, 6, 3), groups=3),
    function("interpolate", normal(2, 3, 5), label="nearest1", size=8),
    function("interpolate", normal(2, 3, 5, 4), label="nearest2", scale_factor=(2, 0.6)),
    function("interpolate", normal(1, 2, 3, 2, 2), label="nearest3", scale_factor=1.7),
    function("interpolate", normal(2, 3, 5, 4), label="exact", size=(7, 3), mode="nearest-exact"),
    function("interpolate", normal(2, 3, 5), label="linear", size=8, mode="linear"),
    function("interpolate", normal(2, 3, 5, 4), label="bilinear", scale_factor=2, mode="bilinear"),
    function(
        "interpolate", normal(2, 3, 5, 4), label="corners", size=(3, 7), mode="bilinear", align_corners=True
    ),
    function("interpolate", normal(1, 2, 3, 2, 2), label="trilinear", size=(4, 4, 3), mode="trilinear"),
    function("interpolate", normal(1, 2, 5, 4), label="bicubic", size=(8, 3), mode="bicubic"),
    function("interpolate", normal(1, 2, 6, 4), label="area", size=(3, 3), mode="area"),
    function("adaptive_max_pool1d", apart(2, 3, 7), output_size=3),
    function("adaptive_max_pool2d", apart(2, 3, 7, 5), output_size=(3, None)),
    function("adaptive_max_pool3d", apart(1, 2, 3, 4, 5), output_size=2),
    function("adaptive_avg_pool2d", normal(2, 3, 7, 5), output_size=(3, None)),
    function("lp_pool1d", positive(2, 3, 7), norm_type=2, kernel_size=3, stride=2),
    function("lp_pool2d", positive(2, 3, 6, 5), norm_type=3, kernel_size=(2, 3)),
    function("max_pool2d", apart(2, 3, 6, 5), kernel_size=2),
    function("max_pool1d", apart(2, 3, 7), kernel_size=3, stride=2, padding=1),
    function("avg_pool2d", normal(2, 3, 6, 5), kernel_size=(2, 3)),
]

LOOK_UPS = [
    Case("embedding", lambda lib, i, w: lib.nn.functional.embedding(i, w), classes(5, 2, 3), normal(5, 4)),
    Case(
        "embedding-padding",
        lambda lib, i, w: lib.nn.functional.embedding(i, w, padding_idx=-1),
        np.array([4, 1, 4, 0]),
        normal(5, 4),
        smooth=False,
    ),
    Case(
        "embedding-frequency",
        lambda lib, i, w: lib.nn.functional.embedding(i, w, scale_grad_by_freq=True),
        np.array([4, 1, 4, 0]),
        normal(5, 4),
        smooth=False,
    ),
    Case(
        "embedding-norm",
        lambda lib, i, w: lib.nn.functional.embedding(i, w * 1, max_norm=1.0, norm_type=1.0),
        np.array([4, 1, 4, 0]),
        Fixed(normal(5, 4)),
        smooth=False,
    ),
    function("one_hot", classes(4, 2, 3), smooth=False),
    function("one_hot", classes(4, 3), label="width", num_classes=6, smooth=False),
]

CASES = ACTIVATIONS + NORMS + LOSSES + CLASSIFICATION + IMAGES + LOOK_UPS

"""Convolutions, pooling, normalization and losses."""

from penlight.explain.rules import Rule

_AVERAGE = "each window's gradient is shared equally among the elements it averaged"
_GREATEST = "each window's gradient goes to its greatest element"
_NORM = "each element's gradient, less what would only move the mean and the spread that are taken out"

RULES = {
    "ConvolutionBackward0": Rule(
        "{0} ∗ {1} + {2}",
        ("{g} correlated with the flipped kernel", "{0} correlated with {g}", "{g} summed over positions"),
        "an input element gets the gradients of all outputs that read "
        "it, weighted by the kernel flipped; a weight gets the input "
        "times the gradient at every position it was used",
    ),
    "AvgPool2DBackward0": Rule(
        "average of windows of {0}", ("{g} / window size, spread over each window",), _AVERAGE
    ),
    "AvgPool3DBackward0": Rule(
        "average of windows of {0}", ("{g} / window size, spread over each window",), _AVERAGE
    ),
    "AdaptiveAvgPool2DBackward0": Rule(
        "average of windows of {0}", ("{g} / window size, spread over each window",), _AVERAGE
    ),
    "AdaptiveAvgPool3DBackward0": Rule(
        "average of windows of {0}", ("{g} / window size, spread over each window",), _AVERAGE
    ),
    "MaxPool2DWithIndicesBackward0": Rule(
        "max of windows of {0}", ("{g} at each window's greatest element",), _GREATEST
    ),
    "MaxPool3DWithIndicesBackward0": Rule(
        "max of windows of {0}", ("{g} at each window's greatest element",), _GREATEST
    ),
    "AdaptiveMaxPool2DBackward0": Rule(
        "max of windows of {0}", ("{g} at each window's greatest element",), _GREATEST
    ),
    "AdaptiveMaxPool3DBackward0": Rule(
        "max of windows of {0}", ("{g} at each window's greatest element",), _GREATEST
    ),
    "NativeBatchNormBackward0": Rule(
        "batch_norm({0}, {1}, {2})",
        ("normalized {g} · {1}", "Σ {g} · normalized {0}", "Σ {g}"),
        _NORM + " for each channel",
    ),
    "NativeLayerNormBackward0": Rule(
        "layer_norm({0}, {1}, {2})",
        ("normalized {g} · {1}", "Σ {g} · normalized {0}", "Σ {g}"),
        _NORM + " for each sample",
    ),
    "NativeGroupNormBackward0": Rule(
        "group_norm({0}, {1}, {2})",
        ("normalized {g} · {1}", "Σ {g} · normalized {0}", "Σ {g}"),
        _NORM + " for each group",
    ),
    "SoftmaxBackward0": Rule(
        "softmax({0})",
        ("{y} · ({g} − Σ {g} {y})",),
        "the probabilities sum to one: what one gains the others lose, "
        "so their weighted mean is taken from the gradient",
    ),
    "LogSoftmaxBackward0": Rule(
        "log_softmax({0})",
        ("{g} − softmax({0}) · Σ {g}",),
        "the gradient, less its sum shared out in the proportions of softmax",
    ),
    "NllLossBackward0": Rule(
        "−mean of {0} at the targets",
        ("−{g} / n at each target, 0 elsewhere",),
        "only the log-probability of the right class counts",
    ),
    "NllLoss2DBackward0": Rule(
        "−mean of {0} at the targets",
        ("−{g} / n at each target, 0 elsewhere",),
        "only the log-probability of the right class counts",
    ),
    "MseLossBackward0": Rule(
        "mean (({0} − {1})²)",
        ("{g} · 2 ({0} − {1}) / n", "−{g} · 2 ({0} − {1}) / n"),
        "each difference pulls by twice its size, divided by their number",
    ),
    "SmoothL1LossBackward0": Rule(
        "mean smooth |{0} − {1}|",
        (
            "{g} · ({0} − {1}) / beta, kept between −1 and 1, / n",
            "−{g} · ({0} − {1}) / beta, kept between −1 and 1, / n",
        ),
        "a small difference pulls by its size in units of beta, a great one by 1, whatever its size",
    ),
    "HuberLossBackward0": Rule(
        "mean delta · smooth |{0} − {1}|",
        (
            "{g} · ({0} − {1}), kept between −delta and delta, / n",
            "−{g} · ({0} − {1}), kept between −delta and delta, / n",
        ),
        "a small difference pulls by its size, a great one by delta, whatever its size",
    ),
    "BinaryCrossEntropyBackward0": Rule(
        "−mean({1} ln {0} + (1 − {1}) ln(1 − {0}))",
        ("{g} · ({0} − {1}) / ({0} (1 − {0})) / n", "{g} · (ln(1 − {0}) − ln {0}) / n"),
        "the difference of probability and target, scaled by the spread of the probability",
    ),
}

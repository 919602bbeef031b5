"""Products of matrices and vectors."""

from penlight.explain.rules import Rule

_MATRICES = (
    "the gradient of the left factor is the gradient times the "
    "right one transposed; that of the right, the left one "
    "transposed times the gradient"
)

RULES = {
    "MmBackward0": Rule("{0} @ {1}", ("{g} @ {1}ᵀ", "{0}ᵀ @ {g}"), _MATRICES),
    "BmmBackward0": Rule("{0} @ {1}", ("{g} @ {1}ᵀ", "{0}ᵀ @ {g}"), _MATRICES + ", for each of the batch"),
    "MvBackward0": Rule(
        "{0} @ {1}",
        ("{g} {1}ᵀ", "{0}ᵀ @ {g}"),
        "the matrix gets the outer product of gradient and vector; the "
        "vector, the matrix transposed times the gradient",
    ),
    "DotBackward0": Rule(
        "{0} · {1}", ("{g} · {1}", "{g} · {0}"), "each vector gets the other one times the gradient"
    ),
    "AddmmBackward0": Rule(
        "{0} + {1} @ {2}",
        ("{g}, summed over what was broadcast", "{g} @ {2}ᵀ", "{1}ᵀ @ {g}"),
        "a sum of a bias and a product of matrices: " + _MATRICES,
    ),
    "BaddbmmBackward0": Rule(
        "{0} + {1} @ {2}",
        ("{g}, summed over what was broadcast", "{g} @ {2}ᵀ", "{1}ᵀ @ {g}"),
        "a sum of a bias and products of matrices: " + _MATRICES,
    ),
}

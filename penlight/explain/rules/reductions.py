"""Sums, means, extremes and running sums."""

from penlight.explain.rules import Rule

_SUM = "every summand moves the sum as much as itself: each gets the whole gradient"
_MEAN = "every element moves the mean by one n-th: each gets the gradient divided by their number n"
_WINNER = "the extreme element gets the gradient, the others nothing; equals share it"
_CHOSEN = "the gradient goes to the places the values were taken from, and zero to the others"

RULES = {
    "SumBackward0": Rule("Σ {0}", ("{g}, repeated for every element",), _SUM),
    "SumBackward1": Rule("Σ {0} along some dimensions", ("{g}, repeated along the summed dimensions",), _SUM),
    "MeanBackward0": Rule("mean({0})", ("{g} / n, repeated for every element",), _MEAN),
    "MeanBackward1": Rule(
        "mean({0}) along some dimensions", ("{g} / n, repeated along the averaged dimensions",), _MEAN
    ),
    "VarBackward0": Rule(
        "var({0})",
        ("{g} · 2 ({0} − mean) / (n − correction)",),
        "each element is pulled by twice its distance from the mean",
    ),
    "StdBackward0": Rule(
        "std({0})",
        ("{g} · ({0} − mean) / (std · (n − correction))",),
        "each element is pulled by its distance from the mean, measured in standard deviations",
    ),
    "NansumBackward0": Rule(
        "Σ {0}, NaN as zero", ("{g} for every element that is a number, 0 for NaN",), _SUM
    ),
    "TraceBackward0": Rule("trace({0})", ("{g} along the diagonal, 0 elsewhere",), _SUM),
    "LinalgVectorNormBackward0": Rule(
        "(Σ |{0}|^p)^(1/p)",
        ("{g} · sign({0}) (|{0}| / norm)^(p − 1)",),
        "each element moves the norm in proportion to its share in it; for p = 2 the gradient points along the vector",
    ),
    "ProdBackward0": Rule(
        "Π {0}", ("{g} · product of the others",), "each factor gets the gradient times all other factors"
    ),
    "ProdBackward1": Rule(
        "Π {0} along one dimension",
        ("{g} · product of the others",),
        "each factor gets the gradient times all other factors",
    ),
    "LogsumexpBackward0": Rule(
        "ln Σ e^{0}", ("{g} · softmax({0})",), "the gradient is shared in the proportions of softmax"
    ),
    "CummaxBackward0": Rule(
        "running maximum of {0}",
        ("{g} added to the places the values are from",),
        "the greatest element so far gets the gradients of all places where it is the greatest",
    ),
    "CumminBackward0": Rule(
        "running minimum of {0}",
        ("{g} added to the places the values are from",),
        "the smallest element so far gets the gradients of all places where it is the smallest",
    ),
    "LogcumsumexpBackward0": Rule(
        "running ln Σ e^{0}",
        ("Σ over later sums of {g} · e^({0} − sum)",),
        "an element is in every later sum: it gets of each gradient its share in that sum",
    ),
    "RecurrenceBackward0": Rule(
        "yₖ = {0}ₖ yₖ₋₁ + {1}ₖ",
        ("z · y of the place before", "z, where zₖ = {g}ₖ + {0}ₖ₊₁ zₖ₊₁"),
        "what a place gives goes on to all later ones, times the factors between: gradients come back the same way",
    ),
    "CumsumBackward0": Rule(
        "running sum of {0}",
        ("running sum of {g} from the end",),
        "an element is in every later sum: it gets all their gradients",
    ),
    "CumprodBackward0": Rule(
        "running product of {0}",
        ("{g} · products without the element, summed",),
        "an element is in every later product: it gets the gradient of each times the other factors",
    ),
    **{
        name: Rule(text, ("{g} at the extreme, 0 elsewhere",), _WINNER)
        for name, text in (
            ("MaxBackward1", "max({0})"),
            ("MinBackward1", "min({0})"),
            ("AmaxBackward0", "amax({0})"),
            ("AminBackward0", "amin({0})"),
            ("AminmaxBackward0", "aminmax({0})"),
        )
    },
    **{
        name: Rule(text, ("{g} at the places chosen, 0 elsewhere",), _CHOSEN)
        for name, text in (
            ("MaxBackward0", "max({0}) along one dimension"),
            ("MinBackward0", "min({0}) along one dimension"),
            ("MedianBackward0", "median({0})"),
            ("MedianBackward1", "median({0}) along one dimension"),
            ("NanmedianBackward0", "nanmedian({0})"),
            ("NanmedianBackward1", "nanmedian({0}) along one dimension"),
            ("ModeBackward0", "mode({0})"),
            ("KthvalueBackward0", "k-th smallest of {0}"),
            ("SortBackward0", "sort({0})"),
            ("TopkBackward0", "topk({0})"),
        )
    },
}

"""Operations that move elements: their gradients go the same ways back."""

from penlight.explain.rules import Rule

_SAME = "the same numbers in another shape: the gradient takes the old shape again"
_WINDOW = "a part is taken out: the gradient returns to its place, zeros elsewhere"
_MOVED = "elements are moved: each element's gradient goes back to where it came from"
_REPEATED = "one element was used several times: its gradients are summed"


def _moved(forward: str, back: str, words: str) -> Rule:
    return Rule(forward, (back,), words)


RULES = {
    **{
        name: _moved("{0} in another shape", "{g} in the shape of {0}", _SAME)
        for name in (
            "ViewBackward0",
            "UnsafeViewBackward0",
            "SqueezeBackward0",
            "SqueezeBackward1",
            "SqueezeBackward2",
            "SqueezeBackward3",
            "SqueezeBackward4",
            "SqueezeBackward5",
            "UnsqueezeBackward0",
            "UnsqueezeBackward1",
        )
    },
    "AliasBackward0": _moved("{0}", "{g}", "another name for the same numbers"),
    "CloneBackward0": _moved("copy of {0}", "{g}", "a copy hands the gradient on unchanged"),
    "CopyBackwards": Rule(
        "{1} copied over {0}",
        ("0", "{g}"),
        "what was overwritten gets nothing; what was copied gets the gradient",
    ),
    "ToCopyBackward0": _moved("{0} in another type", "{g} in the type of {0}", "the gradient is cast back"),
    "TBackward0": _moved("{0}ᵀ", "{g}ᵀ", "the transpose of the gradient"),
    "TransposeBackward0": _moved(
        "{0}, two dimensions swapped", "{g}, swapped back", "the transpose of the gradient"
    ),
    "PermuteBackward0": _moved("{0}, dimensions reordered", "{g}, reordered back", _MOVED),
    "HideDimBackward0": _moved(
        "{0}, a dimension taken as examples", "{g}, the examples as a dimension again", _SAME
    ),
    "ShowDimBackward0": _moved(
        "{0}, the examples as a dimension", "{g}, that dimension as examples again", _SAME
    ),
    "SpreadBackward0": _moved("{0} for every example", "{g} summed over the examples", _REPEATED),
    "SumExamplesBackward0": _moved(
        "{0} summed over the examples",
        "{g} for every example",
        "every example moves the sum as much as itself",
    ),
    "RollBackward0": Rule(
        "{0}, rolled",
        ("{g}, rolled back",),
        "the elements went round along a dimension: their gradients go back the other way",
    ),
    "FlipBackward0": _moved("{0} flipped", "{g} flipped", _MOVED),
    "ExpandBackward0": _moved("{0} repeated by broadcasting", "{g} summed over the repetitions", _REPEATED),
    "RepeatBackward0": _moved("{0} repeated", "{g} summed over the repetitions", _REPEATED),
    "UnfoldBackward0": _moved("sliding windows of {0}", "{g} summed where windows overlap", _REPEATED),
    "AsStridedBackward0": _moved(
        "{0} seen with other strides", "{g} summed back to where it was read", _REPEATED
    ),
    **{
        name: _moved(text, "{g} in its place, zeros elsewhere", _WINDOW)
        for name, text in (
            ("SelectBackward0", "one slice of {0}"),
            ("SliceBackward0", "a part of {0}"),
            ("DiagonalBackward0", "diagonal of {0}"),
            ("TrilBackward0", "lower triangle of {0}"),
            ("TriuBackward0", "upper triangle of {0}"),
            ("MaskedSelectBackward0", "{0} where a mask holds"),
            ("SplitBackward0", "parts of {0}"),
            ("SplitWithSizesBackward0", "parts of {0}"),
            ("UnbindBackward0", "slices of {0}"),
        )
    },
    "DiagEmbedBackward0": _moved("matrix with diagonal {0}", "diagonal of {g}", _MOVED),
    **{
        name: _moved(
            text,
            "{g} added to the places that were read",
            "an element read several times gets the sum of its gradients",
        )
        for name, text in (
            ("IndexBackward0", "{0}[indices]"),
            ("IndexSelectBackward0", "rows of {0}"),
            ("GatherBackward0", "gather from {0}"),
            ("TakeBackward0", "take from {0}"),
            ("EmbeddingBackward0", "rows of {0}"),
        )
    },
    "CatBackward0": Rule(
        "[{0} | {1} | …]", ("its own part of {g}",) * 2, "each piece gets its own part of the gradient"
    ),
    "StackBackward0": Rule(
        "stack({0}, {1}, …)", ("its own slice of {g}",) * 2, "each piece gets its own slice of the gradient"
    ),
    "ConstantPadNdBackward0": _moved(
        "{0} with a border", "{g} without the border", "the border is a constant: its gradient is dropped"
    ),
    "CopySlices": Rule(
        "{0} with {1} written into a window",
        ("{g} outside the window", "{g} inside the window"),
        "what was overwritten gets no gradient any more; what was written gets it",
    ),
    **{
        name: Rule(
            text,
            ("{g} where it was not overwritten", "{g} where it was written"),
            "what was overwritten gets no gradient any more; what was written gets it",
        )
        for name, text in (
            ("IndexPutBackward0", "{0} with {1} put at indices"),
            ("IndexCopyBackward0", "{0} with rows of {1}"),
            ("IndexFillBackward0", "{0} with rows filled"),
            ("IndexFillBackward1", "{0} with rows filled by {1}"),
            ("MaskedFillBackward0", "{0} filled where a mask holds"),
            ("MaskedFillBackward1", "{0} filled by {1} where a mask holds"),
            ("MaskedScatterBackward0", "{0} with {1} scattered where a mask holds"),
            ("ScatterBackward0", "{0} with {1} scattered"),
            ("ScatterBackward1", "{0} with a number scattered"),
            ("ScatterReduceBackward0", "{0} reduced with {1} at indices"),
        )
    },
    **{
        name: Rule(text, ("0", "sum of {g}"), "what was overwritten gets no gradient any more")
        for name, text in (
            ("FillBackward2", "{0} filled with a number"),
            ("FillBackward3", "{0} filled with {1}"),
            ("ZeroBackward0", "{0} filled with zeros"),
        )
    },
    "IndexAddBackward0": Rule(
        "{0} + rows of {1} at indices", ("{g}", "{g} at the indices"), "a sum hands the gradient on to both"
    ),
    "ScatterAddBackward0": Rule(
        "{0} + {1} at indices", ("{g}", "{g} at the indices"), "a sum hands the gradient on to both"
    ),
}

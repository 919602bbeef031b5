"""Arithmetic of one and two operands."""

from penlight.explain.rules import Rule

RULES = {
    "AddBackward0": Rule("{0} + {1}", ("{g}", "{g}"), "a sum hands the gradient on to both, unchanged"),
    "SubBackward0": Rule(
        "{0} − {1}",
        ("{g}", "−{g}"),
        "a difference hands the gradient on, with the sign turned for what is subtracted",
    ),
    "RsubBackward1": Rule(
        "{other} − {0}", ("−{g}",), "what is subtracted gets the gradient with its sign turned"
    ),
    "MulBackward0": Rule(
        "{0} · {1}",
        ("{g} · {1}", "{g} · {0}"),
        "in a product, each factor gets the gradient times the other factor",
    ),
    "DivBackward0": Rule(
        "{0} / {1}",
        ("{g} / {1}", "−{g} · {0} / {1}²"),
        "the numerator gets the gradient divided by the denominator; "
        "the denominator gets −numerator/denominator² times the "
        "gradient",
    ),
    "DivBackward1": Rule(
        "round({0} / {1})", ("0", "0"), "a rounded quotient has steps: its gradient is zero"
    ),
    "RemainderBackward0": Rule(
        "{0} mod {1}",
        ("{g}", "−{g} · ⌊{0} / {1}⌋"),
        "the remainder moves with the dividend, and against the divisor as often as it was taken away",
    ),
    "FmodBackward0": Rule(
        "fmod({0}, {1})",
        ("{g}", "−{g} · trunc({0} / {1})"),
        "the remainder moves with the dividend, and against the divisor as often as it was taken away",
    ),
    "AddcmulBackward0": Rule(
        "{0} + value · {1} · {2}",
        ("{g}", "value · {g} · {2}", "value · {g} · {1}"),
        "the sum hands the gradient on; each factor gets it times the other factor",
    ),
    "AddcdivBackward0": Rule(
        "{0} + value · {1} / {2}",
        ("{g}", "value · {g} / {2}", "−value · {g} · {1} / {2}²"),
        "the sum hands the gradient on; numerator and denominator get it as in a quotient",
    ),
    "LerpBackward0": Rule(
        "{0} + weight · ({1} − {0})",
        ("(1 − weight) · {g}", "weight · {g}"),
        "the two ends share the gradient as they share in the result",
    ),
    "LerpBackward1": Rule(
        "{0} + {2} · ({1} − {0})",
        ("(1 − {2}) · {g}", "{2} · {g}", "{g} · ({1} − {0})"),
        "the two ends share the gradient as they share in the result; the weight gets their distance",
    ),
    "NegBackward0": Rule("−{0}", ("−{g}",), "the sign turns forwards, and so it does backwards"),
    "PowBackward0": Rule(
        "{0}{exponent}",
        ("{g} · {power} · {0}{lower}",),
        "the power rule: the exponent comes down, and one less stays up",
    ),
    "PowBackward1": Rule(
        "{0} ^ {1}",
        ("{g} · {1} · {0} ^ ({1} − 1)", "{g} · {y} · ln {0}"),
        "the base gets the power rule; the exponent gets the result times the logarithm of the base",
    ),
    "ReciprocalBackward0": Rule("1 / {0}", ("−{g} · {y}²",), "the reciprocal falls with its square"),
    "AbsBackward0": Rule(
        "|{0}|", ("{g} · sign {0}",), "the gradient passes with the sign of the value; at zero nothing passes"
    ),
    "SqrtBackward0": Rule("√{0}", ("{g} / (2 {y})",), "the root grows by one over twice the root"),
    "RsqrtBackward0": Rule("1 / √{0}", ("−{g} · {y}³ / 2",), "the reciprocal root falls with half its cube"),
    "MaximumBackward0": Rule(
        "max({0}, {1})",
        ("{g} where {0} is greater", "{g} where {1} is greater"),
        "the winner of each pair gets the gradient; equals get half each",
    ),
    "MinimumBackward0": Rule(
        "min({0}, {1})",
        ("{g} where {0} is smaller", "{g} where {1} is smaller"),
        "the winner of each pair gets the gradient; equals get half each",
    ),
    "FmaxBackward0": Rule(
        "fmax({0}, {1})",
        ("{g} where {0} was taken", "{g} where {1} was taken"),
        "the winner of each pair gets the gradient; NaN never wins",
    ),
    "FminBackward0": Rule(
        "fmin({0}, {1})",
        ("{g} where {0} was taken", "{g} where {1} was taken"),
        "the winner of each pair gets the gradient; NaN never wins",
    ),
    "ClampBackward0": Rule(
        "clamp({0}, {1}, {2})",
        ("{g} inside the bounds", "{g} where the lower bound holds", "{g} where the upper bound holds"),
        "inside its bounds a value passes the gradient; outside, the bound gets it",
    ),
    "ClampBackward1": Rule(
        "clamp({0}, {min}, {max})",
        ("{g} inside the bounds, 0 outside",),
        "inside the bounds the gradient passes, outside nothing does",
    ),
    "ClampMinBackward0": Rule(
        "max({0}, {min})",
        ("{g} above the bound, 0 below",),
        "inside the bounds the gradient passes, outside nothing does",
    ),
    "ClampMaxBackward0": Rule(
        "min({0}, {max})",
        ("{g} below the bound, 0 above",),
        "inside the bounds the gradient passes, outside nothing does",
    ),
    "SignBackward0": Rule("sign {0}", ("0",), "a step function: its gradient is zero"),
    "FloorBackward0": Rule("⌊{0}⌋", ("0",), "a step function: its gradient is zero"),
    "CeilBackward0": Rule("⌈{0}⌉", ("0",), "a step function: its gradient is zero"),
    "RoundBackward0": Rule("round({0})", ("0",), "a step function: its gradient is zero"),
    "TruncBackward0": Rule("trunc({0})", ("0",), "a step function: its gradient is zero"),
    "FracBackward0": Rule(
        "{0} − trunc({0})", ("{g}",), "between its jumps the fraction moves as the value does"
    ),
    "HypotBackward0": Rule(
        "√({0}² + {1}²)",
        ("{g} · {0} / {y}", "{g} · {1} / {y}"),
        "each side gets the gradient in its share of the hypotenuse",
    ),
    "Atan2Backward0": Rule(
        "atan2({0}, {1})",
        ("{g} · {1} / ({0}² + {1}²)", "−{g} · {0} / ({0}² + {1}²)"),
        "the angle turns with each coordinate at right angles to the ray",
    ),
    "CopysignBackward0": Rule(
        "|{0}| · sign {1}",
        ("{g} · sign {0} · sign {1}", "0"),
        "the size passes with both signs; the sign's giver gets nothing",
    ),
    "CopysignBackward1": Rule(
        "|{0}| · sign of a number",
        ("{g} · sign {0} · that sign",),
        "the size passes with both signs",
    ),
    "WhereBackward0": Rule(
        "where({0}, {1}, {2})",
        ("–", "{g} where the condition holds", "{g} where it does not"),
        "each element's gradient goes to whichever was chosen",
    ),
    "LogaddexpBackward0": Rule(
        "ln(e^{0} + e^{1})",
        ("{g} · e^({0} − {y})", "{g} · e^({1} − {y})"),
        "both share the gradient by their part of the sum",
    ),
    "Logaddexp2Backward0": Rule(
        "log₂(2^{0} + 2^{1})",
        ("{g} · 2^({0} − {y})", "{g} · 2^({1} − {y})"),
        "both share the gradient by their part of the sum",
    ),
    "XlogyBackward0": Rule("{0} · ln {1}", ("{g} · ln {1}", "{g} · {0} / {1}"), "a product with a logarithm"),
    "XlogyBackward1": Rule("{0} · ln {1}", ("{g} · {0} / {1}",), "a product with a logarithm"),
    "XlogyBackward2": Rule("{0} · ln {1}", ("{g} · ln {1}",), "a product with a logarithm"),
    "Deg2RadBackward0": Rule("π/180 · {0}", ("{g} · π/180",), "a constant factor stays a factor"),
    "Rad2DegBackward0": Rule("180/π · {0}", ("{g} · 180/π",), "a constant factor stays a factor"),
}

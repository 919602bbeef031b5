"""Functions of one tensor, element by element."""

from penlight.explain.rules import Rule


def _element(forward: str, slope: str, words: str = "") -> Rule:
    text = words or f"each element's gradient is multiplied by its own slope, {slope}"
    return Rule(forward, ("{g} · " + slope,), text.replace("{0}", "x").replace("{y}", "y"))


RULES = {
    "ExpBackward0": _element(
        "e^{0}", "{y}", "the exponential function is its own slope: the gradient times the result"
    ),
    "Exp2Backward0": _element("2^{0}", "{y} · ln 2"),
    "Expm1Backward0": _element("e^{0} − 1", "({y} + 1)"),
    "LogBackward0": _element("ln {0}", "1/{0}"),
    "Log2Backward0": _element("log₂ {0}", "1/({0} · ln 2)"),
    "Log10Backward0": _element("log₁₀ {0}", "1/({0} · ln 10)"),
    "Log1PBackward0": _element("ln(1 + {0})", "1/(1 + {0})"),
    "LogitBackward0": _element("ln({0} / (1 − {0}))", "1/({0} (1 − {0}))"),
    "SinBackward0": _element("sin {0}", "cos {0}"),
    "CosBackward0": _element("cos {0}", "(−sin {0})"),
    "TanBackward0": _element("tan {0}", "(1 + {y}²)"),
    "AsinBackward0": _element("arcsin {0}", "1/√(1 − {0}²)"),
    "AcosBackward0": _element("arccos {0}", "(−1/√(1 − {0}²))"),
    "AtanBackward0": _element("arctan {0}", "1/(1 + {0}²)"),
    "SinhBackward0": _element("sinh {0}", "cosh {0}"),
    "CoshBackward0": _element("cosh {0}", "sinh {0}"),
    "TanhBackward0": _element(
        "tanh {0}", "(1 − {y}²)", "the slope 1 − y² is greatest at zero and fades where the function is flat"
    ),
    "AsinhBackward0": _element("arsinh {0}", "1/√({0}² + 1)"),
    "AcoshBackward0": _element("arcosh {0}", "1/√({0}² − 1)"),
    "AtanhBackward0": _element("artanh {0}", "1/(1 − {0}²)"),
    "ErfBackward0": _element("erf {0}", "2/√π · e^(−{0}²)"),
    "ErfcBackward0": _element("erfc {0}", "(−2/√π · e^(−{0}²))"),
    "ErfinvBackward0": _element("erf⁻¹ {0}", "√π/2 · e^({y}²)"),
    "LgammaBackward0": _element("ln Γ({0})", "ψ({0})"),
    "DigammaBackward0": _element("ψ({0})", "ψ′({0})"),
    "PolygammaBackward0": _element("ψ⁽ⁿ⁾({0})", "ψ⁽ⁿ⁺¹⁾({0})"),
    "SincBackward0": _element("sin(π{0}) / (π{0})", "(cos(π{0}) − {y}) / {0}"),
    "SigmoidBackward0": _element(
        "σ({0})", "{y} (1 − {y})", "the slope y (1 − y) is at most 1/4 and fades at both ends"
    ),
    "ReluBackward0": _element(
        "relu({0})",
        "[{0} > 0]",
        "a gate: where the value is positive the gradient passes unchanged, elsewhere nothing does",
    ),
    "LeakyReluBackward0": _element(
        "leaky_relu({0})",
        "(1 where {0} > 0, else {negative_slope})",
        "a gate left ajar: below zero the gradient passes with the small slope",
    ),
    "EluBackward0": _element(
        "elu({0})",
        "(1 where {0} > 0, else {alpha} e^{0})",
        "above zero the gradient passes; below, the slope of the exponential does",
    ),
    "GeluBackward0": _element(
        "gelu({0})",
        "(Φ({0}) + {0} φ({0}))",
        "the value weighted by how likely a normal number lies below it: Φ(x) + x φ(x) is the slope",
    ),
    "SiluBackward0": _element("{0} · σ({0})", "σ({0}) (1 + {0} (1 − σ({0})))"),
    "MishBackward0": _element("{0} · tanh(softplus({0}))", "mish′({0})"),
    "SoftplusBackward0": _element(
        "softplus({0})", "σ({beta} · {0})", "a smooth gate: its slope is the sigmoid function"
    ),
    "HardtanhBackward0": _element(
        "clamp({0}, {min_val}, {max_val})",
        "[{min_val} < {0} < {max_val}]",
        "inside the bounds the gradient passes, outside nothing does",
    ),
    "HardswishBackward0": _element("hardswish({0})", "(0 below −3, 1 above 3, {0}/3 + 1/2 between)"),
    "LogSigmoidBackward0": _element("ln σ({0})", "σ(−{0})"),
    "BernoulliBackward0": Rule("draws from {0}", ("0",), "random draws pass no gradient"),
}

for _name in (
    "BernoulliBackward1",
    "BernoulliBackward2",
    "CauchyBackward0",
    "ExponentialBackward0",
    "GeometricBackward0",
    "LogNormalBackward0",
    "NormalBackward0",
    "NormalBackward1",
    "NormalBackward2",
    "NormalBackward3",
    "RandomBackward0",
    "RandomBackward1",
    "RandomBackward2",
    "UniformBackward0",
):
    RULES[_name] = Rule("random numbers like {0}", ("0",), "random draws pass no gradient")

"""Derivations on paper: their result is the engine's gradient, or they say what they do not know."""

import numpy as np
import pytest

pytest.importorskip("sympy")

from derivable_programs import program

import penlight as torch
from penlight import explain, nn
from penlight.explain.derivation.convolution import convolve, transposed, weight
from penlight.explain.derivation.writing import as_latex, as_text, latex_name


def lesson():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x - 2
    a = (3 * y**2).mean()
    return explain.derive(a, x), x, a


def test_the_lesson_ends_as_on_the_blackboard():
    derivation, x, a = lesson()
    assert derivation.result_text == "da/dx = 3/2 (x − 2)"
    assert [line.text for line in derivation.composition] == [
        "y = x − 2",
        "t1 = y²",
        "t2 = 3 t1",
        "a = 1/4 Σ t2",
    ]
    assert [line.text for line in derivation.lines] == [
        "∂a/∂a = 1",
        "∂a/∂t2 = ∂a/∂a · ∂a/∂t2 = 1 · 1/4 = 1/4",
        "∂a/∂t1 = ∂a/∂t2 · ∂t2/∂t1 = 1/4 · 3 = 3/4",
        "∂a/∂y = ∂a/∂t1 · ∂t1/∂y = 3/4 · 2 y = 3/2 y",
        "∂a/∂x = ∂a/∂y · ∂y/∂x = 3/2 y · 1 = 3/2 y",
    ]
    assert derivation.complete and derivation.agrees and derivation.error == 0
    assert x.grad is None
    a.backward()
    assert np.array_equal(derivation.gradient, x.grad.numpy())


def test_it_is_set_in_latex_in_a_notebook_and_as_text_elsewhere():
    derivation, *_ = lesson()
    assert r"\frac{d a}{d x} &= \frac{3}{2} \left(x - 2\right)" in derivation.latex()
    bundle = derivation._repr_mimebundle_()
    assert bundle["text/plain"] == str(derivation)
    assert bundle["text/markdown"].startswith("$$\n\\begin{aligned}")
    assert r"\begin{bmatrix}-1.5 & 0 \\ 1.5 & 3\end{bmatrix}" in bundle["text/markdown"]
    assert "the same" in str(derivation)


@pytest.mark.parametrize("seed", range(70))
def test_the_derivation_of_a_generated_program_is_the_engines_gradient(seed):
    result, leaves = program(seed)
    derived = 0
    for x in leaves:
        try:
            (engine,) = torch.autograd.grad(result, x, retain_graph=True)
        except RuntimeError:
            with pytest.raises(ValueError, match="does not depend on x"):
                explain.derive(result, x)
            continue
        derivation = explain.derive(result, x)
        assert derivation.complete, derivation.undecided
        assert np.allclose(derivation.gradient, engine.numpy(), rtol=1e-9, atol=1e-9), str(derivation)
        assert derivation.agrees
        derived += 1
    assert derived


def test_generated_programs_take_most_operations():
    names = set()
    for seed in range(70):
        names |= {step.name for step in explain.reading.read(program(seed)[0]).steps}
    assert len(names) > 35


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2, "padding": 1},
        {"dilation": 2, "padding": 2},
        {"groups": 2},
        {"padding": 2, "padding_mode": "circular"},
        {"padding": 2, "padding_mode": "reflect"},
        {"padding": 2, "padding_mode": "replicate"},
    ],
    ids=str,
)
@pytest.mark.parametrize("dims", [1, 2])
def test_a_convolution_is_derived_with_indices_and_sums(dims, options):
    torch.manual_seed(0)
    conv = (nn.Conv1d, nn.Conv2d)[dims - 1](2, 4, 3, dtype=torch.float64, **options)
    x = torch.randn(2, 2, *(7, 6)[:dims], dtype=torch.float64, requires_grad=True)
    y = conv(x)
    loss = (y**2).sum()
    for target in (x, conv.weight, conv.bias):
        derivation = explain.derive(loss, target)
        (engine,) = torch.autograd.grad(loss, target, retain_graph=True)
        assert derivation.complete and np.allclose(derivation.gradient, engine.numpy(), atol=1e-10)
    text = str(explain.derive(loss, x))
    assert "the correlation of the gradient with the flipped kernel" in text
    assert "Σ_o Σ_t conv.weight[o,c,t] · ∂loss/∂y[n,o,i]" in text


def test_a_transposed_convolution_too():
    torch.manual_seed(0)
    conv = nn.ConvTranspose1d(4, 2, 3, stride=2, padding=1, groups=2, dtype=torch.float64)
    x = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)
    loss = conv(x).sin().sum()
    for target in (x, conv.weight, conv.bias):
        derivation = explain.derive(loss, target)
        (engine,) = torch.autograd.grad(loss, target, retain_graph=True)
        assert derivation.complete and np.allclose(derivation.gradient, engine.numpy(), atol=1e-10)


def test_the_three_convolutions_of_the_reference_are_each_others_transposes():
    rng = np.random.default_rng(0)
    notes = {"stride": (2,), "padding": (1,), "dilation": (2,), "groups": 1, "padding_mode": "zeros"}
    x, w = rng.standard_normal((2, 3, 9)), rng.standard_normal((4, 3, 2))
    y = convolve(notes, x, w, (2, 4, 5))
    g = rng.standard_normal(y.shape)
    assert np.allclose((y * g).sum(), (transposed(notes, g, w, x.shape) * x).sum())
    assert np.allclose((y * g).sum(), (weight(notes, g, x, w.shape) * w).sum())


def test_a_small_net_is_derived_to_its_weights():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    loss = (net(x) ** 2).mean()
    for parameter in net.parameters():
        derivation = explain.derive(loss, parameter)
        assert derivation.complete and derivation.agrees
    assert "@" in str(explain.derive(loss, net[0].weight))


def test_large_tensors_are_derived_by_the_same_formula():
    x = torch.randn(300, 400, requires_grad=True)
    a = (3 * (x - 2) ** 2).mean()
    derivation = explain.derive(a, x)
    assert derivation.result_text == "da/dx = 1/20000 (x − 2)"
    assert derivation.agrees
    assert "300×400 numbers from" in str(derivation)


def test_a_tensor_on_the_way_may_be_the_target():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    a = (y**2).sum()
    derivation = explain.derive(a, y)
    assert derivation.result_text == "da/dy = 2 y" and derivation.agrees


def test_broadcasting_sums_and_says_so():
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    b = torch.tensor(0.5, requires_grad=True)
    a = ((x + b) ** 2).sum()
    derivation = explain.derive(a, b)
    assert derivation.agrees
    assert "b was used 3 times by broadcasting: its shares are summed" in str(derivation)
    assert explain.derive((x * 2 + b).sum(), b).result_text.endswith("= 3")


def test_a_gate_is_written_as_a_condition():
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    a = torch.relu(x).sum()
    assert explain.derive(a, x).result_text == "da/dx = [x > 0]"


def test_what_cannot_be_derived_is_said_and_not_guessed():
    x = torch.randn(4, 3, requires_grad=True)
    largest = torch.linalg.vector_norm(x, float("inf"))
    derivation = explain.derive(largest**2, x)
    assert not derivation.complete and derivation.result is None and derivation.gradient is None
    assert "LinalgVectorNormBackward0" in derivation.undecided[0]
    assert "Not derived" in str(derivation)


def test_a_wrong_backward_is_found_out():
    derivation, *_ = lesson()
    derivation.gradient = derivation.gradient + 0.1
    assert not derivation.agrees and "DIFFERENT" in str(derivation)


def test_bad_calls_are_refused():
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="result should be a Tensor"):
        explain.derive(3, x)
    with pytest.raises(ValueError, match="should be one number"):
        explain.derive(x * 2, x)
    with pytest.raises(ValueError, match="does not depend on x"):
        explain.derive(x.sum(), torch.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match="asks for no gradient"):
        explain.derive(x.sum(), torch.ones(2))
    a = (x**2).sum()
    a.backward()
    with pytest.raises(RuntimeError, match="freed by an earlier backward pass"):
        explain.derive(a, x)


def test_expressions_read_as_they_are_written_by_hand():
    import sympy as sp

    x, y = sp.symbols("x y", real=True)
    assert as_text(sp.Rational(3, 2) * y) == "3/2 y"
    assert as_text(-x + 1) == "1 − x"
    assert as_text(sp.exp(2 * x)) == "e^(2 x)"
    assert as_text(1 / (x**2 + 1)) == "1 / (x² + 1)"
    assert as_text(sp.sqrt(x)) == "√x"
    assert as_latex(sp.Rational(1, 4) * y) == r"\frac{1}{4} y"
    assert latex_name("net.0_w") == r"\mathrm{net.0\_w}"
    assert latex_name(r"\input{x}") == r"\mathrm{\backslash input\{x\}}"


def test_shares_of_several_uses_that_mix_elements_are_summed():
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    a = nn.functional.scaled_dot_product_attention(x, x, x).square().sum()
    assert explain.derive(a, x).agrees

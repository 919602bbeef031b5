"""Every operation has its formula and its rule in words."""

import re
from pathlib import Path

import pytest

import penlight as torch
from penlight.explain.rules import formula, rule

SOURCES = Path(__file__).resolve().parents[2] / "csrc"


def node_names():
    names = set()
    for path in [*(SOURCES / "ops").glob("*.cpp"), *(SOURCES / "autograd").glob("*.cpp")]:
        names |= set(
            re.findall(r'"([A-Za-z0-9]+Backward[0-9s]?|CopySlices)"', path.read_text(encoding="utf-8"))
        )
    return sorted(names)


def test_the_names_of_nodes_are_found():
    assert len(node_names()) > 150


@pytest.mark.parametrize("name", node_names())
def test_every_node_has_a_rule_that_can_be_filled_in(name):
    found = rule(name)
    assert found is not None, "give it a line in penlight/explain/rules"
    assert found.back and len(found.words) > 15
    text = formula(name, ["a", "b", "c"], {"exponent": 2, "min": 0, "max": 1, "beta": 1})
    assert text and "{" not in text


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda x: x - 2, "x − 2"),
        (lambda x: 3 * x, "3 · x"),
        (lambda x: x**2, "x²"),
        (lambda x: x**-1.5, "x^-1.5"),
        (lambda x: 2 - x, "2 − x"),
        (lambda x: torch.sub(x, x, alpha=4), "x − 4·x"),
        (lambda x: x.clamp(0, 1), "clamp(x, 0, 1)"),
        (lambda x: x.mean(), "mean(x)"),
    ],
)
def test_a_formula_has_names_and_numbers_put_in(make, text):
    node = make(torch.ones(2, requires_grad=True)).grad_fn
    assert formula(node.name(), ["x" if n else "" for n, _ in node.next_functions], node._notes) == text
    assert formula("PowBackward0", ["x − 2"], {"exponent": 2}) == "(x − 2)²"

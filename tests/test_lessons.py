"""The lessons in docs/lessons run from their first cell to the last, and say what they promise."""

import ast
import re
from pathlib import Path

import pytest

LESSONS = sorted((Path(__file__).parent.parent / "docs" / "lessons").glob("*.ipynb"))
MODULES = {"1-": ["scipy", "pygame"], "3-": ["sympy"], "5-": ["mnist1d"]}  # beyond what every lesson needs


def test_there_are_five_lessons():
    assert [path.name[0] for path in LESSONS] == list("12345")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_kept_without_its_results(path):
    nbformat = pytest.importorskip("nbformat")
    for cell in nbformat.read(path, 4).cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs(path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    for module in MODULES.get(path.name[:2], []):
        pytest.importorskip(module)
    monkeypatch.setenv("PENLIGHT_PICTURES", "page")
    notebook = nbformat.read(path, 4)
    nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3").execute()
    printed = "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
    PROMISES.get(path.name[0], lambda text: None)(printed)


def gradients_agree(printed):
    found = re.findall(r"tensor\((\[\[.*?\]\])\)", printed, re.S)
    assert [ast.literal_eval(text) for text in found[:2]] == [[[-1.5, 0.0], [1.5, 3.0]]] * 2


def the_sine_is_found(printed):
    frequency, phase, height = map(
        float, re.search(r"frequency (\S+), phase (\S+), height (\S+),", printed).groups()
    )
    assert (frequency, phase, height) == pytest.approx((3, 1, 0.5), abs=0.01)


def sliding_wins(printed):
    scores = dict(re.findall(r"(linear|perceptron|convnet) +([\d.]+)% of the test signals", printed))
    assert float(scores["convnet"]) >= 94 and 60 <= float(scores["perceptron"]) <= 76
    assert 25 <= float(scores["linear"]) <= 40


PROMISES = {"3": gradients_agree, "4": the_sine_is_found, "5": sliding_wins}

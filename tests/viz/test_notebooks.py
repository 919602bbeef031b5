"""Pictures in a real JupyterLab: shown by anywidget, answered by the kernel."""

import json
import os
import re
import socket
import subprocess
import sys
import time

import pytest
from browser import close, numbers, shown, slide, until

import penlight as torch
from penlight import explain, nn

CONVOLUTION = """\
import penlight as torch
from penlight import nn, viz
torch.manual_seed(0)
conv = nn.Conv1d(2, 3, 3)
x = torch.randn(2, 10)
viz.conv(conv, x)
"""


def notebook(*cells):
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{i}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": code,
            }
            for i, code in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def listening(address, seconds=60):
    """Waits for a server, which may tell its address before it listens there."""
    host, _, port = address.removeprefix("http://").partition(":")
    until = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection((host, int(port)), 1).close()
        except OSError:
            assert time.monotonic() < until, f"nothing listens at {address}"
            time.sleep(0.1)


@pytest.fixture
def lab(tmp_path):
    """lab(notebook) starts JupyterLab on a notebook and gives its address."""
    pytest.importorskip("jupyterlab")
    pytest.importorskip("anywidget")
    started = []

    def start(content):
        folder = tmp_path / "notebooks"
        folder.mkdir()
        (folder / "lesson.ipynb").write_text(json.dumps(content), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
            *("--ServerApp.port=0", f"--ServerApp.root_dir={folder}"),
            *(
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
                "--LabApp.collaborative=False",
            ),
        ]
        environment = os.environ | {
            name: str(tmp_path / name)
            for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
        }
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder, env=environment)
        started.append(process)
        for line in process.stderr:
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\?(token=\w+)", line):
                listening(found[1])
                return f"{found[1]}/lab/tree/lesson.ipynb?{found[2]}"
        raise AssertionError("JupyterLab did not start")

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def first_cell(lab, chromium):
    """first_cell(code) runs a cell in JupyterLab and gives the page. No request may have gone elsewhere."""
    opened = []

    def run(code, ready):
        page = chromium.new_context(viewport={"width": 1300, "height": 1000}).new_page()
        page.set_default_timeout(60_000)
        page.asked, page.failures = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.failures.append(str(error)))
        address = lab(notebook(code))
        opened.append((page, address.partition("/lab")[0]))
        page.goto(address)
        page.locator(".jp-Notebook").wait_for()
        page.get_by_text("| Idle").wait_for()  # the kernel is there
        page.locator(".jp-Notebook .cm-content").first.click()
        page.keyboard.press("Control+Enter")
        until(page, f"deep => deep('{ready}').length > 0")
        assert page.locator("iframe").count() == 0  # a widget, not the frame of a saved page
        return page

    yield run
    for page, origin in opened:
        page.context.close()
        assert not page.failures
        assert not [url for url in page.asked if not url.startswith((origin, "data:", "blob:"))]


LESSON = """\
import penlight as torch
from penlight import explain, viz
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
y = x - 2
z = 3 * y**2
a = z.mean()
"""


def lesson():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x - 2
    return x, (3 * y**2).mean()


def test_in_jupyterlab_a_flow_chart_shows_values_and_gradients(first_cell):
    page = first_cell(LESSON + "viz.graph(a, gradients=True)", "svg.flow .place")
    x, a = lesson()
    a.backward()
    page.locator(".place", has_text="leaf").last.click()
    assert numbers(page.get_by_label("Values of x")) == x.tolist()
    assert numbers(page.get_by_label("Gradient of x")) == x.grad.tolist()
    layer = page.locator(".place .layer").first
    assert layer.is_visible()
    page.get_by_label("Gradients").uncheck()
    assert not layer.is_visible()


def test_in_jupyterlab_a_backward_pass_is_walked_with_slider_buttons_and_keys(first_cell):
    page = first_cell(LESSON + "explain.backward(a)", ".player output")
    x, a = lesson()  # noqa: RUF059  (steps take names from these)
    steps = explain.backward(a)
    at = page.locator(".player output")
    assert at.inner_text() == f"step 1 of {len(steps)}"
    for step in list(steps)[1:]:
        page.get_by_role("button", name="On", exact=True).click()
        assert at.inner_text() == f"step {step.number} of {len(steps)}"
    assert numbers(page.get_by_label("x.grad", exact=True)) == steps[-1].shares[0].added.tolist()
    page.locator(".player input[type=range]").evaluate(
        "(input) => { input.value = input.min; input.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    assert at.inner_text() == f"step 1 of {len(steps)}"
    page.locator(".player input[type=range]").press("ArrowRight")
    assert at.inner_text() == f"step 2 of {len(steps)}"


def test_in_jupyterlab_a_picture_steps_and_its_sliders_ask_the_kernel(first_cell):
    page = first_cell(CONVOLUTION, "output.result")
    torch.manual_seed(0)
    conv = nn.Conv1d(2, 3, 3)
    x = torch.randn(2, 10)
    y = conv(x)
    assert close(shown(page), y[0, 0])
    page.get_by_role("button", name="On", exact=True).click()
    assert close(shown(page), y[0, 1])
    box = page.locator('.stage [data-pick="output"][data-index="5"]').bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert close(shown(page), y[0, 5])
    slide(page, "output channel", 2)
    slide(page, "dilation", 4)
    wanted = nn.functional.conv1d(x, conv.weight, conv.bias, dilation=4)
    until(
        page,
        "(deep, wanted) => Math.abs(deep('output.result')[0].dataset.value - wanted) < 1e-5",
        wanted[2, 1].item(),
    )
    assert page.locator(".size").text_content() == "2"

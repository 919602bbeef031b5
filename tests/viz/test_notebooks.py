"""Pictures in a real JupyterLab: shown by anywidget, answered by the kernel."""

import json
import os
import re
import subprocess
import sys

import pytest
from browser import close, shown, slide, until

import penlight as torch
from penlight import nn

CODE = """\
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
                return f"{found[1]}/lab/tree/lesson.ipynb?{found[2]}"
        raise AssertionError("JupyterLab did not start")

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def test_in_jupyterlab_a_picture_steps_and_its_sliders_ask_the_kernel(lab, chromium):
    page = chromium.new_context(viewport={"width": 1300, "height": 1000}).new_page()
    page.set_default_timeout(60_000)
    asked, failures = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failures.append(str(error)))
    address = lab(notebook(CODE))
    page.goto(address)
    page.locator(".jp-Notebook").wait_for()
    page.get_by_text("| Idle").wait_for()  # the kernel is there
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    until(page, "deep => deep('output.result').length === 1")
    torch.manual_seed(0)
    conv = nn.Conv1d(2, 3, 3)
    x = torch.randn(2, 10)
    y = conv(x)
    assert page.locator("iframe").count() == 0  # a widget, not the frame of a saved page
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
    page.context.close()
    assert not failures
    origin = address.partition("/lab")[0]
    assert not [url for url in asked if not url.startswith((origin, "data:", "blob:"))]

"""``penlight explore`` in a browser: code changed, sliders moved, files opened; the engine's numbers come back."""

import threading

import numpy as np
import pytest
from browser import close, shown, slide, until
from test_workspace import wav

import penlight as torch
from penlight.explore.server import Explorer

CODE = """\
x = torch.arange(8.0)[None]
show(viz.conv({"weight": torch.tensor([[[1.0, 2.0, -1.0]]]), "bias": torch.tensor([0.5])}, x, title="<b>mine</b>"))
y = x.clone().requires_grad_()
show(viz.graph((y * 2).sum()))
print("<i>printed</i>")
"""


@pytest.fixture
def page(visit):
    server = Explorer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = visit(server.address)
    done(page)
    yield page
    server.shutdown()
    server.server_close()


def done(page):
    page.get_by_role("status").filter(has_text="picture").wait_for()


def run(page, code):
    page.get_by_label("Python code").fill(code)
    page.keyboard.press("Control+Enter")
    until(
        page,
        "(deep, text) => deep('textarea')[0].value === text && !deep('.run')[0].disabled",
        code,
    )


def test_code_runs_live_and_sliders_ask_the_engine(page):
    assert page.get_by_role("heading", name="Conv1d, (2, 64) to (16, 62)").count() == 1
    run(page, CODE)
    assert page.get_by_role("heading", name="<b>mine</b>").count() == 1
    assert page.get_by_label("What was printed").text_content() == "<i>printed</i>\n"
    assert page.get_by_role("heading", name="Flow chart").count() == 1
    x, weight = torch.arange(8.0)[None], torch.tensor([[[1.0, 2.0, -1.0]]])
    assert close(shown(page), torch.nn.functional.conv1d(x, weight)[0, 0] + 0.5)
    asked = len([url for url in page.asked if url.endswith("/ask")])
    with page.expect_response("**/ask"):
        slide(page, "dilation", 3)
    page.locator(".size").filter(has_text="2").wait_for()
    wanted = torch.nn.functional.conv1d(x, weight, dilation=3)[0, 0].item() + 0.5
    until(page, "(deep, wanted) => Math.abs(deep('output.result')[0].dataset.value - wanted) < 1e-5", wanted)
    assert len([url for url in page.asked if url.endswith("/ask")]) > asked


def test_an_error_and_a_stop_are_told(page):
    run(page, "1 / 0")
    assert "ZeroDivisionError" in page.get_by_role("alert").first.text_content()
    page.get_by_label("Python code").fill("while True: pass")
    page.get_by_role("button", name="Run", exact=True).click()
    stop = page.get_by_role("button", name="Stop")
    while stop.is_enabled():
        stop.click()
        page.wait_for_timeout(100)
    assert page.get_by_role("alert").first.text_content() == "Stopped."


def test_a_sound_of_ones_own_is_opened(page):
    pytest.importorskip("scipy")
    samples = (np.sin(np.arange(500) / 5) * [[9000]]).astype(np.int16)
    page.get_by_label("A sound or an image of yours").set_input_files(
        {"name": "<img src=x>.wav", "mimeType": "audio/wav", "buffer": wav(samples)}
    )
    page.get_by_text("<img src=x>.wav: 500 samples in 1 channels, 8000 a second").wait_for()
    page.get_by_role("heading", name="Conv1d, (1, 500) to (1, 500)").wait_for()
    page.get_by_role("button", name="Last").first.click()
    signal = torch.from_numpy(samples.astype(np.float32) / 32768)
    assert close(shown(page), signal[0, -5:].sum() / 9)


@pytest.mark.parametrize("width", [375, 1400])
def test_the_page_is_accessible_and_not_wider_than_its_window(page, complaints, width):
    page.set_viewport_size({"width": width, "height": 900})
    assert complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


GRAPHS = """\
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
a = (3 * (x - 2)**2).mean()
show(viz.graph(a, gradients=True))
show(explain.backward(a))
net = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
with explain.record():
    loss = net(torch.randn(1, 1, 8)).square().sum()
show(viz.graph(loss))
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1400])
def test_flow_charts_and_steps_are_accessible(page, complaints, width, scheme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    run(page, GRAPHS)
    assert page.get_by_role("heading", name="Flow chart").count() == 2
    assert page.locator(".player").count() == 1
    assert complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width

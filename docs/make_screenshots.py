"""Takes the screenshots of docs/pictures.md: ``python docs/make_screenshots.py``, with Playwright and Chromium.

They are committed, and taken anew when the pictures change their look; what the pictures show is held by tests.
"""

import shutil
import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import penlight as torch
from penlight import nn, viz
from penlight.datasets import stereo_signal
from penlight.explore.server import Explorer

SCREENSHOTS = Path(__file__).parent / "screenshots"
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-sync",
]


def main():
    SCREENSHOTS.mkdir(exist_ok=True)
    torch.manual_seed(0)
    signal = viz.conv(nn.Conv1d(2, 16, 3), stereo_signal(), title="A stereo signal under Conv1d(2, 16, 3)")
    image = torch.zeros(1, 9, 9)
    image[0, 2:7, 3:6] = 1
    kernel = torch.tensor([[[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]])
    edges = viz.conv({"weight": kernel, "padding": 1}, image, title="Edges from left to right")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    explorer = Explorer()
    threading.Thread(target=explorer.serve_forever, daemon=True).start()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)

        def take(name, address, width, act, scheme="light"):
            page = browser.new_page(viewport={"width": width, "height": 700}, color_scheme=scheme)
            page.goto(address)
            page.locator("output.result").wait_for()
            act(page)
            page.wait_for_timeout(300)
            path = SCREENSHOTS / f"{name}.png"
            page.screenshot(path=path, full_page=True)
            with Image.open(path) as picture:  # a palette makes it a third of the size
                picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
            print(f"docs/screenshots/{name}.png")

        for name, picture in (("signal", signal), ("edges", edges)):
            picture.save(Path(folder) / f"{name}.html")
        take("signal", (Path(folder) / "signal.html").as_uri(), 1080, step(20))
        take("gradient", (Path(folder) / "edges.html").as_uri(), 1080, gradient, "dark")
        take("explore", explorer.address, 1080, lambda page: None)
        browser.close()


def step(places):
    def act(page):
        page.get_by_role("slider", name="Step through the cells").focus()
        for _ in range(places):
            page.keyboard.press("ArrowRight")

    return act


def gradient(page):
    page.get_by_role("button", name="Gradient by input").click()
    page.get_by_label("loss").select_option("squares")
    step(30)(page)


if __name__ == "__main__":
    sys.exit(main())

"""How fast the picture of a convolution answers: ``python -m benchmarks.pictures``, with Playwright and Chromium.

A slider is moved on the saved page of an image of 20 channels, 64 by 128, under a convolution of 3 by 5 to 16 channels;
counted is the time from the move until the page is laid out anew.
"""

import shutil
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

import penlight as torch
from penlight import nn, viz

MOVE = """label => {
  const root = document.querySelector("main > div").shadowRoot;
  const input = [...root.querySelectorAll("input")].find((input) => input.getAttribute("aria-label") === label);
  return [1, 2, 3, 4, 5, 4, 3, 2, 1, 3, 5].map((value) => {
    const start = performance.now();
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    document.body.offsetHeight;
    return performance.now() - start;
  });
}"""


def main():
    torch.manual_seed(0)
    picture = viz.conv(nn.Conv2d(20, 16, (3, 5), padding=(1, 2)), torch.randn(20, 64, 128))
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.html"
        picture.save(path)
        print(f"the saved page: {path.stat().st_size / 1000:.0f} kB")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(path.as_uri())
        page.locator("output.result").wait_for()
        for matrix in ("without", "with"):
            page.get_by_label("matrix").set_checked(matrix == "with")
            for label in ("kernel, rows", "stride, columns", "dilation, rows", "padding cells, rows"):
                times = page.evaluate(MOVE, label)
                print(
                    f"{label}, {matrix} the matrix: median {median(times):.0f} ms, longest {max(times):.0f} ms"
                )
        browser.close()


if __name__ == "__main__":
    main()

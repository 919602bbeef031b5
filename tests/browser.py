"""A browser for the tests of pictures: the distribution's Chromium, driven by Playwright; skipped without them."""

import os
import shutil
from pathlib import Path

import pytest

AXE = Path(__file__).resolve().parents[1] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api")
    names = (os.environ.get("CHROMIUM", "chromium"), "chromium-browser", "google-chrome")
    program = next((found for found in map(shutil.which, names) if found), None)
    if program is None:
        pytest.skip("no Chromium")
    preloaded = os.environ.pop("LD_PRELOAD", None)  # a sanitizer's library, which is for this process alone
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        if preloaded:
            os.environ["LD_PRELOAD"] = preloaded
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """visit(address, ...) opens a page. At the end no page may have failed or asked for anything elsewhere."""
    opened = []

    def open_page(address, width=1200, height=900, **context):
        page = chromium.new_context(viewport={"width": width, "height": height}, **context).new_page()
        page.set_default_timeout(60_000)  # a busy machine is no failure
        page.asked, page.failures = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.failures.append(str(error)))
        page.on("console", lambda message: message.type == "error" and page.failures.append(message.text))
        page.goto(address)
        opened.append((page, address))
        return page

    yield open_page
    for page, address in opened:
        origin = address if address.startswith("file:") else "/".join(address.split("/")[:3]) + "/"
        page.context.close()
        assert not page.failures
        assert not [url for url in page.asked if not url.startswith((origin, "data:", "blob:"))]


@pytest.fixture
def saved(visit, tmp_path):
    """saved(picture) opens the page that a picture saves."""

    def open_saved(picture, **context):
        path = tmp_path / f"picture-{len(list(tmp_path.iterdir()))}.html"
        picture.save(path)
        return visit(path.as_uri(), **context)

    return open_saved


@pytest.fixture
def complaints():
    """complaints(page): what axe-core finds serious or critical."""
    if not AXE.is_file():
        pytest.skip("no axe-core: npm ci in frontend/")

    def look(page):
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run()")["violations"]
        return [
            (rule["id"], node["target"], node["failureSummary"])
            for rule in found
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]

    return look


# What tests do with a picture of a convolution


def slide(page, label, value):
    page.get_by_label(label, exact=True).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', {bubbles: true})); }",
        value,
    )


def shown(page):
    """The number that the page gives for what is looked at, in full."""
    return float(page.locator("output.result").get_attribute("data-value"))


def close(a, b):
    return abs(a - float(b)) <= 1e-5 * max(1, abs(float(b)))


def until(page, condition, *arguments):
    """Waits until a function of JavaScript, given deep(selector) that looks into shadows too, says yes."""
    deep = """selector => {
      const found = [];
      const look = (root) => {
        found.push(...root.querySelectorAll(selector));
        for (const host of root.querySelectorAll("*")) if (host.shadowRoot) look(host.shadowRoot);
      };
      look(document);
      return found;
    }"""
    page.wait_for_function(f"given => ({condition})({deep}, ...given)", arg=list(arguments))


# What tests do with a flow chart


def numbers(table):
    """The numbers of a table on the page, row by row."""
    return [
        [float(cell.replace("\N{MINUS SIGN}", "-")) for cell in row.locator("td").all_inner_texts()]
        for row in table.locator("tr").all()
    ]

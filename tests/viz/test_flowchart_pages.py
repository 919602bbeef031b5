"""Flow charts and steps of a backward pass in a browser: what is shown is what the engine holds."""

import pytest
from browser import numbers

import penlight as torch
from penlight import explain, nn, viz
from penlight.viz.flowchart.place import place

BORDER = 14  # around a chart, in chart.js


def lesson():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x - 2
    return x, y, (3 * y**2).mean()


def net():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding=1)
            self.norm = nn.BatchNorm2d(2)

        def forward(self, x):
            return torch.relu(self.norm(self.conv(x))) + x

    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), Block(), Block(), nn.Flatten(), nn.Linear(72, 4))
    with explain.record():
        return model(torch.randn(1, 1, 8, 8)).square().sum()


def chain():
    y = torch.ones(3, requires_grad=True)
    for _ in range(100):
        y = y * 1.01
    return y.sum()


def card(page, text):
    return page.locator(".place", has_text=text).last


def positions(page):
    """Where every card and box stands, and its name."""
    return page.evaluate(
        """() => {
          const svg = document.querySelector("main > div").shadowRoot.querySelector("svg.flow");
          return Object.fromEntries([...svg.querySelectorAll(".place")].map((element) => {
            const [x, y] = element.getAttribute("transform").match(/-?\\d[\\d.e-]*/g).map(Number);
            return [element.dataset.name, [x, y]];
          }));
        }"""
    )


def same_places(page, description, folded):
    expected = place(description, folded)["at"]
    found = positions(page)
    visible = {name for name in expected if "/" not in name}
    assert set(found) == visible
    for name in visible:
        assert found[name] == pytest.approx(expected[name][:2], abs=1e-6), name


def test_a_card_tells_the_engines_values_and_gradients(saved):
    x, y, a = lesson()  # noqa: RUF059  (the chart takes names from these)
    page = saved(viz.graph(a, gradients=True))
    a.backward()
    card(page, "leaf").click()
    assert numbers(page.get_by_label("Values of x")) == x.tolist()
    assert numbers(page.get_by_label("Gradient of x")) == x.grad.tolist()
    card(page, "PowBackward0").click()
    assert "g · 2 · y" in page.locator(".details").inner_text()
    assert numbers(page.get_by_label("Gradient of y²")) == [[0.75, 0.75], [0.75, 0.75]]


def test_the_layer_of_gradients_is_switched(saved):
    x, y, a = lesson()  # noqa: RUF059  (the chart takes names from these)
    page = saved(viz.graph(a))
    layer = page.locator(".place .layer").first
    assert not layer.is_visible()
    page.get_by_label("Gradients").check()
    assert layer.is_visible()


def test_arrow_keys_walk_along_values_and_back(saved):
    x, y, a = lesson()  # noqa: RUF059  (the chart takes names from these)
    page = saved(viz.graph(a, gradients=True))
    card(page, "leaf").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".details h3").inner_text() == "y = x − 2"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".details h3").inner_text() == "y = x − 2"
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.dataset.name")


@pytest.mark.parametrize("make", [lambda: lesson()[2], net, chain], ids=["lesson", "net", "chain"])
def test_everything_stands_where_the_file_has_it_for_every_fold(saved, make):
    picture = viz.graph(make(), gradients=True)
    description = picture.describe()
    page = saved(picture)
    same_places(page, description, set(description["folded"]))
    groups = description["groups"]
    if not groups:
        return
    page.get_by_role("button", name="Close all boxes").click()
    same_places(page, description, set(groups))
    page.get_by_role("button", name="Open all boxes").click()
    same_places(page, description, set())
    for title in ("net.1: Block", "model.1: Block"):
        for name, group in groups.items():
            if group["title"] == title:
                page.locator(f'[data-name="{name}"]').first.focus()
                page.keyboard.press("Enter")
                same_places(page, description, {name})


def test_a_step_shows_the_gradients_of_the_engine(saved):
    x, y, a = lesson()  # noqa: RUF059  (the chart takes names from these)
    steps = explain.backward(a)
    page = saved(steps.picture())
    for step in steps:
        assert page.locator(".player output").inner_text() == f"step {step.number} of {len(steps)}"
        if not step.leaf:
            incoming = numbers(page.get_by_label("gradient in", exact=True))
            outgoing = numbers(page.get_by_label(f"gradient out, to {step.shares[0].name}", exact=True))
            as_rows = step.incoming[0].tolist()
            assert incoming == (as_rows if step.incoming[0].dim() == 2 else [[as_rows]])
            assert outgoing == step.shares[0].added.tolist()
        else:
            assert numbers(page.get_by_label("x.grad", exact=True)) == step.shares[0].added.tolist()
        arrived = page.locator(".place:not(.waiting) .layer").count()
        assert arrived >= step.number
        page.get_by_role("button", name="On", exact=True).click()


def test_the_slider_and_its_keys_walk_forth_and_back(saved):
    x, y, a = lesson()  # noqa: RUF059  (the chart takes names from these)
    page = saved(explain.backward(a).picture())
    slider = page.get_by_label("Steps of the backward pass").locator("input")
    slider.focus()
    page.keyboard.press("End")
    assert page.locator(".player output").inner_text() == "step 5 of 5"
    assert page.locator(".waiting").count() == 0
    page.keyboard.press("Home")
    assert page.locator(".player output").inner_text() == "step 1 of 5"
    page.keyboard.press("ArrowRight")
    assert page.locator(".step h3").inner_text().startswith("2 of 5")
    slider.evaluate("input => { input.value = 3; input.dispatchEvent(new Event('input')); }")
    assert page.locator(".step h3").inner_text().startswith("4 of 5")
    card(page, "PowBackward0").click()
    assert page.locator(".step h3").inner_text().startswith("3 of 5")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1400])
def test_pages_are_accessible_and_fit(saved, complaints, scheme, width):
    x, y, a = lesson()  # noqa: RUF059  (the chart takes names from these)
    for picture in (
        viz.graph(a, gradients=True),
        viz.graph(net(), gradients=True),
        explain.backward(a).picture(),
    ):
        page = saved(picture, width=width, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert complaints(page) == []


def test_markup_in_a_name_stays_text_on_the_page(saved):
    evil = "<img src=x onerror='window.bad = 1'>"
    variables = {evil: torch.ones(2, requires_grad=True)}
    a = (variables[evil] * 2).sum()
    page = saved(viz.graph(a, gradients=True))
    card(page, "leaf").click()
    assert page.locator("img").count() == 0 and not page.evaluate("window.bad")
    assert "<img" in page.locator(".details h3").inner_text()
    page = saved(explain.backward(a).picture())
    assert page.locator("img").count() == 0 and not page.evaluate("window.bad")


def test_a_page_of_two_thousand_nodes_answers(saved):
    h = torch.randn(3, requires_grad=True)
    z = h
    for i in range(1480):
        z = z * 1.001 + h if i % 3 == 0 else z.sin()
    picture = viz.graph(z.sum())
    page = saved(picture)
    assert page.locator(".place").count() == len(picture.graph.steps)
    page.locator(".place").nth(3).focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".details h3").count() == 1


def test_a_failed_forward_is_told_on_the_page(saved):
    x = torch.randn(2, 3, requires_grad=True)
    w = torch.randn(4, 5)
    with pytest.raises(RuntimeError), explain.record() as tape:
        h = x.exp()
        h @ w
    page = saved(viz.graph(tape))
    failed = card(page, "h @ w")
    assert "4×5" in failed.text_content()
    assert "Failed: h @ w" in failed.get_attribute("aria-label")

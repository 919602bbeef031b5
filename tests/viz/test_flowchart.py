"""The flow chart: what it shows is what the engine holds, in every format, at any size."""

import itertools
import re
import time
from xml.etree import ElementTree

import pytest

import penlight as torch
from penlight import explain, nn, viz
from penlight.explain.glimpse import flat
from penlight.viz.flowchart.place import ROW_GAP, place, settle
from penlight.viz.flowchart.png import rasterize
from penlight.viz.flowchart.style import PALETTES

SVG = "{http://www.w3.org/2000/svg}"


def lesson():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x - 2
    a = (3 * y**2).mean()
    return viz.graph(a, gradients=True), x, y, a


def block_net():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding=1)
            self.norm = nn.BatchNorm2d(2)

        def forward(self, x):
            return torch.relu(self.norm(self.conv(x))) + x

    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), Block(), Block(), nn.Flatten(), nn.Linear(72, 4))
    with explain.record():
        loss = net(torch.randn(1, 1, 8, 8)).square().sum()
    return loss


def texts(svg):
    return [e.text for e in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_lessons_chart_shows_formulas_names_values_and_gradients():
    picture, x, y, a = lesson()
    shown = texts(picture.svg())
    assert {"x", "y = x − 2", "y²", "3 · y²", "a = mean(3 · y²)"} <= set(shown)
    assert {"SubBackward0", "PowBackward0", "MulBackward0", "MeanBackward0", "∂a/∂y", "2×2 float32"} <= set(
        shown
    )
    assert "4.5" in shown and "−1.5" in shown
    gradients = {
        detail["outputs"][0]["name"]: detail["outputs"][0]["grad"]["values"]
        for detail in picture.describe()["details"].values()
    }
    a.backward()
    assert gradients["x"] == x.grad.tolist()
    assert gradients["y"] == (6 * y / 4).tolist()


def test_drawing_changes_no_gradient_and_keeps_the_graph():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.retain_grad()
    a = y.sum()
    viz.graph(a).svg()
    assert x.grad is None and y.grad is None
    a.backward()
    assert x.grad.tolist() == [2.0, 2.0] and y.grad.tolist() == [1.0, 1.0]


def test_every_edge_of_the_engine_is_drawn_with_the_gradient_that_flowed_through_it():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    a = (y * y + y).sum()  # y is used three times
    description = viz.graph(a, gradients=True).describe()
    edges = [e for e in description["edges"] if e["kind"] == "value"]
    count = 0
    seen, waiting = set(), [a.grad_fn]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        following = [n for n, _ in node.next_functions if n is not None]
        count += len(following)
        waiting += following
    assert len(edges) == count
    name = {i: c["text"].split("\n")[0] for i, c in enumerate(description["cards"])}
    shares = sorted(e["grad"]["values"][0] for e in edges if name[e["from"][0]].startswith("y ="))
    e = y[0].item()
    assert shares == pytest.approx(sorted([e, e, 1.0]))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_png_has_the_colours_of_its_theme(theme):
    pytest.importorskip("resvg_py")
    picture, *_ = lesson()
    image = pytest.importorskip("PIL.Image")
    from io import BytesIO

    pixels = image.open(BytesIO(picture.png(theme))).convert("RGB")
    paper = tuple(int(PALETTES[theme]["paper"][i : i + 2], 16) for i in (1, 3, 5))
    assert pixels.getpixel((3, 3)) == paper
    assert len(pixels.getcolors(100_000)) > 20


def test_the_picture_saves_in_every_format(tmp_path):
    picture, *_ = lesson()
    for ending, start in ((".svg", "<svg "), (".html", "<!DOCTYPE html>"), (".dot", "digraph penlight {")):
        picture.save(tmp_path / f"graph{ending}")
        assert (tmp_path / f"graph{ending}").read_text(encoding="utf-8").startswith(start)
    assert (tmp_path / "graph.html").stat().st_size < 1_000_000
    with pytest.raises(ValueError, match="must end in"):
        picture.save(tmp_path / "graph.bmp")
    with pytest.raises(ValueError, match="theme should be"):
        picture.svg("pink")


def test_dot_source_names_every_node_and_edge():
    picture, *_ = lesson()
    source = picture.dot()
    assert len(re.findall(r"^\s*n\d+ \[", source, re.M)) == 5
    assert source.count("->") == 4
    assert '"a = mean(3 · y²)\\nMeanBackward0' in source


def test_markup_in_names_stays_text():
    evil = '<img src=x onerror="alert(1)">'
    variables = {evil: torch.ones(2, requires_grad=True)}
    a = (variables[evil] * 2).sum()
    picture = viz.graph(a, gradients=True)
    svg = picture.svg()
    assert "<img" not in svg
    assert any(evil in (text or "") for text in texts(svg)) or "&lt;img" in svg
    ElementTree.fromstring(svg)
    assert "<img" not in picture.to_html().partition('class="penlight">')[2].partition("</script>")[0]


def test_modules_are_boxes_that_fold():
    loss = block_net()
    picture = viz.graph(loss, gradients=True)
    description = picture.describe()
    titles = {group["title"] for group in description["groups"].values()}
    assert {"net: Sequential", "net.1: Block", "net.1.conv: Conv2d", "net.2.norm: BatchNorm2d"} <= titles
    opened = place(description, set())["at"]
    assert all(f"c{i}" in opened for i in range(len(description["cards"])))
    for name, (x, y, width, height) in opened.items():
        if name[0] == "c" and (parent := description["cards"][int(name[1:])]["parent"]) != "root":
            left, top, wide, tall = opened[parent]
            assert left < x and x + width < left + wide and top < y and y + height < top + tall
    block = next(name for name, g in description["groups"].items() if g["title"] == "net.1: Block")
    closed = place(description, {block})
    assert len(closed["at"]) < len(opened) and closed["width"] < place(description, set())["width"]
    assert "▸ net: Sequential" in texts(viz.graph(loss, depth=0).svg())


@pytest.mark.parametrize("make", [lambda: lesson()[0], lambda: viz.graph(block_net())], ids=["lesson", "net"])
def test_cards_do_not_overlap_and_edges_lead_to_the_right_or_to_the_next_line(make):
    description = make().describe()
    at = place(description, set(description["folded"]))["at"]
    boxes = [(name, box) for name, box in at.items() if name[0] == "c"]
    for i, (_, (x, y, w, h)) in enumerate(boxes):
        for _, (x2, y2, w2, h2) in boxes[i + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    for edge in description["edges"]:
        a, b = at[f"c{edge['from'][0]}"], at[f"c{edge['to'][0]}"]
        assert a[0] + a[2] < b[0] or a[1] + a[3] < b[1]


def test_settling_keeps_order_and_distance_and_is_the_least_squares_answer():
    wanted, heights = [50.0, 0.0, 10.0, 200.0], [10.0, 20.0, 10.0, 10.0]
    got = settle(wanted, heights)
    gaps = [b - a for a, b in itertools.pairwise(got)]
    least = [(a + b) / 2 + ROW_GAP for a, b in itertools.pairwise(heights)]
    assert all(gap >= needed - 1e-9 for gap, needed in zip(gaps, least, strict=True))
    assert got[3] == 200
    cost = sum((g - w) ** 2 for g, w in zip(got, wanted, strict=True))
    for shift in (-1.0, 1.0):  # moving the pool of the first three is never better
        assert sum((g + shift - w) ** 2 for g, w in zip(got[:3], wanted, strict=False)) >= cost - 1e-9


def chain(length):
    h = torch.randn(3, requires_grad=True)
    z = h
    for i in range(length):
        z = z * 1.001 + h if i % 3 == 0 else z.sin()
    return z.sum()


def test_two_thousand_nodes_are_drawn_whole():
    total = chain(1497)
    picture = viz.graph(total)
    count = len(picture.graph.steps)
    assert 1990 <= count <= 2000
    started = time.process_time()
    svg = viz.graph(total).svg()
    assert time.process_time() - started < 30  # it takes about one second; a guard against quadratic growth
    assert svg.count('class="card') == count
    assert picture.describe()["notice"] == ""


def test_a_png_that_nobody_could_read_is_refused():
    pytest.importorskip("resvg_py")
    assert viz.graph(chain(1000)).png()[1:4] == b"PNG"
    with pytest.raises(ValueError, match="fold boxes with depth="):
        rasterize('<svg xmlns="http://www.w3.org/2000/svg" width="90000" height="50"></svg>', 1.0, 8000)


def test_what_is_beyond_is_folded_and_said():
    picture = viz.graph(chain(3000))
    count = len(picture.graph.steps)
    assert count > 2500
    notice = picture.describe()["notice"]
    assert f"{count:,} nodes" in notice and f"{count - 2000:,} between" in notice
    assert notice in texts(picture.svg())
    assert f"▸ {count - 2000:,} nodes in the middle, folded" in texts(picture.svg())


def test_a_failed_forward_is_drawn_up_to_the_failure():
    x = torch.randn(2, 3, requires_grad=True)
    w = torch.randn(4, 5)
    with pytest.raises(RuntimeError), explain.record() as tape:
        h = x.exp()
        h @ w
    shown = texts(viz.graph(tape).svg())
    assert "h @ w" in shown and "h: 2×3 float32" in shown and "w: 4×5 float32" in shown
    assert any(text.startswith("RuntimeError: mat1 and mat2 shapes") for text in shown)
    description = viz.graph(tape).describe()
    failed = next(i for i, card in enumerate(description["cards"]) if card["kind"] == "failed")
    assert [e["to"][0] for e in description["edges"]].count(failed) == 1


def test_the_very_first_operation_may_fail():
    x, w = torch.randn(2, requires_grad=True), torch.randn(3)
    with pytest.raises(RuntimeError), explain.record() as tape:
        x + w
    assert "x + w" in texts(viz.graph(tape).svg())


def test_a_freed_graph_is_drawn_without_gradients_and_says_why():
    x = torch.ones(2, requires_grad=True)
    a = (x**2).sum()
    a.backward()
    picture = viz.graph(a, gradients=True)
    assert not picture.describe()["hasGradients"]
    assert "freed" in picture.describe()["without"]
    several = viz.graph(x * 2, gradients=True)
    assert "pass grad=" in several.describe()["without"]
    assert viz.graph(x * 2, grad=torch.ones(2), gradients=True).describe()["hasGradients"]


def test_every_picture_has_its_words():
    picture, *_ = lesson()
    words = picture.text()
    assert "y = x − 2 (SubBackward0)" in words and "gradient ∂a/∂x: −1.5 0; 1.5 3" in words
    label = ElementTree.fromstring(picture.svg()).attrib["aria-label"]
    assert label.startswith("Flow chart of the recorded graph.")


def test_large_tensors_have_a_summary_and_a_histogram():
    x = torch.linspace(-1, 3, 1000).requires_grad_()
    a = x.sum()
    detail = next(d for d in viz.graph(a).describe()["details"].values() if d["node"] == "leaf")
    summary = detail["outputs"][0]["value"]["summary"]
    assert summary["low"] == -1 and summary["high"] == 3 and summary["mean"] == pytest.approx(1, abs=1e-5)
    assert sum(summary["histogram"]) == 1000
    assert flat(detail["outputs"][0]["value"]["shape"]) == [1000]


def test_graph_needs_something_to_draw():
    with pytest.raises(ValueError, match="asks for no gradient"):
        viz.graph(torch.ones(2))
    with explain.record() as tape:
        torch.ones(2) * 2
    with pytest.raises(ValueError, match="nothing was recorded"):
        viz.graph(tape)


def test_a_chart_too_wide_for_one_line_goes_on_in_the_next():
    y = torch.ones(3, requires_grad=True)
    for _ in range(100):
        y = y * 1.01
    picture = viz.graph(y.sum())
    placed = place(picture.describe(), set())
    assert placed["width"] < 3600 and len(placed["gaps"]) > 5
    boxes = list(placed["at"].values())
    for i, (x, y, w, h) in enumerate(boxes):
        for x2, y2, w2, h2 in boxes[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
        for gap in placed["gaps"]:
            assert not y <= gap <= y + h

"""``penlight demo``: the training run, its report, and what it says when it cannot run."""

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

import penlight
from penlight import demo
from penlight.datasets import digits_split
from penlight.demo import flowchart, pictures, report, svg
from penlight.demo.train import BATCH_SIZE, LEARNING_RATE, make_net, train
from penlight.utils.data import DataLoader, TensorDataset

pytest.importorskip("rich")
pytest.importorskip("safetensors")

EPOCHS, SEED = 2, 7
VOID = {"meta", "br", "img", "hr", "link", "input"}


class Page(HTMLParser):
    """A page's elements, checked for balance as it is read, and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), list(self.open)))
        if tag not in VOID:
            self.open.append((tag, dict(attributes)))

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), list(self.open)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, f"</{tag}> inside {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if not any(tag == "style" for tag, _ in self.open):
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder that a short run of the demo wrote."""
    folder = tmp_path_factory.mktemp("demo") / "made" / "on the way"
    path = demo.run(epochs=EPOCHS, seed=SEED, out=folder)
    assert path == folder / "report.html"
    return folder


@pytest.fixture(scope="module")
def lesson():
    """The same run, for its numbers."""
    return train(EPOCHS, SEED)


@pytest.fixture(scope="module")
def html(written):
    return (written / "report.html").read_text(encoding="utf-8")


def test_it_writes_the_report_and_the_weights_and_nothing_else(written):
    assert sorted(path.name for path in written.iterdir()) == ["digits.safetensors", "report.html"]
    assert (written / "report.html").stat().st_size < 2_000_000


def test_the_same_seed_writes_the_same_page(html, lesson):
    assert report.page(lesson) == html


def test_another_seed_learns_from_other_numbers(lesson):
    assert train(1, SEED + 1).history.step_losses[:5] != lesson.history.step_losses[:5]


def test_the_page_needs_no_network(html):
    assert not re.search(r"https?:|url\(|@import|<script|javascript:", html)
    for tag, attributes, _ in Page(html).elements:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)


def test_links_lead_somewhere(html):
    elements = Page(html).elements
    places = {attributes["id"] for _, attributes, _ in elements if "id" in attributes}
    links = {attributes["href"][1:] for tag, attributes, _ in elements if tag == "a"}
    assert links and links <= places


def test_every_picture_is_described(html):
    shown = 0
    for tag, attributes, around in Page(html).elements:
        if tag == "svg":
            shown += 1
            described = [a for _, a in around if a.get("role") == "img"] + [attributes]
            assert any(len(a.get("aria-label") or "") > 10 for a in described), attributes
    assert shown > 100


def test_the_page_serves_light_dark_and_narrow(html):
    elements = Page(html).elements
    meta = {a.get("name"): a.get("content") for tag, a, _ in elements if tag == "meta"}
    assert meta["viewport"].startswith("width=device-width") and "dark" in meta["color-scheme"]
    assert "prefers-color-scheme: dark" in html and "max-width: 600px" in html


def test_the_losses_and_accuracies_on_the_page_are_the_runs(html, lesson):
    history = lesson.history
    rows = re.findall(r"<tr><td>(\d+)</td>" + r"<td class=right>([\d.]+)%?</td>" * 4, html)
    assert len(rows) == EPOCHS
    for epoch, row in enumerate(rows):
        assert int(row[0]) == epoch + 1
        assert float(row[1]) == pytest.approx(history.train_losses[epoch], abs=1e-6)
        assert float(row[2]) == pytest.approx(history.held_losses[epoch], abs=1e-6)
        assert float(row[3]) == pytest.approx(history.train_accuracies[epoch] * 100, abs=0.01)
        assert float(row[4]) == pytest.approx(history.held_accuracies[epoch] * 100, abs=0.01)


def test_the_count_of_mistakes_is_the_nets(html, lesson):
    wrong = int((lesson.held_scores.argmax(1) != lesson.held_labels).sum().item())
    assert 0 < wrong < 359
    text = Page(html).text
    assert f"{wrong} of 359 held-out digits were misread" in text
    assert f"{lesson.right} of 359" in text and lesson.right == 359 - wrong


def test_the_page_shows_the_output_sizes(html):
    text = Page(html).text
    assert "= ⌊ 64 + 2 · 0 − 1 ( 3 − 1 ) − 1 1 ⌋ + 1 = 62".replace(" ", "") in text.replace(" ", "")
    assert "16 × 62" in text and "16 × 2 × 3" in text


def test_the_sums_by_hand_agree_with_the_engine(html):
    text = Page(html).text
    assert text.count("✓ They agree.") == 2 and "They differ" not in text


def test_the_chart_holds_the_recorded_nodes(html):
    for node in ("SubBackward0", "PowBackward0", "MulBackward0", "MeanBackward0"):
        assert node in html


def test_the_source_of_the_digits_is_named(html):
    text = Page(html).text
    assert "Alpaydin" in text and "10.24432/C50P49" in text and "CC BY 4.0" in text


def test_the_weights_load_back_and_read_as_well(written, lesson):
    penlight.manual_seed(0)
    net = make_net()
    net.load_state_dict(penlight.load(written / "digits.safetensors"))
    _, _, images, labels = digits_split(seed=SEED)
    with penlight.no_grad():
        scores = net(images)
    assert scores.tolist() == lesson.held_scores.tolist()
    assert int((scores.argmax(1) == labels).sum().item()) == lesson.right


def test_with_the_default_epochs_it_reads_97_percent():
    full = train(demo.command.DEFAULT_EPOCHS, demo.command.DEFAULT_SEED)
    assert full.right / len(full.held_labels) >= 0.97
    assert full.parameter_count == 9930


def test_a_net_without_mistakes_shows_what_it_was_least_sure_of(lesson):
    perfect = penlight.nn.functional.one_hot(lesson.held_labels, 10).float() * 9
    words = report._mistakes(type(lesson)(**{**vars(lesson), "held_scores": perfect}))
    assert "None of the 359" in words and words.count("read as") >= 2 * report.MOST_MISTAKES


def test_training_gives_pytorchs_losses():
    """From the same seed, on the same batches: the first 50 losses to 1e-4."""
    torch = pytest.importorskip("torch")
    images, labels, _, _ = digits_split(seed=0)
    loader = DataLoader(TensorDataset(images, labels), batch_size=BATCH_SIZE, shuffle=True)

    def losses(library, layers):
        library.manual_seed(0)
        net = layers()
        optimizer = library.optim.Adam(net.parameters(), lr=LEARNING_RATE)
        for batch, wanted in batches:
            optimizer.zero_grad()
            loss = library.nn.functional.cross_entropy(
                net(library.from_numpy(batch)), library.from_numpy(wanted)
            )
            loss.backward()
            optimizer.step()
            yield loss.item()

    def torch_net():
        nn = torch.nn
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(512, 10),
        )

    batches = [(x.numpy(), y.numpy()) for _ in range(2) for x, y in loader][:50]
    assert len(batches) == 50
    ours, theirs = list(losses(penlight, make_net)), list(losses(torch, torch_net))
    assert ours == pytest.approx(theirs, abs=1e-4)
    assert theirs[-1] < theirs[0] / 3


@pytest.mark.parametrize("epochs", [0, -1, -(2**63), 2**63, 1.5, True, None, "2"])
def test_bad_epochs_are_refused_before_anything_is_written(epochs, tmp_path):
    with pytest.raises(demo.DemoError, match="epochs must be"):
        demo.run(epochs=epochs, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seed", [-1, 2**63, 0.5, "1"])
def test_bad_seeds_are_refused(seed, tmp_path):
    with pytest.raises(demo.DemoError, match="seed must be"):
        demo.run(epochs=1, seed=seed, out=tmp_path / "out")


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    occupied = tmp_path / "file"
    occupied.write_text("kept")
    for out in (occupied, occupied / "inside", "", "nul\0byte"):
        with pytest.raises(demo.DemoError, match="folder"):
            demo.run(epochs=1, out=out)
    assert occupied.read_text() == "kept"


def test_missing_extras_are_named_with_the_command_that_installs_them(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(demo.DemoError, match=r"rich and safetensors.*pip install 'penlight\[demo\]'"):
        demo.run(epochs=1, out=tmp_path / "out")


def test_main_prints_the_error_and_gives_a_code(tmp_path, capsys):
    assert demo.main(epochs=0, out=tmp_path / "out") == 1
    assert capsys.readouterr().err.startswith("penlight demo: epochs must be from 1")


def test_the_command_says_where_the_report_lies_and_how_to_go_on(tmp_path):
    folder = tmp_path / "a [bold] folder"
    done = subprocess.run(
        [sys.executable, "-m", "penlight", "demo", "--epochs", "1", "--seed", "3", "--out", str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert str(folder / "report.html") in done.stdout and "Go on" in done.stdout
    assert re.search(r"epoch 1/1 +loss \d+\.\d+ +accuracy \d+\.\d%", done.stdout)


def test_trace_reads_values_gradients_and_nodes_from_the_graph():
    x = penlight.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x - 2
    s = y**2
    z = 3 * s
    a = z.mean()
    steps = flowchart.trace(a, {"x": x, "y": y, "s": s, "z": z, "a": a})
    assert [step.label for step in steps] == ["a", "z", "s", "y", "x"]
    assert [step.inputs for step in steps] == [[1], [2], [3], [4], []]
    assert [step.node for step in steps[:4]] == [
        "MeanBackward0",
        "MulBackward0",
        "PowBackward0",
        "SubBackward0",
    ]
    assert steps[4].value == [[1, 2], [3, 4]] and steps[0].value == [[4.5]]
    assert steps[4].gradient == [[-1.5, 0], [1.5, 3]] == x.grad.tolist()
    assert steps[1].gradient == [[0.25, 0.25], [0.25, 0.25]]


def test_trace_of_a_tensor_used_twice_has_one_node_for_it():
    x = penlight.tensor([1.0, 2.0], requires_grad=True)
    y = x * 5
    p = y * y
    a = p.sum()
    steps = {step.label: step for step in flowchart.trace(a, {"x": x, "y": y, "p": p, "a": a})}
    assert len(steps) == 4
    assert steps["y"].gradient == [[10.0, 20.0]] and steps["x"].gradient == [[50.0, 100.0]]


def test_the_chart_sets_branches_side_by_side_and_the_longest_way_apart():
    x = penlight.tensor([2.0], requires_grad=True)
    y = x * 3
    p = y + x
    steps = flowchart.trace(p, {"x": x, "y": y, "p": p})
    assert {step.label: step.depth for step in steps} == {"p": 0, "y": 1, "x": 2}
    assert flowchart.draw(steps).count('class="box"') == 3


def test_trace_refuses_a_graph_with_a_nameless_tensor():
    x = penlight.tensor([1.0], requires_grad=True)
    with pytest.raises(ValueError, match="MulBackward0"):
        flowchart.trace((a := (x * 2).sum()), {"x": x, "a": a})


def test_words_in_pictures_are_escaped():
    sheet = svg.Svg(10, 10)
    sheet.text(1, 1, "<b>&")
    assert "&lt;b&gt;&amp;" in sheet.render('a "quoted" <word>') and "<word>" not in sheet.render("<word>")


def test_a_heat_map_leaves_zero_and_nan_blank_and_parts_the_signs():
    picture = svg.heat_map([[0.0, 1.0], [-0.5, float("nan")]], 10, 1.0, "warm")
    assert re.findall(r'<path class="(\w+)" fill-opacity="([\d.]+)"', picture) == [
        ("cold", "0.5"),
        ("warm", "1"),
    ]


@pytest.mark.parametrize("values", [[1.0], [0.5, float("nan"), float("inf")], [0.0, 0.0], [1e-30, 1e30]])
@pytest.mark.parametrize("style", [{"log": True}, {"percent": True}, {}])
def test_curves_are_drawn_inside_the_sheet_for_any_values(values, style):
    picture = pictures.curves([("line", "values", values)], title="T", **style)
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture).groups())
    points = re.findall(r"(-?[\d.]+),(-?[\d.]+)", " ".join(re.findall(r'points="([^"]*)"', picture)))
    assert points
    assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in points)

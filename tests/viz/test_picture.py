"""The frame that all pictures share: descriptions, saved pages, notebooks, and the built front end."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import penlight as torch
from penlight.viz import Picture
from penlight.viz.encode import array, to_json

ROOT = Path(__file__).resolve().parents[2]
STATIC = sorted((ROOT / "penlight" / "viz" / "static").glob("*.js"))
NASTY = '</script><img src=x onerror=alert(1)>\u2028 & "quotes" \'<!--'


def read(written):
    """An array as the front end reads it."""
    if "values" in written:
        return np.array(written["values"]).reshape(written["shape"])
    data = np.frombuffer(base64.b64decode(written["base64"]), written["dtype"])
    return data.reshape(written["shape"])


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool"]
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (5, 100)])
def test_an_array_is_read_back_as_it_was(dtype, shape):
    x = (torch.randn(shape) * 3).to(getattr(torch, dtype))
    written = json.loads(json.dumps(array(x)))
    assert read(written).shape == shape
    np.testing.assert_array_equal(read(written), x.double().numpy())


def test_an_array_keeps_what_json_has_no_word_for():
    x = torch.tensor([1.0, float("nan"), float("inf"), -float("inf")])
    np.testing.assert_array_equal(read(json.loads(to_json(array(x)))), x.numpy())


def test_an_array_of_strided_or_tracked_memory():
    x = torch.arange(12.0, requires_grad=True).reshape(3, 4).t()
    np.testing.assert_array_equal(read(array(x)), x.detach().numpy())


def test_json_cannot_end_its_script():
    text = to_json({"name": NASTY})
    assert "<" not in text and "\u2028" not in text
    assert json.loads(text) == {"name": NASTY}


def test_a_saved_page_carries_text_as_text_and_forbids_to_load_anything(tmp_path):
    picture = Picture({"kind": "nothing", "title": NASTY, "words": NASTY})
    picture.save(tmp_path / "picture.html")
    html = (tmp_path / "picture.html").read_text(encoding="utf-8")
    tags = Tags(html).found
    assert not [tag for tag, _ in tags if tag in ("img", "link", "iframe")]
    assert not [attributes for _, attributes in tags if "src" in attributes or "href" in attributes]
    (data,) = re.findall(r'<script type="application/json" class="penlight">(.*?)</script>', html, re.S)
    assert json.loads(data)["words"] == NASTY
    (policy,) = [a["content"] for _, a in tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    for kind, text in (
        ("script", r'<script type="module">(.*?)</script>'),
        ("style", r"<style>(.*?)</style>"),
    ):
        (inside,) = re.findall(text, html, re.S)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_a_page_cannot_be_ended_by_what_the_front_end_says():
    for path in STATIC:
        assert "</script" not in path.read_text(encoding="utf-8").lower()


def test_an_unknown_ending_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"path must end in \.html.*got 'picture\.gif'"):
        Picture({"kind": "nothing", "title": "", "words": ""}).save("picture.gif")


@pytest.mark.parametrize("lacking", ["kind", "title", "words"])
def test_a_description_needs_its_words(lacking):
    description = {"kind": "a", "title": "b", "words": "c"}
    del description[lacking]
    with pytest.raises(TypeError, match=lacking):
        Picture(description)


def test_outside_a_notebook_a_picture_is_a_frame_that_may_run_its_script_and_nothing_else():
    bundle = Picture({"kind": "nothing", "title": NASTY, "words": "words"})._repr_mimebundle_()
    assert bundle["text/plain"] == f"{NASTY}. words"
    (frame,) = Tags(bundle["text/html"]).found
    assert frame[0] == "iframe" and frame[1]["sandbox"] == "allow-scripts" and frame[1]["title"] == NASTY
    assert frame[1]["srcdoc"].startswith("<!DOCTYPE html>")


def test_a_widget_carries_description_and_program_and_answers():
    pytest.importorskip("anywidget")
    from penlight.viz.widget import _asked, widget

    class Doubling(Picture):
        live = True

        def answer(self, request):
            return {"twice": 2 * request["value"]}

    picture = Doubling({"kind": "nothing", "title": "t", "words": "w"})
    shown = widget(picture)
    assert shown.description == picture.describe() and shown.live
    assert shown._esm.rstrip().endswith("export default penlight.widget;")
    sent = []
    shown.send = sent.append
    _asked(picture, shown, {"id": 7, "request": {"value": 4}}, [])
    _asked(picture, shown, {"id": 8, "request": {}}, [])
    assert sent == [{"id": 7, "answer": {"twice": 8}}, {"id": 8, "error": "KeyError: 'value'"}]


def test_importing_penlight_imports_nothing_of_this():
    code = "import sys, penlight; print([m for m in sys.modules if m.startswith(('penlight.viz', 'penlight.explain'))])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    code = "import penlight; print(penlight.viz.Picture.__name__, penlight.explain.__name__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "Picture penlight.explain"


@pytest.mark.parametrize("path", STATIC, ids=lambda path: path.name)
def test_the_built_front_end_is_current(path):
    """Each built file names its sources and their hash; where Node is, ``npm run check`` compares all of it."""
    head = path.read_text(encoding="utf-8").partition("\n")[0]
    found = re.search(r"frontend/src: (.+) sha256 (\w+) \*/", head)
    digest = hashlib.sha256()
    for name in found[1].split():
        digest.update(name.encode() + b"\0" + (ROOT / "frontend" / "src" / name).read_bytes() + b"\0")
    assert digest.hexdigest() == found[2], "run npm run build in frontend/"


def test_every_view_is_built():
    views = {path.name for path in (ROOT / "frontend" / "src" / "views").glob("*.js")}
    assert {path.name for path in STATIC} == views | {"penlight.js"}

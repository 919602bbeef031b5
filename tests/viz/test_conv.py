"""The picture of a convolution: what it shows is what the engine computes, on a saved page and live."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from browser import close, shown, slide
from conv_cases import conv_cases, error, transpose_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from test_picture import read

import penlight as torch
from penlight import nn, viz
from penlight.datasets import stereo_signal
from penlight.explain.convolution import parameters

SOURCES = Path(__file__).resolve().parents[2] / "frontend" / "src"
PLAIN = {"padding": 1, "padding_mode": "reflect"}


def pictures():
    """One of each kind, small enough to be looked at whole."""
    yield "signal", viz.conv(nn.Conv1d(2, 4, 3, padding=1), torch.randn(1, 2, 12))
    yield (
        "causal",
        viz.conv({"weight": torch.randn(2, 1, 4), "padding": "causal", "dilation": 2}, torch.randn(1, 20)),
    )
    yield (
        "grouped",
        viz.conv(nn.Conv1d(4, 4, 3, groups=2, padding_mode="circular", padding=4), torch.randn(4, 9)),
    )
    yield "upwards", viz.conv(nn.ConvTranspose1d(2, 4, 3, stride=2, output_padding=1), torch.randn(2, 7))
    yield "image", viz.conv(nn.Conv2d(3, 2, (3, 2), stride=(1, 2), **PLAIN), torch.randn(1, 3, 6, 7))
    yield "image upwards", viz.conv(nn.ConvTranspose2d(2, 2, 3, stride=2, groups=2), torch.randn(2, 3, 4))


ALL = dict(pictures())


def asked(picture, view="forward", loss="sum", o=0, c=0, **changes):
    request = {
        "settings": {**picture.describe()["settings"], **changes},
        "mode": view,
        "loss": loss,
        "o": o,
        "c": c,
    }
    return picture.answer({**request, "channels": [c]})


@pytest.mark.parametrize("name", ALL)
def test_what_it_answers_is_the_engines(name):
    picture = ALL[name]
    conv, x = picture.conv, picture.x.clone().requires_grad_()
    weight = conv.weight.clone().requires_grad_()
    y = conv.with_weight(weight)(x)
    for o, loss in itertools.product(range(conv.out_channels), ("sum", "squares")):
        np.testing.assert_array_equal(read(asked(picture, o=o)["plane"]), y[o].detach().numpy())
        x.grad = weight.grad = None
        (y.sum() if loss == "sum" else y.square().sum() / 2).backward(retain_graph=True)
        dense = torch.from_numpy(conv.with_weight(weight.grad).connections())
        for c in range(conv.in_channels):
            by_input = asked(picture, "input", loss, o, c)
            np.testing.assert_allclose(
                read(by_input["gradients"][0]), x.grad[c].numpy(), rtol=1e-5, atol=1e-6
            )
            by_kernel = asked(picture, "weight", loss, o, c)
            np.testing.assert_allclose(read(by_kernel["kernel"]), dense[o, c].numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("transposed", "mode"), [(False, "circular"), (True, "zeros")])
def test_a_changed_layer_has_the_weights_it_had_and_goes_on_by_reflection(transposed, mode):
    weight = torch.randn(4, 2, 3)
    picture = viz.conv({"weight": weight, "groups": 2, "transposed": transposed}, torch.randn(4, 12))
    plain = picture.describe()["settings"]
    assert torch.equal(picture.changed(plain).weight, weight)
    longer = picture.changed({**plain, "kernel": [6], "mode": mode}).weight
    assert torch.equal(longer, weight[..., [0, 1, 2, 1, 0, 1]])
    joined = picture.changed({**plain, "groups": 1})
    before, after = picture.conv.connections(), joined.connections()
    np.testing.assert_array_equal(after[before != 0], before[before != 0])
    assert np.count_nonzero(after) == after.size
    other = picture.changed({**plain, "transposed": not transposed})
    np.testing.assert_array_equal(other.connections(), before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kernel": [99]}, "leaves no output"), ({"kernel": [0]}, "kernel must be"), ({"stride": [1, 1]}, "stride"),
        ({"groups": 3}, "groups must divide"), ({"mode": "mirror"}, "no padding mode"),
        ({"padding": "x"}, "no padding"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused_by_name(change, words):
    with pytest.raises(ValueError, match=words):
        asked(ALL["signal"], **change)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ((nn.ReLU(), torch.ones(1, 4)), TypeError, "conv must be a convolution"),
        ((nn.Conv1d(1, 1, 3), "abc"), TypeError, "x must be a tensor"),
        ((nn.Conv3d(1, 1, 1), torch.ones(1, 2, 2, 2)), ValueError, "1-D and 2-D"),
        ((nn.Conv1d(2, 1, 3), torch.ones(1, 9)), ValueError, "does not fit"),
        ((nn.Conv1d(1, 1, 3), torch.ones(1, 2)), ValueError, "leaves no output"),
        ((nn.Conv1d(1, 1, 3), torch.ones(1, 4_000_001)), ValueError, "at most 4000000"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(arguments, kind, words):
    with pytest.raises(kind, match=words):
        viz.conv(*arguments)


def test_the_pages_of_the_lesson_are_small():
    signal = viz.conv(nn.Conv1d(2, 16, 3), stereo_signal()[None])
    image = viz.conv(nn.Conv2d(20, 16, (3, 5), padding=(1, 2)), torch.randn(1, 20, 64, 128))
    assert len(signal.to_html().encode()) < 100_000
    assert len(image.to_html().encode()) < 1_000_000


# In a browser


@pytest.fixture(scope="module")
def arithmetic(chromium):
    """The front end's arithmetic in a page of its own."""
    page = chromium.new_page()
    source = (SOURCES / "conv" / "arithmetic.js").read_text(encoding="utf-8")
    page.add_script_tag(content=re.sub(r"^export ", "", source, flags=re.M) + "\nwindow.Layer = Layer;")
    yield page
    page.close()


COMPUTE = """([given, settings, o, c, loss]) => {
  const layer = new Layer(given, settings);
  return {out: layer.out, plane: [...layer.forward(o)], input: [...layer.gradInput(c, loss)],
          kernel: [...layer.gradKernel(o, c, loss)], counts: layer.counts()};
}"""


def agree(page, case, arguments, transposed, draw):
    x, weight, bias = case.arrays(transposed)
    x = x[0]
    arguments = {**arguments, "weight": torch.from_numpy(weight), "transposed": transposed}
    picture = viz.conv(
        {**arguments, "bias": None if bias is None else torch.from_numpy(bias)}, torch.from_numpy(x)
    )
    conv, described = picture.conv, picture.describe()
    o, c = draw(st.integers(0, conv.out_channels - 1)), draw(st.integers(0, conv.in_channels - 1))
    loss = draw(st.sampled_from(["sum", "squares"]))
    flat = lambda array: {"shape": list(array.shape), "data": array.ravel().tolist()}  # noqa: E731
    given = {
        "input": flat(x), "weight": flat(weight), "bias": None if bias is None else bias.tolist(),
        "outs": conv.out_channels, "transposed": transposed, "groups": conv.groups,
    }  # fmt: skip
    got = page.evaluate(COMPUTE, [given, described["settings"], o, c, loss])
    assert got["out"] == conv.output_size(x.shape[1:])
    by_input, by_kernel = asked(picture, "input", loss, o, c), asked(picture, "weight", loss, o, c)
    wanted = {"plane": by_input["plane"], "input": by_input["gradients"][0], "kernel": by_kernel["kernel"]}
    for name, array in wanted.items():
        assert error(np.array(got[name]), read(array).ravel()) < 1e-11, name
    assert got["counts"] == parameters(conv, x.shape[1:])


@settings(max_examples=60, deadline=None)
@given(conv_cases(batches=(1,), channels=(1, 2, 3)).filter(lambda case: case.dims < 3), st.data())
def test_the_page_computes_what_the_engine_does(arithmetic, case, data):
    padding = data.draw(st.sampled_from(["numbers", "numbers", "same", "causal"]))
    arguments = {
        "stride": tuple(case.stride), "dilation": tuple(case.dilation), "groups": case.groups,
        "padding": tuple(case.padding) if padding == "numbers" else padding, "padding_mode": case.mode,
    }  # fmt: skip
    agree(arithmetic, case, arguments, False, data.draw)


@settings(max_examples=40, deadline=None)
@given(transpose_cases().filter(lambda case: case.dims < 3), st.data())
def test_the_page_computes_transposed_convolutions_as_the_engine_does(arithmetic, case, data):
    arguments = {
        "stride": tuple(case.stride), "padding": tuple(case.padding), "dilation": tuple(case.dilation),
        "groups": case.groups, "output_padding": tuple(case.output_padding),
    }  # fmt: skip
    agree(arithmetic, case, arguments, True, data.draw)


def test_on_a_saved_page_steps_pointing_and_sliders_show_the_engines_numbers(saved):
    picture = ALL["signal"]
    page = saved(picture)
    y = picture.conv(picture.x)
    assert page.locator(".size").text_content() == "12"
    assert close(shown(page), y[0, 0])
    for step in range(1, 4):  # the player's button, then keys
        if step == 1:
            page.get_by_role("button", name="On").click()
        else:
            page.keyboard.press("ArrowRight")
        assert close(shown(page), y[0, step])
    assert re.search(r"Output channel 0, element 3", page.locator("h3").first.text_content(), re.I)
    box = page.locator('.stage [data-pick="output"][data-index="7"]').bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert close(shown(page), y[0, 7])
    assert page.locator(".plot canvas").get_attribute("data-row") == "7"
    products = page.locator(".product .equals").all_text_contents()
    total = sum(float(text.replace("−", "-")) for text in products) + picture.conv.bias[0].item()
    assert abs(total - y[0, 7].item()) < 0.02  # the products as they are printed, three digits each
    page.get_by_role("button", name="First").click()
    settled = picture.describe()["settings"]
    for change, label, value in (
        ({"kernel": [5]}, "kernel", 5), ({"stride": [2]}, "stride", 2), ({"dilation": [2]}, "dilation", 2),
        ({"padding": [3]}, "padding cells", 3), ({"groups": 2}, "groups", 1),
    ):  # fmt: skip
        slide(page, label, value)
        settled = {**settled, **change}
        wanted = picture.changed(settled)
        assert page.locator(".size").text_content() == str(wanted.output_size([12])[0])
        assert close(shown(page), wanted(picture.x)[0, 0])
    page.get_by_label("filled with").select_option("circular")
    assert close(shown(page), picture.changed({**settled, "mode": "circular"})(picture.x)[0, 0])
    slide(page, "kernel", 9)
    slide(page, "dilation", 5)
    slide(page, "padding cells", 0)
    assert "no output" in page.get_by_role("alert").text_content()


def test_gradients_of_a_saved_page_are_the_engines(saved):
    picture = ALL["image"]
    page = saved(picture)
    page.get_by_role("button", name="Gradient by input").click()
    page.get_by_label("loss").select_option("squares")
    slide(page, "input channel", 1)
    page.get_by_role("slider", name="Step through the cells").focus()
    page.keyboard.press("ArrowRight")
    wanted = read(asked(picture, "input", "squares", c=1)["gradients"][0])
    assert close(shown(page), wanted[0, 1])
    page.get_by_role("button", name="Gradient by weight").click()
    page.keyboard.press("Tab")
    for tap in (0, 5):
        page.get_by_role("slider", name="Step through the cells").focus()
        page.keyboard.press("Home" if tap == 0 else "End")
        assert close(shown(page), read(asked(picture, "weight", "squares", c=1)["kernel"]).ravel()[tap])
    said = page.locator("[aria-live]").text_content()
    assert said.startswith("gradient of the loss by weight 2,\u00a01") and said.endswith(".")


def test_in_a_notebook_without_anywidget_the_frame_shows_the_same(visit, tmp_path):
    picture = ALL["image"]
    (tmp_path / "cell.html").write_text(picture._repr_mimebundle_()["text/html"], encoding="utf-8")
    frame = visit((tmp_path / "cell.html").as_uri()).frame_locator("iframe")
    frame.get_by_role("button", name="Last").click()
    value = float(frame.locator("output.result").get_attribute("data-value"))
    assert close(value, picture.conv(picture.x)[0, -1, -1])


@pytest.mark.parametrize("name", ALL)
def test_every_kind_of_picture_steps_through_its_last_cell(saved, name):
    picture = ALL[name]
    page = saved(picture)
    page.get_by_role("button", name="Last").click()
    assert close(shown(page), picture.conv(picture.x)[0].reshape(-1)[-1])
    for mode in ("Gradient by input", "Gradient by weight"):
        page.get_by_role("button", name=mode).click()
        page.get_by_role("button", name="Last").click()
        key = {"Gradient by input": lambda a: a["gradients"][0], "Gradient by weight": lambda a: a["kernel"]}[
            mode
        ]
        assert close(shown(page), read(key(asked(picture, mode.split()[-1]))).ravel()[-1])


@pytest.mark.parametrize("name", ["signal", "image"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1400])
def test_a_picture_is_accessible_and_not_wider_than_its_page(saved, complaints, name, scheme, width):
    page = saved(ALL[name], width=width, color_scheme=scheme)
    for mode in ("Forward", "Gradient by input", "Gradient by weight"):
        page.get_by_role("button", name=mode).click()
        assert complaints(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

"""Pictures of whole nets: what they say is what the net does."""

import base64
import io
import math

import numpy as np
import pytest

import penlight
from penlight import nn, viz


def small_net():
    penlight.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3),
        nn.Flatten(),
        nn.Linear(24, 5),
    )


def values_of(written):
    if "values" in written:
        return np.array(written["values"]).reshape(written["shape"])
    return np.frombuffer(base64.b64decode(written["base64"]), written["dtype"]).reshape(written["shape"])


def test_summary_counts_parameters_and_multiply_adds():
    net = small_net()
    shown = viz.summary(net, (2, 1, 8, 8))
    assert shown.total_params == sum(p.numel() for p in net.parameters())
    assert shown.total_mult_adds == 2 * (8 * 8 * 4 * 9 + 2 * 2 * 6 * 4 * 9 + 24 * 5)
    rows = {row["layer"]: row for row in shown.describe()["rows"]}
    assert rows["3"]["outputs"] == [[2, 6, 2, 2]] and rows["3"]["parameters"] == 6 * 4 * 9 + 6
    assert rows["(the net)"]["multiplyAdds"] == shown.total_mult_adds
    assert "Conv2d" in str(shown) and "[2, 6, 2, 2]" in str(shown)
    assert f"Total params: {shown.total_params:,}" in str(shown)


def test_summary_leaves_the_net_as_it_was():
    net = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.Dropout(0.5))
    net[1].eval()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    viz.summary(net, penlight.randn(4, 1, 10))
    assert [m.training for m in net.modules()] == [True, True, False, True]
    assert all(penlight.equal(before[k], v) for k, v in net.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


@pytest.mark.parametrize(
    "layer, x, expected",
    [
        (nn.ConvTranspose1d(3, 5, 4, stride=2), (2, 3, 7), 2 * 3 * 7 * 5 * 4),
        (nn.Conv2d(4, 6, 3, groups=2), (1, 4, 5, 5), 6 * 9 * 2 * 9),
        (nn.Bilinear(2, 3, 4), None, 5 * 4 * 2 * 4),
        (nn.BatchNorm2d(4), (1, 4, 5, 5), 0),
    ],
)
def test_multiply_adds_of_one_layer(layer, x, expected):
    x = x or (penlight.ones(5, 2), penlight.ones(5, 3))
    assert viz.summary(layer, x).total_mult_adds == expected


def test_kernels_are_the_weights():
    net = small_net()
    first, second = viz.kernels(net).describe()["groups"]
    assert np.array_equal(values_of(second["maps"]), net[3].weight.detach().numpy().reshape(24, 3, 3))
    assert second["labels"][5] == "out 1, in 1" and first["scale"] == net[0].weight.abs().max().item()
    signal = viz.kernels(nn.Conv1d(2, 16, 3)).describe()["groups"][0]
    assert signal["maps"]["shape"] == [16, 2, 3]
    few = viz.kernels(net, most=4).describe()["groups"][1]
    assert few["leftOut"] == 20 and "20 more maps are left out" in few["words"]


def test_feature_maps_are_the_layers_results():
    net, x = small_net().eval(), penlight.randn(3, 1, 8, 8)
    groups = viz.feature_maps(net, x, item=2).describe()["groups"]
    assert len(groups) == 1 + len(net)
    value = x
    assert np.array_equal(values_of(groups[0]["maps"]), x[2].numpy())
    for layer, group in zip(net, groups[1:], strict=True):
        value = layer(value)
        wanted = value[2].detach().numpy()
        assert np.allclose(values_of(group["maps"]).ravel(), wanted.ravel())
    with pytest.raises(IndexError, match="item"):
        viz.feature_maps(net, x, item=3)


@pytest.mark.parametrize(
    "layers, size",
    [
        ([(3, 1, 1), (3, 1, 1)], 5),
        ([(3, 2, 1), (3, 1, 1)], 7),
        ([(5, 1, 2), (3, 3, 1), (2, 1, 1)], 14),
    ],
)
def test_receptive_field_is_that_of_the_arithmetic(layers, size):
    """Araujo, Norris and Sim (2019), Computing Receptive Fields of Convolutional Neural Networks: r = 1 + the sum of
    (k - 1) · dilation · product of the strides before."""
    net = nn.Sequential(*(nn.Conv1d(1, 1, k, stride=s, dilation=d) for k, s, d in layers))
    with penlight.no_grad():
        for parameter in net.parameters():
            parameter.fill_(1.0)
    jump, expected = 1, 1
    for k, s, d in layers:
        expected, jump = expected + (k - 1) * d * jump, jump * s
    assert expected == size
    field = viz.receptive_field(net, penlight.ones(1, 1, 60), at=3)
    assert field.start == (3 * jump,) and field.size == (size,)


def test_receptive_field_of_a_layer_inside_and_of_images():
    net = small_net()
    field = viz.receptive_field(net, penlight.randn(1, 1, 8, 8), at=(0, 1), layer="3")
    assert all(n <= 8 for n in field.size) and field.strength.shape == (8, 8)
    with pytest.raises(ValueError, match="layer"):
        viz.receptive_field(net, penlight.randn(1, 1, 8, 8), layer="9")
    with pytest.raises(IndexError, match="at"):
        viz.receptive_field(net, penlight.randn(1, 1, 8, 8), at=(9, 9), layer="3")
    with pytest.raises(ValueError, match="batch"):
        viz.receptive_field(net, penlight.randn(1, 1, 8, 8))


def test_gradient_flow_holds_the_norm_of_every_pass():
    net = small_net()
    wanted = []
    with viz.gradient_flow(net) as flow:
        for _ in range(4):
            net.zero_grad()
            net(penlight.randn(2, 1, 8, 8)).square().sum().backward()
            wanted.append({name: p.grad.norm().item() for name, p in net.named_parameters()})
    net(penlight.randn(2, 1, 8, 8)).sum().backward()  # after the watch
    for name in wanted[0]:
        assert flow.norms[name] == pytest.approx([step[name] for step in wanted])
    lines = flow.describe()["lines"]
    assert [line["name"] for line in lines] == list(wanted[0]) and len(lines[0]["values"]) == 4


def test_gradient_flow_names_what_vanishes_and_what_is_left_out():
    net = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    flow = viz.gradient_flow(net)
    assert "No backward pass" in flow.describe()["words"]
    (net[0](penlight.ones(1, 2)) * 1e-12).sum().backward()
    words = flow.describe()["words"]
    assert "Vanishing: 0.weight, 0.bias." in words and "Without a gradient: 1.weight, 1.bias." in words


def test_audio_carries_the_signal_and_what_the_kernel_makes_of_it():
    wavfile = pytest.importorskip("scipy.io.wavfile")
    rate = 8000
    time = penlight.arange(rate).float() / rate
    signal = 0.5 * (2 * math.pi * 1000 * time).sin()
    kernel = penlight.tensor([0.25, 0.5, 0.25])
    shown = viz.audio(signal, rate, kernel).describe()
    before, after = shown["sounds"]
    found, samples = wavfile.read(io.BytesIO(base64.b64decode(before["wav"])))
    assert found == rate and np.allclose(samples / 32767, signal.numpy(), atol=1e-4)
    _, samples = wavfile.read(io.BytesIO(base64.b64decode(after["wav"])))
    assert np.allclose(samples / 32767, np.convolve(signal.numpy(), kernel.numpy(), "same"), atol=1e-4)
    power = values_of(before["spectrogram"])
    strongest = power.mean(1).argmax() / (power.shape[0] - 1) * before["highest"]
    assert abs(strongest - 1000) < 40


def test_audio_takes_modules_and_stereo():
    pytest.importorskip("scipy")
    shown = viz.audio(penlight.rand(2, 500) - 0.5, 4000, nn.Conv1d(2, 1, 5)).describe()
    assert [sound["channels"] for sound in shown["sounds"]] == [2, 1]
    assert shown["sounds"][1]["samples"] == 496


@pytest.mark.parametrize(
    "call, error, word",
    [
        (lambda: viz.summary(3, (1, 1)), TypeError, "model"),
        (lambda: viz.summary(nn.Linear(1, 1), "x"), TypeError, "x should"),
        (lambda: viz.kernels(nn.Linear(1, 1)), ValueError, "no convolution"),
        (lambda: viz.gradient_flow(nn.ReLU()), ValueError, "no parameter"),
        (lambda: viz.audio("song"), TypeError, "signal"),
        (lambda: viz.audio(penlight.ones(2, 2, 2)), ValueError, "shape"),
        (lambda: viz.audio(penlight.ones(9), 0), ValueError, "rate"),
        (lambda: viz.audio(penlight.ones(9), 8000, penlight.ones(2, 2)), ValueError, "taps"),
        (lambda: viz.audio(penlight.ones(9), 8000, lambda x: x[0]), ValueError, "kernel"),
    ],
)
def test_bad_arguments_are_named(call, error, word):
    with pytest.raises(error, match=word):
        call()


def test_names_with_markup_stay_text():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.add_module("<script>alert(1)</script>", nn.Linear(1, 1))

        def forward(self, x):
            return next(self.children())(x)

    html = viz.summary(Net(), (1, 1)).to_html()
    assert "<script>alert" not in html and "alert(1)" in html

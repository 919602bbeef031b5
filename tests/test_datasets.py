"""The digits carried in the package, and the signals computed for lessons."""

import math

import numpy as np
import pytest

import penlight
from penlight.datasets import digits, digits_split, stereo_signal

# Images of each digit in the test part, as the description that comes with the set counts them.
COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def as_rows(images, labels):
    """Each image with its label as one hashable row, sorted: what a set holds, whatever its order."""
    return sorted(
        (tuple(image), label)
        for image, label in zip(images.reshape(len(labels), -1).tolist(), labels.tolist(), strict=True)
    )


def test_digits_are_the_whole_test_part():
    images, labels = digits()
    assert images.shape == (1797, 8, 8) and images.dtype == penlight.uint8
    assert labels.shape == (1797,) and labels.dtype == penlight.int64
    assert images.numpy().min() == 0 and images.numpy().max() == 16
    assert np.bincount(labels.numpy()).tolist() == COUNTS


def test_digits_look_like_digits():
    """A blank border on the sides, and more ink in an 8 than in a 1."""
    images, labels = (t.numpy() for t in digits())
    assert images[:, :, 0].mean() < 0.1 < images[:, :, 3].mean()
    assert (
        images[labels == 0].mean((0,))[3:5, 3:5].mean() < 2 < images[labels == 8].mean((0,))[3:5, 3:5].mean()
    )


def test_every_call_gives_tensors_of_its_own():
    images, labels = digits()
    kept_image, kept_label = images[0].tolist(), labels[0].item()
    images[0] = 7
    labels[0] = 9
    again, labels_again = digits()
    assert again[0].tolist() == kept_image and labels_again[0].item() == kept_label


def test_split_holds_every_image_once():
    images, labels, held_images, held_labels = digits_split(seed=3)
    assert images.shape == (1438, 1, 8, 8) and held_images.shape == (359, 1, 8, 8)
    assert images.dtype == held_images.dtype == penlight.float32
    assert labels.dtype == held_labels.dtype == penlight.int64
    whole_images, whole_labels = digits()
    together = penlight.cat([images, held_images]) * 16
    assert as_rows(together, penlight.cat([labels, held_labels])) == as_rows(
        whole_images.float(), whole_labels
    )


def test_split_follows_its_seed_and_leaves_the_global_generator_alone():
    penlight.manual_seed(5)
    expected = penlight.rand(4).tolist()
    penlight.manual_seed(5)
    first, again, other = digits_split(seed=1), digits_split(seed=1), digits_split(seed=2)
    assert penlight.rand(4).tolist() == expected
    for a, b in zip(first, again, strict=True):
        assert a.tolist() == b.tolist()
    assert first[1].tolist() != other[1].tolist()


@pytest.mark.parametrize("share, held", [(0.2, 359), (0.5, 898), (0.001, 2), (0.999, 1795)])
def test_split_rounds_the_share(share, held):
    _, labels, _, held_labels = digits_split(held_out=share)
    assert (len(labels), len(held_labels)) == (1797 - held, held)


@pytest.mark.parametrize("share", [0, 1, -0.2, 1.5, math.nan, math.inf, 1e-9, 1 - 1e-9])
def test_split_refuses_a_share_that_leaves_a_part_empty(share):
    with pytest.raises(ValueError, match="held_out"):
        digits_split(held_out=share)


@pytest.mark.parametrize(
    "arguments", [{"seed": 0.5}, {"seed": "0"}, {"seed": True}, {"held_out": "0.2"}, {"held_out": None}]
)
def test_split_refuses_wrong_types(arguments):
    with pytest.raises(TypeError, match=next(iter(arguments))):
        digits_split(**arguments)


def test_split_is_the_one_pytorch_would_make():
    torch = pytest.importorskip("torch")
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(11)).numpy()
    _, labels, _, held_labels = digits_split(seed=11)
    shuffled = digits()[1].numpy()[order]
    assert labels.tolist() == shuffled[:1438].tolist() and held_labels.tolist() == shuffled[1438:].tolist()


def test_stereo_signal_is_its_formula_and_a_little_noise():
    signal = stereo_signal(1000, seed=4)
    assert signal.shape == (2, 1000) and signal.dtype == penlight.float32
    t = np.arange(1000) / 1000
    left = 0.6 * np.sin(4 * np.pi * t) + 0.25 * np.sin(18 * np.pi * t)
    right = 0.8 * (1 - t) * np.sign(np.sin(6 * np.pi * t + 0.3))
    noise = signal.numpy() - np.stack([left, right])
    assert abs(noise).max() < 0.04 * 6
    assert 0.035 < noise.std() < 0.045 and abs(noise.mean()) < 0.005


def test_stereo_signal_follows_its_seed():
    assert stereo_signal(seed=1).tolist() == stereo_signal(seed=1).tolist() != stereo_signal(seed=2).tolist()


@pytest.mark.parametrize("arguments", [{"length": 0}, {"length": -1}, {"length": 2**62}])
def test_stereo_signal_refuses_a_bad_length(arguments):
    with pytest.raises(ValueError, match="length"):
        stereo_signal(**arguments)


@pytest.mark.parametrize("arguments", [{"length": 2.5}, {"length": "64"}, {"seed": None}, {"seed": True}])
def test_stereo_signal_refuses_wrong_types(arguments):
    with pytest.raises(TypeError, match=next(iter(arguments))):
        stereo_signal(**arguments)

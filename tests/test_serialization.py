"""Saving and loading: what goes in comes out, damaged files are told, a kill leaves the old file whole."""

import io
import json
import os
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

import penlight
from penlight import nn

safetensors = pytest.importorskip("safetensors")

DTYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def round_trip(obj, folder):
    penlight.save(obj, folder / "file")
    return penlight.load(folder / "file")


def same(a, b):
    if isinstance(b, penlight.Tensor):
        return isinstance(a, penlight.Tensor) and a.dtype == b.dtype and a.shape == b.shape and a.equal(b)
    if isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in b)
    if isinstance(b, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3)], ids=str)
def test_every_type_and_shape(dtype, shape, tmp_path):
    count = int(np.prod(shape))
    tensor = (penlight.arange(count).view(shape) % 2).to(getattr(penlight, dtype))
    assert same(round_trip({"x": tensor}, tmp_path), {"x": tensor})


def test_views_are_written_as_what_they_show(tmp_path):
    base = penlight.arange(12.0).view(3, 4)
    state = {"all": base, "turned": base.t(), "part": base[1:, ::2], "spread": base[:1].expand(3, 4)}
    loaded = round_trip(state, tmp_path)
    assert same(loaded, state)
    loaded["all"].zero_()
    assert loaded["turned"].sum() == 66


def test_nested_state(tmp_path):
    state = {
        "net": {"a.b": penlight.ones(1), "a": {"b": penlight.zeros(1)}},
        "history": [1, 2.5, None, True, "text", (penlight.ones(2), [])],
        3: {False: penlight.nan, None: -penlight.inf},
        "": {},
    }
    loaded = round_trip(state, tmp_path)
    assert np.isnan(loaded[3].pop(False)) and np.isnan(state[3].pop(False))
    assert same(loaded, state)
    assert same(round_trip(penlight.ones(2), tmp_path), penlight.ones(2))


def test_training_goes_on_where_it_was_saved(tmp_path):
    def step(net, optimizer):
        optimizer.zero_grad()
        net(penlight.ones(4, 3)).sum().backward()
        optimizer.step()

    def make():
        net = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 2))
        return net, penlight.optim.AdamW(net.parameters())

    net, optimizer = make()
    step(net, optimizer)
    saved = round_trip({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path)
    other, other_optimizer = make()
    other.load_state_dict(saved["net"])
    other_optimizer.load_state_dict(saved["optimizer"])
    step(net, optimizer)
    step(other, other_optimizer)
    assert all(a.equal(b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_files_of_other_writers_and_readers(tmp_path):
    numpy_api = pytest.importorskip("safetensors.numpy")
    numpy_api.save_file({"x": np.arange(6, dtype="int16").reshape(2, 3)}, tmp_path / "theirs")
    assert penlight.load(tmp_path / "theirs")["x"].tolist() == [[0, 1, 2], [3, 4, 5]]
    penlight.save(nn.Linear(2, 3).state_dict(), tmp_path / "ours")
    assert set(numpy_api.load_file(tmp_path / "ours")) == {"weight", "bias"}


def test_a_file_object_and_names_of_files(tmp_path):
    file = io.BytesIO()
    penlight.save({"x": penlight.ones(2)}, file)
    file.seek(0)
    assert penlight.load(file)["x"].tolist() == [1, 1]
    penlight.save({"x": penlight.ones(2)}, str(tmp_path / "a"))
    assert os.listdir(tmp_path) == ["a"]
    with pytest.raises(FileNotFoundError):
        penlight.load(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        penlight.save({"x": penlight.ones(2)}, tmp_path / "none" / "a")


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        ({"x": object()}, "cannot write object at x"),
        ({"a": [1, {"b": {1, 2}}]}, r"cannot write set at a\.1\.b"),
        ({(1, 2): 3}, r"key \(1, 2\) at the top"),
        (nn.Linear(1, 1), r"cannot write Linear at the top; save its state_dict\(\) instead"),
    ],
)
def test_what_cannot_be_written_is_named_and_nothing_is_touched(obj, words, tmp_path):
    penlight.save({"old": penlight.ones(1)}, tmp_path / "file")
    with pytest.raises(TypeError, match=words):
        penlight.save(obj, tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"] and "old" in penlight.load(tmp_path / "file")


def test_an_object_in_itself_is_an_error():
    loop = []
    loop.append(loop)
    with pytest.raises(TypeError, match="contains itself"):
        penlight.save(loop, io.BytesIO())


def contents(tmp_path):
    penlight.save({"x": penlight.arange(5), "y": [penlight.ones(2), "text"]}, tmp_path / "whole")
    return (tmp_path / "whole").read_bytes()


def assert_damage_is_told(data, tmp_path):
    path = tmp_path / "damaged"
    path.write_bytes(data)
    with pytest.raises(RuntimeError, match=r"load: .*damaged"):
        penlight.load(path)
    assert path.read_bytes() == data


def test_a_file_cut_off_anywhere_is_told(tmp_path):
    data = contents(tmp_path)
    for length in range(len(data)):
        assert_damage_is_told(data[:length], tmp_path)


def with_header(data, change):
    """The file with its header changed by a function of the decoded header."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header = change(header) or header
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def set_in(path, value):
    def change(header):
        place = header
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


LIES = {
    "a huge shape": set_in(["x", "shape"], [2**62, 2**62]),
    "a shape too large": set_in(["x", "shape"], [6]),
    "a negative size": set_in(["x", "shape"], [-5]),
    "an unknown type": set_in(["x", "dtype"], "F31"),
    "offsets beyond the end": set_in(["x", "data_offsets"], [0, 2**40]),
    "offsets turned around": set_in(["x", "data_offsets"], [40, 0]),
    "a structure that is no JSON": set_in(["__metadata__", "penlight"], "{"),
    "a structure of nothing known": set_in(
        ["__metadata__", "penlight"], '{"version": 1, "structure": {"x": 1}}'
    ),
    "a structure with a missing tensor": set_in(
        ["__metadata__", "penlight"], '{"version": 1, "structure": {"tensor": "z"}}'
    ),
    "a structure that is a list": set_in(["__metadata__", "penlight"], "[1]"),
    "a structure of another version": set_in(["__metadata__", "penlight"], '{"version": 9, "structure": {}}'),
    "a structure nested without end": set_in(
        ["__metadata__", "penlight"], '{"version": 1, "structure": ' + '{"list": [' * 5000 + "]}" * 5000 + "}"
    ),
    "a header that is a list": lambda header: [1],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_header_is_told(lie, tmp_path):
    assert_damage_is_told(with_header(contents(tmp_path), LIES[lie]), tmp_path)


def test_a_header_of_lying_length_is_told(tmp_path):
    data = contents(tmp_path)
    for length in (0, 1, 2**31, 2**63, 2**64 - 1):
        assert_damage_is_told(struct.pack("<Q", length) + data[8:], tmp_path)


def test_other_files_are_told(tmp_path):
    for data in (b"", b"PK\x03\x04" + b"\0" * 100, b"\x80\x02}q\x00.", os.urandom(1000)):
        assert_damage_is_told(data, tmp_path)


def test_any_byte_of_the_header_may_be_wrong_without_a_crash(tmp_path):
    data = contents(tmp_path)
    end = 8 + struct.unpack("<Q", data[:8])[0]
    path = tmp_path / "damaged"
    for place in range(end):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x15]) + data[place + 1 :])
        try:
            penlight.load(path)  # another name or number, perhaps
        except RuntimeError as error:
            assert "load: " in str(error)


WRITER = """
import sys, penlight
state = {"x": penlight.full((1_000_000,), float(sys.argv[2]))}
print("ready", flush=True)
while True:
    penlight.save(state, sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_kill_in_the_middle_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    penlight.save({"x": penlight.full((1_000_000,), 0.0)}, path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for attempt in range(1, 7):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(attempt)], stdout=subprocess.PIPE, env=environment
        )
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(0.003 * attempt)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        x = penlight.load(path)["x"]
        assert x.shape == (1_000_000,) and x.min() == x.max() and float(x[0]) in range(attempt + 1)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    penlight.save({"x": penlight.ones(1)}, tmp_path / "file")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        penlight.save({"x": penlight.zeros(1)}, tmp_path / "file")
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["file"] and penlight.load(tmp_path / "file")["x"].item() == 1


def test_without_safetensors_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match="pip install"):
        penlight.save({"x": penlight.ones(1)}, io.BytesIO())

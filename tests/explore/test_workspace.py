"""Code of the page, run in the workspace: what it prints, shows and asks; files of one's own."""

import base64
import io
import threading
import time
import wave

import numpy as np
import pytest
from test_picture import read

import penlight as torch
from penlight.explore.examples import examples
from penlight.explore.files import MOST_BYTES, open_file
from penlight.explore.workspace import MOST_OUTPUT, Workspace


def wav(samples, rate=8000):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(samples.shape[0])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.T.astype("<i2").tobytes())
    return file.getvalue()


@pytest.mark.parametrize("example", examples(), ids=lambda example: example["title"])
def test_every_example_of_the_lesson_runs_and_shows_something(example):
    for library in ("scipy", "sympy"):
        pytest.importorskip(library)
    answer = Workspace().run(example["code"])
    assert answer["error"] is None
    assert answer["pictures"] or answer["output"]


def test_what_is_printed_and_a_last_value_are_given_back():
    answer = Workspace().run("print('one')\nimport sys\nprint('two', file=sys.stderr)\ntorch.ones(2)")
    assert answer["output"] == "one\ntwo\ntensor([1., 1.])\n" and answer["error"] is None
    assert Workspace().run("1 + 1")["output"] == "2\n"
    assert Workspace().run("x = 1 + 1")["output"] == ""
    assert Workspace().run("")["error"] is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("x = 1\ny = x / 0", "line 2"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("show(3)", "show() takes pictures"),
        ("torch.ones(2, 3, requires_grad=True) @ torch.ones(2)", "RuntimeError"),
        ("for i in range(30): show(viz.conv({'kernel_size': 1}, torch.ones(1, 3)))", "at most 20 pictures"),
    ],
)
def test_an_error_is_told_from_the_readers_own_line_on(code, words):
    answer = Workspace().run(code)
    assert words in answer["error"] and "workspace.py" not in answer["error"].partition("<explore")[0]


def test_output_beyond_a_limit_is_left_out():
    answer = Workspace().run(
        "while True:\n    print('x' * 100_000)\n    n = globals().get('n', 0) + 1\n    if n > 9: break"
    )
    assert answer["output"].endswith("characters is left out") and len(answer["output"]) < MOST_OUTPUT + 100


def test_a_run_begins_afresh():
    workspace = Workspace()
    workspace.run("kept = 1")
    assert "NameError" in workspace.run("kept")["error"]


def test_a_picture_answers_with_the_engines_numbers_until_the_next_run():
    workspace = Workspace()
    answer = workspace.run("torch.manual_seed(0)\nviz.conv(nn.Conv1d(2, 3, 3), torch.ones(2, 8))")
    (shown,) = answer["pictures"]
    assert shown["live"]
    question = {
        "settings": shown["description"]["settings"],
        "mode": "forward",
        "loss": "sum",
        "o": 1,
        "c": 0,
    }
    plane = read(workspace.ask(shown["id"], question)["plane"])
    torch.manual_seed(0)
    np.testing.assert_array_equal(plane, torch.nn.Conv1d(2, 3, 3)(torch.ones(2, 8))[1].detach().numpy())
    workspace.run("1")
    with pytest.raises(KeyError, match="run the code again"):
        workspace.ask(shown["id"], question)


def test_code_that_runs_on_can_be_stopped_and_keeps_others_out():
    workspace, answers = Workspace(), []
    thread = threading.Thread(target=lambda: answers.append(workspace.run("while True: pass")))
    thread.start()
    while workspace._running is None:
        time.sleep(0.01)
    with pytest.raises(RuntimeError, match="still going"):
        workspace.run("1")
    while thread.is_alive():
        assert workspace.stop()["stopped"] in (True, False)
        thread.join(0.1)
    assert answers[0]["error"] == "Stopped."
    assert workspace.run("2")["output"] == "2\n" and not workspace.stop()["stopped"]


def test_a_sound_becomes_a_signal_and_code_that_runs():
    pytest.importorskip("scipy")
    samples = (np.sin(np.arange(3000) / 7) * [[20000], [-9000]]).astype(np.int16)
    workspace = Workspace()
    told = workspace.open("<b>mine</b>.wav", base64.b64encode(wav(samples)).decode())
    assert "3000 samples in 2 channels, 8000 a second" in told["words"]
    answer = workspace.run(told["code"])
    assert answer["error"] is None and len(answer["pictures"]) == 2
    np.testing.assert_array_equal(
        read(answer["pictures"][0]["description"]["input"]), samples.astype(np.float32) / 32768
    )


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("RGBA", 3), ("P", 3)])
def test_an_image_becomes_a_tensor_of_bounded_size_and_code_that_runs(mode, channels):
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    image.new(
        mode, (400, 200), 200 if mode in "LP" else (10, 20, 30) if mode == "RGB" else (1, 2, 3, 4)
    ).save(file, "PNG")
    workspace = Workspace()
    told = workspace.open("a.png", base64.b64encode(file.getvalue()).decode())
    assert "400 × 200 pixels, made smaller to 128 × 64" in told["words"]
    answer = workspace.run(told["code"] + "\nprint(tuple(image.shape))")
    assert answer["error"] is None and answer["output"] == f"({channels}, 64, 128)\n"


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", b"RIFF....WAVE", wav(np.zeros((1, 9)))[:30], b"\x89PNG\r\n\x1a\n" + bytes(50)],
)
def test_a_file_that_cannot_be_read_is_named(content):
    pytest.importorskip("scipy")
    pytest.importorskip("PIL")
    with pytest.raises(ValueError, match=r"mine\.bin"):
        open_file("mine.bin", content)


def test_a_file_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match="at most"):
        open_file("mine.wav", b"RIFF" + bytes(MOST_BYTES))

"""The command ``penlight``: help, version, and errors that say what to do."""

import inspect

import pytest

import penlight
from penlight import cli


def exit_code(arguments):
    with pytest.raises(SystemExit) as exit:
        cli.main(arguments)
    return exit.value.code


def test_version(capsys):
    assert exit_code(["--version"]) == 0
    assert capsys.readouterr().out == f"penlight {penlight.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["demo", "run", "--version", "penlight run lesson.py"]),
        (["demo", "--help"], ["--epochs", "--seed", "--out", "handwritten digits", "report.html"]),
        (["explore", "--help"], ["--port", "--no-browser", "127.0.0.1", "token", ".wav"]),
        (["run", "--help"], ["SCRIPT", "import torch", "exit code"]),
    ],
)
def test_help_names_what_there_is(capsys, arguments, words):
    assert exit_code(arguments) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in words)
    assert max(map(len, text.split("\n"))) <= 115


def test_without_arguments_help_is_shown(capsys):
    assert cli.main([]) == 0
    assert capsys.readouterr().out.startswith("usage: penlight")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["demos"], "demos"),
        (["demo", "--epochs", "many"], "--epochs"),
        (["demo", "--seed", "x"], "--seed"),
        (["run"], "SCRIPT"),
        (["explore", "--port", "many"], "--port"),
        (["explore", "--port", "70000"], "from 0 to 65535"),
        (["--no-such"], "--no-such"),
    ],
)
def test_wrong_arguments_are_named(capsys, arguments, named):
    assert exit_code(arguments) == 2
    assert named in capsys.readouterr().err


def test_demo_gets_its_options_and_its_exit_code_is_passed_on(monkeypatch):
    got = []
    monkeypatch.setattr("penlight.demo.main", lambda **options: got.append(options) or 7)
    assert cli.main(["demo", "--epochs", "3", "--seed", "5", "--out", "there"]) == 7
    assert got == [{"epochs": 3, "seed": 5, "out": "there"}]
    assert cli.main(["demo"]) == 7
    assert got[1:] == [{}]


def test_help_repeats_the_defaults_of_the_demo(capsys):
    from penlight.demo import main

    assert exit_code(["demo", "--help"]) == 0
    text = capsys.readouterr().out
    for parameter in inspect.signature(main).parameters.values():
        assert f"(default: {parameter.default})" in text


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--seed", "-1"], ["--out", ""]])
def test_demo_refuses_what_it_cannot_do(capsys, arguments):
    assert cli.main(["demo", *arguments]) == 1
    assert arguments[0].strip("-") in capsys.readouterr().err

"""The command ``penlight``: the demo, and running PyTorch scripts on penlight."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

_DEMO = """\
Train a small convolutional net on real handwritten digits (1,797 images of 8x8, carried by the package),
watch loss and accuracy, save the weights and write report.html: curves, learned kernels, feature maps, and a
derivative by hand beside the machine's. Nothing is downloaded.

Needs the extra packages of penlight[demo]:  pip install 'penlight[demo]'
"""

_RUN = """\
Run a PyTorch script unchanged: its "import torch" is served by penlight. Otherwise the same as
"python SCRIPT ...": the script finds its arguments in sys.argv, its neighbours by import, and its exit code
is passed on.
"""

_EPILOG = """\
examples:
  penlight demo                         train on digits, write report.html
  penlight demo --epochs 3 --out short  a shorter run, to another folder
  penlight run lesson.py --lr 0.1       run a PyTorch script on penlight
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command with ``arguments`` (those of the process if not given) and returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "demo":
        return _demo(options)
    if options.command == "run":
        return _run(options)
    parser.print_help()
    return 0


def _parser() -> argparse.ArgumentParser:
    from penlight import __version__

    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="penlight",
        description="PyTorch's tensors, convolutions and automatic differentiation for the CPU.",
        epilog=_EPILOG,
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"penlight {__version__}")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")

    demo = commands.add_parser(
        "demo", help="train on handwritten digits, write a report", description=_DEMO, formatter_class=raw
    )
    # What is left out is left to the demo, whose defaults the help repeats.
    demo.add_argument("--epochs", type=int, help="passes over the images (default: 20)")
    demo.add_argument("--seed", type=int, help="for all random numbers (default: 0)")
    demo.add_argument("--out", metavar="FOLDER", help="for the files (default: penlight-demo)")

    run = commands.add_parser(
        "run", help="run a PyTorch script on penlight", description=_RUN, formatter_class=raw
    )
    run.add_argument("script", metavar="SCRIPT", help="the Python file")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="arguments for the script")
    return parser


def _demo(options: argparse.Namespace) -> int:
    from penlight.demo import main

    given = {name: getattr(options, name) for name in ("epochs", "seed", "out")}
    return main(**{name: value for name, value in given.items() if value is not None})


def _run(options: argparse.Namespace) -> int:
    from penlight._as_torch import run_script

    try:
        run_script(options.script, options.arguments)
    except OSError as error:
        print(f"penlight run: can't open {options.script!r}: {error.strerror}", file=sys.stderr)
        return 2
    return 0

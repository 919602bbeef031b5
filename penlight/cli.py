"""The command ``penlight``: the demo, the page to explore with, and running PyTorch scripts on penlight."""

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

_EXPLORE = """\
Serve a page on this machine, where one edits the lesson's examples, or opens a .wav file or an image of one's
own, and sees convolutions, graphs and gradients computed live. The page is at 127.0.0.1, for this machine
alone, at an address with a token: whoever knows it can run code as you.

Sounds and images need the extra packages of penlight[viz]:  pip install 'penlight[viz]'
"""

_EPILOG = """\
examples:
  penlight demo                         train on digits, write report.html
  penlight demo --epochs 3 --out short  a shorter run, to another folder
  penlight explore                      play with convolutions and gradients in the browser
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
    if options.command == "explore":
        return _explore(options)
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

    explore = commands.add_parser(
        "explore",
        help="play with the lesson's examples in the browser",
        description=_EXPLORE,
        formatter_class=raw,
    )
    explore.add_argument("--port", type=_port, default=0, help="to listen on (default: any free one)")
    explore.add_argument(
        "--no-browser", action="store_true", help="print the address only, do not open the browser"
    )

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


def _explore(options: argparse.Namespace) -> int:
    from penlight.explore import main

    return main(options.port, not options.no_browser)


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 65535, got {text!r}")
    return port


def _run(options: argparse.Namespace) -> int:
    from penlight._as_torch import run_script

    try:
        run_script(options.script, options.arguments)
    except OSError as error:
        print(f"penlight run: can't open {options.script!r}: {error.strerror}", file=sys.stderr)
        return 2
    return 0

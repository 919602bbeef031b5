"""What ``penlight demo`` does and prints."""

import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path

DEFAULT_EPOCHS = 20
DEFAULT_SEED = 0
DEFAULT_OUT = "penlight-demo"

_GO_ON = """\
Go on:
  1. Open the report in a browser: curves, kernels, feature maps, and one gradient worked out by hand.
  2. Use the weights:
       import penlight as torch
       from penlight.demo import make_net
       net = make_net()
       net.load_state_dict(torch.load({weights!r}))
  3. Make it yours: copy {script} and change the net.
  4. Run a PyTorch script as it stands: penlight run your_script.py
"""


class DemoError(Exception):
    """The demo cannot run as asked; the message says why and what to do."""


def main(epochs: int = DEFAULT_EPOCHS, seed: int = DEFAULT_SEED, out: str | Path = DEFAULT_OUT) -> int:
    """Runs the demo for the command line: prints, and gives the exit code (0 done, 1 cannot, 130 stopped)."""
    try:
        run(epochs, seed, out)
    except DemoError as error:
        print(f"penlight demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\npenlight demo: stopped; no report was written", file=sys.stderr)
        return 130
    return 0


def run(epochs: int = DEFAULT_EPOCHS, seed: int = DEFAULT_SEED, out: str | Path = DEFAULT_OUT) -> Path:
    """Trains the net and writes ``report.html`` and ``digits.safetensors`` into the folder ``out``.

    Args:
        epochs: how often to go through the digits, at least 1.
        seed: decides every random number of the run, 0 to 2⁶³−1; the same seed writes the same report.
        out: a folder; made if it is not there.

    Returns:
        The path of the report.

    Raises:
        DemoError: an argument is out of its range, a package of the ``demo`` extra is missing, or the folder
            cannot be written to. Nothing is trained then.
    """
    _check_number("epochs", epochs, 1, 1_000_000)
    _check_number("seed", seed, 0, 2**63 - 1)
    _check_extras()
    folder = _writable_folder(out)

    from rich.console import Console

    import penlight
    from penlight.demo import train
    from penlight.demo.report import write_report

    console = Console(highlight=False)
    console.print(
        f"[bold]penlight {penlight.__version__}[/bold]: a convnet learns to read handwritten digits"
    )
    started = time.perf_counter()
    lesson = _train_with_bar(console, epochs, seed)
    seconds = time.perf_counter() - started

    weights = folder / "digits.safetensors"
    report = folder / "report.html"
    try:
        penlight.save(lesson.net.state_dict(), weights)
        write_report(lesson, report)
    except OSError as error:
        raise DemoError(f"cannot write into {str(folder)!r}: {error.strerror or error}") from error

    held = len(lesson.held_labels)
    console.print(
        f"Reads [bold]{lesson.right} of {held}[/bold] digits it has never seen "
        f"([bold]{lesson.right / held:.1%}[/bold]), with {lesson.parameter_count:,} parameters "
        f"trained in {seconds:.1f} s.\n"
    )
    go_on = _GO_ON.format(weights=str(weights), script=train.__file__)
    console.print(f"Report   {report}\nWeights  {weights}\n\n{go_on}", end="", markup=False, soft_wrap=True)
    return report


def _train_with_bar(console, epochs, seed):
    """Trains under a progress bar; where the output is no terminal, a line an epoch stands in for it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from penlight.demo.train import train

    bar = Progress(
        TextColumn("epoch {task.fields[epoch]}/" + str(epochs)),
        BarColumn(),
        TextColumn("loss {task.fields[loss]}  accuracy {task.fields[accuracy]}"),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("training", total=None, epoch=0, loss="…", accuracy="…")

        def show(progress):
            epoch, step, steps, loss = progress
            bar.update(task, completed=step, total=steps, epoch=epoch, loss=f"{loss:.4f}")

        def show_epoch(epoch, history):
            accuracy = history.held_accuracies[-1]
            bar.update(task, accuracy=f"{accuracy:.1%}")
            if not console.is_terminal:
                loss = history.train_losses[-1]
                console.print(f"epoch {epoch}/{epochs}  loss {loss:.4f}  accuracy {accuracy:.1%}")

        return train(epochs, seed, after_step=show, after_epoch=show_epoch)


def _check_number(name, value, least, most):
    if isinstance(value, bool) or not isinstance(value, int):
        raise DemoError(f"{name} must be a whole number, got {value!r}")
    if not least <= value <= most:
        raise DemoError(f"{name} must be from {least} to {most}, got {value}")


def _check_extras():
    missing = [name for name in ("rich", "safetensors") if importlib.util.find_spec(name) is None]
    if missing:
        raise DemoError(f"{' and '.join(missing)} not found; install with: pip install 'penlight[demo]'")


def _writable_folder(out) -> Path:
    """Makes the folder and tries it with a file, before time is spent on training."""
    if not os.fspath(out):
        raise DemoError("out must name a folder, got an empty name")
    folder = Path(out).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DemoError(
            f"cannot write into the folder {str(folder)!r}: {reason}; give another with --out"
        ) from error
    return folder

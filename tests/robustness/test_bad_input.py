"""Bad arguments to everything public: a clear exception or a result, never a crash, a hang or a huge allocation.

A sample of the calls ``grid.py`` makes; ``PENLIGHT_GRID=1`` in the environment makes all of them (minutes).
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from robustness import grid

import penlight

GROUPS = 16  # each in a process of its own
NAMES = list(grid.surface(penlight))


def test_the_surface_is_there():
    assert len(NAMES) > 1000
    assert {"sum", "Tensor.view", "Tensor.__getitem__", "nn.functional.conv2d", "nn.Conv2d"} <= set(NAMES)


@pytest.mark.parametrize("group", range(GROUPS))
def test_bad_arguments_are_complained_about(group, tmp_path):
    last_call = tmp_path / "last_call"
    last_call.touch()
    share = os.environ.get("PENLIGHT_GRID", "0.08" if os.environ.get("PENLIGHT_SANITIZED") else "0.15")
    # glibc sets aside 64 MiB of addresses for each thread that allocates: no memory, but the limit would count them.
    run = subprocess.run(
        [sys.executable, Path(grid.__file__), *NAMES[group::GROUPS]],
        env={**os.environ, "GRID_LAST_CALL": str(last_call), "GRID_SHARE": share, "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
    )
    # (A sanitizer remarks on every allocation that is refused.)
    said = "\n".join(line for line in run.stderr.splitlines() if "Sanitizer failed to allocate" not in line)
    assert run.returncode == 0, (
        f"last call: {last_call.read_text().strip()}\n{run.stdout}\n{said[:3000]}\n...\n{said[-2000:]}"
    )

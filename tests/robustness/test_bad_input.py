"""Bad arguments: a clear Python exception or a result, never a signal, a hang or a huge allocation.

The calls stand in grid.py. Each test runs a few names in a process with little memory and a time limit.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import penlight

SETTINGS = {  # they change the process, or wait for somebody
    "set_num_threads", "set_num_interop_threads", "set_printoptions", "set_default_dtype", "set_default_device",
    "set_default_tensor_type", "set_grad_enabled", "set_anomaly_enabled", "set_flush_denormal", "save", "load",
    "compile", "release_cached_memory", "use_deterministic_algorithms", "set_float32_matmul_precision",
}  # fmt: skip


def names():
    """Every function, method and module of the library."""

    def of(owner, prefix, fits):
        for name in sorted(owner.__dict__):
            if name.startswith("_") or name in SETTINGS:
                continue
            value = getattr(owner, name)
            if callable(value) and fits(value):
                yield prefix + name

    def operation(value):
        return not isinstance(value, type) and getattr(value, "__module__", "").startswith("penlight")

    modules = penlight.nn
    yield from of(penlight, "", operation)
    yield from of(penlight._C.Tensor, "Tensor.", lambda value: True)
    yield from of(penlight.nn.functional, "nn.functional.", operation)
    yield from of(modules, "nn.", lambda v: isinstance(v, type) and issubclass(v, modules.Module))


NAMES = list(names())
A_TEST = 20  # names a process
GROUPS = [NAMES[i : i + A_TEST] for i in range(0, len(NAMES), A_TEST)]


def test_the_grid_covers_the_library():
    for name in (
        "sum",
        "Tensor.view",
        "nn.functional.conv2d",
        "nn.functional.max_pool2d",
        "nn.Conv2d",
        "gather",
    ):
        assert name in NAMES


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: f"{group[0]}-{group[-1]}")
def test_bad_arguments_raise_python_exceptions(group, tmp_path):
    last_call = tmp_path / "last_call"
    package = Path(penlight.__file__).resolve().parent.parent
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("grid.py")), *group],
        env={**os.environ, "GRID_LAST_CALL": str(last_call), "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        timeout=590,
    )
    if run.returncode not in (0, 1) or "calls: " not in run.stdout:
        last = (
            last_call.read_text(errors="replace").strip() if last_call.exists() else "(before the first call)"
        )
        pytest.fail(f"ended with {run.returncode} in {last}\n{run.stderr[-3000:]}")
    assert run.returncode == 0, run.stdout

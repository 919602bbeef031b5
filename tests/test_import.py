"""What ``import penlight`` loads, and what it says where it cannot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import penlight

PACKAGE = Path(penlight.__file__).parent


def python(*arguments, folder):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},  # after the folder itself
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_import_loads_neither_the_demo_nor_what_only_it_needs(tmp_path):
    code = (
        "import sys, penlight; print(*sorted(m for m in sys.modules if m.startswith(('rich', 'matplotlib', "
    )
    code += "'safetensors', 'scipy', 'sympy', 'torch', 'penlight.demo', 'penlight.datasets', 'penlight.viz', "
    code += "'penlight.explain'))))"
    done = python("-c", code, folder=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_without_docstrings_everything_still_imports(tmp_path):
    code = "import penlight.nn, penlight.optim, penlight.utils.data, penlight.datasets, penlight.demo"
    done = python("-OO", "-c", code, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_sources_without_the_compiled_core_say_so(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "penlight", ignore=shutil.ignore_patterns("_C*", "__pycache__"))
    done = python("-c", "import penlight", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImportError: penlight's compiled core is not in ")


def test_numpy_is_imported_when_it_is_needed():
    code = "import sys, penlight; penlight.ones(2).sum().item(); print('numpy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"

"""Checks what a build made: ``check_built.py DIST BUILD``, run where the wheel of DIST is installed.

DIST holds one sdist and one wheel; BUILD is a CMake build tree with the object files of the kernels.
"""

import ast
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

MOST_BYTES = 25 * 2**20  # installed, without NumPy
MOST_IMPORT_RATIO = 1.5  # import penlight beside import numpy
IN_THE_WHEEL = [
    "penlight/datasets/digits.npz",
    "penlight/datasets/DATA-LICENSE.md",
    "penlight/demo/page.css",
    "penlight/viz/static/penlight.js",
    "penlight/_C.pyi",
    "penlight/py.typed",
]
IN_THE_SDIST = [
    "LICENSE",
    "README.md",
    "CMakeLists.txt",
    "csrc/kernels/isa.h",
    "penlight/datasets/digits.npz",
]


def main(dist: Path, build: Path) -> int:
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    failures = [
        *check_wheel(wheel),
        *check_sdist(sdist),
        *check_objects(build),
        *check_stub(),
        *check_import(),
    ]
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


def check_wheel(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names, size = archive.namelist(), sum(entry.file_size for entry in archive.infolist())
    print(f"{wheel.name}: {wheel.stat().st_size / 2**20:.1f} MB, {size / 2**20:.1f} MB installed")
    if size > MOST_BYTES:
        yield f"{size} bytes installed, at most {MOST_BYTES} wanted"
    for wanted in IN_THE_WHEEL:
        if wanted not in names:
            yield f"the wheel lacks {wanted}"
    if not any(name.startswith("penlight/_C.") and name.endswith(".so") for name in names):
        yield "the wheel lacks the compiled module penlight/_C"
    for strange in (name for name in names if name.startswith(("tests/", "csrc/", "build/"))):
        yield f"the wheel carries {strange}"


def check_sdist(sdist: Path):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for wanted in IN_THE_SDIST:
        if wanted not in names:
            yield f"the sdist lacks {wanted}"


def check_objects(build: Path):
    """A weak symbol of a kernel file may be kept by the linker for the whole module, with instructions that
    the processor lacks; so each must stand in the namespace of its instruction set."""
    objects = sorted(build.glob("**/kernels_*.dir/**/*.o"))
    if not objects:
        yield f"no kernel object files under {build}"
    for file in objects:
        isa = next(part for part in file.parts if part.startswith("kernels_")).removeprefix("kernels_")
        isa = isa.removesuffix(".dir")
        if isa == "baseline":
            continue
        symbols = subprocess.run(
            ["nm", "--defined-only", "--demangle", str(file)], check=True, capture_output=True, text=True
        ).stdout
        for line in symbols.splitlines():
            kind, name = line.split(maxsplit=2)[1:]
            if kind in "wW" and f"penlight::kernels::{isa}::" not in name:
                yield f"{file.name} for {isa} exports the weak symbol {name}"
    print(f"{len(objects)} kernel object files looked at for weak symbols")


def check_stub():
    """Every public name of the compiled module stands in its stub."""
    import penlight._C as module

    tree = ast.parse(Path(module.__file__).with_name("_C.pyi").read_text(encoding="utf-8"))
    known = {getattr(node, "name", None) for node in tree.body}
    known |= {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}
    known |= {name.id for node in tree.body if isinstance(node, ast.Assign) for name in node.targets}
    for name in dir(module):
        if not name.startswith("_") and name not in known:
            yield f"the stub lacks {name}"


def check_import():
    def seconds(module):
        code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        return float(run.stdout)

    ours, numpys = zip(*((seconds("penlight"), seconds("numpy")) for _ in range(9)), strict=True)
    ratio = min(ours) / min(numpys)
    print(f"import penlight {min(ours):.3f} s, import numpy {min(numpys):.3f} s: {ratio:.2f} times")
    if ratio > MOST_IMPORT_RATIO:
        yield f"import penlight takes {ratio:.2f} times import numpy, at most {MOST_IMPORT_RATIO} wanted"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

"""The shape of the source tree: layers know only what is below them, and files can be read in one sitting."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Lowest first; a file includes or imports its own layer and those before it.
C_LAYERS = ["kernels", "tensor", "autograd", "ops", "bindings"]
PYTHON_LAYERS = [
    *(
        "profiler",
        "autograd",
        "func",
        "utils",
        "nn",
        "jit",
        "optim",
        "explain",
        "viz",
        "datasets",
        "demo",
        "explore",
        "cli",
    ),
    "__main__",
]
MOST_LINES = 650

C_SOURCES = sorted(path for pattern in ("*.h", "*.cpp") for path in (ROOT / "csrc").rglob(pattern))
PYTHON_SOURCES = sorted((ROOT / "penlight").rglob("*.py"))
SCRIPTS = sorted((ROOT / "frontend").glob("src/**/*.js"))
TEXTS = sorted(
    path
    for folder in ("csrc", "penlight", "tests", "benchmarks", "docs", "examples", "frontend", ".ci", ".")
    for path in (ROOT / folder).glob("*" if folder == "." else "**/*")
    if path.is_file()
    and path.suffix in ("", ".py", ".pyi", ".cpp", ".h", ".md", ".css", ".js", ".toml", ".txt")
    if not {"__pycache__", "node_modules"} & set(path.parts) and path.name != ".git"
)


def named(paths):
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


def test_the_lists_of_sources_are_not_empty():
    assert len(C_SOURCES) > 20 and len(PYTHON_SOURCES) > 20 and len(TEXTS) > 50


@pytest.mark.parametrize("path", named(C_SOURCES))
def test_a_c_file_includes_only_layers_below_it(path):
    layer = C_LAYERS.index(path.relative_to(ROOT / "csrc").parts[0])
    for included in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(encoding="utf-8"), re.M):
        assert (ROOT / "csrc" / included).is_file(), f"{included} is not named from csrc/"
        assert C_LAYERS.index(included.split("/")[0]) <= layer, f"{C_LAYERS[layer]} includes {included}"


@pytest.mark.parametrize("path", named(p for p in C_SOURCES if "bindings" not in p.parts))
def test_only_the_bindings_know_python(path):
    assert not re.search(r"#\s*include\s*[<\"](Python\.h|nanobind/)", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", named(PYTHON_SOURCES))
def test_a_python_file_imports_only_layers_below_it(path):
    """Imports at the head of a file; one inside a function is there to be late."""
    place = path.relative_to(ROOT / "penlight")
    layer = python_layer(place.with_suffix("").parts)
    if place.name == "__init__.py" and len(place.parts) == 1:
        return  # it puts the package together
    for name in imported_at_the_head(path):
        if name[0] == "penlight":
            assert python_layer(name[1:]) <= layer, f"imports {'.'.join(name)}"


@pytest.mark.parametrize(
    "path", named([*C_SOURCES, *PYTHON_SOURCES, *SCRIPTS, *sorted((ROOT / "tests").rglob("*.py"))])
)
def test_a_file_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", named(TEXTS))
def test_no_file_names_a_place_on_somebodys_machine(path):
    machine = re.compile(
        r"(^|[^\w.])/(?:" + "|".join(("wor" + "k", "roo" + "t", "hom" + "e", "User" + "s")) + r")/"
    )
    assert not machine.search(path.read_text(encoding="utf-8"))


def python_layer(parts):
    """Where a module stands; what is none of the named layers is the core, below all of them."""
    return PYTHON_LAYERS.index(parts[0]) if parts and parts[0] in PYTHON_LAYERS else -1


def imported_at_the_head(path):
    package = ("penlight", *path.relative_to(ROOT / "penlight").parent.parts)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (tuple(name.name.split(".")) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = (*start, *(node.module or "").split(".")) if node.module else start
            yield from ((*base, name.name) for name in node.names)

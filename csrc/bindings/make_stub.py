"""Writes the type stub of the compiled module: ``make_stub.py FOLDER STUB``, where FOLDER holds the module ``_C``.

The work is nanobind's; a few things are mended. The module has dtypes named ``int``, ``float`` and ``bool``, and
Tensor has methods of these names and a property ``dtype``, so a bare name would mean those where a type is meant.
And Tensor gets methods when the package is imported, which the compiled module cannot know of: those are read in
penlight/_tensor.py. Likewise functions learn ``out=`` there (penlight/_out.py). What returns any Python object may
be used as one.
"""

import ast
import importlib
import re
import sys
from pathlib import Path

from nanobind.stubgen import StubGen

HEAD = """\
# Comparisons of tensors give tensors:
# mypy: disable-error-code="override"
import builtins
from typing import Any
"""
# Methods that are not written out in penlight/_tensor.py, but looked up by Python's own functions.
ALSO_IN_TENSOR = """\
    def __init__(self, *args: Any, device: Any = None) -> None: ...
    def __contains__(self, element: Any) -> bool: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any: ...
    def __dlpack__(self, **options: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __getattr__(self, name: str) -> Any: ..."""
PACKAGE = Path(__file__).resolve().parents[2] / "penlight"
TENSOR_METHODS = PACKAGE / "_tensor.py"
FOOT = """
_dtype: TypeAlias = dtype

class WithOut:
    def __init__(self, function: Any, call_into: Any) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
"""

# As a type, a name stands behind ':', '|', '->', '[', '(' or ','.
BUILT_IN = re.compile(r"(?<=[:|>,] )(int|float|bool|complex)\b|(?<=[\[(])(int|float|bool|complex)(?=[\],])")
DTYPE = re.compile(r"(?<=[:|>,] )dtype\b(?!:)|(?<=\[)dtype\b")
SIGNATURE = re.compile(r"^( *def |\w+: TypeAlias = )")


def stub(module) -> str:
    generator = StubGen(module, include_private=True)
    generator.put(module)
    lines, in_tensor, takes_out = [HEAD], False, names_with_out()
    # What __init__ takes is written out above; the module's own says nothing of it.
    text = re.sub(
        r"    def __init__\(self, /, \*args, \*\*kwargs\):\n.*?\n\n", "", generator.get(), flags=re.DOTALL
    )
    for line in text.splitlines():
        if line.startswith("class "):
            in_tensor = line.startswith("class Tensor")
        if in_tensor and line.startswith("    def "):
            lines += [own_names(method) for method in methods_in_python()]
            in_tensor = False
        function = re.match(r"def (\w+)\(", line)
        if function and function[1] in takes_out and " out: " not in line:
            line = with_out(line)
        lines.append(own_names(line))
    return "\n".join([*lines, FOOT])


def own_names(line: str) -> str:
    if not SIGNATURE.match(line):
        return line
    # A parameter may be called "from", which Python code cannot write as a name.
    line = line.replace("-> object", "-> Any").replace(" from: ", " from_: ")
    return DTYPE.sub("_dtype", BUILT_IN.sub(r"builtins.\1\2", line))


def with_out(line: str) -> str:
    separator = "" if re.search(r"\*, |\*\w+: ", line) else "*, "
    arguments = ", **" if ", **" in line else ") -> "
    return line.replace(arguments, f", {separator}out: object = None{arguments}", 1)


def names_with_out() -> set[str]:
    for node in ast.parse((PACKAGE / "_out.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_NAMES":
            return set(ast.literal_eval(node.value).split())
    raise RuntimeError("penlight/_out.py has no _NAMES")


def methods_in_python():
    for node in ast.parse(TENSOR_METHODS.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.FunctionDef) or [a.arg for a in node.args.args[:1]] != ["self"]:
            continue
        if not node.name.startswith("_") or node.name.startswith("__"):
            yield f"    def {node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}: ..."
    yield from ALSO_IN_TENSOR.split("\n")


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    Path(sys.argv[2]).write_text(stub(importlib.import_module("_C")), encoding="utf-8")

"""Writes the type stub of the compiled module: ``make_stub.py FOLDER STUB``, where FOLDER holds the module ``_C``.

The work is nanobind's; a few things are mended. The module has dtypes named ``int``, ``float`` and ``bool``, and
Tensor has methods of these names and a property ``dtype``, so a bare name would mean those where a type is meant.
And Tensor gets methods written in Python when the package is imported, which the compiled module cannot know of. What
returns any Python object may be used as one.
"""

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
FOOT = """
_dtype: TypeAlias = dtype
"""

# As a type, a name stands behind ':', '|', '->', '[', '(' or ','.
BUILT_IN = re.compile(r"(?<=[:|>,] )(int|float|bool|complex)\b|(?<=[\[(])(int|float|bool|complex)(?=[\],])")
DTYPE = re.compile(r"(?<=[:|>,] )dtype\b(?!:)|(?<=\[)dtype\b")
SIGNATURE = re.compile(r"^( *def |\w+: TypeAlias = )")


def stub(module) -> str:
    generator = StubGen(module, include_private=True)
    generator.put(module)
    lines, in_tensor = [HEAD], False
    for line in generator.get().splitlines():
        if line.startswith("class "):
            in_tensor = line.startswith("class Tensor")
        if in_tensor and line.startswith("    def "):
            lines.append("    def __getattr__(self, name: str) -> Any: ...  # those written in Python\n")
            in_tensor = False
        if SIGNATURE.match(line):
            line = line.replace("-> object", "-> Any").replace(
                ", from: ", ", from_: "
            )  # a word of the language
            line = DTYPE.sub("_dtype", BUILT_IN.sub(r"builtins.\1\2", line))
        lines.append(line)
    return "\n".join([*lines, FOOT])


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    Path(sys.argv[2]).write_text(stub(importlib.import_module("_C")), encoding="utf-8")

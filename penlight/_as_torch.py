"""Running PyTorch scripts on penlight: ``import torch`` and its modules served by penlight.

A finder at the head of ``sys.meta_path`` answers for ``torch`` and every ``torch.X.Y`` with the very module
object ``penlight`` or ``penlight.X.Y``, so that ``torch.nn is penlight.nn``. Nothing here acts unless asked
for, by :func:`install_as_torch` or by ``penlight run script.py``.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Loader(Loader):
    """Hands out a module that is loaded already, and leaves it as it was."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._own_spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own_spec  # the import has just put the spec of torch there


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "torch" and not fullname.startswith("torch."):
            return None
        own_name = "penlight" + fullname.removeprefix("torch")
        try:
            module = import_module(own_name)
        except ModuleNotFoundError as error:
            if error.name != own_name:
                raise
            raise ModuleNotFoundError(
                f"penlight has no module {fullname!r} (looked for {own_name!r})", name=fullname
            ) from None
        return ModuleSpec(fullname, _Loader(module), is_package=hasattr(module, "__path__"))


def install_as_torch() -> None:
    """From now on ``import torch`` and ``from torch.X import Y`` give penlight's modules, in this process.

    Calling it again changes nothing.

    Raises:
        RuntimeError: PyTorch itself has been imported already; the two would be mixed up.

    Example::

        import penlight
        penlight.install_as_torch()
        import torch  # torch is penlight, torch.nn is penlight.nn
    """
    import penlight

    if sys.modules.get("torch", penlight) is not penlight:
        raise RuntimeError(
            "install_as_torch() must come before PyTorch's own import, but sys.modules has 'torch' already"
        )
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def run_script(path: str, arguments: Sequence[str]) -> None:
    """Runs a script as ``python path arguments...`` would, its ``import torch`` served by penlight.

    The script is ``__main__``, finds modules beside itself, and gets ``sys.argv``. An exception it does not
    catch is printed without the frames of penlight's own start, and ends in exit code 1.

    Raises:
        OSError: the script cannot be read; nothing has been run.
        SystemExit: the script asked for it, or did not catch an exception.
    """
    with open(path, "rb") as file:
        source = file.read()
    install_as_torch()
    full_path = os.path.abspath(path)
    main = ModuleType("__main__")
    main.__dict__.update(__file__=full_path, __builtins__=builtins, __cached__=None)
    sys.modules["__main__"] = main
    sys.argv = [path, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(full_path)
    try:
        exec(compile(source, full_path, "exec", dont_inherit=True), main.__dict__)
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_globals is not main.__dict__:
            trace = trace.tb_next
        error.__traceback__ = trace
        sys.excepthook(type(error), error, trace)
        sys.exit(1)

"""What a case is, and which libraries can run it."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field

import numpy

from benchmarks.other_process import OtherProcess


def normal(lib, *sizes, **options):
    """Standard normal numbers, the same for every library."""
    values = numpy.random.default_rng(0).standard_normal(sizes, dtype=numpy.float32)
    tensor = lib.from_numpy(values).clone()
    return tensor.requires_grad_() if options.get("requires_grad") else tensor


@dataclass(frozen=True)
class Case:
    """One row of the table.

    build(lib) makes a callable of no arguments for a library with PyTorch's interface; build_jax(jax) does so
    for JAX, build_jax_eager(jax) without compiling. flops counts direct arithmetic (a multiply-add is two),
    bytes what must at least be read and written; 0 where the case is bound by neither.
    """

    family: str
    name: str
    build: Callable
    build_jax: Callable | None = None
    _: KW_ONLY
    build_jax_eager: Callable | None = None
    build_channels_last: Callable | None = None
    flops: float = 0
    bytes: float = 0
    tags: dict = field(default_factory=dict)

    @property
    def title(self):
        return f"{self.family}/{self.name}"


@dataclass
class Libraries:
    """penlight, and the rivals that are installed (None otherwise)."""

    penlight: object
    torch: object = None
    jax: object = None

    @classmethod
    def installed(cls, names, threads):
        penlight = importlib.import_module("penlight")
        penlight.set_num_threads(threads)
        torch = jax = None
        if "torch" in names and importlib.util.find_spec("torch"):
            torch = importlib.import_module("torch")
            torch.set_num_threads(threads)
        if "jax" in names and importlib.util.find_spec("jax"):
            jax = OtherProcess("jax", threads)
        return cls(penlight, torch, jax)

    def close(self):
        if self.jax is not None:
            self.jax.close()

    def runners(self, case):
        """name -> callable, and name -> why there is none."""
        found, missing = {}, {}
        candidates = [
            ("penlight", self.penlight, case.build),
            ("torch", self.torch, case.build),
            ("torch channels_last", self.torch, case.build_channels_last),
        ]
        for name, lib, build in candidates:
            if lib is None or build is None:
                continue
            try:
                run = build(lib)
                run()
                found[name] = run
            except (AttributeError, NotImplementedError, ImportError) as error:
                missing[name] = f"not there yet: {error}"
            except (RuntimeError, TypeError, ValueError) as error:
                missing[name] = f"{type(error).__name__}: {error}"
        for name, builder in (("jax", "build_jax"), ("jax eager", "build_jax_eager")):
            if self.jax is None or getattr(case, builder) is None:
                continue
            try:
                found[name] = self.jax.runner(case.title, builder)
            except NotImplementedError as error:
                missing[name] = str(error)
        return found, missing

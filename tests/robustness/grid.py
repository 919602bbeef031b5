# ruff: noqa: B023, SIM115
"""Calls with bad arguments, made in a process of their own: ``python grid.py NAMES...``.

Each name is a function, method or module (``sum``, ``Tensor.view``, ``nn.functional.conv2d``, ``nn.Conv2d``). It is
called with tensors of many kinds and with numbers no size, axis or index should have. A call may return or raise one of
``FINE``; where it returns something differentiable, backward is run too, also with gradients that do not fit. What else
happens is printed, a line each; a crash or a hang is seen by the parent, which finds the last call in the file
``GRID_LAST_CALL``. ``GRID_SHARE`` (1 if not set) is the share of the calls to make: a sample, the same at every run.
"""

import faulthandler
import inspect
import itertools
import os
import random
import resource
import sys
import warnings

MOST_MEMORY = 1 << 30
MOST_SECONDS = 60  # a name
FINE = (
    RuntimeError, ValueError, IndexError, TypeError, NotImplementedError, OverflowError, MemoryError, BufferError,
    AssertionError,
)  # fmt: skip
PRODUCTS = [
    "dot",
    "vdot",
    "inner",
    "matmul",
    "linear",
    "mm",
    "__matmul__",
    "__rmatmul__",
    "mv",
    "bmm",
    "outer",
    "ger",
    "addmm",
    "addmv",
    "tensordot",
    "einsum",
    "bilinear",
]

NUMBERS = [0, 1, -1, 2, 2**31, -(2**31), 2**63 - 1, -(2**63 - 1)]
LISTS = [[], [0], [1, -1], [2**31, 2**31], [2**63 - 1], [-1, -1], [3, 3, 3, 3, 3]]
OTHERS = [None, True, 0.5, float("nan"), float("inf"), "same", (0, 1)]
GEOMETRY = [0, 1, -1, 3, 2**31, -(2**31), 2**63 - 1, -(2**63 - 1), [], [1, 1, 1, 1], "valid", None, 1.5]


def tensors(lib):
    """Tensors of many kinds; those of a floating type ask for gradients."""
    grown = lib.arange(24.0).reshape(2, 3, 4)
    yield "float32 (2, 3, 4)", lambda: grown.clone().requires_grad_()
    yield "float64 (4, 4)", lambda: lib.arange(16.0, dtype=lib.float64).reshape(4, 4).requires_grad_()
    yield "float32 ()", lambda: lib.tensor(1.5, requires_grad=True)
    yield "float32 (0, 3)", lambda: lib.zeros(0, 3, requires_grad=True)
    yield "int64 (3,)", lambda: lib.tensor([0, 2, 1])
    yield "int64 out of range", lambda: lib.tensor([[0, 2**62], [-5, 2**31]])
    yield "bool (2, 2)", lambda: lib.tensor([[True, False], [False, True]])
    yield "uint8 (2, 3)", lambda: lib.ones(2, 3, dtype=lib.uint8)
    yield "float16 (3,)", lambda: lib.ones(3, dtype=lib.float16)
    yield "nan, inf", lambda: lib.tensor([float("nan"), float("inf"), -float("inf")], requires_grad=True)
    yield "odd strides", lambda: grown.as_strided((1, 3, 1), (2**62, 4, 2**62))
    yield "expanded", lambda: lib.ones(1, requires_grad=True).expand(2**59)
    yield "expanded, empty", lambda: lib.ones(1, 1).expand(2**40, 0)


def look_up(lib, name):
    found = lib
    for part in name.split("."):
        found = getattr(found, part)
    return found


class Grid:
    def __init__(self, lib, last_call):
        self.lib, self.last_call, self.calls, self.failures = lib, last_call, 0, []
        self.share, self.random = float(os.environ.get("GRID_SHARE", 1)), random.Random(0)

    def call(self, text, function, *args, **kwargs):
        self.calls += 1
        os.pwrite(self.last_call, text.encode()[:500].ljust(500), 0)
        try:
            return function(*args, **kwargs)
        except FINE as error:
            if not str(error):
                self.failures.append(f"{text}: {type(error).__name__} without a message")
        except Exception as error:
            self.failures.append(f"{text}: {type(error).__name__}: {error}")
        return None

    def backward(self, text, result):
        lib = self.lib
        for one in result if isinstance(result, (tuple, list)) else [result]:
            if not isinstance(one, lib.Tensor) or not one.requires_grad or one.numel() > 10000:
                continue
            self.call(f"{text} then backward, gradient (7,)", one.backward, lib.ones(7), retain_graph=True)
            of_bool = self.call(f"{text} then > 0", one.detach().__gt__, 0)
            self.call(f"{text} then backward, bool", one.backward, of_bool, retain_graph=True)
            self.call(f"{text} then backward, a number", one.backward, 3, retain_graph=True)
            if one.numel() == 0:
                continue
            nan = lib.full(one.shape, float("nan"), dtype=one.dtype)
            self.call(f"{text} then backward", one.backward, nan, retain_graph=True)
            self.call(f"{text} then grad", lib.autograd.grad, one, one, nan, retain_graph=True)

    def attempt(self, text, function, *args, **kwargs):
        if self.random.random() < self.share:
            self.backward(text, self.call(text, function, *args, **kwargs))

    def operation(self, name):
        """One, two and three arguments of every kind; the first a tensor, or (for makers) anything."""
        function = look_up(self.lib, name)
        kinds = dict(tensors(self.lib))
        if name.split(".")[-1] in PRODUCTS:
            del kinds["expanded"]  # 2**59 products need no memory: they would be computed, as asked
        plain = [*NUMBERS, *LISTS, *OTHERS]
        for label, make in kinds.items():
            first = self.call(f"making {label}", make)

            def run(*rest, label=label, first=first):
                self.attempt(f"{name}({label}, {', '.join(map(str, rest))})", function, first, *rest)

            run()
            for value in plain:
                run(value)
            for other, made in kinds.items():
                second = made()
                self.attempt(f"{name}({label}, {other})", function, first, second)
                for value in (0, -1, 2**63 - 1, [], 0.5):
                    self.attempt(f"{name}({label}, {other}, {value})", function, first, second, value)
                    self.attempt(f"{name}({label}, {value}, {other})", function, first, value, second)
            if label in ("float32 (2, 3, 4)", "float32 (0, 3)", "int64 (3,)", "float32 ()"):
                for pair in itertools.product([*NUMBERS, *LISTS], repeat=2):
                    run(*pair)
                for three in itertools.product([0, -1, 2, 2**31, 2**63 - 1, []], repeat=3):
                    run(*three)
            if name.startswith("Tensor."):
                continue
            self.attempt(f"{name}([{label}] * 2)", function, [first, first])
            for value in NUMBERS:
                self.attempt(f"{name}([{label}] * 2, {value})", function, [first, first], value)
        if name.startswith("Tensor."):
            return
        for rest in itertools.chain(((v,) for v in plain), itertools.product(NUMBERS, repeat=2)):
            self.attempt(f"{name}({', '.join(map(str, rest))})", function, *rest)

    def geometry(self, name, make):
        """Every argument of a convolution, pooling or padding, one or two of them bad at a time."""
        function, args, names = make(self.lib, look_up(self.lib, name))
        for one in names:
            for value in GEOMETRY:
                self.attempt(f"{name}({one}={value})", function, *args(), **{one: value})
        for one, two in itertools.combinations(names, 2):
            for a, b in itertools.product(GEOMETRY[:9], repeat=2):
                self.attempt(f"{name}({one}={a}, {two}={b})", function, *args(), **{one: a, two: b})
        for label, kind in tensors(self.lib):  # every tensor argument of another kind
            good = args()
            for at in range(len(good)):
                bad = [*good[:at], kind(), *good[at + 1 :]]
                self.attempt(f"{name}(argument {at}: {label})", function, *bad)


def arguments_of(function):
    """The names of the arguments a geometry may bend."""
    wanted = [
        "stride",
        "padding",
        "dilation",
        "groups",
        "output_padding",
        "kernel_size",
        "output_size",
        "ceil_mode",
        "in_channels",
        "out_channels",
        "divisor_override",
        "count_include_pad",
        "return_indices",
        "pad",
        "mode",
        "value",
        "start_dim",
        "end_dim",
        "dim",
        "num_groups",
        "normalized_shape",
        "padding_idx",
        "size",
        "scale_factor",
        "upscale_factor",
        "downscale_factor",
        "num_features",
        "in_features",
        "out_features",
        "num_embeddings",
        "embedding_dim",
        "p",
        "eps",
        "reduction",
        "ignore_index",
        "label_smoothing",
        "num_classes",
    ]
    text = getattr(function, "__nb_signature__", None)
    names = [n for n in wanted if text and f"{n}:" in text[0][0]]
    if not names:
        try:
            target = function.__init__ if inspect.isclass(function) else function
            names = [n for n in inspect.signature(target).parameters if n in wanted]
        except (TypeError, ValueError):
            pass
    return names


def functional(lib, function):
    """A function of nn.functional on tensors that suit it."""
    dims = next((int(c) for c in function.__name__ if c in "123"), 2)

    def args():
        x = lib.rand(2, 4, *[6, 7, 5][:dims]).requires_grad_()
        name = function.__name__
        if "conv" in name:
            return [x, lib.rand(4, 4, *[3] * dims).requires_grad_(), lib.rand(4).requires_grad_()]
        if name in ("pad", "interpolate", "pixel_shuffle", "pixel_unshuffle") or "pool" in name:
            return [x]
        return [x, lib.rand(4, 4)]

    needed = {
        "max_pool": "kernel_size",
        "avg_pool": "kernel_size",
        "lp_pool": "kernel_size",
        "unfold": "kernel_size",
    }
    names = arguments_of(function)
    for part, argument in needed.items():
        if part in function.__name__ and "adaptive" not in function.__name__:
            inner = function
            return (
                lambda *a, **k: inner(*a, **{argument: 2, **k}),
                args,
                names,
            )
    return function, args, names


def module(lib, kind):
    """A module made with the given arguments (1 or 2 where required), then called."""
    required = [
        p.name
        for p in inspect.signature(kind.__init__).parameters.values()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"
    ]
    names = list(dict.fromkeys([*required, *arguments_of(kind)]))
    dims = next((int(c) for c in kind.__name__ if c in "123"), 2)

    def run(x, **kwargs):
        made = kind(**{**{n: 4 if "channels" in n or "features" in n else 2 for n in required}, **kwargs})
        return made(x)

    return run, lambda: [lib.rand(2, 4, *[6, 7, 5][:dims]).requires_grad_()], names


SETTINGS = [  # of the process, or of the files around it; those that cannot do harm are among the names
    "load", "save", "install_as_torch", "compile", "show_config", "set_default_device", "set_default_dtype",
    "set_default_tensor_type", "set_printoptions", "use_deterministic_algorithms", "set_float32_matmul_precision",
]  # fmt: skip
OF_CLASSES = [
    "__class__", "__new__", "__init__", "__init_subclass__", "__subclasshook__", "__delattr__", "__getattribute__",
    "__setattr__", "__dir__", "__sizeof__",
]  # fmt: skip


def surface(lib):
    """The names of all functions, methods and modules."""

    def public(place, prefix, wanted):
        for name in dir(place):
            value = getattr(place, name)
            special = name.startswith("__") and prefix == "Tensor."
            if (special or not name.startswith("_")) and callable(value) and wanted(value):
                yield prefix + name

    def function(value):
        return not inspect.isclass(value)

    def module_class(value):
        return inspect.isclass(value) and issubclass(value, lib.nn.Module)

    yield from (name for name in public(lib, "", function) if name not in SETTINGS)
    yield from (name for name in public(lib.Tensor, "Tensor.", function) if name[7:] not in OF_CLASSES)
    yield from public(lib.linalg, "linalg.", function)
    yield from public(lib.nn.functional, "nn.functional.", function)
    yield from public(lib.nn, "nn.", module_class)


def main(names):
    import numpy  # noqa: F401  (whose threads reserve addresses when it is first used)

    import penlight as lib

    warnings.simplefilter("ignore")
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    if not os.environ.get("PENLIGHT_SANITIZED"):  # which reserves terabytes
        resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY, used + MOST_MEMORY))
    grid = Grid(lib, os.open(os.environ["GRID_LAST_CALL"], os.O_RDWR | os.O_CREAT))
    for name in names:
        lib.cpu.empty_cache()  # what is kept for reuse is no allocation of the next one's
        lib.set_num_threads(2)  # whatever the one before asked for: 128 stacks are a gigabyte of addresses
        faulthandler.dump_traceback_later(
            MOST_SECONDS * (10 if os.environ.get("PENLIGHT_SANITIZED") else 1), exit=True
        )
        if name.startswith("nn.functional."):
            grid.geometry(name, functional)
            grid.operation(name)
        elif name.startswith("nn."):
            grid.geometry(name, module)
        else:
            grid.operation(name)
    faulthandler.cancel_dump_traceback_later()
    for failure in grid.failures[:200]:
        print(failure)
    print(f"calls: {grid.calls}, failures: {len(grid.failures)}")
    return 1 if grid.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

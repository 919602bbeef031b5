"""penlight: PyTorch's tensors, convolutions and automatic differentiation for the CPU.

``import penlight as torch``: names, arguments, defaults, types and printed forms are PyTorch's.
"""

__version__ = "0.1.0"

try:
    from penlight import _C
except ImportError:
    from importlib.util import find_spec

    if find_spec("penlight._C") is not None:
        raise
    raise ImportError(
        f"penlight's compiled core is not in {__path__[0]}, which holds sources only. Start Python from another "
        "folder to use the installed package, or build in place as CONTRIBUTING.md says."
    ) from None
from penlight._C import *  # noqa: F403
from penlight._C import Tensor, dtype
from penlight._device import device
from penlight._size import Size

from penlight import autograd, return_types, version  # isort: skip
from penlight._functions import *  # noqa: F403  # isort: skip
from penlight._products import *  # type: ignore[assignment]  # noqa: F403  # isort: skip
from penlight._rearranging import *  # noqa: F403  # isort: skip
from penlight import _functions, _out, _tensor  # isort: skip
from penlight.autograd.grad_mode import (  # isort: skip
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)

# What most programs do not use is imported when it is asked for.
_LAZY_MODULES = (
    "accelerator", "backends", "cpu", "cuda", "datasets", "demo", "explain", "func", "jit", "linalg", "nn",
    "optim", "profiler", "random", "serialization", "utils", "viz",
)  # fmt: skip
_LAZY_NAMES = {
    **dict.fromkeys(
        (
            "layout", "strided", "memory_format", "contiguous_format", "preserve_format", "channels_last",
            "channels_last_3d",
        ),
        "_layout",
    ),
    "set_printoptions": "_printing",
    "get_printoptions": "_printing",
    "printoptions": "_printing",
    "from_numpy": "_interop",
    "frombuffer": "_interop",
    "from_dlpack": "_interop",
    "save": "serialization",
    "load": "serialization",
    "finfo": "_typeinfo",
    "iinfo": "_typeinfo",
    "typename": "_legacy_types",
    "set_default_tensor_type": "_legacy_types",
    "vmap": "func",
    **dict.fromkeys(
        (
            "cumulative_trapezoid", "float_power", "frexp", "gcd", "gradient", "isneginf", "isposinf", "isreal", "lcm",
            "ldexp", "mvlgamma", "trapz",
        ),
        "_numbers",
    ),
    **dict.fromkeys(("corrcoef", "cov", "nanquantile", "quantile", "renorm"), "_statistics"),
    **dict.fromkeys(
        ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"), "_windows"
    ),
    **dict.fromkeys(
        (
            "alpha_dropout", "bilinear", "celu", "celu_", "channel_shuffle", "cosine_similarity", "dropout",
            "feature_alpha_dropout", "hardshrink", "pairwise_distance", "pixel_shuffle", "pixel_unshuffle", "prelu",
            "rms_norm", "rrelu", "rrelu_", "selu", "selu_", "threshold", "threshold_",
        ),
        "nn.functional",
    ),
    "install_as_torch": "_as_torch",
    **dict.fromkeys(("manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state"), "random"),
    **dict.fromkeys(
        (
            "is_tensor", "is_complex", "is_storage", "get_default_device", "set_default_device",
            "use_deterministic_algorithms", "are_deterministic_algorithms_enabled",
            "get_float32_matmul_precision", "set_float32_matmul_precision", "get_num_interop_threads",
            "set_num_interop_threads", "compile", "show_config",
        ),
        "_settings",
    ),
}  # fmt: skip

_out.install(globals())


def __getattr__(name):
    from importlib import import_module

    if name in _LAZY_MODULES:
        return import_module(f"penlight.{name}")
    if name in _LAZY_NAMES:
        value = getattr(import_module(f"penlight.{_LAZY_NAMES[name]}"), name)
        if name in _out.NAMES:
            value = _out.taught(value)
        globals()[name] = value
        return value
    if name.endswith("Tensor"):
        found = getattr(import_module("penlight._legacy_types"), name, None)
        if found is not None:
            return found
    raise AttributeError(f"module 'penlight' has no attribute '{name}'")


def __dir__():
    return sorted({*globals(), *_LAZY_MODULES, *_LAZY_NAMES})


inf = 1e999
nan = inf - inf
pi = 3.141592653589793
e = 2.718281828459045
newaxis = None

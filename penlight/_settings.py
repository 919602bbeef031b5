"""Questions and switches at the top level that concern no operation."""

from __future__ import annotations

from typing import Any

import penlight
from penlight import Tensor
from penlight._arguments import explained
from penlight._device import check_cpu
from penlight._device import device as Device

_switches: dict[str, Any] = {"matmul_precision": "highest", "deterministic": False}


def is_tensor(obj: Any) -> bool:
    """Is the object a tensor?"""
    return isinstance(obj, Tensor)


@explained
def is_complex(input: Tensor) -> bool:
    """Does the tensor hold complex numbers?"""
    return input.dtype.is_complex


@explained
def is_floating_point(input: Tensor) -> bool:
    """Does the tensor hold floating-point numbers?"""
    return input.dtype.is_floating_point


def is_storage(obj: Any) -> bool:
    """False: penlight shows no object for the memory behind a tensor."""
    return False


def get_default_device() -> Device:
    """The device new tensors lie on: the CPU."""
    return Device("cpu")


def set_default_device(device: Any) -> None:
    """Accepts the CPU, where new tensors lie anyhow.

    Raises:
        AssertionError: for another device.
    """
    check_cpu(device)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted for scripts that ask: penlight's results are the same bits at every run anyhow."""
    _switches["deterministic"] = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """What ``use_deterministic_algorithms`` was last told. Results are deterministic in either case."""
    return _switches["deterministic"]


def get_float32_matmul_precision() -> str:
    """What ``set_float32_matmul_precision`` was last told."""
    return _switches["matmul_precision"]


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted for scripts that ask: float32 is always multiplied in full precision.

    Raises:
        ValueError: for something else than "highest", "high" or "medium".
    """
    if precision not in ("highest", "high", "medium"):
        raise ValueError(f"precision must be 'highest', 'high' or 'medium', got {precision!r}")
    _switches["matmul_precision"] = precision


def get_num_interop_threads() -> int:
    """1: penlight runs one operation at a time."""
    return 1


def set_num_interop_threads(num: int) -> None:
    """Accepted for scripts that ask: penlight runs one operation at a time.

    Raises:
        RuntimeError: for less than one thread.
    """
    if num < 1:
        raise RuntimeError(f"set_num_interop_threads expects a positive integer, got {num}")


def compile(model: Any = None, **options: Any) -> Any:
    """Gives ``model`` back as it is, for scripts that call ``torch.compile``: penlight compiles nothing.

    Without ``model``, gives a decorator that does so.
    """
    return (lambda function: function) if model is None else model


def show_config() -> str:
    """What this build is and what was picked for the machine it runs on."""
    return (
        f"penlight {penlight.__version__}\n"
        f"  instruction set: {penlight._C._instruction_set()}\n"
        f"  threads: {penlight.get_num_threads()}\n"
    )

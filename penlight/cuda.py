"""What a script asks of ``torch.cuda`` on a machine without a graphics card. penlight computes on the CPU.

Questions are answered ("not available", "no devices", "no memory in use"), requests that are harmless there
do nothing, as in PyTorch, and whatever needs a card raises PyTorch's error.
"""

from __future__ import annotations

from typing import Any, NoReturn


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Does nothing."""


def manual_seed_all(seed: int) -> None:
    """Does nothing."""


def empty_cache() -> None:
    """Does nothing."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """Does nothing."""


def memory_allocated(device: Any = None) -> int:
    """0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """0."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """0."""
    return 0


def _no_card() -> NoReturn:
    raise AssertionError("Torch not compiled with CUDA enabled: penlight computes on the CPU alone")


def init() -> NoReturn:
    """Raises AssertionError: there is no card."""
    _no_card()


def current_device() -> NoReturn:
    """Raises AssertionError: there is no card."""
    _no_card()


def set_device(device: Any) -> NoReturn:
    """Raises AssertionError: there is no card."""
    _no_card()


def synchronize(device: Any = None) -> NoReturn:
    """Raises AssertionError: there is no card."""
    _no_card()


def get_device_name(device: Any = None) -> NoReturn:
    """Raises AssertionError: there is no card."""
    _no_card()


def get_device_properties(device: Any = None) -> NoReturn:
    """Raises AssertionError: there is no card."""
    _no_card()


def get_device_capability(device: Any = None) -> NoReturn:
    """Raises AssertionError: there is no card."""
    _no_card()

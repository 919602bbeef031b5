"""What a script asks of ``torch.accelerator`` on a machine that has none. penlight computes on the CPU."""

from __future__ import annotations


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """None."""

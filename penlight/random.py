"""Random numbers: the default generator's seed and state.

For the same seed, the numbers are those of PyTorch's CPU generator.
"""

from __future__ import annotations

from collections.abc import Generator as Iterator
from contextlib import contextmanager
from typing import Any

from penlight._C import Generator, Tensor, default_generator

__all__ = [
    "Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed",
    "set_rng_state",
]  # fmt: skip


def manual_seed(seed: Any) -> Generator:
    """Starts the default generator anew from a number, and returns it.

    Args:
        seed: an int from -2⁶³ to 2⁶⁴−1; a negative one stands for itself plus 2⁶⁴.

    Raises:
        ValueError: a number out of that range, or none.

    Example::

        >>> import penlight
        >>> _ = penlight.manual_seed(0)
        >>> penlight.rand(2)
        tensor([0.4963, 0.7682])
    """
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Starts the default generator anew from the operating system's random bits; returns the number used."""
    return default_generator.seed()


def initial_seed() -> int:
    """The number the default generator last started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state: uint8, ``(5056,)``, byte for byte as PyTorch's."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Lets the default generator go on from a state of :func:`get_rng_state`.

    Raises:
        TypeError: not a tensor of uint8.
        RuntimeError: not a state.
    """
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Any = None, enabled: bool = True, _caller: str = "fork_rng", _devices_kw: str = "devices",
    device_type: str = "cpu",
) -> Iterator[None]:  # fmt: skip
    """Inside ``with fork_rng():`` numbers may be drawn and seeds set; afterwards all is as it was before."""
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)

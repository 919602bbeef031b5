"""``device``: where a tensor lies, which is the CPU."""

from __future__ import annotations

from typing import Any

# Names a script may build a device from. A tensor is had on "cpu" alone.
_TYPES = ("cpu", "cuda", "xpu", "hip", "mps", "xla", "meta", "mkldnn", "vulkan", "hpu", "mtia", "maia")


class device:
    """The place of a tensor: ``device("cpu")``, ``device("cuda:0")``, ``device("cuda", 0)``.

    The name of another place can be written and compared, as scripts do; asking for a tensor there is an
    error. In a ``with`` block, new tensors lie on that device.

    Raises:
        RuntimeError: for the name of no device.
        TypeError: for something else than a name or a device.

    Example::

        >>> import penlight
        >>> penlight.device("cuda" if penlight.cuda.is_available() else "cpu")
        device(type='cpu')
    """

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, given = type.type, type.index
        elif isinstance(type, str):
            type, given = _parsed(type)
        else:
            raise TypeError(
                "device() received an invalid combination of arguments: type must be a name or a device, "
                f"got {type.__class__.__name__}"
            )
        if index is not None and given is not None:
            raise RuntimeError(f"type (string) must not include an index because index was passed: {index}")
        object.__setattr__(self, "type", type)
        object.__setattr__(self, "index", given if index is None else index)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"attribute '{name}' of 'torch.device' objects is not writable")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return (
            f"device(type='{self.type}')"
            if self.index is None
            else f"device(type='{self.type}', index={self.index})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type,) if self.index is None else (self.type, self.index)

    def __enter__(self) -> device:
        check_cpu(self)
        return self

    def __exit__(self, *exception: object) -> None:
        pass


def check_cpu(place: Any) -> None:
    """Raises PyTorch's AssertionError for any other device than the CPU."""
    if place is not None and device(place).type != "cpu":
        raise AssertionError(
            f"Torch not compiled with CUDA enabled: penlight computes on the CPU alone, there is no '{place}'"
        )


def _parsed(name: str) -> tuple[str, int | None]:
    if not name:
        raise RuntimeError("Device string must not be empty")
    type, colon, number = name.partition(":")
    if type not in _TYPES:
        raise RuntimeError(
            f"Expected one of {', '.join(_TYPES)} device type at start of device string: {type}"
        )
    if colon and not (number.isascii() and number.isdigit() and (number == "0" or number[0] != "0")):
        raise RuntimeError(f"Invalid device string: '{name}'")
    return type, int(number) if colon else None

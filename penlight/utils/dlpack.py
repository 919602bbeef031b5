"""DLPack capsules: memory shared with other libraries."""

from __future__ import annotations

from typing import Any

from penlight import Tensor, from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule over the tensor's memory, to be taken once by ``from_dlpack`` of any library.

    Raises:
        BufferError: the tensor requires grad.
    """
    return tensor.__dlpack__()

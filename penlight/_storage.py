"""The memory behind tensors, as far as programs look at it: where it lies and how long it is."""

from __future__ import annotations

from penlight import Tensor


class UntypedStorage:
    """The memory of a tensor and of all its views. Two tensors share it if ``data_ptr()`` is the same.

    Example::

        >>> import penlight
        >>> x = penlight.zeros(2, 3)
        >>> x[1].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
        True
        >>> x[1].untyped_storage().nbytes()
        24
    """

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor.detach()  # keeps the memory

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self._tensor._storage_ptr()

    def nbytes(self) -> int:
        """The length in bytes."""
        return self._tensor._storage_nbytes()

    size = __len__ = nbytes

"""``Size``: the shape of a tensor."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any


class Size(tuple[int, ...]):
    """A tensor's shape: a tuple of whole numbers that knows their product.

    Slices, sums and multiples of a ``Size`` are ``Size`` again; it equals and hashes as the plain tuple.

    Raises:
        TypeError: for an item that is not a whole number.
        ValueError: for an item outside 64 bits.

    Example::

        >>> import penlight
        >>> penlight.zeros(2, 3, 4).shape[1:]
        torch.Size([3, 4])
        >>> penlight.Size([3, 4]).numel()
        12
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        return super().__new__(cls, [_whole(item, at) for at, item in enumerate(sizes)])

    def numel(self) -> int:
        """The number of elements: the product of the sizes."""
        product = 1
        for size in self:
            product *= size
        return product

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return Size(found) if isinstance(at, slice) else found

    def __add__(self, other: Any) -> Size:
        if not isinstance(other, tuple):
            raise TypeError(f"can only concatenate tuple (not {type(other).__name__}) to torch.Size")
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: Any) -> Size:
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple.__add__(other, self))

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __reduce__(self) -> tuple[type[Size], tuple[tuple[int, ...]]]:
        return Size, (tuple(self),)


def _whole(item: Any, at: int) -> int:
    try:
        size = index(item)
    except TypeError:
        raise TypeError(
            f"torch.Size() takes an iterable of 'int' (item {at} is '{type(item).__name__}')"
        ) from None
    if not -(2**63) <= size < 2**63:
        raise ValueError(f"torch.Size() takes numbers of 64 bits (item {at} is {size})")
    return size

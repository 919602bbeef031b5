"""Padding: constant, reflected, replicated and circular."""

import penlight
from penlight import _C


def pad(input, pad, mode="constant", value=None):
    """Adds elements at both ends of the last dimensions.

    Args:
        input: any shape; for the other modes than ``"constant"``, the padded dimensions have elements.
        pad: ``(left, right)`` of the last dimension, then of the one before it, and so on.
            Negative numbers take elements away.
        mode: ``"constant"``, ``"reflect"`` (the edge element is not repeated), ``"replicate"``,
            ``"circular"``.
        value: what ``"constant"`` fills with; 0 when left out.

    Beyond PyTorch: reflected and circular padding may be wider than the input, and then goes on in the same
    pattern (reflecting at both edges in turn, or around again); every mode pads any number of dimensions.

    >>> import penlight
    >>> penlight.nn.functional.pad(penlight.tensor([[1.0, 2.0, 3.0]]), (2, 2), mode="reflect")
    tensor([[3., 2., 1., 2., 3., 2., 1.]])
    """
    pad = [int(amount) for amount in pad]
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) // 2 > input.dim():
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got "
            "padding length "
            f"{len(pad)} and input of dimension {input.dim()}"
        )
    if mode == "constant":
        return _C.constant_pad_nd(input, pad, 0 if value is None else value)
    if value is not None and value != 0:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in _SOURCE:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    for i in range(len(pad) // 2):
        left, right = pad[2 * i], pad[2 * i + 1]
        if left or right:
            input = _pad_dim(input, input.dim() - 1 - i, left, right, mode)
    return input


def _pad_dim(input, dim, left, right, mode):
    if left < 0 or right < 0:  # taken away first
        kept = input.size(dim) + min(left, 0) + min(right, 0)
        if kept < 0:
            raise RuntimeError(
                f"pad: dimension {dim} has size {input.size(dim)}, which ({left}, {right}) cannot be taken from"
            )
        input = input.narrow(dim, max(-left, 0), kept)
        left, right = max(left, 0), max(right, 0)
    length = input.size(dim)
    if length == 0 and left + right > 0:
        raise RuntimeError(f"pad: dimension {dim} is empty and cannot be padded in mode {mode}")
    positions = penlight.arange(-left, length + right)
    return input.index_select(dim, _SOURCE[mode](positions, length))


def _circular(positions, length):
    return positions.remainder(length)


def _replicate(positions, length):
    return positions.clamp(0, length - 1)


def _reflect(positions, length):
    # A reflected line goes there and back again: its period is twice the steps between the edges.
    if length == 1:
        return positions.clamp(0, 0)
    steps = length - 1
    return steps - (positions.remainder(2 * steps) - steps).abs()


_SOURCE = {"reflect": _reflect, "replicate": _replicate, "circular": _circular}

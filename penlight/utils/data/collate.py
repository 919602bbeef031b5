"""Making a batch of samples."""

from collections.abc import Mapping, Sequence

import numpy

import penlight


def default_convert(data):
    """NumPy arrays to tensors, also inside lists, tuples and dictionaries; everything else as it is."""
    if isinstance(data, penlight.Tensor):
        return data
    if isinstance(data, (numpy.ndarray, numpy.generic)):
        return data if data.dtype.kind in "SUO" else penlight.as_tensor(data)
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return [default_convert(value) for value in data]
    return data


def default_collate(batch):
    """Stacks a list of samples along a new first dimension.

    Tensors, arrays and numbers become one tensor; strings stay a list; dictionaries and tuples are collated
    entry by entry.

    Raises:
        TypeError: samples of another type.
        RuntimeError: samples of different sizes.

    >>> import penlight.utils.data as data
    >>> data.default_collate([(1, "a"), (2, "b")])
    [tensor([1, 2]), ('a', 'b')]
    """
    first = batch[0]
    if isinstance(first, penlight.Tensor):
        return penlight.stack(list(batch), 0)
    if isinstance(first, numpy.ndarray) or (isinstance(first, numpy.generic) and not isinstance(first, str)):
        if first.dtype.kind in "SUO":
            raise TypeError(
                "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
                f"found {first.dtype}"
            )
        if first.shape == ():
            return penlight.as_tensor(numpy.array(batch))
        return penlight.stack([penlight.as_tensor(array) for array in batch], 0)
    if isinstance(first, float):
        return penlight.tensor(list(batch), dtype=penlight.float64)
    if isinstance(first, (bool, int)):
        return penlight.tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(entries) for entries in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return [default_collate(entries) for entries in zip(*batch, strict=True)]
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(first)}"
    )

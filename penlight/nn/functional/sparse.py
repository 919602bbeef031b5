"""Look-ups by index: embeddings and one-hot vectors."""

import penlight
from penlight import _C


def one_hot(tensor, num_classes=-1):
    """Vectors with a 1 at each given index and 0 elsewhere.

    Args:
        tensor: class numbers, int64, any shape ``(*)``.
        num_classes: length of the vectors; one more than the largest number when -1.

    Returns:
        int64, ``(*, num_classes)``.

    Raises:
        RuntimeError: a number is negative or not below ``num_classes``.

    >>> import penlight
    >>> penlight.nn.functional.one_hot(penlight.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    if tensor.dtype != penlight.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return penlight.empty([*tensor.shape, num_classes], dtype=penlight.int64)
    if int(tensor.min()) < 0:
        raise RuntimeError("Class values must be non-negative.")
    largest = int(tensor.max())
    if num_classes == -1:
        num_classes = largest + 1
    elif num_classes < 1:
        raise RuntimeError("num_classes should be positive")
    elif largest >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    zeros = penlight.zeros([*tensor.shape, num_classes], dtype=penlight.int64)
    return zeros.scatter_(-1, tensor.unsqueeze(-1), 1)


def embedding(
    input,
    weight,
    padding_idx=None,
    max_norm=None,
    norm_type=2.0,
    scale_grad_by_freq=False,
    sparse=False,
):
    """The rows of ``weight`` at the given indices.

    Args:
        input: int64 or int32 indices, any shape ``(*)``.
        weight: ``(V, D)``.
        padding_idx: a row that gets no gradient.
        max_norm: rows used whose ``norm_type`` norm is larger are scaled down to it, in place.
        scale_grad_by_freq: gradients are divided by how often the index occurs in the batch.

    Returns:
        ``(*, D)``.
    """
    if sparse:
        raise NotImplementedError("embedding: sparse gradients are not supported, use sparse=False")
    if weight.dim() != 2:
        raise RuntimeError("'weight' must be 2-D")
    if padding_idx is not None:
        rows = weight.size(0)
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    if input.dtype not in (penlight.int64, penlight.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
            f"but got {input.type()} instead (while checking arguments for embedding)"
        )
    if max_norm is not None:
        _renorm_rows(weight, input.reshape(-1), max_norm, norm_type)
    return _C._embedding(weight, input, -1 if padding_idx is None else padding_idx, scale_grad_by_freq)


def _renorm_rows(weight, index, max_norm, norm_type):
    with penlight.no_grad():
        used = penlight.unique(index)
        rows = weight.index_select(0, used)
        norms = rows.norm(norm_type, 1, keepdim=True)
        scale = penlight.where(norms > max_norm, max_norm / (norms + 1e-7), penlight.ones_like(norms))
        weight.index_copy_(0, used, rows * scale)

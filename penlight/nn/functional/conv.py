"""Convolutions and their transposes, linear maps."""

from penlight import _C

conv1d = _C.conv1d
conv2d = _C.conv2d
conv3d = _C.conv3d
conv_transpose1d = _C.conv_transpose1d
conv_transpose2d = _C.conv_transpose2d
conv_transpose3d = _C.conv_transpose3d
linear = _C.linear


def bilinear(input1, input2, weight, bias=None):
    """``y[..., k] = sum over i, j of input1[..., i] * weight[k, i, j] * input2[..., j] (+ bias[k])``.

    Args:
        input1: ``(..., I)``. input2: ``(..., J)`` with the same leading sizes.
        weight: ``(K, I, J)``. bias: ``(K)`` or None.
    """
    if input1.dim() != input2.dim():
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {input1.dim()} and {input2.dim()}"
        )
    for i in range(input1.dim() - 1):
        if input1.size(i) != input2.size(i):
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {i}: "
                f"got {input1.size(i)} and {input2.size(i)}"
            )
    if weight.dim() != 3:
        raise RuntimeError(f"bilinear(): weight must have 3 dimensions, got {weight.dim()}")
    outputs, left, right = weight.shape
    if input1.size(-1) != left:
        raise RuntimeError(
            f"bilinear(): input1 size does not match weight size: got {input1.size(-1)} but expected {left}"
        )
    if input2.size(-1) != right:
        raise RuntimeError(
            f"bilinear(): input2 size does not match weight size: got {input2.size(-1)} but expected {right}"
        )
    if bias is not None and bias.size(0) != outputs:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.size(0)} but expected {outputs}"
        )
    rows = input1.reshape(-1, left) @ weight.permute(1, 0, 2).reshape(left, outputs * right)
    rows = (rows.view(-1, outputs, right) * input2.reshape(-1, 1, right)).sum(-1)
    result = rows.view([*input1.shape[:-1], outputs])
    return result if bias is None else result + bias

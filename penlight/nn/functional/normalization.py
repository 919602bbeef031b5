"""Normalisation: batch, layer, group, instance, root mean square, local response, and unit length."""

import penlight
from penlight import _C


def _check_batch(size):
    """Batch statistics need more than one value for each channel."""
    values = size[0]
    for length in size[2:]:
        values *= length
    if values == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def batch_norm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05
):
    """Normalises each channel (dim 1) over all other dimensions. Ioffe and Szegedy 2015.

    Args:
        input: ``(N, C, ...)``.
        running_mean, running_var: ``(C)`` or None; used where ``training`` is false, moved in place by
            ``momentum`` towards the batch's statistics where it is true.
        weight, bias: ``(C)`` or None; scale and shift afterwards.

    Raises:
        ValueError: one value for each channel only, in training.
    """
    if training:
        _check_batch(input.size())
    return _C.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    """Normalises over the last dimensions, whose sizes are ``normalized_shape``. Ba et al. 2016."""
    return _C.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05):
    """Normalises over each of ``num_groups`` groups of channels (dim 1), for each sample. Wu and He 2018."""
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    if num_groups > 0 and input.size(1) % num_groups == 0:
        size = input.size()
        _check_batch(penlight.Size([size[0] * size[1] // num_groups, num_groups, *size[2:]]))
    return _C.group_norm(input, num_groups, weight, bias, eps)


def instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-05,
):
    """Normalises each channel of each sample by itself. Ulyanov et al. 2016.

    ``input`` is ``(N, C, ...)``; the running statistics are used where ``use_input_stats`` is false, and else
    moved towards the mean of the samples' statistics.
    """
    size = input.size()
    if input.dim() < 2:
        raise RuntimeError(f"instance_norm: input must have at least 2 dimensions, got {input.dim()}")
    if use_input_stats:
        values = 1
        for length in size[2:]:
            values *= length
        if values == 1:
            raise ValueError(f"Expected more than 1 spatial element when training, got input size {size}")
    elif running_mean is None or running_var is None:
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    samples, channels = size[0], size[1]

    def each_sample(tensor):
        return None if tensor is None else tensor.repeat(samples)

    # Every channel of every sample is a channel of one large sample.
    mean, var = each_sample(running_mean), each_sample(running_var)
    flat = input.reshape([1, samples * channels, *size[2:]])
    result = _C.batch_norm(
        flat, each_sample(weight), each_sample(bias), mean, var, use_input_stats, momentum, eps
    )
    if use_input_stats:
        for running, moved in ((running_mean, mean), (running_var, var)):
            if running is not None:
                running.copy_(moved.view(samples, channels).mean(0))
    return result.view(size)


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """Divides by the root mean square over the last dimensions. Zhang and Sennrich 2019."""
    shape = tuple(normalized_shape)
    if not shape or tuple(input.shape[len(input.shape) - len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape "
            f"{_star_shape(shape)}, but got input of size{list(input.shape)}"
        )
    eps = penlight.finfo(input.dtype).eps if eps is None else eps
    dims = list(range(-len(shape), 0))
    result = input * penlight.rsqrt(input.pow(2).mean(dims, keepdim=True) + eps)
    return result if weight is None else result * weight


def _star_shape(shape):
    return "[*, " + ", ".join(str(length) for length in shape) + "]"


def local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0):
    """Divides by ``(k + alpha * mean of squares over size neighbouring channels) ** beta``.

    Krizhevsky et al. 2012, section 3.3. ``input`` is ``(N, C, ...)`` with at least one more dimension.
    """
    if input.dim() < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {input.dim()} "
            f"dimensions)"
        )
    if input.numel() == 0:
        return input
    squares = (input * input).movedim(1, -1)
    rows = squares.reshape(-1, 1, squares.size(-1))
    means = _C.avg_pool1d(penlight.nn.functional.pad(rows, (size // 2, (size - 1) // 2)), size, 1)
    means = means.view(squares.shape).movedim(-1, 1)
    return input / (means * alpha + k) ** beta


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """Divides by the ``p``-norm along ``dim``, or by ``eps`` where that is larger."""
    norm = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    if out is None:
        return input / norm
    return penlight.div(input, norm, out=out)

"""Pooling: the largest or the mean value of each window.

Inputs are ``(N, C, L)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``, or the same without ``N``.
"""

import penlight
from penlight import _C

avg_pool1d = _C.avg_pool1d
avg_pool2d = _C.avg_pool2d
avg_pool3d = _C.avg_pool3d


def _max_pool(dims):
    # Looked up once; a max pool with indices and one without are two functions of the core.
    plain = getattr(_C, f"max_pool{dims}d")
    indexed = getattr(_C, f"max_pool{dims}d_with_indices")

    def max_pool(
        input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
    ):
        if return_indices:
            return indexed(input, kernel_size, stride, padding, dilation, ceil_mode)
        return plain(input, kernel_size, stride, padding, dilation, ceil_mode)

    def max_pool_with_indices(
        input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=True
    ):
        return indexed(input, kernel_size, stride, padding, dilation, ceil_mode)

    max_pool.__name__ = max_pool.__qualname__ = f"max_pool{dims}d"
    max_pool.__doc__ = f"""The largest value of each window, over the last {dims} dimension(s).

    Args:
        kernel_size, stride, padding, dilation: numbers, or one for each dimension; ``stride`` is
            ``kernel_size`` when left out. Padding (at most half the kernel) never is the largest.
        ceil_mode: windows that begin inside the padded input but end outside count as well.
        return_indices: also return where in the input each value stands.
    """
    max_pool_with_indices.__name__ = max_pool_with_indices.__qualname__ = f"max_pool{dims}d_with_indices"
    max_pool_with_indices.__doc__ = (
        f"``max_pool{dims}d`` that also returns where in the input each value stands."
    )
    return max_pool, max_pool_with_indices


max_pool1d, max_pool1d_with_indices = _max_pool(1)
max_pool2d, max_pool2d_with_indices = _max_pool(2)
max_pool3d, max_pool3d_with_indices = _max_pool(3)


def _output_size(output_size, input, dims):
    """The sizes asked for, where None is the input's own size."""
    if isinstance(output_size, int):
        return [output_size] * dims
    sizes = list(output_size)
    if len(sizes) != dims:
        raise ValueError(f"output_size must have {dims} elements, got {len(sizes)}")
    if input.dim() < dims:
        raise RuntimeError(f"input must have at least {dims} dimensions, got {input.dim()}")
    own = input.shape[-dims:]
    return [own[i] if size is None else size for i, size in enumerate(sizes)]


def adaptive_avg_pool1d(input, output_size):
    """Means over windows of nearly equal length, ``output_size`` of them."""
    return _C.adaptive_avg_pool1d(input, _output_size(output_size, input, 1))


def adaptive_avg_pool2d(input, output_size):
    """Means over windows of nearly equal size; ``output_size`` is a number or ``(H, W)``, None keeps a size.

    >>> import penlight
    >>> penlight.nn.functional.adaptive_avg_pool2d(penlight.ones(1, 3, 5, 7), (2, None)).shape
    torch.Size([1, 3, 2, 7])
    """
    return _C.adaptive_avg_pool2d(input, _output_size(output_size, input, 2))


def adaptive_avg_pool3d(input, output_size):
    """Means over windows of nearly equal size; ``output_size`` is a number or ``(D, H, W)``."""
    return _C.adaptive_avg_pool3d(input, _output_size(output_size, input, 3))


def _adaptive_max_pool(input, output_size, return_indices, dims):
    values, indices = getattr(_C, f"adaptive_max_pool{dims}d")(input, _output_size(output_size, input, dims))
    return (values, indices) if return_indices else values


def adaptive_max_pool1d(input, output_size, return_indices=False):
    """Largest values of windows of nearly equal length, ``output_size`` of them."""
    return _adaptive_max_pool(input, output_size, return_indices, 1)


def adaptive_max_pool2d(input, output_size, return_indices=False):
    """Largest values of windows of nearly equal size; ``output_size`` is a number or ``(H, W)``."""
    return _adaptive_max_pool(input, output_size, return_indices, 2)


def adaptive_max_pool3d(input, output_size, return_indices=False):
    """Largest values of windows of nearly equal size; ``output_size`` is a number or ``(D, H, W)``."""
    return _adaptive_max_pool(input, output_size, return_indices, 3)


def _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, dims):
    """The p-norm of each window: the mean of p-th powers, times the window's size, to the power 1/p."""
    if norm_type == 0:
        raise ValueError("lp_pool: norm_type must not be 0")
    kernel = [kernel_size] * dims if isinstance(kernel_size, int) else list(kernel_size)
    size = 1
    for length in kernel:
        size *= length
    powers = input.pow(norm_type)
    means = getattr(_C, f"avg_pool{dims}d")(powers, kernel, stride, 0, ceil_mode)
    return (penlight.sign(means) * penlight.relu(means.abs()) * size).pow(1.0 / norm_type)


def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The ``norm_type``-norm of each window of ``(N, C, L)``."""
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 1)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The ``norm_type``-norm of each window of ``(N, C, H, W)``."""
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 2)


def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The ``norm_type``-norm of each window of ``(N, C, D, H, W)``."""
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, 3)

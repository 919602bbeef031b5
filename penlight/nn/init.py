"""How weights start. Every function fills the tensor in place, outside the graph, and returns it.

For the same seed, the same numbers as PyTorch's.
"""

import math
import warnings

import penlight


def calculate_gain(nonlinearity, param=None):
    """The factor by which weights before a nonlinearity are scaled to keep the variance.

    ``param`` is the slope of ``"leaky_relu"``. He et al. 2015 for ReLU; Klambauer et al. 2017 for SELU.
    """
    if nonlinearity == "sigmoid" or nonlinearity in _LINEAR:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            slope = 0.01
        elif isinstance(param, (int, float)) and not isinstance(param, bool):
            slope = param
        else:
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


_LINEAR = {
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
}


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Uniform between ``a`` and ``b``."""
    with penlight.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Normal with the given mean and standard deviation."""
    with penlight.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Normal, but only between ``a`` and ``b``.

    Numbers outside are drawn anew. Where fewer than 3 in 10 would fall inside, a uniform sample goes through the
    inverse of the distribution function instead; those are other numbers than PyTorch's for the same seed.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )

    def below(x):  # the share of the distribution below x
        return (1.0 + math.erf((x - mean) / std / math.sqrt(2.0))) / 2.0

    low, high = (below(a), below(b)) if std > 0 else (0.0, 1.0)
    with penlight.no_grad():
        if high - low < 0.3 or not a <= b:
            tensor.uniform_(2 * low - 1, 2 * high - 1, generator=generator)
            tensor.erfinv_()
            tensor.mul_(std * math.sqrt(2.0))
            tensor.add_(mean)
            return tensor.clamp_(min=a, max=b)
        tensor.normal_(mean, std, generator=generator)
        outside = (tensor < a) | (tensor > b)
        while std > 0 and bool(outside.any()):
            fresh = penlight.empty_like(tensor, requires_grad=False).normal_(mean, std, generator=generator)
            tensor.copy_(penlight.where(outside, fresh, tensor))
            outside = (tensor < a) | (tensor > b)
        return tensor.clamp_(min=a, max=b)


def constant_(tensor, val):
    """``val`` everywhere."""
    with penlight.no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """1 everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """0 everywhere."""
    with penlight.no_grad():
        return tensor.zero_()


def eye_(tensor):
    """The identity matrix, as far as the shape allows."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with penlight.no_grad():
        tensor.zero_()
        diagonal = min(tensor.shape)
        for i in range(diagonal):
            tensor[i, i] = 1
    return tensor


def dirac_(tensor, groups=1):
    """A convolution's weight that hands its input channels through, as many as there are outputs for."""
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.size(0) % groups:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = tensor.size(0) // groups
    middle = tuple(length // 2 for length in tensor.shape[2:])
    with penlight.no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(per_group, tensor.size(1))):
                tensor[(group * per_group + channel, channel, *middle)] = 1
    return tensor


def _fans(tensor):
    """The numbers of inputs of an output and of outputs of an input."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    window = math.prod(tensor.shape[2:])
    return tensor.size(1) * window, tensor.size(0) * window


_calculate_fan_in_and_fan_out = _fans


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform with variance ``gain^2 * 2 / (fan_in + fan_out)``. Glorot and Bengio 2010."""
    fan_in, fan_out = _fans(tensor)
    std = gain * math.sqrt(2.0 / float(fan_in + fan_out))
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal with variance ``gain^2 * 2 / (fan_in + fan_out)``. Glorot and Bengio 2010."""
    fan_in, fan_out = _fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)), generator)


def _kaiming_std(tensor, a, mode, nonlinearity):
    fans = dict(zip(("fan_in", "fan_out"), _fans(tensor), strict=True))
    mode = mode.lower()
    if mode not in fans:
        raise ValueError(f"Mode {mode} not supported, please use one of {list(fans)}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans[mode])


def _nothing_to_fill(tensor):
    if 0 not in tensor.shape:
        return False
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform with variance ``gain^2 / fan``. He et al. 2015.

    Args:
        a: slope of the leaky ReLU that follows.
        mode: ``"fan_in"`` keeps the variance forward, ``"fan_out"`` backward.
        nonlinearity: what follows; see :func:`calculate_gain`.
    """
    if _nothing_to_fill(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal with variance ``gain^2 / fan``; the arguments of :func:`kaiming_uniform_`."""
    if _nothing_to_fill(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor, gain=1, generator=None):
    """Rows (or columns) that are orthogonal and of length ``gain``, of the tensor flattened to two
    dimensions.

    Saxe et al. 2013. The QR decomposition is NumPy's (LAPACK).
    """
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    import numpy

    rows = tensor.size(0)
    columns = tensor.numel() // rows
    with penlight.no_grad():
        flat = penlight.empty(rows, columns, dtype=tensor.dtype).normal_(0, 1, generator=generator)
        matrix = flat.t() if rows < columns else flat
        q, r = numpy.linalg.qr(matrix.numpy())
        q *= numpy.sign(numpy.diag(r))  # makes the decomposition unique
        q = penlight.from_numpy(numpy.ascontiguousarray(q.T if rows < columns else q))
        return tensor.copy_(q.view(tensor.shape)).mul_(gain)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """Normal, with the share ``sparsity`` of each column set to 0. Martens 2010."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with penlight.no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            # The default generator picks the rows, whichever drew the numbers.
            tensor[penlight.randperm(rows)[:zeros], column] = 0
    return tensor


def _older(name):
    def function(*args, **kwargs):
        warnings.warn(
            f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.",
            FutureWarning,
            stacklevel=2,
        )
        return globals()[name + "_"](*args, **kwargs)

    function.__name__ = name
    function.__doc__ = f"The older name of :func:`{name}_`."
    return function


uniform = _older("uniform")
normal = _older("normal")
constant = _older("constant")
eye = _older("eye")
dirac = _older("dirac")
xavier_uniform = _older("xavier_uniform")
xavier_normal = _older("xavier_normal")
kaiming_uniform = _older("kaiming_uniform")
kaiming_normal = _older("kaiming_normal")
orthogonal = _older("orthogonal")
sparse = _older("sparse")

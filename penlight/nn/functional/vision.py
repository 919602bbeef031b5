"""Images: resizing, sliding windows as columns and back, and moving pixels between space and channels."""

import math
import warnings

import penlight
from penlight.nn.functional.padding import pad

_MODES = {
    "nearest": (3, 4, 5),
    "nearest-exact": (3, 4, 5),
    "linear": (3,),
    "bilinear": (4,),
    "trilinear": (5,),
    "bicubic": (4,),
    "area": (3, 4, 5),
}


def interpolate(
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
):
    """Resizes ``(N, C, L)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``.

    Args:
        size: the sizes wanted, a number or one for each dimension; or else
        scale_factor: factors of the sizes.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"``, ``"bilinear"``, ``"trilinear"``, ``"bicubic"``
            or ``"area"``.
        align_corners: the first and last elements' centres stay where they are (the linear and cubic modes).
        recompute_scale_factor: positions follow from the resulting sizes instead of the factors given.
    """
    if antialias:
        raise NotImplementedError("interpolate: antialias=True is not supported")
    if mode not in _MODES:
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.dim()}D) for the modes: "
            f"{' | '.join(_MODES)} (got {mode})"
        )
    if input.dim() not in _MODES[mode]:
        raise NotImplementedError(f"interpolate: mode {mode!r} takes no {input.dim()}D input")
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            "linear | bilinear | bicubic | trilinear"
        )
    spatial = list(input.shape[2:])
    sizes, factors = _sizes(spatial, size, scale_factor, recompute_scale_factor)
    if min(sizes, default=1) <= 0 or 0 in spatial:
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input (sizes: {spatial}) "
            f"output (sizes: {sizes})"
        )
    if mode == "area":
        pools = penlight.nn.functional
        return getattr(pools, f"adaptive_avg_pool{len(sizes)}d")(input, sizes)
    resize = {"nearest": _nearest, "nearest-exact": _nearest_exact, "bicubic": _cubic}.get(mode, _linear)
    # The last dimension first: gathering along it takes longest, and the others then copy whole rows.
    for i in reversed(range(len(spatial))):
        input = resize(input, i + 2, spatial[i], sizes[i], factors[i], bool(align_corners))
    return input


def _sizes(spatial, size, scale_factor, recompute):
    """The sizes wanted, and for each dimension the factor that positions follow from (None: the sizes)."""
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    given = size if size is not None else scale_factor
    given = list(given) if isinstance(given, (list, tuple)) else [given] * len(spatial)
    if len(given) != len(spatial):
        raise ValueError(
            f"Input and {'output' if size is not None else 'scale_factor'} must have the same number of "
            f"spatial "
            f"dimensions, but got input with spatial dimensions of {spatial} and "
            f"{'output size' if size is not None else 'scale_factor shape'} of {given}."
        )
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return [int(length) for length in given], [None] * len(given)
    sizes = [math.floor(length * factor) for length, factor in zip(spatial, given, strict=True)]
    return sizes, [None] * len(given) if recompute else given


def _step(length, wanted, factor):
    """The distance between neighbouring outputs, in input elements."""
    return 1.0 / factor if factor is not None and factor > 0 else length / wanted


def _nearest(input, dim, length, wanted, factor, align_corners):
    # Positions are computed in float32, whose rounding decides ties.
    positions = penlight.arange(wanted, dtype=penlight.float32) * _step(length, wanted, factor)
    return input.index_select(dim, positions.floor().long().clamp(max=length - 1))


def _nearest_exact(input, dim, length, wanted, factor, align_corners):
    positions = (penlight.arange(wanted, dtype=penlight.float32) + 0.5) * _step(length, wanted, factor)
    return input.index_select(dim, positions.floor().long().clamp(max=length - 1))


def _positions(input, length, wanted, factor, align_corners):
    dtype = penlight.float64 if input.dtype == penlight.float64 else penlight.float32
    outputs = penlight.arange(wanted, dtype=dtype)
    if align_corners:
        return outputs * ((length - 1) / (wanted - 1) if wanted > 1 else 0.0)
    return (outputs + 0.5) * _step(length, wanted, factor) - 0.5


def _along(weights, input, dim):
    shape = [1] * input.dim()
    shape[dim] = -1
    return weights.to(input.dtype).view(shape)


def _linear(input, dim, length, wanted, factor, align_corners):
    if wanted == length and factor in (None, 1):
        return input
    positions = _positions(input, length, wanted, factor, align_corners).clamp(min=0)
    low = positions.floor().long().clamp(max=length - 1)
    high = (low + 1).clamp(max=length - 1)
    weight = _along(positions - low, input, dim)
    # The lower neighbours' memory takes the result.
    result = input.index_select(dim, low).mul_(1 - weight)
    return result.add_(input.index_select(dim, high).mul_(weight))


def _cubic(input, dim, length, wanted, factor, align_corners):
    """Cubic convolution with a = -0.75 (Keys 1981)."""
    a = -0.75
    positions = _positions(input, length, wanted, factor, align_corners)
    low = positions.floor()
    t = positions - low

    def near(x):  # distances up to 1
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x):  # distances from 1 to 2
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    result = None
    for offset, weight in ((-1, far(t + 1)), (0, near(t)), (1, near(1 - t)), (2, far(2 - t))):
        index = (low.long() + offset).clamp(0, length - 1)
        term = input.index_select(dim, index) * _along(weight, input, dim)
        result = term if result is None else result + term
    return result


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """The older name of :func:`interpolate`."""
    warnings.warn(
        "`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return interpolate(input, size, scale_factor, mode, align_corners)


def _pair(name, value):
    pair = [value, value] if isinstance(value, int) else list(value)
    if len(pair) == 1:
        pair *= 2
    if len(pair) != 2:
        raise RuntimeError(f"{name} must be a number or two numbers, got {value}")
    return pair


def _windows(spatial, kernel, dilation, padding, stride):
    """Along one axis: the padded elements of each window, and how many windows there are."""
    reach = dilation * (kernel - 1) + 1
    count = (spatial + 2 * padding - reach) // stride + 1 if stride else 0
    if kernel < 1 or dilation < 1 or stride < 1 or padding < 0 or count < 1:
        raise RuntimeError(
            f"Given input with spatial size {spatial}, kernel_size={kernel}, dilation={dilation}, "
            f"padding={padding}, stride={stride}, calculated number of sliding windows is {count}, "
            "but all must be positive"
        )
    taps = penlight.arange(kernel) * dilation
    return (taps.unsqueeze(1) + penlight.arange(count) * stride).reshape(-1), count


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """All sliding windows as columns: ``(N, C, H, W)`` to ``(N, C * kh * kw, windows)``."""
    if input.dim() not in (3, 4):
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            "dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    kernel, dilation = _pair("kernel_size", kernel_size), _pair("dilation", dilation)
    padding, stride = _pair("padding", padding), _pair("stride", stride)
    batched = input if input.dim() == 4 else input.unsqueeze(0)
    rows, across = _windows(batched.size(2), kernel[0], dilation[0], padding[0], stride[0])
    columns, along = _windows(batched.size(3), kernel[1], dilation[1], padding[1], stride[1])
    samples, channels = batched.shape[:2]
    padded = pad(batched, (padding[1], padding[1], padding[0], padding[0]))
    taken = padded.index_select(2, rows).index_select(3, columns)
    taken = taken.view(samples, channels, kernel[0], across, kernel[1], along).permute(0, 1, 2, 4, 3, 5)
    result = taken.reshape(samples, channels * kernel[0] * kernel[1], across * along)
    return result if input.dim() == 4 else result.squeeze(0)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Sums columns back into an image: ``(N, C * kh * kw, windows)`` to ``(N, C, H, W)``.

    The transpose of :func:`unfold`: elements that several windows share are added up.
    """
    if input.dim() not in (2, 3):
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
            "dimensions "
            f"for input, but got: {list(input.shape)}"
        )
    size, kernel = _pair("output_size", output_size), _pair("kernel_size", kernel_size)
    dilation, padding = _pair("dilation", dilation), _pair("padding", padding)
    stride = _pair("stride", stride)
    batched = input if input.dim() == 3 else input.unsqueeze(0)
    rows, across = _windows(size[0], kernel[0], dilation[0], padding[0], stride[0])
    columns, along = _windows(size[1], kernel[1], dilation[1], padding[1], stride[1])
    samples, width = batched.shape[:2]
    if width % (kernel[0] * kernel[1]):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={width} and kernel_size=({kernel[0]}, {kernel[1]})."
        )
    if batched.size(2) != across * along:
        raise RuntimeError(
            f"Given output_size=({size[0]}, {size[1]}), kernel_size=({kernel[0]}, {kernel[1]}), "
            f"dilation=({dilation[0]}, {dilation[1]}), padding=({padding[0]}, {padding[1]}), "
            f"stride=({stride[0]}, {stride[1]}), expected size of input's dimension 2 to match the "
            f"calculated "
            f"number of sliding blocks {across} * {along} = {across * along}, but got input.size(2)="
            f"{batched.size(2)}."
        )
    channels = width // (kernel[0] * kernel[1])
    taken = batched.reshape(samples, channels, kernel[0], kernel[1], across, along).permute(0, 1, 2, 4, 3, 5)
    taken = taken.reshape(samples, channels, kernel[0] * across, kernel[1] * along)
    high, wide = size[0] + 2 * padding[0], size[1] + 2 * padding[1]
    image = penlight.zeros(samples, channels, high, taken.size(3), dtype=input.dtype).index_add(
        2, rows, taken
    )
    image = penlight.zeros(samples, channels, high, wide, dtype=input.dtype).index_add(3, columns, image)
    image = image[:, :, padding[0] : padding[0] + size[0], padding[1] : padding[1] + size[1]]
    return image if input.dim() == 3 else image.squeeze(0)


def pixel_shuffle(input, upscale_factor):
    """``(..., C * r * r, H, W)`` to ``(..., C, H * r, W * r)``. Shi et al. 2016."""
    r = upscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with "
            f"{input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, channels, height, width = input.shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            f"upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    n = len(lead)
    parts = input.reshape([*lead, channels // (r * r), r, r, height, width])
    parts = parts.permute([*range(n), n, n + 3, n + 1, n + 4, n + 2])
    return parts.reshape([*lead, channels // (r * r), height * r, width * r])


def pixel_unshuffle(input, downscale_factor):
    """``(..., C, H * r, W * r)`` to ``(..., C * r * r, H, W)``: the inverse of :func:`pixel_shuffle`."""
    r = downscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            "pixel_unshuffle expects input to have at least 3 dimensions, "
            f"but got input with {input.dim()} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, channels, height, width = input.shape
    for name, length in (("height", height), ("width", width)):
        if length % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, "
                f"but input.size({-2 if name == 'height' else -1})={length} is not divisible by {r}"
            )
    n = len(lead)
    parts = input.reshape([*lead, channels, height // r, r, width // r, r])
    parts = parts.permute([*range(n), n, n + 2, n + 4, n + 1, n + 3])
    return parts.reshape([*lead, channels * r * r, height // r, width // r])


def channel_shuffle(input, groups):
    """Deals the channels (dim 1) out of ``groups`` groups in turn. Zhang et al. 2018, "ShuffleNet"."""
    if input.dim() < 3:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    samples, channels, *rest = input.shape
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    parts = input.reshape([samples, groups, channels // groups, *rest]).transpose(1, 2)
    return parts.reshape([samples, channels, *rest])

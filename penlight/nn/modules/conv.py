"""Convolutions and transposed convolutions."""

import math
from typing import Any

import penlight
from penlight.nn import functional as F
from penlight.nn import init
from penlight.nn.modules._sizes import tuple_of
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter

_PADDING_MODES = {"zeros", "reflect", "replicate", "circular"}


class _ConvNd(Module):
    """What all convolutions share: their arguments, parameters and printed form."""

    dims: int
    transposed = False
    _function: Any = None

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        output_padding,
        groups,
        bias,
        padding_mode,
        device,
        dtype,
    ):
        super().__init__()
        owner = type(self).__name__
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
        else:
            padding = tuple_of(owner, "padding", padding, self.dims)
        if padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {sorted(_PADDING_MODES)}, but got padding_mode='{padding_mode}'"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = tuple_of(owner, "kernel_size", kernel_size, self.dims)
        self.stride = tuple_of(owner, "stride", stride, self.dims)
        self.padding = padding
        self.dilation = tuple_of(owner, "dilation", dilation, self.dims)
        self.output_padding = tuple_of(owner, "output_padding", output_padding, self.dims)
        self.groups = groups
        self.padding_mode = padding_mode
        outer, inner = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(
            penlight.empty((outer, inner // groups, *self.kernel_size), device=device, dtype=dtype)
        )
        if bias:
            self.bias = Parameter(penlight.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Uniform in ±1/sqrt(n), where n is the number of inputs of each output."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            inputs = self.weight.size(1) * math.prod(self.kernel_size)
            if inputs:
                bound = 1 / math.sqrt(inputs)
                init.uniform_(self.bias, -bound, bound)

    def _conv_forward(self, input, weight, bias):
        return type(self)._function(
            input, weight, bias, self.stride, self.padding, self.dilation, self.groups, self.padding_mode
        )

    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)

    def extra_repr(self):
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        if self.padding != zeros:
            text += f", padding={self.padding}"
        if self.dilation != ones:
            text += f", dilation={self.dilation}"
        if self.output_padding != zeros:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Conv(_ConvNd):
    """A convolution; the subclasses say over how many dimensions.

    Args:
        in_channels, out_channels: number of channels of input and output, both divisible by ``groups``.
        kernel_size, stride, dilation: a number, or one for each dimension.
        padding: the same; or ``"valid"`` (none), or ``"same"`` (outputs = ceil(inputs / stride); beyond
            PyTorch, any stride).
        groups: channels are split into so many groups that do not see each other.
        bias: whether a number is added to each output channel.
        padding_mode: what padding is filled with: ``"zeros"``, ``"reflect"``, ``"replicate"`` or
            ``"circular"``.

    Attributes:
        weight: ``(out_channels, in_channels / groups, *kernel_size)``; bias: ``(out_channels)``.

    Shapes: ``(N, in_channels, *spatial)`` or ``(in_channels, *spatial)`` to the same with ``out_channels``,
    where an axis of n elements becomes ``floor((n + 2 padding - dilation (kernel - 1) - 1) / stride) + 1``.
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )


class Conv1d(_Conv):
    __doc__ = (
        (_Conv.__doc__ or "")
        + """
    >>> import penlight
    >>> penlight.nn.Conv1d(2, 16, 3)(penlight.randn(1, 2, 64)).size()
    torch.Size([1, 16, 62])
    """
    )
    dims = 1
    _function = staticmethod(F.conv1d)


class Conv2d(_Conv):
    __doc__ = (
        (_Conv.__doc__ or "")
        + """
    >>> import penlight
    >>> penlight.nn.Conv2d(20, 16, (3, 5), padding=(1, 2))(penlight.randn(1, 20, 64, 128)).size()
    torch.Size([1, 16, 64, 128])
    """
    )
    dims = 2
    _function = staticmethod(F.conv2d)


class Conv3d(_Conv):
    __doc__ = _Conv.__doc__
    dims = 3
    _function = staticmethod(F.conv3d)


class _ConvTranspose(_ConvNd):
    """A transposed convolution: the gradient of a convolution with respect to its input, as a layer.

    Args:
        in_channels, out_channels: number of channels of input and output, both divisible by ``groups``.
        kernel_size, stride, padding, dilation: those of the convolution it transposes.
        output_padding: added to one end of the output's sizes, which a stride above 1 leaves open.
        groups, bias: as in a convolution.
        padding_mode: ``"zeros"`` only.

    Attributes:
        weight: ``(in_channels, out_channels / groups, *kernel_size)``; bias: ``(out_channels)``.

    Shapes: an axis of n elements becomes
    ``(n - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1``.
    """

    transposed = True

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            output_padding,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input, output_size=None):
        """``output_size`` picks the output's spatial sizes among those that ``stride`` leaves open."""
        output_padding = self.output_padding
        if output_size is not None:
            output_padding = self._output_padding(input, list(output_size))
        return type(self)._function(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            output_padding,
            self.groups,
            self.dilation,
        )

    def _output_padding(self, input, output_size):
        dims = self.dims
        lead = input.dim() - dims
        if len(output_size) == lead + dims:
            output_size = output_size[lead:]
        if len(output_size) != dims:
            raise ValueError(
                f"ConvTranspose{dims}D: for {input.dim()}D input, output_size must have {dims} "
                f"or {lead + dims} elements (got {len(output_size)})"
            )
        smallest = [
            (input.size(i + lead) - 1) * self.stride[i]
            - 2 * self.padding[i]
            + self.dilation[i] * (self.kernel_size[i] - 1)
            + 1
            for i in range(dims)
        ]
        largest = [low + step - 1 for low, step in zip(smallest, self.stride, strict=True)]
        if any(not low <= n <= high for low, n, high in zip(smallest, output_size, largest, strict=True)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {smallest} to "
                f"{largest} "
                f"(for an input of {input.size()[2:]})"
            )
        return [n - low for n, low in zip(output_size, smallest, strict=True)]


class ConvTranspose1d(_ConvTranspose):
    __doc__ = _ConvTranspose.__doc__
    dims = 1
    _function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    __doc__ = (
        (_ConvTranspose.__doc__ or "")
        + """
    >>> import penlight
    >>> penlight.nn.ConvTranspose2d(16, 33, 3, stride=2)(penlight.randn(20, 16, 5, 10)).size()
    torch.Size([20, 33, 11, 21])
    """
    )
    dims = 2
    _function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    __doc__ = _ConvTranspose.__doc__
    dims = 3
    _function = staticmethod(F.conv_transpose3d)

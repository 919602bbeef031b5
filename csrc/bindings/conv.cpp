// Convolutions.
#include "ops/conv.h"

#include "bindings/python.h"
#include "kernels/conv.h"
#include "kernels/winograd_plan.h"

namespace penlight::bindings {

namespace {

using OptionalTensor = std::optional<Tensor>;

// padding: numbers or 'same' / 'valid'.
void take_padding(nb::handle padding, const char* function, ConvOptions& options) {
  if (nb::isinstance<nb::str>(padding)) {
    options.padding_name = nb::cast<std::string>(padding);
    check(!options.padding_name.empty(), "Invalid padding string: ''");
    return;
  }
  if (!dims_from(padding, &options.padding))
    fail<TypeError>(function, "(): argument 'padding' must be tuple of ints or str, not ",
                    nb::cast<std::string>(
                        nb::handle(reinterpret_cast<PyObject*>(Py_TYPE(padding.ptr()))).attr("__name__")));
}

constexpr const char* names[] = {"conv1d", "conv2d", "conv3d"};
constexpr const char* transposed_names[] = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};

template <int dims>
void bind_dims(nb::module_& m) {
  const char* const name = names[dims - 1];
  m.def(
      name,
      [name](const Tensor& input, const Tensor& weight, const OptionalTensor& bias, const Dims& stride,
             const nb::object& padding, const Dims& dilation, Int groups, const std::string& padding_mode) {
        ConvOptions options;
        options.stride = stride, options.dilation = dilation, options.groups = groups;
        options.padding_mode = padding_mode;
        take_padding(padding, name, options);
        return conv(dims, input, weight, bias.value_or(Tensor()), options);
      },
      "input"_a, "weight"_a, "bias"_a = nb::none(), "stride"_a = 1, "padding"_a = 0, "dilation"_a = 1,
      "groups"_a = 1, "padding_mode"_a = "zeros",
      R"(Convolution (cross-correlation) over the last dimensions.

Args:
    input: ``(batch, in, ...)`` or ``(in, ...)``, with one size for each axis.
    weight: ``(out, in / groups, ...)``.
    bias: ``(out)``, added to every position, or None.
    stride, dilation: a number for all axes, or one each.
    padding: the same, on both sides; or ``'valid'`` (none); or ``'same'``: the output's size is
        ``ceil(input / stride)`` and what cannot be halved goes to the right.
    groups: channels are split into this many groups that do not see each other.
    padding_mode: what is read outside: ``'zeros'``, ``'circular'``, ``'reflect'`` or ``'replicate'``. The input may
        be wrapped around or reflected any number of times.

Returns:
    ``(batch, out, ...)`` with sizes ``floor((input + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1``.

Raises:
    RuntimeError: sizes, groups or arguments do not fit; the kernel is larger than the padded input.)");

  m.def(
      transposed_names[dims - 1],
      [](const Tensor& input, const Tensor& weight, const OptionalTensor& bias, const Dims& stride,
         const Dims& padding, const Dims& output_padding, Int groups, const Dims& dilation) {
        ConvOptions options;
        options.stride = stride, options.padding = padding, options.output_padding = output_padding;
        options.groups = groups, options.dilation = dilation;
        return conv_transpose(dims, input, weight, bias.value_or(Tensor()), options);
      },
      "input"_a, "weight"_a, "bias"_a = nb::none(), "stride"_a = 1, "padding"_a = 0, "output_padding"_a = 0,
      "groups"_a = 1, "dilation"_a = 1,
      R"(Transposed convolution: the gradient of a convolution with respect to its input.

Args:
    input: ``(batch, in, ...)`` or ``(in, ...)``, with one size for each axis.
    weight: ``(in, out / groups, ...)``.
    bias: ``(out)``, added to every position, or None.
    stride, padding, dilation: those of the convolution that is transposed; a number for all axes, or one each.
    output_padding: added to one side of the output; smaller than stride or dilation.
    groups: channels are split into this many groups that do not see each other.

Returns:
    ``(batch, out, ...)`` with sizes
    ``(input - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1``.

Raises:
    RuntimeError: sizes, groups or arguments do not fit; the output would be empty.)");
}

// For penlight.backends.conv.algorithm, which says what the arguments are.
std::string algorithm(const Dims& input, const Dims& weight, const Dims& stride, const Dims& padding,
                      const Dims& dilation, Int groups, const std::string& padding_mode,
                      const std::string& part, bool in_double) {
  kernels::ConvArguments a;
  a.input = input, a.weight = weight, a.stride = stride;
  a.padding = padding, a.dilation = dilation, a.groups = groups;
  a.mode = kernels::padding_mode_from_name(padding_mode);
  const kernels::ConvGeometry g = kernels::conv_geometry(a).without_idle_steps();
  using kernels::ConvPart;
  if (part == "forward") return kernels::conv_algorithm(g, ConvPart::forward, in_double);
  if (part == "input_gradient") return kernels::conv_algorithm(g, ConvPart::input_gradient, in_double);
  check<ValueError>(part == "weight_gradient",
                    "part must be 'forward', 'input_gradient' or 'weight_gradient', but got '", part, "'");
  return kernels::conv_algorithm(g, ConvPart::weight_gradient, in_double);
}

// Which kernels serve a convolution: (forward, weight gradient).
nb::tuple kernel_names(const Dims& input, const Dims& weight, const Dims& stride, const Dims& padding,
                       const Dims& dilation, Int groups, const std::string& mode, DType dtype) {
  const auto name = [&](const char* part) {
    return algorithm(input, weight, stride, padding, dilation, groups, mode, part, itemsize(dtype) == 8);
  };
  return nb::make_tuple(name("forward"), name("weight_gradient"));
}

void bind(nb::module_& m, TensorClass&) {
  using kernels::FastConvolutions;
  m.def("_fast_convolutions", [] { return kernels::fast_convolutions() != FastConvolutions::never; });
  m.def(
      "_set_fast_convolutions",
      [](bool on, bool always) {
        kernels::set_fast_convolutions(!on      ? FastConvolutions::never
                                       : always ? FastConvolutions::always
                                                : FastConvolutions::where_faster);
      },
      "on"_a, "always"_a = false);
  m.def("_conv_algorithm", algorithm);
  m.def("_conv_kernels", kernel_names, "input"_a, "weight"_a, "stride"_a = 1, "padding"_a = 0,
        "dilation"_a = 1, "groups"_a = 1, "padding_mode"_a = "zeros", "dtype"_a = DType::f32);
  bind_dims<1>(m);
  bind_dims<2>(m);
  bind_dims<3>(m);
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

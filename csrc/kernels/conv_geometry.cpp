#include "kernels/conv_geometry.h"

#include <algorithm>
#include <stdexcept>

namespace penlight::kernels {

namespace {

[[noreturn]] void fail(const std::string& text) {
  throw std::runtime_error(text);
}

std::string number(int64_t n) {
  return std::to_string(n);
}

int64_t add(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) fail("convolution: the sizes are too large (their sum overflows)");
  return r;
}

int64_t multiply(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r))
    fail("convolution: the sizes are too large (their product overflows)");
  return r;
}

// One number for all axes, or one each.
Dims per_axis(const char* name, const Dims& given, size_t dims) {
  if (given.size() == 1) return Dims(dims, given[0]);
  if (given.size() != dims)
    fail("expected " + std::string(name) + " to be a single integer value or a list of " + number(dims) +
         " values to match the convolution dimensions, but got " + name + "=" + sizes_text(given));
  return given;
}

// "(4 x 5)"
std::string cross_text(const Dims& sizes) {
  std::string text = "(";
  for (size_t i = 0; i < sizes.size(); ++i) text += (i ? " x " : "") + number(sizes[i]);
  return text + ")";
}

struct Checked {
  size_t dims;
  Dims stride, padding, dilation, output_padding;
};

// What both kinds of convolution ask of their arguments.
Checked check(const ConvArguments& a, bool transposed) {
  const char* const name = transposed ? "conv_transpose" : "conv";
  if (a.weight.size() < 3 || a.weight.size() > 5)
    fail(std::string(name) +
         ": expected weight to have 3 to 5 dimensions (1 to 3 of them spatial), but got weight of size " +
         sizes_text(a.weight));
  Checked c;
  c.dims = a.weight.size() - 2;
  if (a.input.size() != a.weight.size())
    fail("Expected " + number(a.weight.size()) + "-dimensional input for " + number(a.weight.size()) +
         "-dimensional weight " + sizes_text(a.weight) + ", but got " + number(a.input.size()) +
         "-dimensional input of size " + sizes_text(a.input) + " instead");
  for (const auto* sizes : {&a.input, &a.weight})
    for (int64_t size : *sizes)
      if (size < 0) fail(std::string(name) + ": sizes must not be negative, but got " + sizes_text(*sizes));
  c.stride = per_axis("stride", a.stride, c.dims);
  c.padding = per_axis("padding", a.padding, c.dims);
  c.dilation = per_axis("dilation", a.dilation, c.dims);
  c.output_padding = per_axis("output_padding", a.output_padding, c.dims);

  const auto any = [](const Dims& list, auto test) { return std::any_of(list.begin(), list.end(), test); };
  if (!a.padding_same && any(c.padding, [](int64_t p) { return p < 0; }))
    fail("negative padding is not supported");
  if (any(c.output_padding, [](int64_t p) { return p < 0; }))
    fail("negative output_padding is not supported");
  if (any(c.stride, [](int64_t s) { return s <= 0; })) fail("non-positive stride is not supported");
  if (any(c.dilation, [](int64_t d) { return d <= 0; }))
    fail("dilation should be greater than zero, but got " + sizes_text(c.dilation));
  if (a.groups <= 0) fail("non-positive groups is not supported");
  for (size_t i = 0; i < c.dims; ++i)
    if (c.padding[i] > INT64_MAX / 2)
      fail("Given padding=" + number(c.padding[i]) + " at dimension " + number(i) +
           " , expected padding to be at most " + number(INT64_MAX / 2));

  if (a.weight[0] < a.groups)
    fail("Given groups=" + number(a.groups) + ", expected weight to be at least " + number(a.groups) +
         " at dimension 0, but got weight of size " + sizes_text(a.weight) + " instead");
  if (a.weight[0] % a.groups)
    fail("Given groups=" + number(a.groups) + ", expected weight to be divisible by " + number(a.groups) +
         " at dimension 0, but got weight of size [" + sizes_text(a.weight) + "] instead");
  for (size_t i = 0; i < c.dims; ++i)
    if (a.weight[2 + i] == 0)
      fail("kernel size should be greater than zero, but got " +
           sizes_text(Dims(a.weight.begin() + 2, a.weight.end())));
  return c;
}

int64_t effective_kernel(int64_t kernel, int64_t dilation) {
  return add(multiply(dilation, kernel - 1), 1);
}

// Every tensor's number of elements must be a number.
void check_volume(const Dims& sizes) {
  int64_t volume = 1;
  for (int64_t size : sizes)
    if (size > 0) volume = multiply(volume, size);
}

void check_mode_size(PaddingMode mode, int64_t size, int64_t left, int64_t right) {
  if (mode == PaddingMode::reflect && size < 2 && (left > 0 || right > 0))
    fail("reflect padding needs an input of at least 2 elements along every padded dimension, but got " +
         number(size));
}

void check_not_empty(const ConvArguments& a) {
  for (size_t i = 2; i < a.input.size(); ++i)
    if (a.input[i] == 0)
      fail("Only zero batch or zero channel inputs are supported, but got input shape: " +
           sizes_text(a.input));
}

}  // namespace

std::string sizes_text(const Dims& sizes) {
  std::string text = "[";
  for (size_t i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + number(sizes[i]);
  return text + "]";
}

std::string sizes_text(const std::vector<int64_t>& sizes) {
  return sizes_text(Dims(sizes.begin(), sizes.end()));
}

PaddingMode padding_mode_from_name(const std::string& name) {
  for (PaddingMode mode :
       {PaddingMode::zeros, PaddingMode::circular, PaddingMode::reflect, PaddingMode::replicate})
    if (name == padding_mode_name(mode)) return mode;
  fail("padding_mode must be one of {'zeros', 'circular', 'reflect', 'replicate'}, but got padding_mode='" +
       name + "'");
}

const char* padding_mode_name(PaddingMode mode) {
  switch (mode) {
    case PaddingMode::circular:
      return "circular";
    case PaddingMode::reflect:
      return "reflect";
    case PaddingMode::replicate:
      return "replicate";
    default:
      return "zeros";
  }
}

Dims ConvGeometry::input_sizes() const {
  Dims sizes = {batch, in_channels};
  sizes.append(input + 3 - dims, input + 3);
  return sizes;
}

Dims ConvGeometry::output_sizes() const {
  Dims sizes = {batch, out_channels};
  sizes.append(output + 3 - dims, output + 3);
  return sizes;
}

Dims ConvGeometry::weight_sizes() const {
  Dims sizes = {out_channels, in_channels / groups};
  sizes.append(kernel + 3 - dims, kernel + 3);
  return sizes;
}

ConvGeometry ConvGeometry::without_idle_steps() const {
  ConvGeometry g = *this;
  for (int i = 0; i < 3; ++i) {
    if (kernel[i] == 1) g.dilation[i] = 1;
    if (output[i] == 1) g.stride[i] = 1;
  }
  return g;
}

ConvGeometry conv_geometry(const ConvArguments& a) {
  const Checked c = check(a, false);
  if (a.weight[1] != 0 ? a.input[1] % a.weight[1] != 0 || a.input[1] / a.weight[1] != a.groups
                       : a.input[1] != 0)
    fail("Given groups=" + number(a.groups) + ", weight of size " + sizes_text(a.weight) +
         ", expected input" + sizes_text(a.input) + " to have " + number(multiply(a.weight[1], a.groups)) +
         " channels, but got " + number(a.input[1]) + " channels instead");

  ConvGeometry g;
  g.dims = static_cast<int>(c.dims);
  g.batch = a.input[0], g.in_channels = a.input[1], g.out_channels = a.weight[0], g.groups = a.groups;
  g.mode = a.mode;
  Dims padded(c.dims), effective(c.dims);
  bool too_large = false;
  for (size_t i = 0; i < c.dims; ++i) {
    const size_t axis = 3 - c.dims + i;
    const int64_t size = a.input[2 + i];
    g.input[axis] = size, g.kernel[axis] = a.weight[2 + i];
    g.stride[axis] = c.stride[i], g.dilation[axis] = c.dilation[i];
    effective[i] = effective_kernel(g.kernel[axis], c.dilation[i]);
    int64_t left = c.padding[i], right = c.padding[i];
    if (a.padding_same) {
      const int64_t out = size / c.stride[i] + (size % c.stride[i] ? 1 : 0);
      const int64_t span = out > 0 ? add(multiply(out - 1, c.stride[i]), effective[i]) : 0;
      const int64_t total = std::max<int64_t>(0, span - size);
      left = total / 2, right = total - left;
    }
    padded[i] = add(size, add(left, right));
    g.pad[axis] = left;
    too_large = too_large || effective[i] > padded[i];
    g.output[axis] = too_large ? 0 : (padded[i] - effective[i]) / c.stride[i] + 1;
    if (size > 0) check_mode_size(a.mode, size, left, right);
  }
  if (too_large)
    fail("Calculated padded input size per channel: " + cross_text(padded) +
         ". Kernel size: " + cross_text(effective) + ". Kernel size can't be greater than actual input size");
  check_not_empty(a);
  check_volume(a.input);
  check_volume(a.weight);
  check_volume(g.output_sizes());
  return g;
}

ConvGeometry conv_transpose_geometry(const ConvArguments& a) {
  const Checked c = check(a, true);
  if (a.mode != PaddingMode::zeros)
    fail("Only \"zeros\" padding mode is supported for transposed convolution, but got padding_mode='" +
         std::string(padding_mode_name(a.mode)) + "'");
  if (a.padding_same) fail("padding='same' is not supported for transposed convolution");
  if (a.input[1] != a.weight[0])
    fail("Given transposed=1, weight of size " + sizes_text(a.weight) + ", expected input" +
         sizes_text(a.input) + " to have " + number(a.weight[0]) + " channels, but got " +
         number(a.input[1]) + " channels instead");
  for (size_t i = 0; i < c.dims; ++i)
    if (c.output_padding[i] >= c.stride[i] && c.output_padding[i] >= c.dilation[i])
      fail("output padding must be smaller than either stride or dilation, but got output_padding: " +
           sizes_text(c.output_padding) + " stride: " + sizes_text(c.stride) +
           " dilation: " + sizes_text(c.dilation));
  check_not_empty(a);

  ConvGeometry g;
  g.dims = static_cast<int>(c.dims);
  g.batch = a.input[0], g.out_channels = a.input[1], g.groups = a.groups;
  g.in_channels = multiply(a.weight[1], a.groups);
  Dims given(c.dims), made(c.dims);
  bool too_small = false;
  for (size_t i = 0; i < c.dims; ++i) {
    const size_t axis = 3 - c.dims + i;
    g.output[axis] = given[i] = a.input[2 + i];
    g.kernel[axis] = a.weight[2 + i];
    g.stride[axis] = c.stride[i], g.dilation[axis] = c.dilation[i], g.pad[axis] = c.padding[i];
    const int64_t span =
        add(multiply(given[i] - 1, c.stride[i]), effective_kernel(g.kernel[axis], c.dilation[i]));
    g.input[axis] = made[i] = add(span, c.output_padding[i]) - 2 * c.padding[i];
    too_small = too_small || made[i] <= 0;
  }
  if (too_small)
    fail("Given input size per channel: " + cross_text(given) +
         ". Calculated output size per channel: " + cross_text(made) + ". Output size is too small");
  check_volume(a.input);
  check_volume(a.weight);
  check_volume(g.input_sizes());
  return g;
}

void check_conv_bias(const Dims& weight, const Dims& bias, int64_t channels, bool transposed) {
  if (bias.size() == 1 && bias[0] == channels) return;
  fail(std::string("Given ") + (transposed ? "transposed=1, " : "") + "weight of size " + sizes_text(weight) +
       ", expected bias to be 1-dimensional with " + number(channels) + " elements, but got bias of size " +
       sizes_text(bias) + " instead");
}

}  // namespace penlight::kernels

#include "kernels/pool_geometry.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/conv_geometry.h"

namespace penlight::kernels {

namespace {

[[noreturn]] void fail(const std::string& text) {
  throw std::runtime_error(text);
}

std::string number(int64_t n) {
  return std::to_string(n);
}

// Arithmetic that says so when a size leaves int64.
int64_t add(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) fail("pooling: the sizes are too large (their sum overflows)");
  return r;
}

int64_t multiply(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) fail("pooling: the sizes are too large (their product overflows)");
  return r;
}

void per_axis(const PoolArguments& a, const char* what, const std::vector<int64_t>& given, int64_t* to) {
  static const char* const words[] = {"one int", "two ints", "three ints"};
  const size_t dims = static_cast<size_t>(a.dims);
  if (given.size() != 1 && given.size() != dims)
    fail(std::string(a.name) + ": " + what + " must either be a single int, or a tuple of " +
         words[dims - 1] + ", but got " + sizes_text(given));
  for (size_t i = 0; i < dims; ++i) to[3 - dims + i] = given[given.size() == 1 ? 0 : i];
}

// "(1x5x5)" for channels and the spatial sizes.
std::string input_text(const PoolGeometry& g, const std::vector<int64_t>& input, const int64_t* sizes) {
  std::string text = "(";
  text += number(input[input.size() - static_cast<size_t>(g.dims) - 1]);
  for (int i = 3 - g.dims; i < 3; ++i) text.append("x").append(number(sizes[i]));
  return text + ")";
}

void take_input(PoolGeometry& g, const char* name, int dims, const std::vector<int64_t>& input) {
  g.dims = dims;
  const size_t spatial = static_cast<size_t>(dims);
  if (input.size() != spatial + 1 && input.size() != spatial + 2)
    fail(std::string(name) + ": Expected " + number(dims + 1) + "D or " + number(dims + 2) +
         "D (batch mode) tensor with optional 0 dim batch size for input, but got:" + sizes_text(input));
  const size_t first = input.size() == spatial + 2 ? 1 : 0;  // only the batch may be empty
  for (size_t i = first; i < input.size(); ++i)
    if (input[i] <= 0)
      fail(std::string(name) + ": Expected " + number(dims + 1) + "D or " + number(dims + 2) +
           "D (batch mode) tensor with optional 0 dim batch size for input, but got:" + sizes_text(input));
  g.planes = first ? multiply(input[0], input[1]) : input[0];
  std::copy(input.end() - dims, input.end(), g.input + 3 - dims);
}

}  // namespace

PoolGeometry pool_geometry(const PoolArguments& a) {
  PoolGeometry g;
  g.dims = a.dims;
  g.ceil_mode = a.ceil_mode;
  per_axis(a, "kernel_size", a.kernel, g.kernel);
  per_axis(a, "stride", a.stride.empty() ? a.kernel : a.stride, g.stride);
  per_axis(a, "padding", a.padding, g.pad);
  per_axis(a, "dilation", a.dilation, g.dilation);
  const std::string name = a.name;
  for (int i = 3 - a.dims; i < 3; ++i) {
    if (g.kernel[i] <= 0)
      fail(name + "() kernel_size must be greater than zero, but got " + number(g.kernel[i]));
    if (g.stride[i] == 0) fail(name + "(): stride should not be zero");
    if (g.stride[i] < 0) fail(name + "() stride must be greater than zero, but got " + number(g.stride[i]));
    if (g.dilation[i] <= 0)
      fail(name + "(): dilation should be greater than zero, but got " + number(g.dilation[i]));
    if (g.pad[i] < 0) fail("pad must be non-negative, but got pad: " + number(g.pad[i]));
  }
  take_input(g, a.name, a.dims, a.input);
  for (int i = 3 - a.dims; i < 3; ++i) {
    const int64_t effective = add(multiply(g.dilation[i], g.kernel[i] - 1), 1);
    if (a.dims == 1 && g.pad[i] > g.kernel[i] / 2 && g.dilation[i] > 1)
      fail(name + "() padding should be at most half of kernel size, but got padding=" + number(g.pad[i]) +
           " and kernel_size=" + number(g.kernel[i]));
    if (g.pad[i] > effective / 2)
      fail("pad should be at most half of effective kernel size, but got pad=" + number(g.pad[i]) +
           ", kernel_size=" + number(g.kernel[i]) + " and dilation=" + number(g.dilation[i]));
    const int64_t room = add(g.input[i], multiply(2, g.pad[i])) - effective;
    const int64_t rest = room >= 0 ? room % g.stride[i] : 0;
    g.output[i] = room < 0 ? (a.ceil_mode && room > -g.stride[i] ? 1 : 0) : room / g.stride[i] + 1;
    if (room >= 0 && a.ceil_mode && rest) ++g.output[i];
    // A last window made by ceil_mode must start inside the input or the left padding.
    if (a.ceil_mode && g.output[i] > 0 && multiply(g.output[i] - 1, g.stride[i]) >= add(g.input[i], g.pad[i]))
      --g.output[i];
  }
  for (int i = 3 - a.dims; i < 3; ++i)
    if (g.output[i] < 1)
      fail("Given input size: " + input_text(g, a.input, g.input) +
           ". Calculated output size: " + input_text(g, a.input, g.output) + ". Output size is too small");
  // A window's volume is a number, and the furthest window a position.
  multiply(multiply(g.kernel[0], g.kernel[1]), g.kernel[2]);
  for (int i = 3 - a.dims; i < 3; ++i)
    add(multiply(g.output[i] - 1, g.stride[i]), add(multiply(g.dilation[i], g.kernel[i] - 1), 1));
  g.count_include_pad = a.count_include_pad;
  g.divisor = a.divisor;
  return g;
}

PoolGeometry adaptive_pool_geometry(const char* name, int dims, const std::vector<int64_t>& input,
                                    const std::vector<int64_t>& output) {
  if (output.size() != 1 && output.size() != static_cast<size_t>(dims))
    fail(std::string(name) + ": output_size must be " + number(dims) + " numbers, but got " +
         sizes_text(output));
  PoolGeometry g;
  g.adaptive = true;
  take_input(g, name, dims, input);
  int64_t volume = g.planes;
  for (int i = 0; i < dims; ++i) {
    const int axis = 3 - dims + i;
    const int64_t wanted = output[output.size() == 1 ? 0 : static_cast<size_t>(i)];
    if (wanted < -1)
      fail(std::string(name) + ": elements of output_size must be greater than or equal to 0 but received " +
           sizes_text(output));
    g.output[axis] = wanted == -1 ? g.input[axis] : wanted;
    if (g.output[axis] > 0) volume = multiply(volume, g.output[axis]);
  }
  return g;
}

std::vector<int64_t> pool_output_sizes(const PoolGeometry& g, const std::vector<int64_t>& input) {
  std::vector<int64_t> sizes(input.begin(), input.end() - g.dims);
  sizes.insert(sizes.end(), g.output + 3 - g.dims, g.output + 3);
  return sizes;
}

}  // namespace penlight::kernels

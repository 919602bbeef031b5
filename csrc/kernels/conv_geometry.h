// The geometry of a convolution: the one place where sizes, strides, padding, dilation and groups are
// checked.
//
// Forward, both gradients, the modules and every kernel trust a ConvGeometry; it can only be had from the
// functions below, which raise for anything that does not fit. All arithmetic on given numbers is checked for
// overflow.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/small_vec.h"

namespace penlight::kernels {

enum class PaddingMode { zeros, circular, reflect, replicate };

// Raises std::runtime_error for a name that is none of 'zeros', 'circular', 'reflect', 'replicate'.
PaddingMode padding_mode_from_name(const std::string& name);
const char* padding_mode_name(PaddingMode mode);

// Always three spatial axes; those that a 1-D or 2-D convolution has not come first, with size and kernel 1.
// output[o] is the sum over kernel taps t of input[o * stride + t * dilation - pad] * weight[t]; positions
// outside the input read what the mode says.
struct ConvGeometry {
  int dims = 0;
  int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
  int64_t input[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, output[3] = {1, 1, 1};
  int64_t stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1};
  int64_t pad[3] = {0, 0, 0};  // on the left; what is read on the right follows from the output size
  PaddingMode mode = PaddingMode::zeros;

  int64_t group_in() const { return in_channels / groups; }
  int64_t group_out() const { return out_channels / groups; }
  int64_t input_plane() const { return input[0] * input[1] * input[2]; }
  int64_t output_plane() const { return output[0] * output[1] * output[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }

  // The same convolution with every step that is never taken set to 1: the dilation of a single tap, the
  // stride of a single output. Kernels are given this one, for such steps may be as large as a number can be.
  ConvGeometry without_idle_steps() const;

  // The sizes of the convolution's input, output and weight, without the axes it has not.
  Dims input_sizes() const;
  Dims output_sizes() const;
  Dims weight_sizes() const;
};

// What a caller asks for. Lists hold one number for all axes or one per axis, outermost first.
struct ConvArguments {
  Dims input, weight;  // full sizes: (batch, channels, ...), (out, in / groups, ...)
  Dims stride = {1}, dilation = {1};
  Dims padding = {0};         // on both sides; ignored with padding_same
  Dims output_padding = {0};  // transposed convolution only
  int64_t groups = 1;
  PaddingMode mode = PaddingMode::zeros;
  bool padding_same = false;  // output size = ceil(input / stride); what cannot be halved goes to the right
};

// Raise std::runtime_error in PyTorch's words where it has some.
ConvGeometry conv_geometry(const ConvArguments& arguments);

// A transposed convolution is the input gradient of the convolution returned: its input is that one's output.
// The weight's sizes are (in, out / groups, ...). Only zeros as padding mode.
ConvGeometry conv_transpose_geometry(const ConvArguments& arguments);

// Raises unless bias is one-dimensional with a number per output channel.
void check_conv_bias(const Dims& weight, const Dims& bias, int64_t channels, bool transposed);

// Where a position outside [0, size) reads from, or -1 where that is a zero. circular needs size >= 1,
// reflect size >= 2; both may wrap any number of times. (Always inline: see isa.h on what kernel files may
// call.)
[[gnu::always_inline]] inline int64_t padded_source(PaddingMode mode, int64_t position, int64_t size) {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case PaddingMode::zeros:
      return -1;
    case PaddingMode::replicate:
      return position < 0 ? 0 : size - 1;
    case PaddingMode::circular: {
      // Once round, as nearly always, needs no division.
      if (position < 0 && position >= -size) return position + size;
      if (position >= size && position - size < size) return position - size;
      const int64_t r = position % size;
      return r < 0 ? r + size : r;
    }
    case PaddingMode::reflect: {
      if (size < 2) return 0;
      const int64_t period = 2 * size - 2;
      int64_t r = position % period;
      if (r < 0) r += period;
      return r < size ? r : period - r;
    }
  }
  return -1;
}

// "[1, 2, 3]"
std::string sizes_text(const Dims& sizes);
std::string sizes_text(const std::vector<int64_t>& sizes);

}  // namespace penlight::kernels

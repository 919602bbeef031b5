// The geometry of pooling, checked in one place as convolution's is (conv_geometry.h).
#pragma once

#include <cstdint>
#include <vector>

namespace penlight::kernels {

// Always three spatial axes; those that are not there come first, with size and kernel 1. A window of output
// o covers o * stride + t * dilation - pad for t < kernel; adaptive windows cover [floor(o * in / out),
// ceil((o + 1) * in / out)).
struct PoolGeometry {
  int dims = 0;
  int64_t planes = 0;  // batch * channels
  int64_t input[3] = {1, 1, 1}, output[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, pad[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};
  bool adaptive = false;
  bool ceil_mode = false;         // as it was asked for; the output's size has it already
  bool count_include_pad = true;  // average only
  int64_t divisor = 0;            // average only: divide by this instead, if not 0

  [[gnu::always_inline]] int64_t input_plane() const { return input[0] * input[1] * input[2]; }
  [[gnu::always_inline]] int64_t output_plane() const { return output[0] * output[1] * output[2]; }
};

// input: full sizes, (channels, ...) or (batch, channels, ...). Lists hold one number for all axes or one per
// axis.
struct PoolArguments {
  const char* name = "max_pool2d";
  int dims = 2;
  std::vector<int64_t> input;
  std::vector<int64_t> kernel, stride /* empty: the kernel */, padding = {0}, dilation = {1};
  bool ceil_mode = false, count_include_pad = true;
  int64_t divisor = 0;
};

// Raise std::runtime_error in PyTorch's words where it has some.
PoolGeometry pool_geometry(const PoolArguments& arguments);

// output: one size per axis; -1 stands for the input's (PyTorch's None).
PoolGeometry adaptive_pool_geometry(const char* name, int dims, const std::vector<int64_t>& input,
                                    const std::vector<int64_t>& output);

// The output's full sizes for an input of the given full sizes.
std::vector<int64_t> pool_output_sizes(const PoolGeometry& geometry, const std::vector<int64_t>& input);

}  // namespace penlight::kernels

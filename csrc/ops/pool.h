// Pooling over the last one to three dimensions.
#pragma once

#include "autograd/record.h"
#include "kernels/pool_geometry.h"

namespace penlight {

struct PoolOptions {
  Dims kernel, stride /* empty: the kernel */, padding{0},
      dilation{1};  // one number for all axes, or one each
  bool ceil_mode = false;
  bool count_include_pad = true;
  int64_t divisor = 0;  // 0: the size of the window
};

// Indices count elements of an input plane.
struct Pooled {
  Tensor values, indices;
};

// input: (channels, ...) or (batch, channels, ...). Without the indices, which take longer than the values,
// they are undefined.
Pooled max_pool(int dims, const Tensor& input, const PoolOptions& options, bool with_indices);
Tensor avg_pool(int dims, const Tensor& input, const PoolOptions& options);

// output_size: one number for all axes or one each; -1 keeps the input's.
Tensor adaptive_avg_pool(int dims, const Tensor& input, const Dims& output_size);
Pooled adaptive_max_pool(int dims, const Tensor& input, const Dims& output_size);

}  // namespace penlight

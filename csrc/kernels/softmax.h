// Softmax and its logarithm along one dimension of an array seen as (outer, n, inner).
//
// Contract: all arrays contiguous in that order and of one type, float, double or a 16-bit format (which
// computes in float); the result is overwritten, and is not an input. The same bits come out at any number of
// threads.
#pragma once

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace penlight::kernels {

struct SoftmaxShape {
  int64_t outer, n, inner;
};

struct SoftmaxKernels {
  // y = exp(x - max) / sum(exp(x - max)), or with log its logarithm x - max - log(sum(exp(x - max))).
  void (*forward)(DType dtype, bool log, const SoftmaxShape& shape, const void* x, void* y);
  // From the result y and its gradient g: (g - sum(g * y)) * y, or with log g - exp(y) * sum(g).
  void (*backward)(DType dtype, bool log, const SoftmaxShape& shape, const void* g, const void* y,
                   void* result);
};

PENLIGHT_DECLARE_KERNELS(SoftmaxKernels, softmax)

}  // namespace penlight::kernels

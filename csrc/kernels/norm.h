// Normalisation: statistics of channels or rows, and the passes that use them.
//
// Contract: arrays contiguous, of one type, float, double or a 16-bit format (which computes in float).
// Statistics and coefficients are double, one for each channel or row. Results are overwritten, and are not
// inputs. Every sum is made in one fixed order at any number of threads.
#pragma once

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace penlight::kernels {

// An array (samples, channels, inner).
struct ChannelShape {
  int64_t samples, channels, inner;
};

struct NormKernels {
  // Mean and variance (divided by the number of values) of each channel.
  void (*channel_moments)(DType dtype, const ChannelShape& shape, const void* x, double* mean,
                          double* variance);
  // y = (x - mean) * scale + shift
  void (*channel_affine)(DType dtype, const ChannelShape& shape, const void* x, const double* mean,
                         const double* scale, const double* shift, void* y);
  // The sums of g and of g * (x - mean) over each channel.
  void (*channel_sums)(DType dtype, const ChannelShape& shape, const void* g, const void* x,
                       const double* mean, double* sum, double* product);
  // result = a * g + b * (x - mean) + c
  void (*channel_gradient)(DType dtype, const ChannelShape& shape, const void* g, const void* x,
                           const double* mean, const double* a, const double* b, const double* c,
                           void* result);

  // Rows of n elements: y = (x - mean) * rstd, times weight and plus bias (n elements or null), where
  // rstd = 1 / sqrt(variance + eps).
  void (*rows)(DType dtype, int64_t rows, int64_t n, const void* x, const void* weight, const void* bias,
               double eps, void* y, double* mean, double* rstd);
  // The gradient of x; weight may be null.
  void (*rows_gradient)(DType dtype, int64_t rows, int64_t n, const void* g, const void* x,
                        const void* weight, const double* mean, const double* rstd, void* result);
  // The gradients of weight and bias, n doubles each: sums over the rows of g * (x - mean) * rstd and of g.
  void (*rows_sums)(DType dtype, int64_t rows, int64_t n, const void* g, const void* x, const double* mean,
                    const double* rstd, double* weight, double* bias);
};

PENLIGHT_DECLARE_KERNELS(NormKernels, norm)

}  // namespace penlight::kernels

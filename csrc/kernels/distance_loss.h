// Losses of a prediction's distance from its target, d = x - t: of each element, summed in one pass over
// memory, and their gradients.
//
// Contract: all arrays contiguous, n elements of one type, float, double or a 16-bit format (which computes
// in float). Results are overwritten. Sums are made in one fixed order at any number of threads.
#pragma once

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace penlight::kernels {

enum class DistanceLoss {
  square,     // d^2
  smooth_l1,  // |d| < limit ? d^2 / (2 limit) : |d| - limit / 2
  huber,      // the same times limit
};

struct DistanceLossKernels {
  void (*each)(DistanceLoss loss, DType dtype, double limit, int64_t n, const void* x, const void* t,
               void* y);
  double (*sum)(DistanceLoss loss, DType dtype, double limit, int64_t n, const void* x, const void* t);
  // result = g * slope of the loss; g is n numbers, or with single one for all.
  void (*gradient)(DistanceLoss loss, DType dtype, double limit, int64_t n, const void* g, bool single,
                   const void* x, const void* t, void* result);
};

PENLIGHT_DECLARE_KERNELS(DistanceLossKernels, distance_loss)

}  // namespace penlight::kernels

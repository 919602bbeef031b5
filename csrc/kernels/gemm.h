// Matrix products: C (m x n) = or += A (m x k) · B (k x n), any number of them at once.
//
// Strides count elements and may be anything, zero and negative included, as long as C's elements are
// distinct. C must not overlap A or B. Without accumulate C is only written (it may be uninitialised); k = 0
// writes zeros. The order of every sum depends on the shape and strides alone, never on the number of
// threads.
#pragma once

#include <cstdint>

#include "kernels/isa.h"

namespace penlight::kernels {

struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  int64_t a_row = 0, a_column = 0;
  int64_t b_row = 0, b_column = 0;
  int64_t c_row = 0, c_column = 0;
  bool accumulate = false;
  const void* start = nullptr;  // of the operands' type, a number for each row of C that is added; without
                                // accumulate
  int64_t batch = 1;            // so many products, this far apart (a step of 0 uses one matrix for all)
  int64_t a_batch = 0, b_batch = 0, c_batch = 0;
};

struct GemmKernels {
  void (*float32)(const Gemm&, const float* a, const float* b, float* c);
  void (*float64)(const Gemm&, const double* a, const double* b, double* c);
};
PENLIGHT_DECLARE_KERNELS(GemmKernels, gemm)

}  // namespace penlight::kernels

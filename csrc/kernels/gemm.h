// Matrix products: C (m x n) = or += A (m x k) · B (k x n), any number of them at once.
//
// Strides count elements and may be anything, zero and negative included, as long as C's elements are distinct.
// C must not overlap A or B. Without accumulate C is only written (it may be uninitialised); k = 0 writes zeros.
// The order of every sum depends on the shape and strides alone, never on the number of threads.
#pragma once

#include <cstdint>

#include "kernels/isa.h"
#include "kernels/parallel.h"

namespace penlight::kernels {

struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  int64_t a_row = 0, a_column = 0;
  int64_t b_row = 0, b_column = 0;
  int64_t c_row = 0, c_column = 0;
  bool accumulate = false;
  int64_t batch = 1;  // so many products, this far apart (a step of 0 uses one matrix for all)
  int64_t a_batch = 0, b_batch = 0, c_batch = 0;
};

struct GemmKernels {
  void (*float32)(const Gemm&, const float* a, const float* b, float* c);
  void (*float64)(const Gemm&, const double* a, const double* b, double* c);
};
PENLIGHT_DECLARE_KERNELS(GemmKernels, gemm)

// The plain form for every other element type (half floats sum in float, integers in int64_t), parallel over rows of
// C; also the naive twin that tests compare with.
template <class Sum, class T>
void gemm_generic(const Gemm& g, const T* a, const T* b, T* c) {
  const int64_t work = (g.k + 1) * g.n;
  parallel::parallel_for(g.batch * g.m, work > 16384 ? 1 : 16384 / (work + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t batch = row / g.m, i = row % g.m;
      for (int64_t j = 0; j < g.n; ++j) {
        T& to = c[batch * g.c_batch + i * g.c_row + j * g.c_column];
        Sum sum = g.accumulate ? static_cast<Sum>(to) : Sum(0);
        for (int64_t p = 0; p < g.k; ++p)
          sum += static_cast<Sum>(a[batch * g.a_batch + i * g.a_row + p * g.a_column]) *
                 static_cast<Sum>(b[batch * g.b_batch + p * g.b_row + j * g.b_column]);
        to = static_cast<T>(sum);
      }
    }
  });
}

}  // namespace penlight::kernels

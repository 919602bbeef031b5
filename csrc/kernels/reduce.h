// Reductions of a contiguous array seen as (outer, n, inner): n is reduced, outer * inner results.
//
// Contract: input contiguous in that order, output contiguous (outer, inner), overwritten, apart from the
// input. Sums are blocked (a fixed tree), so that the error grows with the logarithm of n, and the same bits
// come out at any number of threads. NaN: sum, prod, max, min and their argument forms give NaN (or its
// place) if there is one.
#pragma once

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace penlight::kernels {

struct ReduceShape {
  int64_t outer, n, inner;
};

enum class ReduceOp { sum, prod, max, min, all, any, sum_squares, sum_abs };
enum class ScanOp { sum, prod };

struct ReduceKernels {
  // Out type: double/float as in (16-bit formats accumulate in float), int64 for sum and prod of integers
  // (and bool), bool for all and any. Gives false where the type has no such reduction. max and min need n >
  // 0.
  bool (*reduce)(ReduceOp op, DType dtype, const ReduceShape& shape, const void* in, void* out);
  // The same with the place (0..n-1) of the first extreme value; values may be null.
  bool (*arg_reduce)(ReduceOp op, DType dtype, const ReduceShape& shape, const void* in, void* values,
                     int64_t* places);
  // Running sums or products along n; out has in's type.
  bool (*scan)(ScanOp op, DType dtype, const ReduceShape& shape, const void* in, void* out);
};

PENLIGHT_DECLARE_KERNELS(ReduceKernels, reduce)

}  // namespace penlight::kernels

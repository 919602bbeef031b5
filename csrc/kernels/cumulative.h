// Running extremes, logarithms of sums and recurrences of contiguous arrays seen as (outer, n, inner), along
// n.
#pragma once

#include "kernels/dtype.h"
#include "kernels/reduce.h"

namespace penlight::kernels {

// The greatest (or smallest) value so far and its place, the last one among equals; from the first NaN on it
// is NaN. values has in's type; all three are apart, and contiguous.
void running_extreme(bool greatest, DType dtype, const ReduceShape& shape, const void* in, void* values,
                     int64_t* places);

// log(exp(x_0) + ... + exp(x_k)), without overflow; the types are floating.
void running_logsumexp(DType dtype, const ReduceShape& shape, const void* in, void* out);

// out_k = factor_k out_{k-1} + in_k, from out_{-1} = 0; backward: out_k = factor_k out_{k+1} + in_k, from the
// end. factor's value at the end it starts from is not read. The types are floating.
void recurrence(bool backward, DType dtype, const ReduceShape& shape, const void* factor, const void* in,
                void* out);

}  // namespace penlight::kernels

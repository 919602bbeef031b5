// Running extremes of a contiguous array seen as (outer, n, inner), along n.
#pragma once

#include "kernels/dtype.h"
#include "kernels/reduce.h"

namespace penlight::kernels {

// The greatest (or smallest) value so far and its place, the last one among equals; from the first NaN on it
// is NaN. values has in's type; all three are apart, and contiguous.
void running_extreme(bool greatest, DType dtype, const ReduceShape& shape, const void* in, void* values,
                     int64_t* places);

}  // namespace penlight::kernels

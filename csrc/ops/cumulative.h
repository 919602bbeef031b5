// Running extremes along a dimension.
#pragma once

#include "ops/reduce.h"

namespace penlight {

ValuesIndices cummax(const Tensor& x, int64_t dim);
ValuesIndices cummin(const Tensor& x, int64_t dim);

}  // namespace penlight

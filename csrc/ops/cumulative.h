// Running extremes, logarithms of sums and recurrences along a dimension.
#pragma once

#include "ops/reduce.h"

namespace penlight {

ValuesIndices cummax(const Tensor& x, int64_t dim);
ValuesIndices cummin(const Tensor& x, int64_t dim);
Tensor logcumsumexp(const Tensor& x, int64_t dim);

// y_k = a_k y_{k-1} + b_k from y_{-1} = 0; backward: y_k = a_k y_{k+1} + b_k from the end. a and b have the
// same sizes; a's value where it starts does not matter.
Tensor recurrence(const Tensor& a, const Tensor& b, int64_t dim, bool backward);

}  // namespace penlight

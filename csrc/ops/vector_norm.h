// The p-norm of a vector.
#pragma once

#include "ops/reduce.h"

namespace penlight {

// Over dims (all where none are given) of a floating tensor.
Tensor vector_norm(const Tensor& x, double p, const OptionalDims& dims, bool keepdim);

}  // namespace penlight

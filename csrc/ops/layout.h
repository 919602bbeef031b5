// How the results of elementwise operations lie in memory: as their operands do.
#pragma once

#include "tensor/tensor.h"

namespace penlight {

// A new tensor of x's sizes. Where x is dense, with its strides; else with its order of dimensions.
Tensor empty_like(const Tensor& x, DType dtype);
// The same, where x is dense with its very strides: also those of dimensions of size 1.
Tensor empty_with_strides_of(const Tensor& x, DType dtype);

// The same for the result of operands that broadcast to sizes.
Tensor empty_like(const Dims& sizes, std::initializer_list<const Tensor*> operands, DType dtype);

// A new tensor without gaps whose dimensions lie in the given order, outermost first.
Tensor empty_in_order(const Dims& sizes, const Dims& order, DType dtype);

}  // namespace penlight

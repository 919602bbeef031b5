// How elementwise operations reach their kernels. Shared by the files of the family.
#pragma once

#include "ops/elementwise.h"

namespace penlight {

inline const kernels::ElementwiseKernels& kernels_for(DType dtype) {
  return is_floating(dtype) ? kernels::elementwise_float() : kernels::elementwise_integer;
}

// The type a function with real results computes in: x's where it is floating, otherwise the default.
inline DType real_type(DType dtype) {
  return is_floating(dtype) ? dtype : get_default_dtype();
}

Tensor run_unary(kernels::UnaryOp op, const Tensor& x, const char* name);
// The unrecorded gradient g * f'(x) of a function given by its result; g and result have the same sizes.
Tensor run_slope(kernels::SlopeOp op, const Tensor& g, const Tensor& result);
Tensor run_test(kernels::TestOp op, const Tensor& x);
// Computes in the given type, into out where it is given.
Tensor run_binary(kernels::BinaryOp op, const Operand& a, const Operand& b, DType dtype, const char* name,
                  const Tensor* out = nullptr);

}  // namespace penlight

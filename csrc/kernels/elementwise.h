// Elementwise kernels: one row of a loop at a time.
//
// Contract: operand 0 is written and never read; it may be the same memory as an input, element for element,
// but not a shifted one. n elements, strides in bytes, 0 for an operand that is the same for all. An
// element's result depends on its inputs alone, not on its place in a row or on how rows were cut.
#pragma once

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace penlight::kernels {

using RowLoop = void (*)(char* const* data, const int64_t* strides, int64_t n);

enum class UnaryOp {
  abs,
  neg,
  sign,
  square,
  relu,
  reciprocal,
  bitwise_not,
  exp,
  exp2,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sqrt,
  rsqrt,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  sigmoid,
  erf,
  erfc,
  lgamma,
  digamma,
  trigamma,
  erfinv,
  floor,
  ceil,
  round,
  trunc,
  frac,
};
// Results are bool.
enum class TestOp { isnan, isinf, isfinite, logical_not, signbit };
enum class BinaryOp {
  add,
  sub,
  mul,
  div,
  floor_div,
  trunc_div,
  remainder,
  fmod,
  pow,
  atan2,
  maximum,
  minimum,
  fmax,
  fmin,
  hypot,
  copysign,
  bitwise_and,
  bitwise_or,
  bitwise_xor,
  shift_left,
  shift_right,
};
// Results are bool.
enum class CompareOp { eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_xor };

// Gradients in one pass: g times the derivative of a function, which is given by the function's result.
enum class SlopeOp { relu, tanh, sigmoid, sqrt };

struct ElementwiseKernels {
  // Each gives null where the operation has no meaning for the type.
  RowLoop (*unary)(UnaryOp op, DType dtype);
  RowLoop (*test)(TestOp op, DType dtype);
  RowLoop (*binary)(BinaryOp op, DType dtype);
  RowLoop (*compare)(CompareOp op, DType dtype);  // inputs of one type
  RowLoop (*where)(DType dtype);                  // out, condition (bool), a, b
  RowLoop (*addcmul)(DType dtype);                // out = a + b * c
  RowLoop (*clamp)(DType dtype);                  // out, x, low, high
  RowLoop (*slope)(SlopeOp op, DType dtype);      // out, g, result
  RowLoop (*lerp)(DType dtype);                   // out, start, end, weight
};

// float and double; the 16-bit formats compute in float.
PENLIGHT_DECLARE_KERNELS(ElementwiseKernels, elementwise_float)
// Integers and bool.
extern const ElementwiseKernels elementwise_integer;

// Among all types.
struct CastKernels {
  RowLoop (*cast)(DType to, DType from);
};
PENLIGHT_DECLARE_KERNELS(CastKernels, casts)

}  // namespace penlight::kernels

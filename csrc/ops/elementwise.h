// Elementwise operations of one, two and three operands.
#pragma once

#include "autograd/record.h"
#include "kernels/elementwise.h"
#include "ops/copy.h"
#include "ops/vmap.h"

namespace penlight {

// A tensor or a number.
class Operand {
 public:
  Operand(const Tensor& tensor) : tensor_(tensor) {}
  Operand(const Scalar& scalar) : scalar_(scalar) {}
  Operand(double value) : scalar_(value) {}
  Operand(int value) : scalar_(value) {}
  bool is_tensor() const { return tensor_.defined(); }
  const Tensor& tensor() const { return tensor_; }
  const Scalar& scalar() const { return scalar_; }
  DType dtype() const;  // its own
  // Is it to be differentiated?
  bool requires_grad() const { return is_tensor() && needs_grad(tensor_); }

 private:
  Tensor tensor_;
  Scalar scalar_ = Scalar(0);
};

DType result_type(const Operand& a, const Operand& b);

// one operand
Tensor abs(const Tensor& x);
Tensor neg(const Tensor& x);
Tensor sign(const Tensor& x);
Tensor square(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor exp2(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor asinh(const Tensor& x);
Tensor acosh(const Tensor& x);
Tensor atanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor erf(const Tensor& x);
Tensor erfc(const Tensor& x);
Tensor erfinv(const Tensor& x);
Tensor lgamma(const Tensor& x);
Tensor digamma(const Tensor& x);
Tensor trigamma(const Tensor& x);
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);
Tensor trunc(const Tensor& x);
Tensor frac(const Tensor& x);
Tensor bitwise_not(const Tensor& x);
Tensor relu(const Tensor& x);

Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);
Tensor signbit(const Tensor& x);
Tensor logical_not(const Tensor& x);

// two operands
Tensor add(const Operand& a, const Operand& b, const Scalar& alpha = Scalar(1));
Tensor sub(const Operand& a, const Operand& b, const Scalar& alpha = Scalar(1));
Tensor mul(const Operand& a, const Operand& b);
Tensor div(const Operand& a, const Operand& b);
Tensor div_floor(const Operand& a, const Operand& b);
Tensor div_trunc(const Operand& a, const Operand& b);
Tensor remainder(const Operand& a, const Operand& b);
Tensor fmod(const Operand& a, const Operand& b);
Tensor pow(const Operand& a, const Operand& b);
Tensor atan2(const Operand& a, const Operand& b);
Tensor hypot(const Operand& a, const Operand& b);
Tensor copysign(const Operand& a, const Operand& b);
Tensor maximum(const Operand& a, const Operand& b);
Tensor minimum(const Operand& a, const Operand& b);
Tensor fmax(const Operand& a, const Operand& b);
Tensor fmin(const Operand& a, const Operand& b);
Tensor bitwise_and(const Operand& a, const Operand& b);
Tensor bitwise_or(const Operand& a, const Operand& b);
Tensor bitwise_xor(const Operand& a, const Operand& b);
Tensor shift_left(const Operand& a, const Operand& b);
Tensor shift_right(const Operand& a, const Operand& b);
Tensor compare(kernels::CompareOp op, const Operand& a, const Operand& b);

// three operands
Tensor where(const Tensor& condition, const Operand& a, const Operand& b);
Tensor clamp(const Tensor& x, const Operand* low, const Operand* high);
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, const Scalar& value = Scalar(1));
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, const Scalar& value = Scalar(1));
Tensor lerp(const Tensor& start, const Tensor& end, const Operand& weight);

// Unrecorded, into memory: out has the result's sizes, all are of one type.
void add_into(const Tensor& out, const Tensor& a, const Tensor& b);

// In place: the recorded way where a gradient is asked for, straight into memory otherwise.
using BinaryFunction = Tensor (*)(const Operand&, const Operand&);
Tensor& binary_in_place(Tensor& self, const char* name, kernels::BinaryOp op, BinaryFunction function,
                        const Operand& other);
using UnaryFunction = Tensor (*)(const Tensor&);
Tensor& unary_in_place(Tensor& self, const char* name, UnaryFunction function);

}  // namespace penlight

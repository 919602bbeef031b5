// Elementwise functions of one tensor: each with its local derivative dy/dx, written in other operations.
#include <cmath>

#include "ops/copy.h"
#include "ops/elementwise_plan.h"
#include "ops/special.h"

namespace penlight {

using kernels::SlopeOp;
using kernels::TestOp;
using kernels::UnaryOp;

namespace {

// y = f(x), real; the derivative is a function of x.
template <class D>
Tensor by_input(UnaryOp op, const char* name, const char* node, const Tensor& self, D derivative) {
  const Tensor x = cast(self, real_type(self.dtype()));
  Tensor y = run_unary(op, x, name);
  if (needs_grad(x))
    record(elementwise(node), x, y, kept(keep("self", x)),
           [derivative](Backward& b, const Tensor& g) { return Grads{mul(g, derivative(b.saved(0)))}; });
  return y;
}

// y = f(x), real; the derivative is a function of y.
template <class D>
Tensor by_result(UnaryOp op, const char* name, const char* node, const Tensor& self, D derivative) {
  const Tensor x = cast(self, real_type(self.dtype()));
  Tensor y = run_unary(op, x, name);
  if (needs_grad(x))
    record(elementwise(node), x, y, kept(keep_output("result", y)),
           [derivative](Backward& b, const Tensor& g) { return Grads{mul(g, derivative(b.saved(0)))}; });
  return y;
}

// The same with a kernel for the gradient where that is not recorded itself.
template <class D>
Tensor by_result(UnaryOp op, const char* name, const char* node, const Tensor& self, SlopeOp slope,
                 D derivative) {
  const Tensor x = cast(self, real_type(self.dtype()));
  Tensor y = run_unary(op, x, name);
  if (needs_grad(x))
    record(elementwise(node), x, y, kept(keep_output("result", y)),
           [slope, derivative](Backward& b, const Tensor& g) {
             const Tensor y = b.saved(0);
             return Grads{needs_grad(g, y) ? mul(g, derivative(y)) : run_slope(slope, g, y)};
           });
  return y;
}

// A step function: its derivative is zero.
Tensor step(UnaryOp op, const char* name, const char* node, const Tensor& x) {
  Tensor y = run_unary(op, x, name);
  if (needs_grad(x))
    record(elementwise(node), x, y, {}, [](Backward&, const Tensor& g) {
      Tensor nothing = empty_like(g, g.dtype());
      fill_values(nothing, Scalar(0));
      return Grads{nothing};
    });
  return y;
}

}  // namespace

Tensor neg(const Tensor& x) {
  check(x.dtype() != DType::boolean,
        "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
        "use the "
        "`~` or `logical_not()` operator instead.");
  Tensor y = run_unary(UnaryOp::neg, x, "neg");
  if (needs_grad(x))
    record(elementwise("NegBackward0"), x, y, {}, [](Backward&, const Tensor& g) { return Grads{neg(g)}; });
  return y;
}

Tensor abs(const Tensor& x) {
  Tensor y = run_unary(UnaryOp::abs, x, "abs");
  if (needs_grad(x))
    record(elementwise("AbsBackward0"), x, y, kept(keep("self", x)),
           [](Backward& b, const Tensor& g) { return Grads{mul(g, sign(b.saved(0)))}; });
  return y;
}

Tensor square(const Tensor& x) {
  Tensor y = x.dtype() == DType::boolean ? cast(x, DType::i64) : run_unary(UnaryOp::square, x, "square");
  if (needs_grad(x))
    record(
        elementwise("PowBackward0"), x, y, kept(keep("self", x)),
        [](Backward& b, const Tensor& g) { return Grads{mul(g, mul(b.saved(0), 2.0))}; },
        [] { return Notes{{"exponent", 2}}; });
  return y;
}

// The gradient passes where the result is positive: chosen, not multiplied, so that an infinite gradient at a
// closed gate gives 0.
Tensor relu(const Tensor& x) {
  check(x.dtype() != DType::boolean, "Boolean inputs not supported for relu");
  Tensor y = run_unary(UnaryOp::relu, x, "relu");
  if (needs_grad(x))
    record(elementwise("ReluBackward0"), x, y, kept(keep_output("result", y)),
           [](Backward& b, const Tensor& g) {
             const Tensor y = b.saved(0);
             return Grads{needs_grad(g, y) ? where(compare(kernels::CompareOp::le, y, 0), 0, g)
                                           : run_slope(SlopeOp::relu, g, y)};
           });
  return y;
}

Tensor sign(const Tensor& x) {
  return step(UnaryOp::sign, "sign", "SignBackward0", x);
}
Tensor floor(const Tensor& x) {
  return step(UnaryOp::floor, "floor", "FloorBackward0", x);
}
Tensor ceil(const Tensor& x) {
  return step(UnaryOp::ceil, "ceil", "CeilBackward0", x);
}
Tensor round(const Tensor& x) {
  return step(UnaryOp::round, "round", "RoundBackward0", x);
}
Tensor trunc(const Tensor& x) {
  return step(UnaryOp::trunc, "trunc", "TruncBackward0", x);
}

Tensor frac(const Tensor& x) {
  Tensor y = run_unary(UnaryOp::frac, x, "frac");
  if (needs_grad(x))
    record(elementwise("FracBackward0"), x, y, {}, [](Backward&, const Tensor& g) { return Grads{g}; });
  return y;
}

Tensor exp(const Tensor& x) {
  return by_result(UnaryOp::exp, "exp", "ExpBackward0", x, [](const Tensor& y) { return y; });
}
Tensor exp2(const Tensor& x) {
  return by_result(UnaryOp::exp2, "exp2", "Exp2Backward0", x, [](const Tensor& y) { return mul(y, M_LN2); });
}
Tensor expm1(const Tensor& x) {
  return by_result(UnaryOp::expm1, "expm1", "Expm1Backward0", x, [](const Tensor& y) { return add(y, 1); });
}
Tensor sqrt(const Tensor& x) {
  return by_result(UnaryOp::sqrt, "sqrt", "SqrtBackward0", x, SlopeOp::sqrt,
                   [](const Tensor& y) { return div(0.5, y); });
}
Tensor rsqrt(const Tensor& x) {
  return by_result(UnaryOp::rsqrt, "rsqrt", "RsqrtBackward0", x,
                   [](const Tensor& y) { return mul(pow(y, 3), -0.5); });
}
Tensor reciprocal(const Tensor& x) {
  return by_result(UnaryOp::reciprocal, "reciprocal", "ReciprocalBackward0", x,
                   [](const Tensor& y) { return neg(mul(y, y)); });
}
Tensor tanh(const Tensor& x) {
  return by_result(UnaryOp::tanh, "tanh", "TanhBackward0", x, SlopeOp::tanh,
                   [](const Tensor& y) { return sub(1, mul(y, y)); });
}
Tensor sigmoid(const Tensor& x) {
  return by_result(UnaryOp::sigmoid, "sigmoid", "SigmoidBackward0", x, SlopeOp::sigmoid,
                   [](const Tensor& y) { return mul(y, sub(1, y)); });
}
Tensor tan(const Tensor& x) {
  return by_result(UnaryOp::tan, "tan", "TanBackward0", x, [](const Tensor& y) { return add(mul(y, y), 1); });
}
Tensor erfinv(const Tensor& x) {
  return by_result(UnaryOp::erfinv, "erfinv", "ErfinvBackward0", x,
                   [](const Tensor& y) { return mul(exp(mul(y, y)), 0.5 * std::sqrt(M_PI)); });
}

Tensor log(const Tensor& x) {
  return by_input(UnaryOp::log, "log", "LogBackward0", x, [](const Tensor& x) { return reciprocal(x); });
}
Tensor log2(const Tensor& x) {
  return by_input(UnaryOp::log2, "log2", "Log2Backward0", x,
                  [](const Tensor& x) { return div(1 / M_LN2, x); });
}
Tensor log10(const Tensor& x) {
  return by_input(UnaryOp::log10, "log10", "Log10Backward0", x,
                  [](const Tensor& x) { return div(1 / M_LN10, x); });
}
Tensor log1p(const Tensor& x) {
  return by_input(UnaryOp::log1p, "log1p", "Log1PBackward0", x,
                  [](const Tensor& x) { return reciprocal(add(x, 1)); });
}
Tensor sin(const Tensor& x) {
  return by_input(UnaryOp::sin, "sin", "SinBackward0", x, [](const Tensor& x) { return cos(x); });
}
Tensor cos(const Tensor& x) {
  return by_input(UnaryOp::cos, "cos", "CosBackward0", x, [](const Tensor& x) { return neg(sin(x)); });
}
Tensor sinh(const Tensor& x) {
  return by_input(UnaryOp::sinh, "sinh", "SinhBackward0", x, [](const Tensor& x) { return cosh(x); });
}
Tensor cosh(const Tensor& x) {
  return by_input(UnaryOp::cosh, "cosh", "CoshBackward0", x, [](const Tensor& x) { return sinh(x); });
}
Tensor asin(const Tensor& x) {
  return by_input(UnaryOp::asin, "asin", "AsinBackward0", x,
                  [](const Tensor& x) { return rsqrt(sub(1, mul(x, x))); });
}
Tensor acos(const Tensor& x) {
  return by_input(UnaryOp::acos, "acos", "AcosBackward0", x,
                  [](const Tensor& x) { return neg(rsqrt(sub(1, mul(x, x)))); });
}
Tensor atan(const Tensor& x) {
  return by_input(UnaryOp::atan, "atan", "AtanBackward0", x,
                  [](const Tensor& x) { return reciprocal(add(mul(x, x), 1)); });
}
Tensor asinh(const Tensor& x) {
  return by_input(UnaryOp::asinh, "asinh", "AsinhBackward0", x,
                  [](const Tensor& x) { return rsqrt(add(mul(x, x), 1)); });
}
Tensor acosh(const Tensor& x) {
  return by_input(UnaryOp::acosh, "acosh", "AcoshBackward0", x,
                  [](const Tensor& x) { return rsqrt(sub(mul(x, x), 1)); });
}
Tensor atanh(const Tensor& x) {
  return by_input(UnaryOp::atanh, "atanh", "AtanhBackward0", x,
                  [](const Tensor& x) { return reciprocal(sub(1, mul(x, x))); });
}
Tensor erf(const Tensor& x) {
  return by_input(UnaryOp::erf, "erf", "ErfBackward0", x,
                  [](const Tensor& x) { return mul(exp(neg(mul(x, x))), M_2_SQRTPI); });
}
Tensor erfc(const Tensor& x) {
  return by_input(UnaryOp::erfc, "erfc", "ErfcBackward0", x,
                  [](const Tensor& x) { return mul(exp(neg(mul(x, x))), -M_2_SQRTPI); });
}
Tensor lgamma(const Tensor& x) {
  return by_input(UnaryOp::lgamma, "lgamma", "LgammaBackward0", x,
                  [](const Tensor& x) { return digamma(x); });
}
Tensor digamma(const Tensor& x) {
  return by_input(UnaryOp::digamma, "digamma", "DigammaBackward0", x,
                  [](const Tensor& x) { return trigamma(x); });
}
Tensor trigamma(const Tensor& x) {
  return by_input(UnaryOp::trigamma, "polygamma", "PolygammaBackward0", x,
                  [](const Tensor& x) { return polygamma(2, x); });
}

Tensor bitwise_not(const Tensor& x) {
  return run_unary(UnaryOp::bitwise_not, x, "bitwise_not");
}

Tensor isnan(const Tensor& x) {
  return run_test(TestOp::isnan, x);
}
Tensor isinf(const Tensor& x) {
  return run_test(TestOp::isinf, x);
}
Tensor isfinite(const Tensor& x) {
  return run_test(TestOp::isfinite, x);
}
Tensor signbit(const Tensor& x) {
  return run_test(TestOp::signbit, x);
}
Tensor logical_not(const Tensor& x) {
  return run_test(TestOp::logical_not, x);
}

}  // namespace penlight

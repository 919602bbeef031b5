#include "ops/special.h"

#include <cmath>

#include "kernels/polygamma.h"
#include "ops/elementwise_plan.h"

namespace penlight {

using kernels::CompareOp;

namespace {

Tensor scaled_by(const Tensor& self, double factor, const char* node) {
  const Tensor x = cast(self, real_type(self.dtype()));
  Tensor y = mul(detach(x), factor);
  if (needs_grad(x))
    record(elementwise(node), x, y, {},
           [factor](Backward&, const Tensor& g) { return Grads{mul(g, factor)}; });
  return y;
}

}  // namespace

Tensor deg2rad(const Tensor& x) {
  return scaled_by(x, M_PI / 180, "Deg2RadBackward0");
}
Tensor rad2deg(const Tensor& x) {
  return scaled_by(x, 180 / M_PI, "Rad2DegBackward0");
}

Tensor sinc(const Tensor& self) {
  const Tensor x = cast(self, real_type(self.dtype()));
  const auto value = [](const Tensor& x) {
    const Tensor angle = mul(x, M_PI), zero = compare(CompareOp::eq, x, 0);
    return where(zero, 1, div(sin(angle), where(zero, 1, angle)));
  };
  Tensor y = value(detach(x));
  if (needs_grad(x))
    record(elementwise("SincBackward0"), x, y, kept(keep("self", x)), [value](Backward& b, const Tensor& g) {
      // (cos(pi x) - sinc(x)) / x, and 0 at 0
      const Tensor x = b.saved(0), zero = compare(CompareOp::eq, x, 0);
      const Tensor slope = div(sub(cos(mul(x, M_PI)), value(x)), where(zero, 1, x));
      return Grads{mul(g, where(zero, 0, slope))};
    });
  return y;
}

Tensor logit(const Tensor& self, std::optional<double> eps) {
  const Tensor x = cast(self, real_type(self.dtype()));
  const Operand low(eps.value_or(0)), high(1 - eps.value_or(0));
  Tensor y;
  {
    const Unrecorded unrecorded;
    const Tensor inside = eps ? clamp(x, &low, &high) : x;
    y = log(div(inside, sub(1, inside)));
  }
  if (needs_grad(x))
    record(
        elementwise("LogitBackward0"), x, y, kept(keep("self", x)),
        [eps](Backward& b, const Tensor& g) {
          const Tensor x = b.saved(0);
          const double low = eps.value_or(0);
          const Tensor outside =
              bitwise_or(compare(CompareOp::lt, x, low), compare(CompareOp::gt, x, 1 - low));
          return Grads{where(outside, eps ? 0.0 : NAN, div(g, mul(x, sub(1, x))))};
        },
        [eps] { return Notes{{"eps", eps}}; });
  return y;
}

namespace {

// log(exp(a) + exp(b)) in a base, from the greater one so that nothing overflows.
template <class Power, class Log>
Tensor log_of_sum(const Tensor& a, const Tensor& b, const char* node, Power power, Log log_of_one_plus,
                  double log_of_base) {
  check(is_floating(result_type(a, b)), "logaddexp expects floating-point tensors, got ",
        scalar_name(a.dtype()), " and ", scalar_name(b.dtype()));
  Tensor y;
  {
    const Unrecorded unrecorded;
    const Tensor top = maximum(a, b);
    const Tensor distance = sub(minimum(a, b), top);
    const Tensor equal_infinities = bitwise_and(isinf(top), compare(CompareOp::eq, a, b));
    y = where(equal_infinities, top, add(top, log_of_one_plus(power(distance))));
  }
  if (needs_grad(a, b))
    record(elementwise(node), {a, b}, y, kept(keep("self", a), keep("other", b)),
           [log_of_base](Backward& b, const Tensor& g) {
             Grads grads(2);
             const Tensor difference = mul(sub(b.saved(0), b.saved(1)), log_of_base);
             if (b.needs(0)) grads[0] = mul(g, sigmoid(difference));
             if (b.needs(1)) grads[1] = mul(g, sigmoid(neg(difference)));
             return grads;
           });
  return y;
}

}  // namespace

Tensor logaddexp(const Tensor& a, const Tensor& b) {
  return log_of_sum(
      a, b, "LogaddexpBackward0", [](const Tensor& x) { return exp(x); },
      [](const Tensor& x) { return log1p(x); }, 1);
}
Tensor logaddexp2(const Tensor& a, const Tensor& b) {
  return log_of_sum(
      a, b, "Logaddexp2Backward0", [](const Tensor& x) { return exp2(x); },
      [](const Tensor& x) { return div(log1p(x), M_LN2); }, M_LN2);
}

Tensor xlogy(const Operand& a, const Operand& b) {
  const DType dtype = real_type(result_type(a, b));
  const auto as_real = [dtype](const Operand& o) {
    return o.is_tensor() ? cast(o.tensor(), dtype) : scalar_tensor(o.scalar(), dtype);
  };
  const Tensor x = as_real(a), z = as_real(b);
  Tensor y;
  {
    const Unrecorded unrecorded;
    const Tensor product = mul(x, log(z));
    const Tensor zero = bitwise_and(compare(CompareOp::eq, x, 0), logical_not(isnan(z)));
    y = where(zero, 0, product);
  }
  if (needs_grad(x, z))
    record(elementwise(!a.is_tensor()   ? "XlogyBackward1"
                       : !b.is_tensor() ? "XlogyBackward2"
                                        : "XlogyBackward0"),
           {x, z}, y, kept(keep("self", x), keep("other", z)), [](Backward& b, const Tensor& g) {
             Grads grads(2);
             const Tensor x = b.saved(0), z = b.saved(1);
             if (b.needs(0)) {
               const Tensor flat = bitwise_and(compare(CompareOp::eq, x, 0), compare(CompareOp::le, z, 0));
               grads[0] = mul(g, log(where(flat, 1, z)));
             }
             if (b.needs(1)) grads[1] = mul(g, div(x, z));
             return grads;
           });
  return y;
}

namespace {

Tensor run_polygamma(int64_t order, const Tensor& x) {
  if (x.batched()) [[unlikely]]
    return hide(run_polygamma(order, physical(x)), x->transforms->batch);
  const Tensor wide = contiguous(cast(detach(x), DType::f64));
  Tensor y = empty(x.sizes(), DType::f64);
  kernels::polygamma(order, wide.data<double>(), y.data<double>(), x.numel());
  return cast(y, x.dtype());
}

}  // namespace

Tensor polygamma(int64_t order, const Tensor& self) {
  check(order >= 0, "polygamma(n, x) does not support negative n.");
  check(order < INT64_MAX, "polygamma(n, x): n must be less than 2**63 - 1, got ", order);
  if (order == 0) return digamma(self);
  const Tensor x = cast(self, real_type(self.dtype()));
  if (order == 1) return trigamma(x);
  Tensor y = run_polygamma(order, x);
  if (needs_grad(x))
    record(
        "PolygammaBackward0", x, y, kept(keep("self", x)),
        [order](Backward& b, const Tensor& g) { return Grads{mul(g, polygamma(order + 1, b.saved(0)))}; },
        [order] { return Notes{{"n", order}}; });
  return y;
}

Tensor heaviside(const Tensor& x, const Tensor& at_zero) {
  check(x.dtype() == at_zero.dtype(), "heaviside is not yet implemented for tensors with different dtypes.");
  const Tensor values = detach(x);
  const Tensor step = cast(compare(CompareOp::gt, values, 0), x.dtype());
  return where(compare(CompareOp::eq, values, 0), detach(at_zero), step);
}

}  // namespace penlight

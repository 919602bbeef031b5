// Special functions: compositions whose value needs care somewhere, with a derivative of their own.
#pragma once

#include <optional>

#include "ops/elementwise.h"

namespace penlight {

Tensor deg2rad(const Tensor& x);
Tensor rad2deg(const Tensor& x);
Tensor sinc(const Tensor& x);  // sin(pi x) / (pi x), 1 at 0
// log(x / (1 - x)), with x first moved into [eps, 1 - eps] where eps is given.
Tensor logit(const Tensor& x, std::optional<double> eps = {});
Tensor logaddexp(const Tensor& a, const Tensor& b);   // log(exp(a) + exp(b))
Tensor logaddexp2(const Tensor& a, const Tensor& b);  // log2(2^a + 2^b)
Tensor xlogy(const Operand& a, const Operand& b);     // a log(b), 0 where a is 0
Tensor polygamma(int64_t order, const Tensor& x);     // the order-th derivative of digamma
Tensor heaviside(const Tensor& x, const Tensor& at_zero);

}  // namespace penlight

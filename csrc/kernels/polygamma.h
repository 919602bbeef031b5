// The derivatives of digamma.
#pragma once

#include <cstdint>

namespace penlight::kernels {

// y = the order-th derivative of digamma at x, order >= 1. x and y may be the same memory.
void polygamma(int64_t order, const double* x, double* y, int64_t count);

}  // namespace penlight::kernels

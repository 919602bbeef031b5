// The bricks of the elementary functions: everything is plain arithmetic on one number without branches, so
// that loops over it become vector code, and so that an element's result does not depend on whether it lies
// in the vector part of a loop or in its tail. Included by kernel files only.
//
// Polynomials are minimax fits by the exchange algorithm of Remez (1934), relative to the function's value.
#pragma once

#include "kernels/registers.h"

namespace penlight::kernels::PENLIGHT_ISA::math {

// Coefficients from the highest power down to the constant: numbers, or registers of numbers chosen for x.
template <class N, class Highest, class... Rest>
[[gnu::always_inline]] inline N polynomial(N x, Highest highest, Rest... rest) {
  N sum = all<N>(highest);
  ((sum = fused(sum, x, all<N>(rest))), ...);
  return sum;
}

}  // namespace penlight::kernels::PENLIGHT_ISA::math

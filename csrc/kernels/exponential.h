// exp as plain arithmetic, so that loops over it become vector code. Included by kernel files only.
//
// exp(x) = 2^k exp(r) with k = round(x / ln 2) and |r| <= ln(2) / 2: the rest r is found with ln 2 in two
// parts, of which the first times k is exact (Cody and Waite 1980), exp(r) is its Taylor polynomial, and 2^k
// is multiplied in by halves, so that results below the smallest normal number round rightly. At most 2 ulp
// off.
#pragma once

#include <cstdint>

#include "kernels/isa.h"

namespace penlight::kernels::PENLIGHT_ISA {

[[gnu::always_inline]] inline float vector_exp(float x) {
  x = x < -104.f ? -104.f : x;  // 0 below, infinity above; NaN stays
  x = x > 89.f ? 89.f : x;
  // Adding 1.5 * 2^23 rounds to an integer, found in the lowest bits.
  const float shifted = x * 1.44269504f + 12582912.f;
  const float k = shifted - 12582912.f;
  const float r = (x - k * 0.693359375f) - k * -2.12194440e-4f;
  float p = 1.f / 5040;
  p = p * r + 1.f / 720;
  p = p * r + 1.f / 120;
  p = p * r + 1.f / 24;
  p = p * r + 1.f / 6;
  p = p * r + 0.5f;
  p = (p * r) * r + r + 1.f;
  const int32_t power = static_cast<int32_t>(__builtin_bit_cast(uint32_t, shifted) - 0x4B400000u);
  const int32_t half = power >> 1;  // rounds down
  const float low = __builtin_bit_cast(float, (static_cast<uint32_t>(half) + 127u) << 23);
  const float high = __builtin_bit_cast(float, (static_cast<uint32_t>(power - half) + 127u) << 23);
  return p * low * high;
}

[[gnu::always_inline]] inline double vector_exp(double x) {
  x = x < -746. ? -746. : x;
  x = x > 710. ? 710. : x;
  const double shifted = x * 1.4426950408889634 + 6755399441055744.;  // 1.5 * 2^52
  const double k = shifted - 6755399441055744.;
  const double r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
  double p = 1. / 6227020800;
  p = p * r + 1. / 479001600;
  p = p * r + 1. / 39916800;
  p = p * r + 1. / 3628800;
  p = p * r + 1. / 362880;
  p = p * r + 1. / 40320;
  p = p * r + 1. / 5040;
  p = p * r + 1. / 720;
  p = p * r + 1. / 120;
  p = p * r + 1. / 24;
  p = p * r + 1. / 6;
  p = p * r + 0.5;
  p = (p * r) * r + r + 1.;
  const int64_t power = static_cast<int64_t>(__builtin_bit_cast(uint64_t, shifted) - 0x4338000000000000u);
  const int64_t half = power >> 1;
  const double low = __builtin_bit_cast(double, (static_cast<uint64_t>(half) + 1023u) << 52);
  const double high = __builtin_bit_cast(double, (static_cast<uint64_t>(power - half) + 1023u) << 52);
  return p * low * high;
}

}  // namespace penlight::kernels::PENLIGHT_ISA

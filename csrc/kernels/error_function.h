// erf, and the normal distribution's Phi in a form that serves gelu. See polynomial.h.
//
// Near 0, erf(x) = x P(x^2); beyond, 1 - exp(x Q(x)), a form due to N. Juffa: log(erfc(x)) / x is smooth.
#pragma once

#include "kernels/exponential.h"

namespace penlight::kernels::PENLIGHT_ISA::math {

[[gnu::always_inline]] inline float erf(float x) {
  const float t = std::fabs(x), z = x * x;
  const float near = fused(t,
                           polynomial(z, -6.749539428e-4f, 5.11434915e-3f, -2.683462631e-2f, 0.1128337661f,
                                      -0.3761261876f, 0.128379165f),
                           t);
  const float at = t > 4.f ? 4.f : t;  // 1 from there on
  const float power = at * polynomial(at, -3.932084484e-6f, 3.480932414e-4f, -4.798516783e-3f,
                                      3.336297587e-2f, -0.1522561693f, -0.9169078541f, -1.628161307f);
  constexpr float shifter = Binary<float>::shifter + Binary<float>::bias;
  const float shifted = power + shifter;
  const float factor = from_bits<float>(bits(shifted) << Binary<float>::digits);
  const float r = (power - (shifted - shifter)) * static_cast<float>(M_LN2);
  const float far = (1.f - factor) - factor * expm1_near_0(r);
  return std::copysign(t < 0.75f ? near : far, x);
}

[[gnu::always_inline]] inline double erf(double x) {
  const double t = std::fabs(x), z = x * x;
  const double near =
      fused(t,
            polynomial(z, -4.22295157075190504e-12, 8.70382638881205687e-11, -1.2163052608695938e-9,
                       1.47921475785256868e-8, -1.63646146231592804e-7, 1.64620434228776265e-6,
                       -1.49256474658947752e-5, 1.20553328993854259e-4, -8.54832702185385414e-4,
                       5.22397762542209589e-3, -2.68661706451297344e-2, 0.112837916709551197,
                       -0.376126389031837524, 0.12837916709551257),
            t);
  const double at = t > 5.95 ? 5.95 : t;
  const double power =
      at * polynomial(at, 1.12253083169888435e-14, -7.11732806444145323e-13, 2.08032069480318216e-11,
                      -3.75234287498236491e-10, 4.70445145433686069e-9, -4.3684040804989257e-8,
                      3.11862033557037288e-7, -1.74857856571251216e-6, 7.7621970567694435e-6,
                      -2.70563161177171172e-5, 7.11731295512806488e-5, -1.22857384038672645e-4,
                      4.05110519690052846e-5, 5.29405837497850379e-4, -1.65213368549161112e-3,
                      1.84376113939191025e-4, 1.91389006479056278e-2, -0.102775701473913109,
                      -0.636619196405758006, -1.12837921759459576);
  const Reduced<double> e = reduce_exponent(power);
  const double factor = from_bits<double>(e.bits);
  const double far = (1 - factor) - factor * e.part;
  return std::copysign(t < 1 ? near : far, x);
}

// Phi(-t), the normal distribution's lower tail for t >= 0, from log2(2 Phi(-t)) / t; 6e-9 off in all, and
// 8e-6 of its own size up to 5. From 11.1 on it is 0: the exponent field of 2^-127, to which the power there
// rounds.
inline constexpr float normal_end = 11.1f;
[[gnu::always_inline]] inline float normal_tail(float t) {
  const float power = fused(
      t,
      polynomial(t, -3.091899174e-8f, 8.998970312e-7f, -1.126025058e-5f, 7.726278059e-5f, -2.793566223e-4f,
                 -6.593014927e-6f, 6.961212564e-3f, -5.245421662e-2f, -0.4592159202f, -1.151104771f),
      -1.f);
  constexpr float shifter = Binary<float>::shifter + Binary<float>::bias;
  const float shifted = power + shifter;
  const float factor = from_bits<float>(bits(shifted) << Binary<float>::digits);
  const float r = power - (shifted - shifter);
  const float part = r * polynomial(r, 1.53211427e-4f, 1.33901612e-3f, 9.61852636e-3f, 5.55036226e-2f,
                                    0.240226476f, static_cast<float>(M_LN2));  // 2^r - 1
  return fused(factor, part, factor);
}

// Phi(x) and x Phi(x), which is max(x, 0) - |x| Phi(-|x|).
[[gnu::always_inline]] inline float normal_below(float x) {
  const float size = std::fabs(x), tail = normal_tail(size > normal_end ? normal_end : size);
  return x < 0.f ? tail : 1.f - tail;
}
[[gnu::always_inline]] inline float gelu(float x) {
  const float size = std::fabs(x), t = size > normal_end ? normal_end : size;
  return fused(-t, normal_tail(t), x < 0.f ? -0.f : x);
}
[[gnu::always_inline]] inline double normal_below(double x) {
  return 0.5 * (1 + erf(x * M_SQRT1_2));
}
[[gnu::always_inline]] inline double gelu(double x) {
  return x * normal_below(x);
}

}  // namespace penlight::kernels::PENLIGHT_ISA::math

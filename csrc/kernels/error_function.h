// erf, and the normal distribution's Phi in a form that serves gelu. See polynomial.h.
//
// Near 0, erf(x) = x P(x^2); beyond, 1 - exp(x Q(x)), a form due to N. Juffa: log(erfc(x)) / x is smooth.
#pragma once

#include "kernels/exponential.h"

namespace penlight::kernels::PENLIGHT_ISA::math {

template <class N>
[[gnu::always_inline]] inline N erf_single(N x) {
  const N one = all<N>(1.f), t = magnitude(x), z = x * x;
  const N near = fused(t,
                       polynomial(z, -6.749539428e-4f, 5.11434915e-3f, -2.683462631e-2f, 0.1128337661f,
                                  -0.3761261876f, 0.128379165f),
                       t);
  const N at = lesser(all<N>(4.f), t);  // 1 from there on
  const N power = at * polynomial(at, -3.932084484e-6f, 3.480932414e-4f, -4.798516783e-3f, 3.336297587e-2f,
                                  -0.1522561693f, -0.9169078541f, -1.628161307f);
  const Whole<N> whole = Whole<N>::next_to(power);
  const N factor = Whole<N>::power(whole.exponent);
  const N r = (power - whole.k) * all<N>(static_cast<float>(M_LN2));
  const N far = (one - factor) - factor * expm1_near_0(r);
  return with_sign(choose(below(t, all<N>(0.75f)), near, far), x);
}

template <class N>
[[gnu::always_inline]] inline N erf_double(N x) {
  const N one = all<N>(1.), t = magnitude(x), z = x * x;
  const N near = fused(t,
                       polynomial(z, -4.22295157075190504e-12, 8.70382638881205687e-11,
                                  -1.2163052608695938e-9, 1.47921475785256868e-8, -1.63646146231592804e-7,
                                  1.64620434228776265e-6, -1.49256474658947752e-5, 1.20553328993854259e-4,
                                  -8.54832702185385414e-4, 5.22397762542209589e-3, -2.68661706451297344e-2,
                                  0.112837916709551197, -0.376126389031837524, 0.12837916709551257),
                       t);
  const N at = lesser(all<N>(5.95), t);
  const N power = at * polynomial(at, 1.12253083169888435e-14, -7.11732806444145323e-13,
                                  2.08032069480318216e-11, -3.75234287498236491e-10, 4.70445145433686069e-9,
                                  -4.3684040804989257e-8, 3.11862033557037288e-7, -1.74857856571251216e-6,
                                  7.7621970567694435e-6, -2.70563161177171172e-5, 7.11731295512806488e-5,
                                  -1.22857384038672645e-4, 4.05110519690052846e-5, 5.29405837497850379e-4,
                                  -1.65213368549161112e-3, 1.84376113939191025e-4, 1.91389006479056278e-2,
                                  -0.102775701473913109, -0.636619196405758006, -1.12837921759459576);
  const Reduced<N> e = reduce_exponent(power);
  const N factor = e.power();
  const N far = (one - factor) - factor * e.part;
  return with_sign(choose(below(t, one), near, far), x);
}

template <class N>
[[gnu::always_inline]] inline N erf(N x) {
  if constexpr (sizeof(Number<N>) == 4)
    return erf_single(x);
  else
    return erf_double(x);
}

// Phi(-t), the normal distribution's lower tail for t >= 0, from log2(2 Phi(-t)) / t; 6e-9 off in all, and
// 8e-6 of its own size up to 5. From normal_end on it is 0: the power there is below all numbers, or rounds
// to the one whose exponent field is 0.
template <class N>
inline constexpr float normal_end = Whole<N>::scales ? 11.5f : 11.1f;
template <class N>
[[gnu::always_inline]] inline N normal_tail(N t) {
  const N power = fused(
      t,
      polynomial(t, -3.091899174e-8f, 8.998970312e-7f, -1.126025058e-5f, 7.726278059e-5f, -2.793566223e-4f,
                 -6.593014927e-6f, 6.961212564e-3f, -5.245421662e-2f, -0.4592159202f, -1.151104771f),
      all<N>(-1.f));
  const Whole<N> whole = Whole<N>::next_to(power);
  const N r = power - whole.k;
  const N rest = polynomial(r, 1.53211427e-4f, 1.33901612e-3f, 9.61852636e-3f, 5.55036226e-2f, 0.240226476f,
                            static_cast<float>(M_LN2));  // (2^r - 1) / r
  return Whole<N>::times_power(fused(r, rest, all<N>(1.f)), whole.exponent);
}

// Phi(x)
template <class N>
[[gnu::always_inline]] inline N normal_below(N x) {
  using T = Number<N>;
  if constexpr (sizeof(T) == 4) {
    const N tail = normal_tail(lesser(all<N>(normal_end<N>), magnitude(x)));
    return choose(below(x, all<N>(0.f)), tail, all<N>(1.f) - tail);
  } else {
    return all<N>(0.5) * (all<N>(1.) + erf(x * all<N>(M_SQRT1_2)));
  }
}
// x Phi(x), which is max(x, 0) - |x| Phi(-|x|)
template <class N>
[[gnu::always_inline]] inline N gelu(N x) {
  if constexpr (sizeof(Number<N>) == 4) {
    const N t = lesser(all<N>(normal_end<N>), magnitude(x));
    return fused(negative(t), normal_tail(t), greater(all<N>(-0.f), x));
  } else {
    return x * normal_below(x);
  }
}

}  // namespace penlight::kernels::PENLIGHT_ISA::math

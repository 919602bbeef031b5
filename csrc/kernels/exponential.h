// exp and its kin: exp2, expm1, sigmoid, tanh. See polynomial.h.
//
// exp(x) = 2^k exp(r) with k = round(x / ln 2) and |r| <= ln(2) / 2: the rest r is found with ln 2 in two
// parts, of which the first times k is exact (Cody and Waite 1980), and exp(r) - 1 is a polynomial. 2^k is
// multiplied in by two factors or by an instruction of its own, so that results below the smallest normal
// number round rightly.
#pragma once

#include "kernels/polynomial.h"

namespace penlight::kernels::PENLIGHT_ISA::math {

// (exp(r) - 1 - r) / r^2 for |r| <= 0.347
template <class N>
[[gnu::always_inline]] inline N exp_rest(N r) {
  if constexpr (sizeof(Number<N>) == 4)
    return polynomial(r, 1.38146024e-3f, 8.36870967e-3f, 4.16683876e-2f, 1.66665207e-1f, 0.499999935f);
  else
    return polynomial(r, 2.08265075409269632e-9, 2.51121446477790791e-8, 2.75575828991443628e-7,
                      2.75572345578670954e-6, 2.48015869244663916e-5, 1.9841269896682508e-4,
                      1.38888888891173463e-3, 8.33333333331691605e-3, 4.16666666666660889e-2,
                      0.166666666666666836, 0.5);
}
template <class N>
[[gnu::always_inline]] inline N expm1_near_0(N r) {
  return fused(exp_rest(r) * r, r, r);
}

// exp(x) = 2^k (1 + part)
template <class N>
struct Reduced {
  N part;
  typename Whole<N>::Exponent exponent;
  N to_normal(int more = 0) const { return Whole<N>::one_and(part, exponent, more); }
  N power(int more = 0) const { return Whole<N>::power(exponent, more); }
};
template <class N>
[[gnu::always_inline]] inline Reduced<N> reduce_exponent(N x) {
  using T = Number<N>;
  constexpr bool single = sizeof(T) == 4;
  constexpr T high = single ? T(0.693359375) : T(6.93147180369123816490e-01);
  constexpr T low = single ? T(-2.12194440e-4) : T(1.90821492927058770002e-10);
  const Whole<N> whole = Whole<N>::next_to(x, T(M_LOG2E));
  const N most = fused(whole.k, all<N>(-high), x), small = whole.k * all<N>(-low), r = most + small;
  return {most + fused(exp_rest(r) * r, r, small), whole.exponent};
}

// 2^power
template <class T>
inline constexpr T two_to(int power) {
  return from_bits<T>(static_cast<Word<T>>(Binary<T>::bias + power) << Binary<T>::digits);
}
template <class N>
inline constexpr int half_range = (Binary<Number<N>>::bias + 1) / 2;

// 2^k (1 + part) for results of any size: k <= 0
template <class N>
[[gnu::always_inline]] inline N scale_down(N part, typename Whole<N>::Exponent exponent) {
  if constexpr (Whole<N>::scales) return Whole<N>::one_and(part, exponent);
  const N factor = Whole<N>::power(exponent, half_range<N>);
  return fused(factor, part, factor) * all<N>(two_to<Number<N>>(-half_range<N>));
}
// The same for every k; down where it is negative.
template <class N, class Condition>
[[gnu::always_inline]] inline N scale(N part, typename Whole<N>::Exponent exponent, Condition down) {
  if constexpr (Whole<N>::scales) return Whole<N>::one_and(part, exponent);
  using T = Number<N>;
  constexpr int half = half_range<N>;
  const N factor = choose(down, Whole<N>::power(exponent, half), Whole<N>::power(exponent, -half));
  return fused(factor, part, factor) * choose(down, all<N>(two_to<T>(-half)), all<N>(two_to<T>(half)));
}

template <class T>
inline constexpr T exp_lowest = sizeof(T) == 4 ? T(-104) : T(-746);  // exp gives 0 there
template <class T>
inline constexpr T exp_highest = sizeof(T) == 4 ? T(89) : T(710);  // and infinity there

template <class N>
[[gnu::always_inline]] inline N exp(N x) {
  using T = Number<N>;
  x = greater(all<N>(exp_lowest<T>), x);  // NaN stays
  x = lesser(all<N>(exp_highest<T>), x);
  const Reduced<N> e = reduce_exponent(x);
  return scale(e.part, e.exponent, below(x, all<N>(T(0))));
}

// exp(x) where that is a normal number
template <class N>
[[gnu::always_inline]] inline N exp_to_normal(N x) {
  return reduce_exponent(x).to_normal();
}

// exp(x) for x <= 0
template <class N>
[[gnu::always_inline]] inline N exp_of_negative(N x) {
  const Reduced<N> e = reduce_exponent(greater(all<N>(exp_lowest<Number<N>>), x));
  return scale_down(e.part, e.exponent);
}
// The same times a power of two, 2^((bias + 1) / 2): a normal number always, for sums that are divided by.
template <class N>
[[gnu::always_inline]] inline N scaled_exp_of_negative(N x) {
  return reduce_exponent(greater(all<N>(exp_lowest<Number<N>>), x)).to_normal(half_range<N>);
}

template <class N>
[[gnu::always_inline]] inline N exp2(N x) {
  using T = Number<N>;
  using B = Binary<T>;
  constexpr T lowest = T(-B::bias - B::digits - 2), highest = T(B::bias + 2);
  x = greater(all<N>(lowest), x);
  x = lesser(all<N>(highest), x);
  const Whole<N> whole = Whole<N>::next_to(x);
  const N rest = x - whole.k;
  return scale(expm1_near_0(rest * all<N>(T(M_LN2))), whole.exponent, below(x, all<N>(T(0))));
}

// 2^k part + (2^k - 1), with half of each, so that 2^k does not overflow.
template <class N>
[[gnu::always_inline]] inline N expm1(N given) {
  using T = Number<N>;
  constexpr T lowest = sizeof(T) == 4 ? T(-20) : T(-40);  // -1 there
  constexpr T tiny = sizeof(T) == 4 ? T(1e-8) : T(1e-17);
  const N x = lesser(all<N>(exp_highest<T>), greater(all<N>(lowest), given));
  const Reduced<N> e = reduce_exponent(x);
  const N factor = e.power(-1);
  const N result = fused(factor, e.part, factor - all<N>(T(0.5))) * all<N>(T(2));
  return choose(below(magnitude(given), all<N>(tiny)), given, result);  // -0 stays
}

// e / (1 + e) or 1 / (1 + e) for e = exp(-|x|) = 2^k m, which does not overflow. What m lost in rounding is
// put right in the quotient, which would be 2.4 ulp off without. Where no instruction scales by 2^k, all is
// 2^half times as large until the end, where results below the normal numbers are rounded once.
template <class N>
[[gnu::always_inline]] inline N sigmoid(N x) {
  using T = Number<N>;
  constexpr int half = Whole<N>::scales ? 0 : half_range<N>;
  const N one = all<N>(T(1)), back = all<N>(two_to<T>(-half)), size = with_sign(x, all<N>(T(-1)));
  const Reduced<N> reduced = reduce_exponent(greater(all<N>(exp_lowest<T>), size));
  const N m = one + reduced.part, lost = reduced.part - (m - one);
  const N e = Whole<N>::scales ? reduced.to_normal() : m * reduced.power(half);
  const auto down = below(x, all<N>(T(0)));
  const N quotient = choose(down, e, all<N>(two_to<T>(half))) / (half ? fused(e, back, one) : one + e);
  const N right = fused(choose(down, lost, all<N>(T(0))), quotient, quotient);
  return half ? right * back : right;
}

// (tanh(x) - x) / x^3 up to 0.625, where z = x^2
template <class N>
[[gnu::always_inline]] inline N tanh_rest(N z) {
  if constexpr (sizeof(Number<N>) == 4)
    return polynomial(z, -5.705012543e-3f, 2.0639109e-2f, -5.373972128e-2f, 0.1333144226f, -0.3333328194f);
  else
    return polynomial(z, 6.0425742064985955e-6, -3.01874687947191042e-5, 9.15586666443215369e-5,
                      -2.37011880569533238e-4, 5.89451855319252376e-4, -1.4557259620572223e-3,
                      3.59211400220257986e-3, -8.86323431283501921e-3, 2.18694884687334793e-2,
                      -5.3968253966059663e-2, 0.133333333333297444, -0.333333333333333128);
}

// exp(x) for x <= 0 that is added to 1: what float's ln 2 lacks, times k, is nothing next to that.
template <class N>
[[gnu::always_inline]] inline N exp_next_to_1(N x) {
  if constexpr (sizeof(Number<N>) == 4) {
    const Whole<N> whole = Whole<N>::next_to(x, static_cast<float>(M_LOG2E));
    const N r = fused(whole.k, all<N>(static_cast<float>(-M_LN2)), x);
    return Whole<N>::one_and(expm1_near_0(r), whole.exponent);
  } else {
    return exp_to_normal(x);
  }
}

// A polynomial near 0, then 1 - 2 e / (1 + e) for e = exp(-2 |x|).
template <class N>
[[gnu::always_inline]] inline N tanh(N x) {
  using T = Number<N>;
  constexpr T last = sizeof(T) == 4 ? T(-20) : T(-40);  // of -2 |x|: the result is 1 there
  const N one = all<N>(T(1)), size = magnitude(x), z = x * x;
  const N e = exp_next_to_1(greater(all<N>(last), with_sign(x + x, all<N>(T(-1)))));
  const N far = one - (e + e) / (one + e), near = fused(size * z, tanh_rest(z), size);
  return with_sign(choose(below(size, all<N>(T(0.625))), near, far), x);
}

}  // namespace penlight::kernels::PENLIGHT_ISA::math

// exp and its kin: exp2, expm1, sigmoid, tanh. See polynomial.h.
//
// exp(x) = 2^k exp(r) with k = round(x / ln 2) and |r| <= ln(2) / 2: the rest r is found with ln 2 in two
// parts, of which the first times k is exact (Cody and Waite 1980), and exp(r) - 1 is a polynomial. 2^k is
// multiplied in by two factors, so that results below the smallest normal number round rightly.
#pragma once

#include "kernels/polynomial.h"

namespace penlight::kernels::PENLIGHT_ISA::math {

// (exp(r) - 1 - r) / r^2 for |r| <= 0.347
[[gnu::always_inline]] inline float exp_rest(float r) {
  return polynomial(r, 1.38146024e-3f, 8.36870967e-3f, 4.16683876e-2f, 1.66665207e-1f, 0.499999935f);
}
[[gnu::always_inline]] inline double exp_rest(double r) {
  return polynomial(r, 2.08265075409269632e-9, 2.51121446477790791e-8, 2.75575828991443628e-7,
                    2.75572345578670954e-6, 2.48015869244663916e-5, 1.9841269896682508e-4,
                    1.38888888891173463e-3, 8.33333333331691605e-3, 4.16666666666660889e-2,
                    0.166666666666666836, 0.5);
}
template <class T>
[[gnu::always_inline]] inline T expm1_near_0(T r) {
  return fused(exp_rest(r) * r, r, r);
}

// exp(x) = 2^k (1 + part). bits is the exponent field k + bias in its place, modulo 2^32 or 2^64.
template <class T>
struct Reduced {
  T part;
  Word<T> bits;
};
template <class T>
[[gnu::always_inline]] inline Reduced<T> reduce_exponent(T x) {
  using B = Binary<T>;
  constexpr bool single = sizeof(T) == 4;
  constexpr T shifter = B::shifter + B::bias;
  const T shifted = fused(x, T(M_LOG2E), shifter);
  const T k = shifted - shifter;
  const T high = single ? T(0.693359375) : T(6.93147180369123816490e-01);
  const T low = single ? T(-2.12194440e-4) : T(1.90821492927058770002e-10);
  const T most = fused(k, -high, x), small = k * -low, r = most + small;
  return {most + fused(exp_rest(r) * r, r, small), bits(shifted) << B::digits};
}

// 2^k (1 + part) from the exponent field of 2^k, for results of any size.
template <class T>
[[gnu::always_inline]] inline T scale(T part, Word<T> exponent, bool down) {
  using B = Binary<T>;
  constexpr int half = (B::bias + 1) / 2;
  constexpr Word<T> shift = static_cast<Word<T>>(half) << B::digits;
  const T factor = from_bits<T>(down ? exponent + shift : exponent - shift);
  const T rest = from_bits<T>(down ? static_cast<Word<T>>(B::bias - half) << B::digits
                                   : static_cast<Word<T>>(B::bias + half) << B::digits);
  return fused(factor, part, factor) * rest;
}

template <class T>
inline constexpr T exp_lowest = sizeof(T) == 4 ? T(-104) : T(-746);  // exp gives 0 there
template <class T>
inline constexpr T exp_highest = sizeof(T) == 4 ? T(89) : T(710);  // and infinity there

template <class T>
[[gnu::always_inline]] inline T exp(T x) {
  x = x < exp_lowest<T> ? exp_lowest<T> : x;  // NaN stays
  x = x > exp_highest<T> ? exp_highest<T> : x;
  const Reduced<T> e = reduce_exponent(x);
  return scale(e.part, e.bits, x < T(0));
}

// exp(x) where that is a normal number
template <class T>
[[gnu::always_inline]] inline T exp_to_normal(T x) {
  const Reduced<T> e = reduce_exponent(x);
  const T factor = from_bits<T>(e.bits);
  return fused(factor, e.part, factor);
}

// exp(x) for x <= 0
template <class T>
[[gnu::always_inline]] inline T exp_of_negative(T x) {
  x = x < exp_lowest<T> ? exp_lowest<T> : x;
  const Reduced<T> e = reduce_exponent(x);
  return scale(e.part, e.bits, true);
}
// The same times a power of two, 2^((bias + 1) / 2): a normal number always, for sums that are divided by.
template <class T>
[[gnu::always_inline]] inline T scaled_exp_of_negative(T x) {
  constexpr Word<T> half = static_cast<Word<T>>((Binary<T>::bias + 1) / 2) << Binary<T>::digits;
  x = x < exp_lowest<T> ? exp_lowest<T> : x;
  const Reduced<T> e = reduce_exponent(x);
  const T factor = from_bits<T>(e.bits + half);
  return fused(factor, e.part, factor);
}

template <class T>
[[gnu::always_inline]] inline T exp2(T x) {
  using B = Binary<T>;
  constexpr T lowest = T(-B::bias - B::digits - 2), highest = T(B::bias + 2);
  x = x < lowest ? lowest : x;
  x = x > highest ? highest : x;
  constexpr T shifter = B::shifter + B::bias;
  const T shifted = x + shifter;
  const T rest = x - (shifted - shifter);
  return scale(expm1_near_0(rest * T(M_LN2)), bits(shifted) << B::digits, x < T(0));
}

// 2^k part + (2^k - 1), with half of each, so that 2^k does not overflow.
template <class T>
[[gnu::always_inline]] inline T expm1(T given) {
  using B = Binary<T>;
  constexpr T lowest = sizeof(T) == 4 ? T(-20) : T(-40);  // -1 there
  T x = given < lowest ? lowest : given;
  x = x > exp_highest<T> ? exp_highest<T> : x;
  const Reduced<T> e = reduce_exponent(x);
  const T factor = from_bits<T>(e.bits - (Word<T>(1) << B::digits));
  const T result = fused(factor, e.part, factor - T(0.5)) * T(2);
  return std::fabs(given) < (sizeof(T) == 4 ? T(1e-8) : T(1e-17)) ? given : result;  // -0 stays
}

// e / (1 + e) or 1 / (1 + e) for e = exp(-|x|) = 2^k m, which does not overflow. What m lost in rounding is
// put right in the quotient, which would be 2.4 ulp off without. All is 2^half times as large until the end,
// where results below the normal numbers are rounded once.
template <class T>
[[gnu::always_inline]] inline T sigmoid(T x) {
  using B = Binary<T>;
  constexpr int half = (B::bias + 1) / 2;
  const T scale = from_bits<T>(static_cast<Word<T>>(B::bias + half) << B::digits);
  const T back = from_bits<T>(static_cast<Word<T>>(B::bias - half) << B::digits);
  const T size = -std::fabs(x);
  const Reduced<T> reduced = reduce_exponent(size < exp_lowest<T> ? exp_lowest<T> : size);
  const T factor = from_bits<T>(reduced.bits + (static_cast<Word<T>>(half) << B::digits));
  const T m = T(1) + reduced.part, lost = reduced.part - (m - T(1));
  const T e = m * factor;
  const bool below = x < T(0);
  const T quotient = (below ? e : scale) / fused(e, back, T(1));
  return fused(below ? lost : T(0), quotient, quotient) * back;
}

// (tanh(x) - x) / x^3 up to 0.625, where z = x^2
[[gnu::always_inline]] inline float tanh_rest(float z) {
  return polynomial(z, -5.705012543e-3f, 2.0639109e-2f, -5.373972128e-2f, 0.1333144226f, -0.3333328194f);
}
[[gnu::always_inline]] inline double tanh_rest(double z) {
  return polynomial(z, 6.0425742064985955e-6, -3.01874687947191042e-5, 9.15586666443215369e-5,
                    -2.37011880569533238e-4, 5.89451855319252376e-4, -1.4557259620572223e-3,
                    3.59211400220257986e-3, -8.86323431283501921e-3, 2.18694884687334793e-2,
                    -5.3968253966059663e-2, 0.133333333333297444, -0.333333333333333128);
}

// A polynomial near 0, then 1 - 2 e / (1 + e) for e = exp(-2 |x|).
template <class T>
[[gnu::always_inline]] inline T tanh(T x) {
  constexpr T one = sizeof(T) == 4 ? T(-20) : T(-40);  // of -2 |x|: the result is 1 there
  const T size = std::fabs(x), doubled = T(-2) * size, z = x * x;
  const Reduced<T> reduced = reduce_exponent(doubled < one ? one : doubled);
  const T factor = from_bits<T>(reduced.bits);
  const T e = fused(factor, reduced.part, factor);
  const T far = T(1) - (e + e) / (T(1) + e), near = fused(size * z, tanh_rest(z), size);
  return std::copysign(size < T(0.625) ? near : far, x);
}

}  // namespace penlight::kernels::PENLIGHT_ISA::math

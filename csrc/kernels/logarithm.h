// log, log2, log10 and log1p. See polynomial.h.
//
// x = 2^e (1 + f) with 1 + f between the roots of 1/2 and 2; log(1 + f) is f - f^2/2 + f^3 P(f) in float, and
// in double the series of s = f / (2 + f) as FreeBSD's e_log.c arranges it. ln 2 is taken in two parts, of
// which the first times e is exact.
#pragma once

#include "kernels/polynomial.h"

namespace penlight::kernels::PENLIGHT_ISA::math {

template <class T>
struct Ln2;
template <>
struct Ln2<float> {
  static constexpr float high = 0.693359375f, low = -2.12194440e-4f;
};
template <>
struct Ln2<double> {
  static constexpr double high = 6.93147180369123816490e-01, low = 1.90821492927058770002e-10;
};

// log(1 + f) - f, for 1 + f between the roots of 1/2 and 2, plus a small addend
[[gnu::always_inline]] inline float log1p_rest(float f, float addend) {
  const float p = polynomial(f, 6.7465878e-2f, -0.116755919f, 0.118881574f, -0.124056008f, 0.142195545f,
                             -0.16667995f, 0.200021185f, -0.250000096f, 0.333333126f);
  const float ff = f * f;
  return fused(ff, fused(p, f, -0.5f), addend);
}
[[gnu::always_inline]] inline double log1p_rest(double f, double addend) {
  const double s = f / (2 + f), z = s * s, half = 0.5 * f * f;
  const double p =
      polynomial(z, 0.132507120766507116, 0.132501889082507326, 0.153870874692463605, 0.181817757446939566,
                 0.22222222645748879, 0.285714285690932967, 0.400000000000062221, 0.66666666666666661);
  return fused(s, half + z * p, addend) - half;
}

// The exponent e and f of u, a positive normal number.
template <class T>
struct Parts {
  T e, f;
  Word<T> exponent;  // e in two's complement
};
template <class T>
[[gnu::always_inline]] inline Parts<T> parts_of(T u) {
  using B = Binary<T>;
  using Int = typename B::Int;
  const Word<T> root = bits(T(M_SQRT1_2));
  const Word<T> above = bits(u) - root;
  const Int e = static_cast<Int>(above) >> B::digits;
  const Word<T> mask = (Word<T>(1) << B::digits) - 1;
  // e as a number, without a conversion of 64-bit integers, which not every instruction set has.
  const T shifted = from_bits<T>(bits(B::shifter) + static_cast<Word<T>>(e));
  return {shifted - B::shifter, from_bits<T>((above & mask) + root) - T(1), static_cast<Word<T>>(e)};
}

// What logarithms give outside the positive finite numbers.
template <class T>
[[gnu::always_inline]] inline T with_edges(T x, T result) {
  const T edge = x == T(0) ? T(-INFINITY) : T(NAN);
  result = x > T(0) ? result : edge;
  return x < T(INFINITY) ? result : x;
}

// x scaled to be normal; its exponent is off by the second number.
template <class T>
struct Normal {
  T x, off;
};
template <class T>
[[gnu::always_inline]] inline Normal<T> normal_of(T x) {
  using B = Binary<T>;
  constexpr int shift = B::digits + 2;
  constexpr T factor = T(int64_t(1) << shift);
  const bool tiny = x < B::smallest_normal;
  return {x * (tiny ? factor : T(1)), tiny ? T(shift) : T(0)};
}

template <class T>
[[gnu::always_inline]] inline T log(T x) {
  const Normal<T> n = normal_of(x);
  const Parts<T> p = parts_of(n.x);
  const T e = p.e - n.off;
  return with_edges(x, fused(e, Ln2<T>::high, p.f + log1p_rest(p.f, e * Ln2<T>::low)));
}
// log(x) for positive normal numbers alone
template <class T>
[[gnu::always_inline]] inline T log_of_normal(T x) {
  const Parts<T> p = parts_of(x);
  return fused(p.e, Ln2<T>::high, p.f + log1p_rest(p.f, p.e * Ln2<T>::low));
}

// log of the mantissa in units of ln base, given as high + low, plus e times the log of 2 likewise.
template <class T>
[[gnu::always_inline]] inline T log_in_base(T x, T high, T low, T two_high, T two_low) {
  const Normal<T> n = normal_of(x);
  const Parts<T> p = parts_of(n.x);
  const T e = p.e - n.off, rest = log1p_rest(p.f, T(0)), value = p.f + rest;
  const T lost = (p.f - value) + rest;  // in rounding the sum
  const T small = fused(value, low, fused(lost, high, e * two_low));
  return with_edges(x, fused(e, two_high, fused(value, high, small)));
}
template <class T>
[[gnu::always_inline]] inline T log2(T x) {
  constexpr T high = sizeof(T) == 4 ? T(1.44269502f) : T(1.4426950408889634);
  constexpr T low = sizeof(T) == 4 ? T(1.44269504088896341 - double(1.44269502f)) : T(2.0355273740931033e-17);
  return log_in_base<T>(x, high, low, T(1), T(0));
}
// log10(2) = two_high + two_low, where two_high times an exponent is exact.
template <class T>
[[gnu::always_inline]] inline T log10(T x) {
  constexpr double tenth = 0.43429448190325182765, two = 0.30102999566398119521;
  constexpr T high = T(tenth);
  constexpr T low = sizeof(T) == 4 ? T(tenth - double(high)) : T(1.09831965021676510e-17);
  constexpr T two_high = sizeof(T) == 4 ? T(0x1.344p-2) : T(0x1.34413509f6p-2);
  constexpr T two_low = sizeof(T) == 4 ? T(two - 0x1.344p-2) : T(3.69423907715893089e-13);
  return log_in_base<T>(x, high, low, two_high, two_low);
}

// With u = 1 + x = 2^e (1 + f), f = (x + (1 - 2^e)) / 2^e is found without the rounding of u.
template <class T>
[[gnu::always_inline]] inline T log1p(T x) {
  using B = Binary<T>;
  const T u = T(1) + x;
  const Parts<T> p = parts_of(u);
  const T scale = from_bits<T>((static_cast<Word<T>>(B::bias) - p.exponent) << B::digits);
  // 2^-e is not a normal number for the greatest x, where the 1 no longer matters.
  constexpr T large = sizeof(T) == 4 ? T(0x1p100) : T(0x1p1000);
  const T f = x > large ? p.f : fused(x, scale, scale - T(1));
  const T value = fused(p.e, Ln2<T>::high, f + log1p_rest(f, p.e * Ln2<T>::low));
  const T result = with_edges(u, value);
  constexpr T tiny = sizeof(T) == 4 ? T(1e-8) : T(1e-17);
  return std::fabs(x) < tiny ? x : result;
}

}  // namespace penlight::kernels::PENLIGHT_ISA::math

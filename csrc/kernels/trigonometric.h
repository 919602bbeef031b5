// sin and cos of numbers that are not huge; others are for the C library. See polynomial.h.
//
// x = n pi/2 + r with |r| <= pi/4. pi/2 is taken in parts of 33 bits (fdlibm's e_rem_pio2.c): n times each is
// exact up to the largest n there is here, so that r is right even next to a multiple of pi/2. float finds r
// in double.
#pragma once

#include "kernels/polynomial.h"

namespace penlight::kernels::PENLIGHT_ISA::math {

inline constexpr double trigonometric_limit = 0x1p20;

[[gnu::always_inline]] inline float sin_near_0(float r, float z) {
  return fused(r * z, polynomial(z, -1.95152871657e-4f, 8.33216079342e-3f, -0.166666546101f), r);
}
[[gnu::always_inline]] inline float cos_near_0(float z) {
  const float p = polynomial(z, 2.44331608668e-5f, -1.38873162911e-3f, 4.16666456838e-2f);
  return fused(z, fused(z, p, -0.5f), 1.f);
}
[[gnu::always_inline]] inline double sin_near_0(double r, double z) {
  return fused(r * z,
               polynomial(z, 1.58961989354149399e-10, -2.50507472437576253e-8, 2.75573136182085067e-6,
                          -1.98412698295808247e-4, 8.33333333332210832e-3, -0.166666666666666307),
               r);
}
[[gnu::always_inline]] inline double cos_near_0(double z) {
  const double p = polynomial(z, -1.13585152963938042e-11, 2.08757004433693404e-9, -2.75573141764529079e-7,
                              2.48015872888421896e-5, -1.38888888888730417e-3, 4.16666666666665928e-2);
  // 1 - z/2 is rounded; what it lost is added with the rest.
  const double half = 0.5 * z, w = 1 - half;
  return w + (((1 - w) - half) + z * z * p);
}

// sin x, or cos x with quarter 1.
template <class T>
[[gnu::always_inline]] inline T sine(T x, int quarter) {
  constexpr double part1 = 1.57079632673412561417e+00, part2 = 6.07710050630396597660e-11,
                   part3 = 2.02226624879595063154e-21;
  constexpr double shifter = 0x1.8p52;
  const double wide = static_cast<double>(x);
  const double shifted = fused(wide, 2 / M_PI, shifter);
  const double n = shifted - shifter;
  const T r = static_cast<T>(((wide - n * part1) - n * part2) - n * part3);
  const auto turn = static_cast<Word<T>>(bits(shifted)) + static_cast<Word<T>>(quarter);
  const T z = r * r;
  const T value = (turn & 1) ? cos_near_0(z) : sin_near_0(r, z);
  const Word<T> sign = (turn >> 1) << (8 * sizeof(T) - 1);
  return from_bits<T>(bits(value) ^ sign);
}

template <class T>
[[gnu::always_inline]] inline T sin(T x) {
  const Word<T> sign = bits(x) & (Word<T>(1) << (8 * sizeof(T) - 1));  // -0 stays
  return from_bits<T>(bits(sine(std::fabs(x), 0)) ^ sign);
}
template <class T>
[[gnu::always_inline]] inline T cos(T x) {
  return sine(x, 1);
}

}  // namespace penlight::kernels::PENLIGHT_ISA::math

// Functions of one number, for kernels. Included by kernel files only: everything is in their namespace.
#pragma once

#include <cmath>
#include <type_traits>

#include "kernels/isa.h"

namespace penlight::kernels::PENLIGHT_ISA::math {

// Round half to even, as IEEE 754 does.
template <class T>
inline T round_even(T x) {
  return std::nearbyint(x);
}

// ln |Gamma(x)|; the C library's, without its global sign variable.
template <class T>
inline T lgamma(T x) {
  int sign;
  return static_cast<T>(::lgamma_r(static_cast<double>(x), &sign));
}

// The derivative of ln Gamma: the recurrence up to 10, then the asymptotic series (Abramowitz &
// Stegun 6.3.18); reflection (6.3.7) for negative x.
inline double digamma(double x) {
  if (x == 0) return std::copysign(INFINITY, -x);
  if (x < 0) {
    double whole;
    const double rest = std::modf(x, &whole);
    if (rest == 0) return NAN;
    return digamma(1 - x) - M_PI / std::tan(M_PI * rest);
  }
  double result = 0;
  for (; x < 10; x += 1) result -= 1 / x;
  const double s = 1 / (x * x);
  const double series =
      s * (1. / 12 -
           s * (1. / 120 - s * (1. / 252 - s * (1. / 240 - s * (1. / 132 - s * (691. / 32760 - s / 12))))));
  return result + std::log(x) - 0.5 / x - series;
}

// The derivative of digamma: recurrence and series (Abramowitz & Stegun 6.4.6, 6.4.12), reflection (6.4.7).
inline double trigamma(double x) {
  if (x <= 0) {
    if (x == std::floor(x)) return INFINITY;
    const double s = M_PI / std::sin(M_PI * x);
    return s * s - trigamma(1 - x);
  }
  double result = 0;
  for (; x < 10; x += 1) result += 1 / (x * x);
  const double s = 1 / (x * x);
  return result + 1 / x + s / 2 +
         s / x * (1. / 6 - s * (1. / 30 - s * (1. / 42 - s * (1. / 30 - s * (5. / 66 - s * (691. / 2730))))));
}

// The inverse of erf: Giles' starting value (Approximating the erfinv function, 2012), two Newton steps in
// double.
inline double erfinv(double y) {
  if (!(y > -1 && y < 1)) return y == 1 ? INFINITY : y == -1 ? -INFINITY : NAN;
  double w = -std::log((1 - y) * (1 + y)), p;
  if (w < 5) {
    w -= 2.5;
    p = 2.81022636e-08;
    const double rest[] = {3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                           -0.00125372503, -0.00417768164, 0.246640727,     1.50140941};
    for (double c : rest) p = c + p * w;
  } else {
    w = std::sqrt(w) - 3;
    p = -0.000200214257;
    const double rest[] = {0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                           -0.0076224613,  0.00943887047, 1.00167406,     2.83297682};
    for (double c : rest) p = c + p * w;
  }
  double x = p * y;
  for (int i = 0; i < 2; ++i) {
    const double error = y > 0.5    ? (1 - y) - std::erfc(x)
                         : y < -0.5 ? std::erfc(-x) - (1 + y)
                                    : std::erf(x) - y;
    x -= error / (M_2_SQRTPI * std::exp(-x * x));
  }
  return x;
}

}  // namespace penlight::kernels::PENLIGHT_ISA::math

// Fourier transforms of many sequences at once: a lane is a sequence, so that every step is plain arithmetic
// on whole registers (J. W. Cooley, J. W. Tukey, "An algorithm for the machine calculation of complex Fourier
// series", 1965).
//
// A point is two registers, real and imaginary parts. to_frequencies splits a transform of n points into four
// of n / 4 (decimation in frequency) and leaves the frequencies in an order of its own, which to_times undoes
// as it joins them again: what only multiplies frequency by frequency never needs them sorted. Going down
// into one quarter after the other keeps the small ones in the nearest cache.
#pragma once

#include "kernels/fft_table.h"
#include "kernels/simd.h"

namespace penlight::kernels::PENLIGHT_ISA {

using FftLanes = Native<float>;
inline constexpr int64_t fft_lanes = FftLanes::width, fft_point = 2 * fft_lanes;  // floats

struct Complex {
  FftLanes re, im;

  [[gnu::always_inline]] static Complex load(const float* p) {
    return {FftLanes::load(p), FftLanes::load(p + fft_lanes)};
  }
  [[gnu::always_inline]] void store(float* p) const {
    re.store(p);
    im.store(p + fft_lanes);
  }
  [[gnu::always_inline]] friend Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
  [[gnu::always_inline]] friend Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
  // times (re + i im), or its conjugate
  [[gnu::always_inline]] Complex times(float factor_re, float factor_im) const {
    const FftLanes c = FftLanes::broadcast(factor_re), s = FftLanes::broadcast(factor_im);
    return {fma(re, c, FftLanes{-(im * s).v}), fma(re, s, im * c)};
  }
  [[gnu::always_inline]] Complex times_conjugate(float factor_re, float factor_im) const {
    const FftLanes c = FftLanes::broadcast(factor_re), s = FftLanes::broadcast(factor_im);
    return {fma(re, c, im * s), fma(im, c, FftLanes{-(re * s).v})};
  }
  [[gnu::always_inline]] Complex times_i() const { return {FftLanes{-im.v}, re}; }
};

// Four points, or eight, in registers; the steps are those below with constant factors.
template <bool forward>
[[gnu::always_inline]] inline void four_points(Complex& a, Complex& b, Complex& c, Complex& d) {
  const Complex even = a + c, odd = a - c, other_even = b + d;
  const Complex turned = (forward ? d - b : b - d).times_i();
  a = even + other_even, b = odd + turned, c = even - other_even, d = odd - turned;
}

[[gnu::always_inline]] inline void two_points(Complex& a, Complex& b) {
  const Complex sum = a + b;
  b = a - b;
  a = sum;
}

template <bool forward>
inline void few_points(int64_t n, float* x) {
  Complex v[8];
#pragma GCC unroll 8
  for (int i = 0; i < 4; ++i) v[i] = Complex::load(x + i * fft_point);
  if (n == 4) {
    four_points<forward>(v[0], v[1], v[2], v[3]);
  } else {
#pragma GCC unroll 4
    for (int i = 4; i < 8; ++i) v[i] = Complex::load(x + i * fft_point);
    // w = exp(-pi i / 4): its first three powers.
    constexpr float h = 0.70710678118654752f;
    if constexpr (forward) {
      four_points<true>(v[0], v[2], v[4], v[6]);
      four_points<true>(v[1], v[3], v[5], v[7]);
      v[3] = v[3].times(h, -h), v[5] = v[5].times(0, -1), v[7] = v[7].times(-h, -h);
#pragma GCC unroll 4
      for (int i = 0; i < 8; i += 2) two_points(v[i], v[i + 1]);
    } else {
#pragma GCC unroll 4
      for (int i = 0; i < 8; i += 2) two_points(v[i], v[i + 1]);
      v[3] = v[3].times_conjugate(h, -h), v[5] = v[5].times_conjugate(0, -1);
      v[7] = v[7].times_conjugate(-h, -h);
      four_points<false>(v[0], v[2], v[4], v[6]);
      four_points<false>(v[1], v[3], v[5], v[7]);
    }
#pragma GCC unroll 4
    for (int i = 4; i < 8; ++i) v[i].store(x + i * fft_point);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 4; ++i) v[i].store(x + i * fft_point);
}

// In place, n = 2^size >= 4. X[q] = sum over k of x[k] exp(-2 pi i q k / n), in an order of its own.
inline void to_frequencies(const FftTables& tables, int size, float* x) {
  if (size <= 3) return few_points<true>(int64_t(1) << size, x);
  const int64_t quarter = int64_t(1) << (size - 2), step = quarter * fft_point;
  const float* w = tables.of[size];
  float* at = x;
  for (int64_t k = 0; k < quarter; ++k, at += fft_point, w += 6) {
    Complex a = Complex::load(at), b = Complex::load(at + step);
    Complex c = Complex::load(at + 2 * step), d = Complex::load(at + 3 * step);
    four_points<true>(a, b, c, d);
    a.store(at);
    b.times(w[0], w[1]).store(at + step);
    c.times(w[2], w[3]).store(at + 2 * step);
    d.times(w[4], w[5]).store(at + 3 * step);
  }
  for (int64_t q = 0; q < 4; ++q) to_frequencies(tables, size - 2, x + q * step);
}

// The way back, n times too large.
inline void to_times(const FftTables& tables, int size, float* x) {
  if (size <= 3) return few_points<false>(int64_t(1) << size, x);
  const int64_t quarter = int64_t(1) << (size - 2), step = quarter * fft_point;
  for (int64_t q = 0; q < 4; ++q) to_times(tables, size - 2, x + q * step);
  const float* w = tables.of[size];
  for (int64_t k = 0; k < quarter; ++k, x += fft_point, w += 6) {
    Complex a = Complex::load(x), b = Complex::load(x + step).times_conjugate(w[0], w[1]);
    Complex c = Complex::load(x + 2 * step).times_conjugate(w[2], w[3]);
    Complex d = Complex::load(x + 3 * step).times_conjugate(w[4], w[5]);
    four_points<false>(a, b, c, d);
    a.store(x);
    b.store(x + step);
    c.store(x + 2 * step);
    d.store(x + 3 * step);
  }
}

}  // namespace penlight::kernels::PENLIGHT_ISA

// The bricks of the elementary functions: everything is plain arithmetic on one number without branches, so
// that loops over it become vector code, and so that an element's result does not depend on whether it lies
// in the vector part of a loop or in its tail. Included by kernel files only.
//
// Polynomials are minimax fits by the exchange algorithm of Remez (1934), relative to the function's value.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "kernels/isa.h"

namespace penlight::kernels::PENLIGHT_ISA::math {

// a * b + c, rounded once where the instruction set can.
template <class T>
[[gnu::always_inline]] inline T fused(T a, T b, T c) {
#if defined(__FMA__) || defined(__aarch64__)
  if constexpr (std::is_same_v<T, float>)
    return __builtin_fmaf(a, b, c);
  else
    return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

// Coefficients from the highest power down to the constant.
template <class T>
[[gnu::always_inline]] inline T polynomial(T, T constant) {
  return constant;
}
template <class T, class... Rest>
[[gnu::always_inline]] inline T polynomial(T x, T highest, T next, Rest... rest) {
  return polynomial(x, fused(highest, x, next), rest...);
}

// The layout of a number.
template <class T>
struct Binary;
template <>
struct Binary<float> {
  using Int = int32_t;
  using Word = uint32_t;
  static constexpr int digits = 23, bias = 127;
  static constexpr float shifter = 0x1.8p23f;  // adding it rounds to an integer, found in the lowest bits
  static constexpr float smallest_normal = 0x1p-126f;
};
template <>
struct Binary<double> {
  using Int = int64_t;
  using Word = uint64_t;
  static constexpr int digits = 52, bias = 1023;
  static constexpr double shifter = 0x1.8p52;
  static constexpr double smallest_normal = 0x1p-1022;
};
template <class T>
using Word = typename Binary<T>::Word;

template <class T>
[[gnu::always_inline]] inline Word<T> bits(T x) {
  return __builtin_bit_cast(Word<T>, x);
}
template <class T>
[[gnu::always_inline]] inline T from_bits(Word<T> word) {
  return __builtin_bit_cast(T, word);
}

}  // namespace penlight::kernels::PENLIGHT_ISA::math

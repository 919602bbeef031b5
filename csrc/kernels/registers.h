// What a number and a register of numbers have in common, so that a function is written once for both: N is
// float, double or a Vec of them (simd.h). Included by kernel files only: everything is in their namespace.
//
// On numbers alone a loop is left to the compiler. Registers serve where it does not find the instruction:
// for greater and lesser, whose ways with NaN are exactly those of the processor's, and in AVX-512 for
// rounding to whole numbers and scaling by powers of two.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "kernels/simd.h"

namespace penlight::kernels::PENLIGHT_ISA::math {

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

template <class N>
struct KindOf {
  using Number = N;
  using Word = typename Binary<N>::Word;
};
template <class T, int W>
struct KindOf<Vec<T, W>> {
  using Number = T;
  using Word = Vec<typename Binary<T>::Word, W>;
};
template <class N>
using Number = typename KindOf<N>::Number;
template <class N>
using Word = typename KindOf<N>::Word;  // its bits, as an unsigned integer
template <class N>
inline constexpr bool is_register = !std::is_same_v<N, Number<N>>;

// The same number everywhere.
template <class N>
[[gnu::always_inline]] inline N all(Number<N> x) {
  if constexpr (is_register<N>)
    return N::broadcast(x);
  else
    return x;
}
template <class N>
  requires is_register<N>
[[gnu::always_inline]] inline N all(N x) {
  return x;
}

// a * b + c, rounded once where the instruction set can.
template <class N>
[[gnu::always_inline]] inline N fused(N a, N b, N c) {
  if constexpr (is_register<N>) {
    return fma(a, b, c);
  } else {
#if defined(__FMA__) || defined(__aarch64__)
    if constexpr (std::is_same_v<N, float>)
      return __builtin_fmaf(a, b, c);
    else
      return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
  }
}

template <class N>
[[gnu::always_inline]] inline auto below(N a, N b) {
  if constexpr (is_register<N>)
    return a.v < b.v;
  else
    return a < b;
}
template <class N>
[[gnu::always_inline]] inline auto equal(N a, N b) {
  if constexpr (is_register<N>)
    return a.v == b.v;
  else
    return a == b;
}
template <class N, class Condition>
[[gnu::always_inline]] inline N choose(Condition condition, N a, N b) {
  if constexpr (is_register<N>)
    return {condition ? a.v : b.v};
  else
    return condition ? a : b;
}

// a > b ? a : b and a < b ? a : b, which is b where either is NaN.
template <class N>
[[gnu::always_inline]] inline N greater(N a, N b) {
  [[maybe_unused]] constexpr bool single = std::is_same_v<Number<N>, float>;
#if defined(__AVX512F__)
  if constexpr (is_register<N> && sizeof(N) == 64) {
    if constexpr (single)
      return {_mm512_maskz_max_ps(0xffff, a.v, b.v)};
    else
      return {_mm512_maskz_max_pd(0xff, a.v, b.v)};
  }
#endif
#if defined(__AVX__)
  if constexpr (is_register<N> && sizeof(N) == 32) {
    if constexpr (single)
      return {_mm256_max_ps(a.v, b.v)};
    else
      return {_mm256_max_pd(a.v, b.v)};
  }
#endif
  return choose(below(b, a), a, b);
}
template <class N>
[[gnu::always_inline]] inline N lesser(N a, N b) {
  [[maybe_unused]] constexpr bool single = std::is_same_v<Number<N>, float>;
#if defined(__AVX512F__)
  if constexpr (is_register<N> && sizeof(N) == 64) {
    if constexpr (single)
      return {_mm512_maskz_min_ps(0xffff, a.v, b.v)};
    else
      return {_mm512_maskz_min_pd(0xff, a.v, b.v)};
  }
#endif
#if defined(__AVX__)
  if constexpr (is_register<N> && sizeof(N) == 32) {
    if constexpr (single)
      return {_mm256_min_ps(a.v, b.v)};
    else
      return {_mm256_min_pd(a.v, b.v)};
  }
#endif
  return choose(below(a, b), a, b);
}

template <class N>
[[gnu::always_inline]] inline Word<N> bits(N x) {
  return __builtin_bit_cast(Word<N>, x);
}
template <class N>
[[gnu::always_inline]] inline N from_bits(Word<N> word) {
  return __builtin_bit_cast(N, word);
}

template <class N>
[[gnu::always_inline]] inline N negative(N x) {
  if constexpr (is_register<N>)
    return {-x.v};
  else
    return -x;
}
template <class N>
[[gnu::always_inline]] inline N magnitude(N x) {
  if constexpr (is_register<N>)
    return from_bits<N>({bits(x).v & ~bits(all<N>(Number<N>(-0.0))).v});
  else
    return std::fabs(x);
}
// The magnitude of one with the sign of the other.
template <class N>
[[gnu::always_inline]] inline N with_sign(N x, N sign) {
  if constexpr (is_register<N>) {
    const auto mask = bits(all<N>(Number<N>(-0.0))).v;
    return from_bits<N>({(bits(x).v & ~mask) | (bits(sign).v & mask)});
  } else {
    return std::copysign(x, sign);
  }
}

// A whole number k and its power of two. In AVX-512 an instruction scales by 2^k; elsewhere k is added to the
// bias in the lowest bits of a number so large that they count ones, and shifted into the exponent's place,
// where 2^k is a normal number.
template <class N>
struct Whole {
  static constexpr bool scales =
#if defined(__AVX512F__)
      is_register<N> && sizeof(N) == 64;
#else
      false;
#endif
  using B = Binary<Number<N>>;
  static constexpr Number<N> shifter = B::shifter + B::bias;
  using Exponent = std::conditional_t<scales, N, Word<N>>;

  N k;
  Exponent exponent;  // k itself, or the bits of 2^k modulo their number

  [[gnu::always_inline]] static inline Whole of_shifted(N shifted) {
    if constexpr (is_register<N>)
      return {shifted - all<N>(shifter), {bits(shifted).v << B::digits}};
    else
      return {shifted - shifter, bits(shifted) << B::digits};
  }
#if defined(__AVX512F__)
  [[gnu::always_inline]] static inline Whole rounded(N x) {
    constexpr int to_nearest = 8;  // and no exception
    if constexpr (std::is_same_v<Number<N>, float>)
      x.v = _mm512_maskz_roundscale_ps(0xffff, x.v, to_nearest);
    else
      x.v = _mm512_maskz_roundscale_pd(0xff, x.v, to_nearest);
    return {x, x};
  }
  [[gnu::always_inline]] static inline N scaled(N x, N k) {
    if constexpr (std::is_same_v<Number<N>, float>)
      return {_mm512_maskz_scalef_ps(0xffff, x.v, k.v)};
    else
      return {_mm512_maskz_scalef_pd(0xff, x.v, k.v)};
  }
#endif

  // The whole number next to x, or to x times factor.
  [[gnu::always_inline]] static inline Whole next_to(N x) {
    if constexpr (scales)
      return rounded(x);
    else
      return of_shifted(x + all<N>(shifter));
  }
  [[gnu::always_inline]] static inline Whole next_to(N x, Number<N> factor) {
    if constexpr (scales)
      return rounded(x * all<N>(factor));
    else
      return of_shifted(fused(x, all<N>(factor), all<N>(shifter)));
  }

  // 2^(k + more)
  [[gnu::always_inline]] static inline N power(Exponent exponent, int more = 0) {
    if constexpr (scales) {
      return scaled(all<N>(1), more ? exponent + all<N>(static_cast<Number<N>>(more)) : exponent);
    } else {
      const auto shift = static_cast<typename B::Word>(static_cast<typename B::Word>(more) << B::digits);
      if constexpr (is_register<N>)
        return from_bits<N>({exponent.v + shift});
      else
        return from_bits<N>(exponent + shift);
    }
  }
  // x 2^k for x next to 1
  [[gnu::always_inline]] static inline N times_power(N x, Exponent exponent) {
    if constexpr (scales)
      return scaled(x, exponent);
    else
      return x * power(exponent);
  }
  // (1 + part) 2^(k + more)
  [[gnu::always_inline]] static inline N one_and(N part, Exponent exponent, int more = 0) {
    if constexpr (scales) {
      return scaled(all<N>(1) + part, more ? exponent + all<N>(static_cast<Number<N>>(more)) : exponent);
    } else {
      const N factor = power(exponent, more);
      return fused(factor, part, factor);
    }
  }
};

// Numbers of a 16-bit format, in the type of their computation.
struct Widened {
  static constexpr int64_t most = 256;
  float of[most];
  template <class T>
  Widened(const T* from, int64_t count) {
    for (int64_t i = 0; i < count; ++i) of[i] = static_cast<float>(from[i]);
  }
};

// to[i] = f(from[i]...), a register at a time. The last one is filled up: a number's result does not depend
// on its place.
template <class T, class F, class... In>
[[gnu::always_inline]] inline void each_register(T* to, int64_t count, F f, const In*... from) {
  if constexpr (std::is_floating_point_v<T>) {
    constexpr int W = native_width<T>;
    int64_t i = 0;
    for (; i + W <= count; i += W) f(Native<T>::load(from + i)...).store(to + i);
    if (i < count) f(Native<T>::load_partial(from + i, count - i)...).store_partial(to + i, count - i);
  } else {
    for (int64_t i = 0; i < count; i += Widened::most) {
      const int64_t some = count - i < Widened::most ? count - i : Widened::most;
      float result[Widened::most];
      const auto run = [&](const auto&... wide) { each_register(result, some, f, wide.of...); };
      run(Widened(from + i, some)...);
      for (int64_t j = 0; j < some; ++j) to[i + j] = T(result[j]);
    }
  }
}

}  // namespace penlight::kernels::PENLIGHT_ISA::math

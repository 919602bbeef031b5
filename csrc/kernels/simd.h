// Vectors of numbers over the compiler's vector extensions, for files under kernels/isa/.
//
// Vec<T, N> holds N numbers of type T in one or more registers; Vec<T, 1> is its scalar twin, with the same
// operations, for tails and for readers. native_width<T> is the N that fills one register of the instruction
// set the file is compiled for. Everything lies inside the instruction set's own namespace (see isa.h).
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace penlight::kernels::PENLIGHT_ISA {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64, vector_registers = 32;
#elif defined(__AVX2__)
inline constexpr int vector_bytes = 32, vector_registers = 16;
#elif defined(__aarch64__)
inline constexpr int vector_bytes = 16, vector_registers = 32;
#else
inline constexpr int vector_bytes = 16, vector_registers = 16;
#endif

template <class T>
inline constexpr int native_width = vector_bytes / static_cast<int>(sizeof(T));

template <class T, int N>
struct Vec {
  typedef T Native __attribute__((vector_size(N * sizeof(T))));
  static constexpr int width = N;
  Native v;

  static Vec zero() { return {Native{}}; }
  static Vec broadcast(T x) { return {x - Native{}}; }
  static Vec load(const T* p) {
    Vec r;
    __builtin_memcpy(&r.v, p, sizeof(r.v));
    return r;
  }
  // The first count < N numbers; the others are zero. Nothing behind p + count is touched.
  static Vec load_partial(const T* p, int64_t count);
  void store(T* p) const { __builtin_memcpy(p, &v, sizeof(v)); }
  void store_partial(T* p, int64_t count) const;

  T operator[](int i) const { return v[i]; }
  friend Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
  friend Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
  friend Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
  friend Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
  // Halves are joined by f until one number is left: the order never changes.
  template <class F>
  [[gnu::always_inline]] T fold(F f) const {
    Vec<T, N / 2> low, high;
    __builtin_memcpy(&low.v, &v, sizeof(low.v));
    __builtin_memcpy(&high.v, reinterpret_cast<const char*>(&v) + sizeof(low.v), sizeof(high.v));
    return f(low, high).fold(f);
  }
  T sum() const {
    return fold([](auto a, auto b) { return a + b; });
  }
};

template <class T>
struct Vec<T, 1> {
  static constexpr int width = 1;
  T v;
  static Vec zero() { return {T(0)}; }
  static Vec broadcast(T x) { return {x}; }
  static Vec load(const T* p) { return {*p}; }
  static Vec load_partial(const T*, int64_t) { return zero(); }
  void store(T* p) const { *p = v; }
  void store_partial(T*, int64_t) const {}
  T operator[](int) const { return v; }
  friend Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
  friend Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
  friend Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
  friend Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
  template <class F>
  T fold(F) const {
    return v;
  }
  T sum() const { return v; }
};

template <class T>
using Native = Vec<T, native_width<T>>;

#if defined(__AVX2__) && !defined(__AVX512F__)
// All bits of the first `count` numbers of a register, 4 or 8 bytes each.
template <int bytes>
inline __m256i first_lanes(int64_t count) {
  if constexpr (bytes == 4)
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  else
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}
#endif

template <class T, int N>
inline Vec<T, N> Vec<T, N>::load_partial(const T* p, int64_t count) {
#if defined(__AVX512F__)
  if constexpr (N * sizeof(T) == 64 && sizeof(T) == 4) {
    const __m512i bits = _mm512_maskz_loadu_epi32(static_cast<__mmask16>((1u << count) - 1), p);
    return {reinterpret_cast<Native>(bits)};
  }
  if constexpr (N * sizeof(T) == 64 && sizeof(T) == 8) {
    const __m512i bits = _mm512_maskz_loadu_epi64(static_cast<__mmask8>((1u << count) - 1), p);
    return {reinterpret_cast<Native>(bits)};
  }
#elif defined(__AVX2__)
  if constexpr (N * sizeof(T) == 32 && std::is_same_v<T, float>)
    return {_mm256_maskload_ps(p, first_lanes<4>(count))};
  if constexpr (N * sizeof(T) == 32 && std::is_same_v<T, double>)
    return {_mm256_maskload_pd(p, first_lanes<8>(count))};
#endif
  Vec r = zero();
  for (int64_t i = 0; i < count; ++i) r.v[i] = p[i];
  return r;
}

template <class T, int N>
inline void Vec<T, N>::store_partial(T* p, int64_t count) const {
#if defined(__AVX512F__)
  if constexpr (N * sizeof(T) == 64 && sizeof(T) == 4) {
    _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1u << count) - 1), reinterpret_cast<__m512i>(v));
    return;
  }
  if constexpr (N * sizeof(T) == 64 && sizeof(T) == 8) {
    _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1u << count) - 1), reinterpret_cast<__m512i>(v));
    return;
  }
#elif defined(__AVX2__)
  if constexpr (N * sizeof(T) == 32 && std::is_same_v<T, float>)
    return _mm256_maskstore_ps(p, first_lanes<4>(count), v);
  if constexpr (N * sizeof(T) == 32 && std::is_same_v<T, double>)
    return _mm256_maskstore_pd(p, first_lanes<8>(count), v);
#endif
  for (int64_t i = 0; i < count; ++i) p[i] = v[i];
}

// Has a value stay in a register: compilers may otherwise load it anew wherever it is used.
template <class T, int N>
[[gnu::always_inline]] inline Vec<T, N> in_register(Vec<T, N> a) {
#if defined(__x86_64__)
  asm("" : "+v"(a.v));
#elif defined(__aarch64__)
  asm("" : "+w"(a.v));
#endif
  return a;
}

// a * b + c, rounded once where the instruction set can (every one but baseline x86-64).
template <class T, int N>
inline Vec<T, N> fma(Vec<T, N> a, Vec<T, N> b, Vec<T, N> c) {
  [[maybe_unused]] constexpr bool is_float = std::is_same_v<T, float>, is_double = std::is_same_v<T, double>;
#if defined(__AVX512F__)
  if constexpr (is_float && N == 16) return {_mm512_fmadd_ps(a.v, b.v, c.v)};
  if constexpr (is_double && N == 8) return {_mm512_fmadd_pd(a.v, b.v, c.v)};
#endif
#if defined(__FMA__)
  if constexpr (is_float && N == 8) return {_mm256_fmadd_ps(a.v, b.v, c.v)};
  if constexpr (is_double && N == 4) return {_mm256_fmadd_pd(a.v, b.v, c.v)};
  if constexpr (is_float && N == 4) return {_mm_fmadd_ps(a.v, b.v, c.v)};
  if constexpr (is_double && N == 2) return {_mm_fmadd_pd(a.v, b.v, c.v)};
  if constexpr (is_float && N == 1) return {__builtin_fmaf(a.v, b.v, c.v)};
  if constexpr (is_double && N == 1) return {__builtin_fma(a.v, b.v, c.v)};
#elif defined(__aarch64__)
  if constexpr (is_float && N == 4) return {vfmaq_f32(c.v, a.v, b.v)};
  if constexpr (is_double && N == 2) return {vfmaq_f64(c.v, a.v, b.v)};
  if constexpr (is_float && N == 1) return {__builtin_fmaf(a.v, b.v, c.v)};
  if constexpr (is_double && N == 1) return {__builtin_fma(a.v, b.v, c.v)};
#endif
  return a * b + c;
}

// Copies count numbers, a register at a time.
template <class T>
inline void copy_run(T* to, const T* from, int64_t count) {
  constexpr int W = native_width<T>;
  for (; count >= W; count -= W, to += W, from += W) Native<T>::load(from).store(to);
#if defined(__AVX2__)
  if constexpr (vector_bytes == 64 ? sizeof(T) >= 4 : std::is_floating_point_v<T>) {
    if (count) Native<T>::load_partial(from, count).store_partial(to, count);
    return;
  }
#endif
  for (; count > 0; --count) *to++ = *from++;
}

}  // namespace penlight::kernels::PENLIGHT_ISA

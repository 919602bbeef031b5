// Rearranging numbers in registers: transposing blocks, taking or placing every second number of a run.
#pragma once

#include <utility>

#include "kernels/simd.h"

namespace penlight::kernels::PENLIGHT_ISA {

template <class T, int N, int... I>
inline Vec<T, N> interleave_low(Vec<T, N> a, Vec<T, N> b, std::integer_sequence<int, I...>) {
  return {__builtin_shufflevector(a.v, b.v, (I % 2 * N + I / 2)...)};
}
template <class T, int N, int... I>
inline Vec<T, N> interleave_high(Vec<T, N> a, Vec<T, N> b, std::integer_sequence<int, I...>) {
  return {__builtin_shufflevector(a.v, b.v, (I % 2 * N + N / 2 + I / 2)...)};
}
// The numbers at even places of a and b.
template <class T, int N, int... I>
inline Vec<T, N> even_places(Vec<T, N> a, Vec<T, N> b, std::integer_sequence<int, I...>) {
  return {__builtin_shufflevector(a.v, b.v, (2 * I)...)};
}

// N registers of N numbers. Interleaving the first half of the registers with the second turns the bits of
// (register, lane), written as one number, round by one place; after log2(N) turns the two have changed
// places.
template <class T, int N>
[[gnu::always_inline]] inline void transpose_registers(Vec<T, N> (&v)[N]) {
  constexpr auto lanes = std::make_integer_sequence<int, N>();
#pragma GCC unroll 8
  for (int turn = 1; turn < N; turn *= 2) {
    Vec<T, N> next[N];
#pragma GCC unroll 16
    for (int i = 0; i < N / 2; ++i) {
      next[2 * i] = interleave_low(v[i], v[i + N / 2], lanes);
      next[2 * i + 1] = interleave_high(v[i], v[i + N / 2], lanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) v[i] = next[i];
  }
}

// to[c * ld_to + r] = from[r * ld_from + c], for at most a register of rows. With `padded`, every line of
// `to` is written to the length of a register, zeros behind the rows.
template <class T, bool padded>
inline void transpose_rows(const T* from, int64_t ld_from, int64_t rows, int64_t columns, T* to,
                           int64_t ld_to) {
  using V = Native<T>;
  constexpr int W = V::width;
  for (int64_t c = 0; c < columns; c += W) {
    const int64_t count = columns - c < W ? columns - c : W;
    V v[W];
    if (rows == W && count == W) {
#pragma GCC unroll 16
      for (int r = 0; r < W; ++r) v[r] = V::load(from + r * ld_from + c);
    } else {
#pragma GCC unroll 16
      for (int r = 0; r < W; ++r)
        v[r] = r < rows ? V::load_partial(from + r * ld_from + c, count) : V::zero();
    }
    for (int r = 0; r < rows; ++r) __builtin_prefetch(from + r * ld_from + c + 2 * W);
    transpose_registers(v);
    T* line = to + c * ld_to;
    if (padded || rows == W) {
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i)
        if (i < count) v[i].store(line + i * ld_to);
    } else {
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i)
        if (i < count) v[i].store_partial(line + i * ld_to, rows);
    }
  }
}

// to[c * R + r] = from[r * ld_from + c], for a power of two of rows: fewer turns, and whole registers
// written.
template <class T, int R>
inline void interleave_rows(const T* from, int64_t ld_from, int64_t columns, T* to) {
  using V = Native<T>;
  constexpr int W = V::width;
  constexpr auto lanes = std::make_integer_sequence<int, W>();
  int64_t c = 0;
  for (; c + W <= columns; c += W, to += R * W) {
    V v[R];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) v[r] = V::load(from + r * ld_from + c);
#pragma GCC unroll 8
    for (int turn = 1; turn < R; turn *= 2) {
      V next[R];
#pragma GCC unroll 16
      for (int i = 0; i < R / 2; ++i) {
        next[2 * i] = interleave_low(v[i], v[i + R / 2], lanes);
        next[2 * i + 1] = interleave_high(v[i], v[i + R / 2], lanes);
      }
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) v[i] = next[i];
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) v[r].store(to + r * W);
  }
  for (; c < columns; ++c)
    for (int r = 0; r < R; ++r) *to++ = from[r * ld_from + c];
}

// to[c * ld_to + r] = from[r * ld_from + c]
template <class T>
inline void transpose(const T* from, int64_t ld_from, int64_t rows, int64_t columns, T* to, int64_t ld_to) {
  constexpr int W = native_width<T>;
  if (rows == ld_to) {
    if (rows == 2) return interleave_rows<T, 2>(from, ld_from, columns, to);
    if (rows == 4) return interleave_rows<T, 4>(from, ld_from, columns, to);
    if (rows == 8) return interleave_rows<T, 8>(from, ld_from, columns, to);
  }
  for (int64_t r = 0; r < rows; r += W)
    transpose_rows<T, false>(from + r * ld_from, ld_from, rows - r < W ? rows - r : W, columns, to + r,
                             ld_to);
}

#if defined(__AVX512F__)
// Lanes [first, last) of a register.
[[gnu::always_inline]] inline uint32_t lane_bits(int64_t first, int64_t last) {
  return first < last ? (0xffffffffu >> (32 - last)) & (0xffffffffu << first) : 0;
}
template <class T>
[[gnu::always_inline]] inline Native<T> load_lanes(const T* from, uint32_t lanes) {
  if constexpr (sizeof(T) == 4)
    return {_mm512_maskz_loadu_ps(static_cast<__mmask16>(lanes), from)};
  else
    return {_mm512_maskz_loadu_pd(static_cast<__mmask8>(lanes), from)};
}
template <class T>
[[gnu::always_inline]] inline void store_lanes(T* to, uint32_t lanes, Native<T> v) {
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>(lanes), v.v);
  else
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>(lanes), v.v);
}
#endif

// For count lines: to[i * ld_to + j] = from[i * ld_from + j * step] for first <= j < last, and zero for the
// other j < length. Nothing else of `from` is read. What does not change from line to line is worked out once
// for all.
template <class T>
inline void copy_lines(const T* from, int64_t ld_from, int64_t step, int64_t count, int64_t first,
                       int64_t last, int64_t length, T* to, int64_t ld_to) {
#if defined(__AVX512F__)
  using V = Native<T>;
  constexpr int W = V::width;
  const auto within = [](int64_t place, int64_t j) { return place < j ? 0 : place - j < W ? place - j : W; };
  if (step == 1) {
    // Line by line, as memory is read ahead best; from the first register to the last all lanes are full.
    const int64_t last_j = length > 0 ? (length - 1) / W * W : 0;
    const int64_t full0 = (first + W - 1) / W * W, full1 = last / W * W < last_j ? last / W * W : last_j;
    const auto read = [&](int64_t j) { return lane_bits(within(first, j), within(last, j)); };
    const uint32_t read_last = read(last_j), written_last = lane_bits(0, within(length, last_j));
    if (last_j == 0) {
      for (int64_t i = 0; i < count; ++i, from += ld_from, to += ld_to)
        store_lanes<T>(to, written_last, load_lanes(from, read_last));
      return;
    }
    for (int64_t i = 0; i < count; ++i, from += ld_from, to += ld_to) {
      int64_t j = 0;
      for (; j < full0 && j < last_j; j += W) load_lanes(from + j, read(j)).store(to + j);
      for (; j < full1; j += W) V::load(from + j).store(to + j);
      for (; j < last_j; j += W) load_lanes(from + j, read(j)).store(to + j);
      store_lanes<T>(to + last_j, written_last, load_lanes(from + last_j, read_last));
    }
    return;
  }
  if (step == 2) {
    for (int64_t j = 0; j < length; j += W) {
      const int64_t low = within(first, j), high = within(last, j);
      const uint32_t written = lane_bits(0, within(length, j));
      const T* line = from + j * step;
      T* at = to + j;
      const auto half = [&](int64_t place) { return place < 0 ? 0 : place < W ? place : W; };
      const uint32_t read0 = lane_bits(half(2 * low), half(2 * high - 1));
      const uint32_t read1 = lane_bits(half(2 * low - W), half(2 * high - 1 - W));
      constexpr auto lanes = std::make_integer_sequence<int, W>();
      for (int64_t i = 0; i < count; ++i, line += ld_from, at += ld_to)
        store_lanes<T>(at, written, even_places(load_lanes(line, read0), load_lanes(line + W, read1), lanes));
    }
    return;
  }
#endif
  for (int64_t i = 0; i < count; ++i, from += ld_from, to += ld_to) {
    for (int64_t j = 0; j < first; ++j) to[j] = T(0);
    if (step == 1)
      copy_run(to + first, from + first, last - first);
    else
      for (int64_t j = first; j < last; ++j) to[j] = from[j * step];
    for (int64_t j = last; j < length; ++j) to[j] = T(0);
  }
}

// For count lines: to[i * ld_to + j * step] = or += from[i * ld_from + j], j < length.
template <class T, bool add>
inline void place_lines(const T* from, int64_t ld_from, int64_t count, int64_t length, T* to, int64_t ld_to,
                        int64_t step) {
#if defined(__AVX512F__)
  constexpr int W = native_width<T>;
  if (step == 1) {
    for (int64_t j = 0; j < length; j += W) {
      const uint32_t lanes = lane_bits(0, length - j < W ? length - j : W);
      const T* line = from + j;
      T* at = to + j;
      for (int64_t i = 0; i < count; ++i, line += ld_from, at += ld_to) {
        Native<T> v = load_lanes(line, lanes);
        if (add) v = v + load_lanes<T>(at, lanes);
        store_lanes<T>(at, lanes, v);
      }
    }
    return;
  }
  if (step == 2) {
    // Half a register, every number twice; every second lane is written.
    constexpr int H = W / 2;
    for (int64_t j = 0; j < length; j += H) {
      const int64_t here = length - j < H ? length - j : H;
      const uint32_t read = lane_bits(0, here), written = lane_bits(0, 2 * here - 1) & 0x5555u;
      const T* line = from + j;
      T* at = to + 2 * j;
      for (int64_t i = 0; i < count; ++i, line += ld_from, at += ld_to) {
        const Native<T> half = load_lanes(line, read);
        Native<T> v = interleave_low(half, half, std::make_integer_sequence<int, W>());
        if (add) v = v + load_lanes<T>(at, written);
        store_lanes<T>(at, written, v);
      }
    }
    return;
  }
#endif
  for (int64_t i = 0; i < count; ++i, from += ld_from, to += ld_to)
    for (int64_t j = 0; j < length; ++j) {
      T& at = to[j * step];
      at = add ? at + from[j] : from[j];
    }
}

}  // namespace penlight::kernels::PENLIGHT_ISA

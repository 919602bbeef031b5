// The two register-blocked inner loops that matrix products and convolutions are made of.
//
// outer: a tile of R rows by NV registers of C. For every k, NV registers of B are loaded and R numbers of A
// are
//   broadcast, and all R * NV products are added to accumulators that never leave the registers. B's numbers
//   are used R times a load, A's NV * width times.
//     registers  R x NV   accumulators + B + one broadcast
//     16 (AVX2)   6 x 2   12 + 2 + 1 = 15;  12 independent sums cover 2 units x 4..5 cycles of latency
//     32         14 x 2   28 + 2 + 1 = 31
//   A is packed in panels [k][R], so that it streams; B in panels [k][NV * width], or read in place where its
//   rows are contiguous.
//
// dot: a tile of R x S sums over the contiguous axis of both operands. R + S loads for R * S products, no
// packing:
//   for x · Wᵀ with few rows, and for weight gradients whose channels would leave registers half empty: at
//   best 9/10 of the outer tile's speed, as two products in five are paid for with a load and its sums must
//   be folded.
//     16: 3 x 4 (12 + 3 + 1);  32: 5 x 5 (25 + 5 + 1)
#pragma once

#include <utility>

#include "kernels/simd.h"

namespace penlight::kernels::PENLIGHT_ISA {

inline constexpr int outer_rows = vector_registers == 32 ? 14 : 6;
inline constexpr int outer_registers = 2;
template <class T>
inline constexpr int outer_columns = outer_registers * native_width<T>;

inline constexpr int dot_rows = vector_registers == 32 ? 5 : 3;
inline constexpr int dot_columns = vector_registers == 32 ? 5 : 4;

// Rows are shared out evenly over the fewest panels: 16 rows are 8 + 8, never 14 + 2.
struct RowPanels {
  int64_t count, height;  // all panels but the last have `height` rows
  explicit RowPanels(int64_t rows, int64_t most = outer_rows) {
    count = (rows + most - 1) / most;
    height = count ? (rows + count - 1) / count : 0;
    if (height) count = (rows + height - 1) / height;
  }
};

// C[r][·] = (start ? start[r] : 0) + (add ? C[r][·] : 0) + sum over k of a[k * R + r] * b[k * ldb + ·]
template <class T, int R, int NV>
inline void outer_tile(int64_t k, const T* a, const T* b, int64_t ldb, T* c, int64_t ldc, const T* start,
                       bool add) {
  using V = Native<T>;
  constexpr int W = V::width;
  V sum[R][NV];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) sum[r][j] = V::zero();
  for (int64_t i = 0; i < k; ++i) {
    V row[NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) row[j] = V::load(b + j * W);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const V factor = V::broadcast(a[r]);
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) sum[r][j] = fma(factor, row[j], sum[r][j]);
    }
    a += R;
    b += ldb;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    const V first = start ? V::broadcast(start[r]) : V::zero();
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      T* to = c + r * ldc + j * W;
      V value = sum[r][j];
      if (start) value = value + first;
      if (add) value = value + V::load(to);
      value.store(to);
    }
  }
}

// The same with A where it lies: a[r * a_row + k * a_column]. For products too small for packing A to pay.
template <class T, int R, int NV>
inline void outer_tile_in_place(int64_t k, const T* a, int64_t a_row, int64_t a_column, const T* b,
                                int64_t ldb, T* c, int64_t ldc, bool add) {
  using V = Native<T>;
  constexpr int W = V::width;
  // Every third row has a pointer, those between are one and two strides on: few enough registers.
  constexpr int groups = (R + 2) / 3;
  const T* rows[groups];
  for (int g = 0; g < groups; ++g) rows[g] = a + 3 * g * a_row;
  V sum[R][NV];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) sum[r][j] = add ? V::load(c + r * ldc + j * W) : V::zero();
  for (int64_t i = 0; i < k; ++i) {
    V row[NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) row[j] = V::load(b + j * W);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const V factor = V::broadcast(rows[r / 3][r % 3 * a_row]);
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) sum[r][j] = fma(factor, row[j], sum[r][j]);
    }
#pragma GCC unroll 8
    for (int g = 0; g < groups; ++g) rows[g] += a_column;
    b += ldb;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) sum[r][j].store(c + r * ldc + j * W);
}

template <class T>
using OuterTileInPlace = void (*)(int64_t, const T*, int64_t, int64_t, const T*, int64_t, T*, int64_t, bool);

template <class T, int NV, int R = 1>
inline OuterTileInPlace<T> outer_tile_in_place_of(int64_t rows) {
  if constexpr (R < outer_rows) {
    if (rows != R) return outer_tile_in_place_of<T, NV, R + 1>(rows);
  }
  return outer_tile_in_place<T, R, NV>;
}

// sums[r][·] = (add ? sums[r][·] : 0) + sum over lines and i < count of a[i * R + r] * b[j][starts[line] + i
// * step + ·], for NV columns of one register each that may lie anywhere. A runs on from line to line. `sums`
// is the tile's registers one after the other.
template <class T, int R, int NV>
inline void outer_tile_lines(int64_t lines, const int64_t* starts, int64_t count, const T* a,
                             const T* const* b, int64_t step, T* sums, bool add) {
  using V = Native<T>;
  constexpr int W = V::width;
  const T* columns[NV];
#pragma GCC unroll 4
  for (int j = 0; j < NV; ++j) columns[j] = b[j];
  V sum[R][NV];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) sum[r][j] = V::zero();
  for (int64_t line = 0; line < lines; ++line) {
    const int64_t end = starts[line] + count * step;
    for (int64_t at = starts[line]; at != end; at += step) {
      V row[NV];
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) row[j] = V::load(columns[j] + at);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const V factor = V::broadcast(a[r]);
#pragma GCC unroll 4
        for (int j = 0; j < NV; ++j) sum[r][j] = fma(factor, row[j], sum[r][j]);
      }
      a += R;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      T* to = sums + (r * NV + j) * W;
      V value = sum[r][j];
      if (add) value = value + V::load(to);
      value.store(to);
    }
}

template <class T>
using OuterTileLines = void (*)(int64_t, const int64_t*, int64_t, const T*, const T* const*, int64_t, T*,
                                bool);

// The tile function for a panel of `rows` (1..outer_rows) and NV columns of registers.
template <class T, int NV, int R = 1>
inline OuterTileLines<T> outer_tile_lines_of(int64_t rows) {
  if constexpr (R < outer_rows) {
    if (rows != R) return outer_tile_lines_of<T, NV, R + 1>(rows);
  }
  return outer_tile_lines<T, R, NV>;
}

template <class T>
using OuterTile = void (*)(int64_t, const T*, const T*, int64_t, T*, int64_t, const T*, bool);

// The tile function for a panel of `rows` (1..outer_rows).
template <class T, int NV = outer_registers, int R = 1>
inline OuterTile<T> outer_tile_of(int64_t rows) {
  if constexpr (R < outer_rows) {
    if (rows != R) return outer_tile_of<T, NV, R + 1>(rows);
  }
  return outer_tile<T, R, NV>;
}

// Lane j of the result is the sum of v[j]'s lanes.
template <class T, int N, int... I>
inline Vec<T, N> add_neighbours(Vec<T, N> a, Vec<T, N> b, std::integer_sequence<int, I...>) {
  return {__builtin_shufflevector(a.v, b.v, (2 * I)...) + __builtin_shufflevector(a.v, b.v, (2 * I + 1)...)};
}

template <class T, int N>
inline Vec<T, N> sum_each(Vec<T, N> (&v)[N]) {
#pragma GCC unroll 8
  for (int length = N / 2; length > 0; length /= 2)
#pragma GCC unroll 16
    for (int i = 0; i < length; ++i)
      v[i] = add_neighbours(v[2 * i], v[2 * i + 1], std::make_integer_sequence<int, N>());
  return v[0];
}

// sums[r][s] += sum over i < count of a[r * lda + i] * b[s][i]. Of a and b nothing behind count is read.
template <class T, int R, int S>
inline void dot_tile(int64_t count, const T* a, int64_t lda, const T* const (&b)[S], T* sums,
                     int64_t ld_sums) {
  using V = Native<T>;
  constexpr int W = V::width;
  V sum[R][S];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) sum[r][s] = V::zero();
  int64_t i = 0;
  for (; i + W <= count; i += W) {
    V left[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) left[r] = V::load(a + r * lda + i);
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) {
      const V right = V::load(b[s] + i);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r][s] = fma(left[r], right, sum[r][s]);
    }
  }
  if (i < count) {
    V left[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) left[r] = V::load_partial(a + r * lda + i, count - i);
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) {
      const V right = V::load_partial(b[s] + i, count - i);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r][s] = fma(left[r], right, sum[r][s]);
    }
  }
  // Pairs of registers are folded into one until each lane of one register is a whole sum.
  constexpr int groups = (R * S + W - 1) / W;
  alignas(64) T total[groups * W];
#pragma GCC unroll 16
  for (int g = 0; g < groups; ++g) {
    V fold[W];
#pragma GCC unroll 16
    for (int j = 0; j < W; ++j)
      fold[j] = g * W + j < R * S ? sum[(g * W + j) / S][(g * W + j) % S] : V::zero();
    sum_each(fold).store(total + g * W);
  }
  for (int r = 0; r < R; ++r)
    for (int s = 0; s < S; ++s) sums[r * ld_sums + s] += total[r * S + s];
}

// The same for any number of rows and columns; column(s) is where b[s] begins.
template <class T, int S, class Column>
inline void dot_columns_block(int64_t rows, int64_t s, int64_t count, const T* a, int64_t lda,
                              const Column& column, T* sums, int64_t ld_sums) {
  const T* b[S];
  for (int j = 0; j < S; ++j) b[j] = column(s + j);
  int64_t r = 0;
  for (; r + dot_rows <= rows; r += dot_rows)
    dot_tile<T, dot_rows, S>(count, a + r * lda, lda, b, sums + r * ld_sums + s, ld_sums);
  for (; r + 2 <= rows; r += 2)
    dot_tile<T, 2, S>(count, a + r * lda, lda, b, sums + r * ld_sums + s, ld_sums);
  for (; r < rows; ++r) dot_tile<T, 1, S>(count, a + r * lda, lda, b, sums + r * ld_sums + s, ld_sums);
}

template <class T, class Column>
inline void dot_block(int64_t rows, int64_t columns, int64_t count, const T* a, int64_t lda,
                      const Column& column, T* sums, int64_t ld_sums) {
  int64_t s = 0;
  for (; s + dot_columns <= columns; s += dot_columns)
    dot_columns_block<T, dot_columns>(rows, s, count, a, lda, column, sums, ld_sums);
  for (; s + 2 <= columns; s += 2) dot_columns_block<T, 2>(rows, s, count, a, lda, column, sums, ld_sums);
  for (; s < columns; ++s) dot_columns_block<T, 1>(rows, s, count, a, lda, column, sums, ld_sums);
}

// sums[r][s][·] += a[r * lda + i] * b[s][i] for i < count, a whole number of registers: a register for every
// sum, kept in memory between calls (the tile's registers one after the other) and added up by the caller at
// the end.
template <class T, int R, int S>
inline void dot_tile_kept(int64_t count, const T* a, int64_t lda, const T* const* columns, T* sums) {
  using V = Native<T>;
  constexpr int W = V::width;
  const T* b[S];
#pragma GCC unroll 8
  for (int s = 0; s < S; ++s) b[s] = columns[s];
  V sum[R][S];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) sum[r][s] = V::load(sums + (r * S + s) * W);
  for (int64_t i = 0; i < count; i += W) {
    V left[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) left[r] = V::load(a + r * lda + i);
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) {
      const V right = V::load(b[s] + i);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r][s] = fma(left[r], right, sum[r][s]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) sum[r][s].store(sums + (r * S + s) * W);
}

template <class T>
using DotTileKept = void (*)(int64_t, const T*, int64_t, const T* const*, T*);

template <class T, int R = 1, int S = 1>
inline DotTileKept<T> dot_tile_kept_of(int64_t rows, int64_t columns) {
  if constexpr (R < dot_rows) {
    if (rows != R) return dot_tile_kept_of<T, R + 1, S>(rows, columns);
  }
  if constexpr (S < dot_columns) {
    if (columns != S) return dot_tile_kept_of<T, R, S + 1>(rows, columns);
  }
  return dot_tile_kept<T, R, S>;
}

}  // namespace penlight::kernels::PENLIGHT_ISA

// The transforms of one level (toom_cook.h) as straight-line code on registers; a lane is a channel.
//
//   input    n inputs to n values at the points                (Bᵗ)
//   output   n products to m outputs                           (Aᵗ)
//   spread   m outputs' gradients to n values at the points    (A, for the weight gradient)
//
// For a pair p, -p the terms with even and odd powers are summed once; their sum and difference are the two
// values.
#pragma once

#include "kernels/simd.h"
#include "kernels/toom_cook.h"

namespace penlight::kernels::PENLIGHT_ISA {

using Lanes = Native<float>;
inline constexpr int lanes = Lanes::width;

// sum over j of M::at(row, j) * x[j]; coefficients are known to the compiler, zeros cost nothing.
template <class M, int row, int j, int count>
[[gnu::always_inline]] inline Lanes add_terms(Lanes sum, const Lanes* x) {
  if constexpr (j == count) {
    return sum;
  } else {
    constexpr double c = M::at(row, j);
    if constexpr (c == 0)
      return add_terms<M, row, j + 1, count>(sum, x);
    else if constexpr (c == 1)
      return add_terms<M, row, j + 1, count>(sum + x[j], x);
    else if constexpr (c == -1)
      return add_terms<M, row, j + 1, count>(sum - x[j], x);
    else
      return add_terms<M, row, j + 1, count>(fma(Lanes::broadcast(static_cast<float>(c)), x[j], sum), x);
  }
}

template <class M, int row, int j, int count>
[[gnu::always_inline]] inline Lanes combination(const Lanes* x) {
  if constexpr (j == count) {
    return Lanes::zero();
  } else {
    constexpr double c = M::at(row, j);
    if constexpr (c == 0)
      return combination<M, row, j + 1, count>(x);
    else if constexpr (c == 1)
      return add_terms<M, row, j + 1, count>(x[j], x);
    else
      return add_terms<M, row, j + 1, count>(Lanes::broadcast(static_cast<float>(c)) * x[j], x);
  }
}

template <int n>
struct Level {
  static constexpr toom_cook::Points points = toom_cook::points_of(n);
  static constexpr int zero = points.zero, infinity = points.infinity, pairs = points.pairs;
  static_assert(zero + 2 * pairs + infinity == n);

  // The coefficients of the product of all x - q but x - p are those of x Q and p Q; of all but x + p, x Q -
  // p Q.
  struct TimesX {
    static constexpr double at(int k, int j) {
      return toom_cook::product_of_pairs(points, k, zero + 1).at[j];
    }
  };
  struct TimesP {
    static constexpr double at(int k, int j) {
      return points.pair[k] * toom_cook::product_of_pairs(points, k, zero).at[j];
    }
  };
  // All pairs: row 0 without the point zero, row 1 with it.
  struct All {
    static constexpr double at(int row, int j) {
      return toom_cook::product_of_pairs(points, -1, row ? zero : 0).at[j];
    }
  };
  // Even (row 2 k) and odd (2 k + 1) powers of pair k.
  struct Powers {
    static constexpr double at(int row, int j) {
      return j % 2 == row % 2 ? toom_cook::power(points.pair[row / 2], j) : 0;
    }
  };
  // Of power j at all pairs.
  struct AtPairs {
    static constexpr double at(int j, int k) { return toom_cook::power(points.pair[k], j); }
  };

  template <int k = 0>
  [[gnu::always_inline]] static void input(const Lanes (&x)[n], Lanes (&y)[n]) {
    if constexpr (k < pairs) {
      const Lanes a = combination<TimesX, k, 0, n>(x), b = combination<TimesP, k, 0, n>(x);
      y[zero + 2 * k] = a + b;
      y[zero + 2 * k + 1] = a - b;
      input<k + 1>(x, y);
    } else {
      if constexpr (zero) y[0] = combination<All, 0, 0, n>(x);
      if constexpr (infinity) y[n - 1] = combination<All, 1, 0, n>(x);
    }
  }

  template <int m, int j = 0>
  [[gnu::always_inline]] static void output(const Lanes (&x)[n], Lanes (&y)[m]) {
    Lanes sums[pairs], differences[pairs];
#pragma GCC unroll 4
    for (int k = 0; k < pairs; ++k) {
      sums[k] = x[zero + 2 * k] + x[zero + 2 * k + 1];
      differences[k] = x[zero + 2 * k] - x[zero + 2 * k + 1];
    }
    outputs<m, 0>(x, sums, differences, y);
  }

  template <int m, int k = 0>
  [[gnu::always_inline]] static void spread(const Lanes (&x)[m], Lanes (&y)[n]) {
    if constexpr (k < pairs) {
      const Lanes even = combination<Powers, 2 * k, 0, m>(x), odd = combination<Powers, 2 * k + 1, 0, m>(x);
      y[zero + 2 * k] = even + odd;
      y[zero + 2 * k + 1] = even - odd;
      spread<m, k + 1>(x, y);
    } else {
      if constexpr (zero) y[0] = x[0];
      if constexpr (infinity) y[n - 1] = x[m - 1];
    }
  }

 private:
  template <int m, int j>
  [[gnu::always_inline]] static void outputs(const Lanes (&x)[n], const Lanes (&sums)[pairs],
                                             const Lanes (&differences)[pairs], Lanes (&y)[m]) {
    if constexpr (j < m) {
      Lanes value = combination<AtPairs, j, 0, pairs>(j % 2 ? differences : sums);
      if constexpr (zero && j == 0) value = value + x[0];
      if constexpr (infinity && j == m - 1) value = value + x[n - 1];
      y[j] = value;
      outputs<m, j + 1>(x, sums, differences, y);
    }
  }
};

// A transform along one level of a box of vectors, for all places of two other axes. Steps count floats.
struct Pass {
  int64_t from_step, to_step;  // along the level
  int64_t count[2], from_next[2], to_next[2];
};
using RunPass = void (*)(const Pass&, const float* from, float* to);

enum class Transform { input, output, spread };

template <Transform kind, int n, int m>
void run_pass(const Pass& pass, const float* from, float* to) {
  constexpr int inputs = kind == Transform::spread ? m : n, results = kind == Transform::output ? m : n;
  for (int64_t i = 0; i < pass.count[0]; ++i)
    for (int64_t j = 0; j < pass.count[1]; ++j) {
      const float* a = from + i * pass.from_next[0] + j * pass.from_next[1];
      float* b = to + i * pass.to_next[0] + j * pass.to_next[1];
      Lanes x[inputs], y[results];
#pragma GCC unroll 10
      for (int k = 0; k < inputs; ++k) x[k] = Lanes::load(a + k * pass.from_step);
      if constexpr (kind == Transform::input)
        Level<n>::input(x, y);
      else if constexpr (kind == Transform::output)
        Level<n>::template output<m>(x, y);
      else
        Level<n>::template spread<m>(x, y);
#pragma GCC unroll 10
      for (int k = 0; k < results; ++k) y[k].store(b + k * pass.to_step);
    }
}

// n and m from [3, 10] and [2, n - 1].
template <Transform kind, int n = toom_cook::least_points, int m = 2>
RunPass pass_of(int points, int outputs) {
  if constexpr (n < toom_cook::most_points) {
    if (points != n) return pass_of<kind, n + 1>(points, outputs);
  }
  if constexpr (kind != Transform::input && m < n - 1) {
    if (outputs != m) return pass_of<kind, n, m + 1>(points, outputs);
  }
  return run_pass<kind, n, m>;
}

}  // namespace penlight::kernels::PENLIGHT_ISA

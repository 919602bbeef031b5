// Max pooling over neighbouring pairs along the last axis (kernel 2, stride 2, nothing outside), as most nets
// have it: pairs are taken apart and put together in registers, so that rows of any length fill them.
#pragma once

#include "kernels/pool_geometry.h"
#include "kernels/transpose.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

// Whether windows are pairs along the last axis and lie inside along all.
inline bool pools_pairs(const PoolGeometry& g) {
  if (g.adaptive || g.kernel[2] != 2 || g.stride[2] != 2 || g.dilation[2] != 1) return false;
  for (int i = 0; i < 3; ++i)
    if (g.pad[i] || (g.output[i] - 1) * g.stride[i] + (g.kernel[i] - 1) * g.dilation[i] >= g.input[i])
      return false;
  return g.output_plane() > 0;
}

// Whether no input lies in two windows.
inline bool pools_apart(const PoolGeometry& g) {
  for (int i = 0; i < 3; ++i)
    if ((g.kernel[i] - 1) * g.dilation[i] >= g.stride[i]) return false;
  return true;
}

// Whether every input lies in a window.
inline bool pools_all(const PoolGeometry& g) {
  for (int i = 0; i < 3; ++i)
    if (g.dilation[i] != 1 || g.kernel[i] < g.stride[i] || g.output[i] * g.stride[i] < g.input[i])
      return false;
  return true;
}

template <class T>
struct Pairs {
  using V = Native<T>;
  static constexpr int W = V::width;
  using Int = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  typedef Int Places __attribute__((vector_size(sizeof(V))));
  static constexpr auto lanes = std::make_integer_sequence<int, W>();

  V even, odd;

  template <int... I>
  static V odd_places(V a, V b, std::integer_sequence<int, I...>) {
    return {__builtin_shufflevector(a.v, b.v, (2 * I + 1)...)};
  }
  // `count` pairs, at most W.
  static Pairs load(const T* from, int64_t count) {
    V a, b = V::zero();
    if (count == W) {
      a = V::load(from), b = V::load(from + W);
    } else {
      a = V::load_partial(from, smaller(2 * count, W));
      if (2 * count > W) b = V::load_partial(from + W, 2 * count - W);
    }
    return {even_places(a, b, lanes), odd_places(a, b, lanes)};
  }
  void store(T* to, int64_t count) const {
    const V low = interleave_low(even, odd, lanes), high = interleave_high(even, odd, lanes);
    if (count == W) {
      low.store(to), high.store(to + W);
    } else {
      low.store_partial(to, smaller(2 * count, W));
      if (2 * count > W) high.store_partial(to + W, 2 * count - W);
    }
  }
  // The places of the pairs' first values.
  static Places places(int64_t first) {
    Places p;
    for (int j = 0; j < W; ++j) p[j] = static_cast<Int>(2 * j);
    return p + static_cast<Int>(first);
  }
  // Where a value is larger than the best, or no number, it and its place are taken.
  static void take_larger(V value, Places at, V& best, Places& index) {
    const auto taken = (value.v > best.v) | (value.v != value.v);
    best.v = taken ? value.v : best.v;
    index = taken ? at : index;
  }
  // Indices are 64 bits wide: of floats, two registers for one.
  using Wide = Native<int64_t>;
  static constexpr int H = Wide::width;
  typedef Int Half __attribute__((vector_size(H * sizeof(Int))));

  static void store_places(Places p, int64_t* to, int64_t count) {
    if constexpr (W == H) {
      store_wide({p}, to, count);
    } else {
      Half halves[2];
      __builtin_memcpy(halves, &p, sizeof(p));
      store_wide({__builtin_convertvector(halves[0], typename Wide::Native)}, to, count);
      if (count > H)
        store_wide({__builtin_convertvector(halves[1], typename Wide::Native)}, to + H, count - H);
    }
  }
  static Places load_places(const int64_t* from, int64_t count) {
    if constexpr (W == H) {
      return load_wide(from, count).v;
    } else {
      const Wide high = count > H ? load_wide(from + H, count - H) : Wide::zero();
      const Half halves[2] = {__builtin_convertvector(load_wide(from, count).v, Half),
                              __builtin_convertvector(high.v, Half)};
      Places p;
      __builtin_memcpy(&p, halves, sizeof(p));
      return p;
    }
  }

 private:
  static void store_wide(Wide v, int64_t* to, int64_t count) {
    if (count >= H)
      v.store(to);
    else
      v.store_partial(to, count);
  }
  static Wide load_wide(const int64_t* from, int64_t count) {
    return count >= H ? Wide::load(from) : Wide::load_partial(from, count);
  }
};

// Calls row(first) for every row of taps of an output row: the place of its first value in the input plane.
template <class Row>
[[gnu::always_inline]] inline void each_pair_row(const PoolGeometry& g, int64_t oz, int64_t oy,
                                                 const Row& row) {
  for (int64_t tz = 0; tz < g.kernel[0]; ++tz)
    for (int64_t ty = 0; ty < g.kernel[1]; ++ty)
      row(((oz * g.stride[0] + tz * g.dilation[0]) * g.input[1] + oy * g.stride[1] + ty * g.dilation[1]) *
          g.input[2]);
}

// One output row of a plane. indices, the row's, may be null.
template <class T>
void max_of_pairs(const PoolGeometry& g, const T* input, int64_t oz, int64_t oy, T* output,
                  int64_t* indices) {
  using P = Pairs<T>;
  for (int64_t column = 0; column < g.output[2]; column += P::W) {
    const int64_t count = smaller(P::W, g.output[2] - column);
    const int64_t start = (oz * g.stride[0] * g.input[1] + oy * g.stride[1]) * g.input[2] + 2 * column;
    typename P::V best = P::load(input + start, count).even;
    typename P::Places index = P::places(start);
    each_pair_row(g, oz, oy, [&](int64_t first) {
      const P pairs = P::load(input + first + 2 * column, count);
      const typename P::Places at = P::places(first + 2 * column);
      P::take_larger(pairs.even, at, best, index);
      P::take_larger(pairs.odd, at + 1, best, index);
    });
    if (count == P::W)
      best.store(output + column);
    else
      best.store_partial(output + column, count);
    if (indices) P::store_places(index, indices + column, count);
  }
}

// One plane of windows that lie apart; inputs in none are left as they are.
template <class T>
void spread_to_pairs(const PoolGeometry& g, const T* output_gradient, const int64_t* indices,
                     T* input_gradient) {
  using P = Pairs<T>;
  const typename P::V zero = P::V::zero();
  for (int64_t oz = 0; oz < g.output[0]; ++oz)
    for (int64_t oy = 0; oy < g.output[1]; ++oy)
      for (int64_t column = 0; column < g.output[2]; column += P::W) {
        const int64_t count = smaller(P::W, g.output[2] - column);
        const int64_t from = (oz * g.output[1] + oy) * g.output[2] + column;
        const auto slope = (count == P::W ? P::V::load(output_gradient + from)
                                          : P::V::load_partial(output_gradient + from, count)) +
                           zero;  // as a sum from zero, of which -0 is none
        const typename P::Places index = P::load_places(indices + from, count);
        each_pair_row(g, oz, oy, [&](int64_t first) {
          const typename P::Places at = P::places(first + 2 * column);
          P pairs;
          pairs.even.v = index == at ? slope.v : zero.v;
          pairs.odd.v = index == at + 1 ? slope.v : zero.v;
          pairs.store(input_gradient + first + 2 * column, count);
        });
      }
}

}  // namespace penlight::kernels::PENLIGHT_ISA

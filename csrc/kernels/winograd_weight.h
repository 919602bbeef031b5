// The weight's transform of a fast convolution, and its transpose, which a weight gradient ends with.
#pragma once

#include "kernels/winograd_tiles.h"

namespace penlight::kernels::PENLIGHT_ISA {

// G of every level, and the weight's tap that each tap of the levels stands for (or -1 beyond the last).
struct TapTransform {
  float factor[3][toom_cook::most_points * toom_cook::most_points];  // [n][r]
  int32_t tap[most_frequencies];                                     // [level 0][level 1][level 2] of r
  int64_t taps, frequencies;
  int levels, n[3], r[3];

  TapTransform(const TapProduct& q, const WinogradPlan& plan)
      : taps(1), frequencies(plan.frequencies()), levels(plan.levels) {
    for (int l = 0; l < levels; ++l) {
      n[l] = plan.level[l].n, r[l] = plan.level[l].r;
      taps *= r[l];
      for (int i = 0; i < n[l]; ++i)
        for (int j = 0; j < r[l]; ++j)
          factor[l][i * r[l] + j] = static_cast<float>(toom_cook::tap_factor(n[l], r[l], i, j));
    }
    for (int64_t i = 0; i < taps; ++i) {
      int64_t at[3] = {0, 0, 0}, rest = i;
      for (int l = levels - 1; l >= 0; --l) {
        at[plan.level[l].axis] += rest % r[l] * plan.level[l].unit;
        rest /= r[l];
      }
      int64_t place = 0;
      bool inside = true;
      for (int a = 0; a < 3; ++a) {
        inside = inside && at[a] < q.axis[a].taps;
        place = place * q.weight_kernel[a] + q.axis[a].weight_first + at[a] * q.axis[a].weight_step;
      }
      tap[i] = inside ? static_cast<int32_t>(place) : -1;
    }
  }

  // One level's factors from `inner` neighbours' distance on: out[i] = sum over j of f(i, j) in[j].
  template <class Factor>
  static void apply(int results, int terms, int64_t outer, int64_t inner, const Factor& f, const float* from,
                    float* to) {
    for (int64_t o = 0; o < outer; ++o)
      for (int i = 0; i < results; ++i)
        for (int64_t k = 0; k < inner; ++k) {
          Lanes sum = Lanes::zero();
          for (int j = 0; j < terms; ++j)
            sum = fma(Lanes::broadcast(f(i, j)), Lanes::load(from + ((o * terms + j) * inner + k) * lanes),
                      sum);
          sum.store(to + ((o * results + i) * inner + k) * lanes);
        }
  }

  // Vectors [taps] to [frequencies], in place, with `other` to work in (most_frequencies vectors each); gives
  // where the result is.
  float* to_frequencies(float* values, float* other) const {
    int64_t inner = taps, outer = 1;
    for (int l = 0; l < levels; ++l) {
      inner /= r[l];
      const float* f = factor[l];
      const int terms = r[l];
      apply(n[l], r[l], outer, inner, [=](int i, int j) { return f[i * terms + j]; }, values, other);
      outer *= n[l];
      float* const made = other;
      other = values, values = made;
    }
    return values;
  }
  // [frequencies] to [taps].
  float* to_taps(float* values, float* other) const {
    int64_t inner = frequencies, outer = 1;
    for (int l = 0; l < levels; ++l) {
      inner /= n[l];
      const float* f = factor[l];
      const int results = r[l];
      apply(r[l], n[l], outer, inner, [=](int i, int j) { return f[j * results + i]; }, values, other);
      outer *= r[l];
      float* const made = other;
      other = values, values = made;
    }
    return values;
  }
};

}  // namespace penlight::kernels::PENLIGHT_ISA

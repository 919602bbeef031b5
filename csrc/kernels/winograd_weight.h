// The weight's transform of a fast convolution, and its transpose, which a weight gradient ends with.
//
// G is A with as many columns as there are taps, its rows divided by a number each (toom_cook.h): the passes
// are those of the output's gradient and of the output, with taps in the place of outputs, and the divisors
// of all levels together are one factor for each frequency.
#pragma once

#include "kernels/micro_kernels.h"
#include "kernels/whole_numbers.h"
#include "kernels/winograd_tiles.h"

namespace penlight::kernels::PENLIGHT_ISA {

inline constexpr int64_t panel_columns = outer_columns<float>;

// Rounded up to whole vectors, an odd number of them: frequencies and tiles then spread over the cache's
// sets.
inline int64_t odd_vectors(int64_t floats) {
  return (blocks_of(floats, lanes) | 1) * lanes;
}

// The product of one frequency for a tile of so many rows.
template <int NV, int R = 1>
OuterTileInPlace<float> tile_product(int64_t rows) {
  if constexpr (R < outer_rows) {
    if (rows != R) return tile_product<NV, R + 1>(rows);
  }
  return outer_tile_in_place<float, R, NV>;
}

struct TapTransform {
  int64_t taps, frequencies;
  int32_t
      tap[most_frequencies];  // the weight's tap that one of the levels' taps stands for, -1 beyond the last
  int32_t place[most_frequencies];  // where in the box of vectors its vector lies
  float factor[most_frequencies];   // of a frequency
  TilePasses spread, gather;

  TapTransform(const TapProduct& q, const WinogradPlan& plan)
      : taps(1),
        frequencies(plan.frequencies()),
        spread(passes(Transform::spread, plan)),
        gather(passes(Transform::output, plan)) {
    int64_t box[3];
    frequency_steps(plan, lanes, box);
    for (int l = 0; l < plan.levels; ++l) taps *= plan.level[l].r;
    for (int64_t i = 0; i < taps; ++i) {
      int64_t at[3] = {0, 0, 0}, rest = i, vector = 0, weight_tap = 0;
      for (int l = plan.levels - 1; l >= 0; --l) {
        const WinogradLevel& level = plan.level[l];
        at[level.axis] += rest % level.r * level.unit;
        vector += rest % level.r * box[l];
        rest /= level.r;
      }
      bool inside = true;
      for (int a = 0; a < 3; ++a) {
        inside = inside && at[a] < q.axis[a].taps;
        weight_tap = weight_tap * q.weight_kernel[a] + q.axis[a].weight_first + at[a] * q.axis[a].weight_step;
      }
      tap[i] = inside ? static_cast<int32_t>(weight_tap) : -1;
      place[i] = static_cast<int32_t>(vector);
    }
    for (int64_t f = 0; f < frequencies; ++f) {
      double product = 1;
      int64_t rest = f;
      for (int l = plan.levels - 1; l >= 0; --l) {
        product *= toom_cook::point_factor(plan.level[l].n, static_cast<int>(rest % plan.level[l].n));
        rest /= plan.level[l].n;
      }
      factor[f] = static_cast<float>(product);
    }
  }

  static TilePasses passes(Transform kind, WinogradPlan plan) {
    for (WinogradLevel& level : plan.level) level.m = level.r;
    int64_t box[3];
    frequency_steps(plan, lanes, box);
    return TilePasses(kind, plan, box, box);
  }

  // In place, most_frequencies vectors; `box` to work in.
  void to_frequencies(float* values, float* box) const {
    spread(1, values, 0, values, 0, box);
    for (int64_t f = 0; f < frequencies; ++f)
      (Lanes::load(values + f * lanes) * Lanes::broadcast(factor[f])).store(values + f * lanes);
  }
  void to_taps(float* values, float* box) const {
    for (int64_t f = 0; f < frequencies; ++f)
      (Lanes::load(values + f * lanes) * Lanes::broadcast(factor[f])).store(values + f * lanes);
    gather(1, values, 0, values, 0, box);
  }
};

}  // namespace penlight::kernels::PENLIGHT_ISA

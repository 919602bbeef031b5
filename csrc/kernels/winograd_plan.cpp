#include "kernels/winograd_plan.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <vector>

#include "kernels/toom_cook.h"

namespace penlight::kernels {

namespace {

std::atomic<FastConvolutions> state{FastConvolutions::where_faster};

// How much the rounding error grows with one level of n points, against direct sums, as measured over random
// values. Levels multiply; the product is kept under `most_growth`, which holds the errors stated in
// docs/fast-convolution.md.
constexpr double growth[toom_cook::most_points + 1] = {0, 0, 0, 1, 1.2, 1.5, 1.9, 2.9, 4.2, 10, 13};
constexpr double most_growth = 18, growth_of_pairs = 1.25;  // of two taps: more outputs from as many points

// Costs count vector instructions. A matrix product takes one a product; a transform about n² / 2 and the
// loads and stores of n values; turning a band takes about 6 a position. Below `least_gain` a direct kernel
// is simpler.
constexpr double turning = 6, least_gain = 1.25;
// An instruction on registers half as wide, of which there are half as many, takes half the time where the
// processor does two at once, and as much where it does not; the gain over wide ones should be clear.
constexpr double narrow_cost = 0.65, clearly = 0.9;
constexpr double least_work = 1 << 18;  // products of a whole convolution below which it is not worth looking
// A weight no pair of nonzero values ever met has a gradient of exactly 0 in a direct sum, and of rounding
// noise in a fast one, which optimizers that scale by the gradient's size (Adam) turn into whole steps. Small
// nets have such weights, so their weight gradients are summed as they are written.
constexpr double least_work_for_weights = 1 << 25;

double transform(double n) {
  return n * n / 2 + 3 * n;
}

double lanes() {
  return current_isa() == Isa::avx512 ? 16 : current_isa() == Isa::avx2 ? 8 : 4;
}

double vectors(int64_t channels, double lanes) {
  return std::ceil(static_cast<double>(channels) / lanes);
}

// The levels of one axis.
struct Candidate {
  std::array<WinogradLevel, 3> level;
  int levels = 0;
  double growth = 1, products = 1, outputs = 1, tiles = 1;
};

void add_level(Candidate& c, int axis, int m, int r, int64_t unit) {
  WinogradLevel& level = c.level[static_cast<size_t>(c.levels++)];
  level.axis = axis, level.m = m, level.r = r, level.n = m + r - 1, level.unit = unit;
  c.growth *= growth[level.n] * (r == 2 ? growth_of_pairs : 1);
  c.products *= level.n, c.outputs *= m;
}

// Every way to do an axis: one level, or levels over blocks of 3 to 5 (`depth` more of them).
void find_candidates(const TapAxis& axis, int a, std::vector<Candidate>& found) {
  if (axis.taps == 1) {
    found.push_back({});
    found.back().tiles = static_cast<double>(axis.count);
    return;
  }
  const int64_t phases = std::min(axis.tap_step, axis.count);
  const int64_t positions = (axis.count + phases - 1) / phases;
  const auto add = [&](int64_t taps, std::initializer_list<int> blocks) {
    int64_t unit = 1, blocks_taps = taps;
    for (const int block : blocks) unit *= block, blocks_taps = (blocks_taps + block - 1) / block;
    if (blocks_taps < 2) return;
    for (int64_t m = 2; m + blocks_taps - 1 <= toom_cook::most_points; ++m) {
      Candidate c;
      add_level(c, a, static_cast<int>(m), static_cast<int>(blocks_taps), unit);
      int64_t inner = unit;
      for (const int block : blocks) inner /= block, add_level(c, a, block, block, inner);
      const int64_t advance = m * unit;
      c.tiles = static_cast<double>((positions + advance - 1) / advance * phases);
      if (c.growth <= most_growth) found.push_back(c);
    }
  };
  add(axis.taps, {});
  if (axis.taps > 5)
    for (const int block : {3, 4, 5}) add(axis.taps, {block});
  if (axis.taps > 15)
    for (const int block : {3, 4}) add(axis.taps, {block, block});
}

// Instructions of one kind of transform for a tile and a vector of channels: the passes, and the band.
double transform_cost(const WinogradPlan& plan, bool inputs) {
  double cost = 0;
  for (int p = 0; p < plan.levels; ++p) {
    double others = 1;
    for (int l = 0; l < plan.levels; ++l)
      if (l != p) others *= inputs || l > p ? plan.level[l].n : plan.level[l].m;
    cost += others * transform(plan.level[p].n);
  }
  double positions = 1;
  for (int a = 0; a < 3; ++a)
    positions *= static_cast<double>(a == 2 || !inputs ? plan.advance(a) : plan.span(a));
  return cost + turning * positions;
}

}  // namespace

FastConvolutions fast_convolutions() {
  return state.load(std::memory_order_relaxed);
}

void set_fast_convolutions(FastConvolutions when) {
  state.store(when, std::memory_order_relaxed);
}

std::string plan_text(const WinogradPlan& plan) {
  std::string text;
  for (int l = 0; l < plan.levels; ++l)
    text +=
        (l ? " F(" : "F(") + std::to_string(plan.level[l].m) + ", " + std::to_string(plan.level[l].r) + ")";
  return text;
}

WinogradPlan plan_winograd(const TapProduct& q, bool weight_gradient, double sum) {
  double work = static_cast<double>(q.batch) * static_cast<double>(q.groups);
  work *= static_cast<double>(q.rows) * static_cast<double>(q.channels) * static_cast<double>(q.taps());
  work *= static_cast<double>(q.positions());
  work = std::min(work, sum);
  const FastConvolutions when = fast_convolutions();
  const bool always = when == FastConvolutions::always;
  if (when == FastConvolutions::never || q.taps() == 1) return {};
  if (!always && (q.taps() < 3 || work < (weight_gradient ? least_work_for_weights : least_work))) return {};
  for (const TapAxis& axis : q.axis)
    if (axis.taps > 1 && (axis.step != 1 || axis.tap_step < 1)) return {};
  for (const TapAxis& axis : q.axis)
    if (axis.taps == 1 && axis.step != 1) return {};

  std::vector<Candidate> candidates[3];
  for (int a = 0; a < 3; ++a) find_candidates(q.axis[a], a, candidates[a]);
  const double images = static_cast<double>(q.batch);
  WinogradPlan best;
  double least = always ? 1e300 : work / static_cast<double>(q.groups) / lanes() / least_gain;
  const auto consider = [&](double width, double instruction) {
    const double row_vectors = vectors(q.rows, width), channel_vectors = vectors(q.channels, width);
    const double products_a_frequency = weight_gradient ? static_cast<double>(q.rows) * channel_vectors
                                                        : static_cast<double>(q.channels) * row_vectors;
    for (const Candidate& z : candidates[0])
      for (const Candidate& y : candidates[1])
        for (const Candidate& x : candidates[2]) {
          if (z.levels + y.levels + x.levels > 3 || z.growth * y.growth * x.growth > most_growth) continue;
          const double frequencies = z.products * y.products * x.products;
          if (frequencies > 512) continue;
          const double tiles = z.tiles * y.tiles * x.tiles * images;
          double cost = instruction * tiles * frequencies * products_a_frequency;
          if (cost >= least) continue;
          WinogradPlan plan;
          plan.narrow = width < lanes();
          for (const Candidate* c : {&z, &y, &x})
            for (int l = 0; l < c->levels; ++l) plan.level[plan.levels++] = c->level[static_cast<size_t>(l)];
          cost += instruction * tiles *
                  (channel_vectors * transform_cost(plan, true) + row_vectors * transform_cost(plan, false));
          cost += instruction * 4 * frequencies * products_a_frequency;  // the weight's transform
          if (cost < least) least = plan.cost = cost, best = plan;
        }
  };
  consider(lanes(), 1);
  if (best.levels) least *= clearly;
  if (current_isa() == Isa::avx512) consider(8, narrow_cost);
  return best;
}

}  // namespace penlight::kernels

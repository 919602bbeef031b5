#include "kernels/fourier_plan.h"

#include <algorithm>
#include <cmath>

#include "kernels/fft_table.h"
#include "kernels/winograd_plan.h"

namespace penlight::kernels {

namespace {

constexpr double least_gain = 1.25;
constexpr double way_back = 24;  // more for a transform back: its results are placed block by block
// Bytes that a thread's transforms may take; beyond what a large L2 holds each step costs more.
constexpr double most_bytes = 8 << 20, near_bytes = 1 << 20;

}  // namespace

FourierPlan plan_fourier(const TapProduct& q, bool weight_gradient) {
  FourierPlan best;
  const TapAxis& x = q.axis[2];
  const bool always = fast_convolutions() == FastConvolutions::always;
  if (fast_convolutions() == FastConvolutions::never || x.step != 1 || x.tap_step < 1) return best;
  if (q.axis[0].taps != 1 || q.axis[1].taps != 1 || x.taps < (always ? 2 : 16)) return best;

  const double lanes = current_isa() == Isa::avx512 ? 16 : current_isa() == Isa::avx2 ? 8 : 4;
  const double channels = static_cast<double>(q.channels), rows = static_cast<double>(q.rows);
  const int64_t phases = std::min(x.tap_step, x.count), line = x.count ? (x.count + phases - 1) / phases : 0;
  const double lines = static_cast<double>(q.batch * q.axis[0].count * q.axis[1].count * phases);
  const double direct = lines * static_cast<double>(line * x.taps) * channels * rows / lanes;
  double least = always ? 1e300 : direct / least_gain;
  if (!always && direct * lanes * static_cast<double>(q.groups) < 1 << 18) return best;
  for (int64_t n = least_fft; n <= largest_fft; n *= 2) {
    if (n < x.taps + x.taps / 4) continue;
    FourierPlan plan;
    plan.n = n;
    const double points = static_cast<double>(n);
    const double sequences = channels + (weight_gradient ? 1 + channels * rows : std::min(4., rows));
    const double bytes = points * 8 * lanes * sequences;
    if (bytes > most_bytes) break;
    const double blocks =
        static_cast<double>((line + plan.outputs(x.taps) - 1) / plan.outputs(x.taps)) * lines;
    const double vectors = std::ceil(blocks / (2 * lanes));
    // Of a point: seven instructions for two bits of the transform's length, and about 12 to turn two
    // numbers.
    const double transform = 7 * std::log2(points) / 2 + 12;
    const double kernels = std::ceil(channels * rows / lanes);
    plan.cost = points * (vectors * (channels * transform + rows * (transform + way_back) +
                                     channels * rows * (weight_gradient ? 9 : 4)) +
                          kernels * transform);
    if (bytes > near_bytes) plan.cost *= weight_gradient ? 2 : 1.4;
    if (plan.cost < least) least = plan.cost, best = plan;
  }
  return best;
}

}  // namespace penlight::kernels

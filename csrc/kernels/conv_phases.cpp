#include "kernels/conv_phases.h"

#include <algorithm>
#include <numeric>

#include "kernels/parallel.h"

namespace penlight::kernels {

namespace {

// body(tap of the phases' weight, tap of the given one or -1), for all taps of one pair of channels.
template <class Body>
void each_tap(const Phases& phases, Body&& body) {
  const PhaseAxis &z = phases.axis[0], &y = phases.axis[1], &x = phases.axis[2];
  int64_t split = 0;
  for (int64_t hz = 0; hz < z.phases; ++hz)
    for (int64_t hy = 0; hy < y.phases; ++hy)
      for (int64_t hx = 0; hx < x.phases; ++hx)
        for (int64_t tz = 0; tz < z.taps; ++tz)
          for (int64_t ty = 0; ty < y.taps; ++ty)
            for (int64_t tx = 0; tx < x.taps; ++tx) {
              const int64_t kz = hz + tz * z.every, ky = hy + ty * y.every, kx = hx + tx * x.every;
              const bool given = kz < z.kernel && ky < y.kernel && kx < x.kernel;
              body(split++, given ? (kz * y.kernel + ky) * x.kernel + kx : -1);
            }
}

// body(first tap of the phases' weight, first tap of the given one), for all pairs of channels.
template <class Body>
void each_channel_pair(const Phases& phases, Body&& body) {
  const ConvGeometry& g = phases.geometry;
  const PhaseAxis* a = phases.axis;
  const int64_t split = phases.count() * g.taps(), given = a[0].kernel * a[1].kernel * a[2].kernel;
  const int64_t pairs = g.out_channels * g.group_in() / phases.count();
  parallel::parallel_for(pairs, 1 + 16384 / (split + 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i * split, i * given);
  });
}

PhaseAxis phase_axis(const ConvGeometry& g, int i) {
  PhaseAxis axis;
  axis.stride = g.stride[i], axis.dilation = g.dilation[i];
  axis.every = axis.stride / std::gcd(axis.stride, axis.dilation);
  axis.kernel = g.kernel[i], axis.taps = (axis.kernel - 1) / axis.every + 1;
  axis.phases = std::min(axis.kernel, axis.every);
  axis.size = g.input[i];
  return axis;
}

Phases phases_with(const ConvGeometry& g, bool gradient) {
  Phases phases;
  phases.geometry = g;
  for (int i = 0; i < 3; ++i) {
    PhaseAxis axis = phase_axis(g, i);
    const int64_t stride = axis.stride, pad = g.pad[i];
    const int64_t step = axis.dilation / std::gcd(stride, axis.dilation);
    // Of positions 0, 1, ... those that outputs read, or those that lie in the input in some phase.
    int64_t first = 0, end = g.output[i] + (axis.taps - 1) * step;
    if (gradient) {
      const int64_t missing = pad - (axis.phases - 1) * axis.dilation;
      first = missing > 0 ? (missing - 1) / stride + 1 : 0;
      end = (axis.size - 1 + pad) / stride + 1;
    }
    axis.offset = first * stride - pad;
    phases.axis[i] = axis;
    phases.geometry.input[i] = std::max<int64_t>(0, end - first), phases.geometry.pad[i] = first;
    phases.geometry.kernel[i] = axis.taps, phases.geometry.dilation[i] = step, phases.geometry.stride[i] = 1;
  }
  phases.geometry.in_channels = g.in_channels * phases.count();
  phases.geometry.mode = PaddingMode::zeros;
  return phases;
}

}  // namespace

bool Phases::all_taps() const {
  return std::all_of(axis, axis + 3, [](const PhaseAxis& a) { return a.kernel == a.phases * a.taps; });
}

Phases phases_of(const ConvGeometry& g) {
  return phases_with(g, false);
}

Phases gradient_phases_of(const ConvGeometry& g) {
  return phases_with(g, true);
}

template <class T>
void split_weight(const Phases& phases, const T* weight, T* split) {
  each_channel_pair(phases, [&](int64_t to, int64_t from) {
    each_tap(phases,
             [&](int64_t t, int64_t given) { split[to + t] = given < 0 ? T(0) : weight[from + given]; });
  });
}

template <class T>
void join_weight(const Phases& phases, const T* split, T* weight) {
  each_channel_pair(phases, [&](int64_t from, int64_t to) {
    each_tap(phases, [&](int64_t t, int64_t given) {
      if (given >= 0) weight[to + given] = split[from + t];
    });
  });
}

template void split_weight(const Phases&, const float*, float*);
template void split_weight(const Phases&, const double*, double*);
template void join_weight(const Phases&, const float*, float*);
template void join_weight(const Phases&, const double*, double*);

}  // namespace penlight::kernels

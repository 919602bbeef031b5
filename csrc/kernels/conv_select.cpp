#include "kernels/conv_select.h"

#include <algorithm>
#include <numeric>

namespace penlight::kernels {

namespace {

// Of one axis, as the band stores it: residues of the taps to the stride, and the values a row has beyond its
// outputs.
struct Stored {
  double residues, halo;
};

Stored stored(const TapAxis& axis) {
  const int64_t reach = (axis.taps - 1) * axis.tap_step;
  const int64_t residues = reach < axis.step ? axis.taps : axis.step / std::gcd(axis.step, axis.tap_step);
  return {static_cast<double>(residues), static_cast<double>(reach / axis.step)};
}

// Can the band of one channel and one output row be held, and are tap steps as the kernel asks?
bool direct_fits(const TapProduct& q, int64_t itemsize) {
  for (const TapAxis& axis : q.axis)
    if (axis.tap_step < 1) return false;
  const Stored y = stored(q.axis[1]), x = stored(q.axis[2]);
  const double columns = static_cast<double>(q.axis[2].count < 2048 ? q.axis[2].count : 2048);
  const double values =
      static_cast<double>(q.axis[0].taps) * y.residues * x.residues * (1 + y.halo) * (columns + x.halo);
  return values * static_cast<double>(itemsize) < 512 * 1024;
}

// The part of the positions computed that lies between the band's rows.
double waste(const TapProduct& q) {
  const double halo = stored(q.axis[2]).halo;
  const double columns = static_cast<double>(q.axis[2].count < 2048 ? q.axis[2].count : 2048);
  return halo / (columns + halo);
}

}  // namespace

bool is_pointwise(const ConvGeometry& g) {
  for (int i = 0; i < 3; ++i)
    if (g.kernel[i] != 1 || g.stride[i] != 1 || g.pad[i] != 0 || g.input[i] != g.output[i]) return false;
  // The small planes of several images are better gathered into one long axis, for which the weight is packed
  // once and panels of columns are full.
  const int64_t plane = g.output_plane();
  return g.group_in() >= 8 && g.group_out() >= 8 && plane >= (g.batch > 1 ? 2048 : 64);
}

// Nothing but every position's own value, in order.
bool is_plain(const TapAxis& a) {
  return a.taps == 1 && a.step == 1 && a.offset == 0 && a.size == a.count && a.to_size == a.count &&
         a.to_first == 0 && a.to_step == 1;
}

TapProduct merge_axes(const TapProduct& given) {
  TapProduct q = given;
  for (int merges = 0; merges < 2; ++merges) {
    TapAxis &y = q.axis[1], &x = q.axis[2];
    // Rows outside are folded in by rows, which only zeros can be by positions.
    const bool apart = y.step != 1 || y.to_step != 1 || (q.mode != PaddingMode::zeros && !is_plain(y));
    if (apart || !is_plain(x) || q.weight_kernel[2] != 1) break;
    const int64_t width = x.count;
    x = y;
    for (int64_t* value : {&x.count, &x.tap_step, &x.offset, &x.size, &x.to_size, &x.to_first})
      *value *= width;
    y = q.axis[0], q.axis[0] = TapAxis();
    q.weight_kernel[2] = q.weight_kernel[1], q.weight_kernel[1] = q.weight_kernel[0], q.weight_kernel[0] = 1;
  }
  return q;
}

// Groups of one channel and a few results, whose taps meet neighbours at neighbouring positions, in rows that
// leave at most two lanes in five empty.
bool planes_fit(const TapProduct& q, int64_t itemsize) {
  if (q.groups < 2 || q.channels != 1 || q.rows > 4 || q.taps() > 1024 || !direct_fits(q, itemsize))
    return false;
  for (int i = 0; i < 3; ++i)
    if (q.axis[i].to_step != 1 || (i > 0 && q.axis[i].step != 1)) return false;
  const int64_t lanes = conv_grouped().vector_bytes / itemsize, width = q.axis[2].count;
  return 5 * width >= 3 * ((width + lanes - 1) / lanes * lanes);
}

// Do so many planes leave at most a third of the lanes empty, and does the box of one row of outputs (or 16
// of its columns) stay in L2?
bool lanes_fit(const TapProduct& q, int64_t planes, int64_t itemsize) {
  for (const TapAxis& axis : q.axis)
    if (axis.tap_step < 1) return false;
  const int64_t bytes = conv_grouped().vector_bytes, lanes = bytes / itemsize;
  const int64_t blocks = (planes + lanes - 1) / lanes;
  if (3 * planes < 2 * blocks * lanes) return false;
  const TapAxis &y = q.axis[1], &x = q.axis[2];
  const double height = static_cast<double>(y.taps - 1) * static_cast<double>(y.tap_step) + 1;
  const double width = static_cast<double>(x.taps - 1) * static_cast<double>(x.tap_step) +
                       static_cast<double>((x.count < 16 ? x.count : 16) * x.step);
  const double channels = static_cast<double>(q.channels) * static_cast<double>(q.axis[0].taps);
  return channels * height * width * static_cast<double>(bytes) < 512 * 1024;
}

// Groups of few channels.
bool grouped_fits(const TapProduct& q, int64_t itemsize) {
  if (q.groups < 2 || q.rows > 8 || q.channels < 1 || q.channels > 8) return false;
  return lanes_fit(q, q.batch * q.groups, itemsize);
}

bool images_fit(const TapProduct& q, int64_t itemsize) {
  for (const TapAxis& axis : q.axis)
    if (axis.to_step != 1) return false;
  return q.channels > 0 && lanes_fit(q, q.batch, itemsize);
}

// Short rows, weights that stay in the caches, and few values turned into lanes and back for a product: rows
// of sources that neighbouring blocks of outputs share are turned for each.
bool images_pay(const TapProduct& q, int64_t itemsize, double most_turned) {
  if (q.taps() == 1 || q.axis[2].count > 32 || !images_fit(q, itemsize)) return false;
  if (q.rows * q.channels * q.taps() * itemsize > 512 * 1024) return false;
  const auto number = [](int64_t value) { return static_cast<double>(value); };
  const TapAxis &y = q.axis[1], &x = q.axis[2];
  const double channels = number(q.channels * q.axis[0].taps), rows = number(q.rows);
  const double width = number((x.count - 1) * x.step + (x.taps - 1) * x.tap_step + 1);
  const double row_bytes = channels * width * number(conv_grouped().vector_bytes);
  const double reach = number((y.taps - 1) * y.tap_step), step = number(y.step);
  const double height = std::clamp((256 * 1024 / row_bytes - reach) / step, 1.0, number(y.count));
  const double turned = channels * (height * step + reach) / height * width / number(x.count) + rows;
  return turned < most_turned * rows * number(q.channels * q.taps());
}

ConvKernel choose_product(const TapProduct& q, int64_t itemsize) {
  if (planes_fit(q, itemsize)) return ConvKernel::planes;
  // (Results apart from each other leave no whole rows to turn back, unless all parts are taken together.)
  const bool apart = q.axis[1].to_step > 1 || q.axis[2].to_step > 1;
  if (!apart && grouped_fits(q, itemsize)) return ConvKernel::grouped;
  if (images_pay(q, itemsize, 0.13)) return ConvKernel::images;
  if (!direct_fits(q, itemsize)) return ConvKernel::implicit;
  // Of one tap every value is copied once either way, and gathered sums over all channels stay in registers.
  if (q.taps() == 1 && q.rows >= 8 && q.axis[2].step == 1) return ConvKernel::implicit;
  // Gathering costs about as much as 6 rows of results, and more where values do not lie side by side or rows
  // are shorter than a register; a plane of few positions leaves tiles empty.
  const double rows = static_cast<double>(q.rows), columns = static_cast<double>(q.axis[2].count);
  const double plane = static_cast<double>(q.axis[1].count) * columns;
  const double lanes = static_cast<double>(conv_grouped().vector_bytes / itemsize);
  const double cost = (q.axis[2].step > 1 ? 24 : 6) * std::max(1.0, lanes / columns);
  const double gathering = cost / (rows + cost), emptiness = 8 / (plane + 8);
  return waste(q) + emptiness < gathering + 0.05 ? ConvKernel::direct : ConvKernel::implicit;
}

ConvKernel choose_weight_gradient(const TapProduct& q, int64_t itemsize) {
  if (planes_fit(q, itemsize)) return ConvKernel::planes;
  if (grouped_fits(q, itemsize)) return ConvKernel::grouped;
  // The turned operands fill registers with channels, or with (tap, channel) of taps that lie side by side,
  // and want some rows to multiply each with; the direct kernel fills them with positions, and images' lanes
  // are full.
  const TapAxis& x = q.axis[2];
  const bool joined = x.tap_step == 1 || (x.taps - 1) * x.tap_step < x.step;
  const int64_t lanes = conv_grouped().vector_bytes / itemsize,
                run = joined ? q.channels * x.taps : q.channels;
  const double filled = static_cast<double>(run) / static_cast<double>((run + lanes - 1) / lanes * lanes) *
                        std::min(1.0, static_cast<double>(q.rows) / 8);
  if (filled >= 0.95) return ConvKernel::implicit;
  // A register for each weight is kept in L2.
  const int64_t sums = q.rows * q.channels * q.taps() * conv_grouped().vector_bytes;
  if (images_pay(q, itemsize, 0.1) && sums <= 384 * 1024) return ConvKernel::images;
  if (filled >= 0.7 || !direct_fits(q, itemsize) || q.taps() == 1 || q.taps() > 2048)
    return ConvKernel::implicit;
  const double plane = static_cast<double>(q.axis[1].count * q.axis[2].count);
  return waste(q) < 0.3 && plane >= 64 ? ConvKernel::direct : ConvKernel::implicit;
}

const char* conv_kernel_name(ConvKernel kernel) {
  switch (kernel) {
    case ConvKernel::pointwise:
      return "pointwise";
    case ConvKernel::direct:
      return "direct";
    case ConvKernel::planes:
      return "planes";
    case ConvKernel::images:
      return "images";
    case ConvKernel::grouped:
      return "grouped";
    case ConvKernel::implicit:
      return "implicit";
  }
  return "";
}

}  // namespace penlight::kernels

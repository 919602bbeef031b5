// The band: a block of the input with padding folded in, sorted so that every tap reads consecutive values.
//
// One axis with stride s and dilation d: output o meets tap t at input o * s + t * d + offset. With t * d =
// shift * s + residue that is (o + shift) * s + residue + offset, so that the values of one residue, stored
// one after the other, are met by consecutive outputs consecutively, tap t's beginning `shift` later.
#pragma once

#include "kernels/conv_gather.h"

namespace penlight::kernels::PENLIGHT_ISA {

inline constexpr int64_t band_bytes = 192 * 1024;  // half of a small L2
inline constexpr int64_t band_columns = 2048;

// The residues of one axis's taps to its stride.
struct BandAxis {
  int64_t count;  // of different residues
  int64_t unit;   // what they are multiples of
  int64_t stride, tap_step;
  bool each_its_own;  // all taps within one stride: a residue for each
  int64_t halo;       // values of one residue beyond the number of outputs

  explicit BandAxis(const TapAxis& axis) : stride(axis.step), tap_step(axis.tap_step) {
    each_its_own = (axis.taps - 1) * tap_step < stride;
    int64_t a = stride, b = tap_step;
    while (b) {
      const int64_t rest = a % b;
      a = b, b = rest;
    }
    unit = each_its_own ? tap_step : a;
    count = each_its_own ? axis.taps : stride / unit;
    halo = (axis.taps - 1) * tap_step / stride;
  }
  int64_t residue_index(int64_t tap) const { return each_its_own ? tap : tap * tap_step % stride / unit; }
  int64_t shift(int64_t tap) const { return tap * tap_step / stride; }
  int64_t residue(int64_t index) const { return index * unit; }
};

struct Band {
  BandAxis y, x;
  int64_t rows, columns;    // of output in a block
  int64_t channels;         // in a block
  int64_t ld, stored_rows;  // a row's length; rows of one residue
  int64_t channel_stride, size;

  // positions: outputs wanted in a block; most_channels: in a block of them.
  Band(const TapProduct& q, int64_t itemsize, int64_t positions, int64_t most_channels)
      : y(q.axis[1]), x(q.axis[2]) {
    columns = q.axis[2].count;
    if (columns > band_columns) {  // evenly
      const int64_t blocks = (columns + band_columns - 1) / band_columns;
      columns = (columns + blocks - 1) / blocks;
    }
    ld = columns + x.halo;
    rows = positions / ld;
    if (rows < 1) rows = 1;
    if (rows < q.axis[1].count) {  // evenly
      const int64_t blocks = (q.axis[1].count + rows - 1) / rows;
      rows = (q.axis[1].count + blocks - 1) / blocks;
    } else {
      rows = q.axis[1].count;
    }
    stored_rows = rows + y.halo;
    channel_stride = q.axis[0].taps * y.count * x.count * stored_rows * ld;
    channels = band_bytes / itemsize / channel_stride;
    if (channels < 1) channels = 1;
    if (channels > most_channels) channels = most_channels;
    if (channels > q.channels) channels = q.channels;
    if (q.channels > 0) {  // evenly
      const int64_t blocks = (q.channels + channels - 1) / channels;
      channels = (q.channels + blocks - 1) / blocks;
    } else {
      channels = 1;
    }
    // The last tap's run begins up to x.halo behind the last row's beginning.
    size = channels * channel_stride + x.halo;
  }

  // offsets[channel, tap]
  void fill_offsets(const TapProduct& q, int32_t* offsets) const {
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t tz = 0; tz < q.axis[0].taps; ++tz)
        for (int64_t ty = 0; ty < q.axis[1].taps; ++ty)
          for (int64_t tx = 0; tx < q.axis[2].taps; ++tx)
            *offsets++ =
                static_cast<int32_t>((((c * q.axis[0].taps + tz) * y.count + y.residue_index(ty)) * x.count +
                                      x.residue_index(tx)) *
                                         stored_rows * ld +
                                     y.shift(ty) * ld + x.shift(tx));
  }

  // The values that outputs (z0, y0 .. y0 + row_count, x0 ...) meet in some channels.
  template <class T>
  void fill(const TapProduct& q, const T* source, int64_t channel_count, int64_t z0, int64_t y0,
            int64_t row_count, int64_t x0, T* to) const {
    const TapAxis &az = q.axis[0], &ay = q.axis[1], &ax = q.axis[2];
    const int64_t plane = q.source_plane();
    for (int64_t c = 0; c < channel_count; ++c)
      for (int64_t tz = 0; tz < az.taps; ++tz) {
        const int64_t at_z = padded_source(q.mode, z0 * az.step + tz * az.tap_step + az.offset, az.size);
        for (int64_t ry = 0; ry < y.count; ++ry) {
          // Rows [inner0, inner1) lie in the input, one ay.step behind the other.
          const int64_t wanted = at_z < 0 ? 0 : row_count + y.halo;
          const int64_t first_y = y0 * ay.step + y.residue(ry) + ay.offset;
          const int64_t inner0 = first_not_below(0, first_y, ay.step, wanted);
          const int64_t inner1 = first_not_below(ay.size, first_y, ay.step, wanted);
          const T* image = source + c * plane + (at_z < 0 ? 0 : at_z) * ay.size * ax.size;
          // Patches (long strides) are turned: taps of one output lie together in the input, outputs of one
          // tap in the band.
          const int64_t x_begin = x0 * ax.step + ax.offset;
          const bool turned = ax.step > 2 && x.count > 1 && x.unit == 1 && x_begin >= 0 &&
                              x_begin + (ld - 1) * ax.step + x.count <= ax.size;
          if (turned)
            for (int64_t row = inner0; row < inner1; ++row)
              transpose(image + (first_y + row * ay.step) * ax.size + x_begin, ax.step, ld, x.count,
                        to + row * ld, stored_rows * ld);
          for (int64_t rx = 0; rx < x.count; ++rx, to += stored_rows * ld) {
            const int64_t first_x = x0 * ax.step + x.residue(rx) + ax.offset;
            if (!turned)
              gather_lines(image + (first_y + inner0 * ay.step) * ax.size, ay.step * ax.size, inner1 - inner0,
                           ax.size, q.mode, first_x, ax.step, ld, to + inner0 * ld, ld);
            for (int64_t row = 0; row < stored_rows; ++row) {
              if (row == inner0) row = inner1;
              if (row >= stored_rows) break;
              const int64_t at_y =
                  row < wanted ? padded_source(q.mode, first_y + row * ay.step, ay.size) : -1;
              if (at_y < 0)
                for (int64_t j = 0; j < ld; ++j) to[row * ld + j] = T(0);
              else
                gather_lines(image + at_y * ax.size, 0, 1, ax.size, q.mode, first_x, ax.step, ld,
                             to + row * ld, ld);
            }
          }
        }
      }
    for (int64_t j = 0; j < x.halo + 8 * native_width<T>; ++j)
      to[j] = T(0);  // what the last tile reads beyond
  }
};

}  // namespace penlight::kernels::PENLIGHT_ISA

// What the convolution kernels share around their inner loops: packing the weight, gathering the input values
// that a run of output positions meets, and writing results to where they belong.
//
// Padding of every mode, strides and dilation are folded in here; no padded or unfolded copy of the input
// exists.
#pragma once

#include "kernels/conv_products.h"
#include "kernels/micro_kernels.h"
#include "kernels/simd.h"
#include "kernels/transpose.h"

namespace penlight::kernels::PENLIGHT_ISA {

// Positions that follow each other along the last axis.
struct Segment {
  int64_t column, length;  // where in the run of positions
  int64_t image, at[3];    // the first of them
};

// Splits columns [first, first + count) of (image, position) into segments; returns how many. At most
// `count`.
inline int64_t split_segments(const TapProduct& q, int64_t first, int64_t count, Segment* segments) {
  const int64_t positions = q.positions(), width = q.axis[2].count;
  int64_t image = first / positions, position = first % positions;
  int64_t row = position / width, x = position % width, made = 0;
  const int64_t rows = positions / width, height = q.axis[1].count;
  for (int64_t column = 0; column < count;) {
    int64_t length = width - x;
    if (length > count - column) length = count - column;
    segments[made++] = {column, length, image, {row / height, row % height, x}};
    column += length;
    x = 0;
    if (++row == rows) row = 0, ++image;
  }
  return made;
}

// The first j for which x + j * step >= limit, in [0, length]; step 1 needs no division.
[[gnu::always_inline]] inline int64_t first_not_below(int64_t limit, int64_t x, int64_t step,
                                                      int64_t length) {
  const int64_t missing = limit - x;
  if (missing <= 0) return 0;
  const int64_t j = step == 1 ? missing : (missing - 1) / step + 1;
  return j < length ? j : length;
}

// The same run of some source lines, `ld_line` apart: to[i * ld + j] = line[i * ld_line + x + j * step] with
// step > 0, folded back or zero outside [0, size).
template <class T>
inline void gather_lines(const T* line, int64_t ld_line, int64_t count, int64_t size, PaddingMode mode,
                         int64_t x, int64_t step, int64_t length, T* to, int64_t ld) {
  const int64_t first = first_not_below(0, x, step, length), last = first_not_below(size, x, step, length);
  copy_lines(line + x, ld_line, step, count, first, last, length, to, ld);
  if (mode == PaddingMode::zeros) return;
  for (int64_t j = first > 0 ? 0 : last; j < length; ++j) {
    if (j == first && j < last) j = last;
    if (j == length) break;
    const T* from = line + padded_source(mode, x + j * step, size);
    for (int64_t i = 0; i < count; ++i) to[i * ld + j] = from[i * ld_line];
  }
}

// One line of it.
template <class T>
inline void gather_run(const T* line, int64_t size, PaddingMode mode, int64_t x, int64_t step, int64_t length,
                       T* to) {
  gather_lines(line, 0, 1, size, mode, x, step, length, to, 0);
}

// For channels [c0, c1) of the group at `source` and taps [t0, t1), in that order, one row of `to` each, `ld`
// apart.
template <class T>
inline void gather(const TapProduct& q, const T* source, int64_t source_image, const Segment* segments,
                   int64_t segment_count, int64_t c0, int64_t c1, int64_t t0, int64_t t1, T* to, int64_t ld) {
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const int64_t plane = q.source_plane(), taps = t1 - t0;
  for (int64_t s = 0; s < segment_count; ++s) {
    const Segment& segment = segments[s];
    const T* image = source + segment.image * source_image;
    int64_t tx = t0 % x.taps, ty = t0 / x.taps % y.taps, tz = t0 / x.taps / y.taps;
    for (int64_t t = 0; t < taps; ++t) {
      const int64_t at_z = padded_source(q.mode, segment.at[0] * z.step + tz * z.tap_step + z.offset, z.size);
      const int64_t at_y = padded_source(q.mode, segment.at[1] * y.step + ty * y.tap_step + y.offset, y.size);
      const int64_t at_x = segment.at[2] * x.step + tx * x.tap_step + x.offset;
      T* row = to + t * ld + segment.column;
      const int64_t ld_channel = taps * ld;
      if (at_z < 0 || at_y < 0) {
        for (int64_t c = c0; c < c1; ++c, row += ld_channel)
          for (int64_t j = 0; j < segment.length; ++j) row[j] = T(0);
      } else {
        gather_lines(image + c0 * plane + (at_z * y.size + at_y) * x.size, plane, c1 - c0, x.size, q.mode,
                     at_x, x.step, segment.length, row, ld_channel);
      }
      if (++tx == x.taps) {
        tx = 0;
        if (++ty == y.taps) ty = 0, ++tz;
      }
    }
  }
}

// The blocks of the sum over (channel, tap), at most `depth` long: whole channels where their taps fit, else
// parts of one channel's taps.
struct DepthBlocks {
  int64_t channels, taps, channels_per_block, blocks_per_channel, taps_per_block;
  DepthBlocks(int64_t channel_count, int64_t tap_count, int64_t depth)
      : channels(channel_count), taps(tap_count) {
    channels_per_block = taps <= depth ? depth / taps : 1;
    blocks_per_channel = taps <= depth ? 1 : (taps + depth - 1) / depth;
    taps_per_block = (taps + blocks_per_channel - 1) / blocks_per_channel;
  }
  int64_t count() const {
    return (channels + channels_per_block - 1) / channels_per_block * blocks_per_channel;
  }
  struct Block {
    int64_t c0, c1, t0, t1, first, depth;  // first: its place in the whole sum
  };
  Block operator[](int64_t i) const {
    Block b;
    b.c0 = i / blocks_per_channel * channels_per_block;
    b.c1 = b.c0 + channels_per_block < channels ? b.c0 + channels_per_block : channels;
    b.t0 = i % blocks_per_channel * taps_per_block;
    b.t1 = b.t0 + taps_per_block < taps ? b.t0 + taps_per_block : taps;
    if (b.t0 > b.t1) b.t0 = b.t1;
    b.first = b.c0 * taps + b.t0;
    b.depth = (b.c1 - b.c0) * (b.t1 - b.t0);
    return b;
  }
};

// All panels of one group: [channel, tap][row] each.
template <class T>
inline void pack_weight(const TapProduct& q, const RowPanels& panels, const T* weight, T* to) {
  constexpr int64_t most_taps = 64;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const int64_t all_taps = q.weight_kernel[0] * q.weight_kernel[1] * q.weight_kernel[2];
  bool in_order = q.taps() == all_taps && q.weight_channel == all_taps;
  for (const TapAxis& axis : q.axis) in_order = in_order && axis.weight_step == 1;
  alignas(64) T lines[most_taps * outer_rows];  // one channel's taps: [tap][row]
  for (int64_t panel = 0; panel < panels.count; ++panel) {
    const int64_t row0 = panel * panels.height,
                  rows = panels.height < q.rows - row0 ? panels.height : q.rows - row0;
    const T* from = weight + row0 * q.weight_row;
    if (in_order) {
      transpose(from, q.weight_row, rows, q.channels * all_taps, to, rows);
      to += q.channels * all_taps * rows;
      continue;
    }
    const bool by_lines = all_taps > 1 && all_taps <= most_taps && 2 * q.taps() > all_taps;
    for (int64_t c = 0; c < q.channels; ++c, from += q.weight_channel) {
      if (by_lines) transpose(from, q.weight_row, rows, all_taps, lines, rows);
      for (int64_t tz = 0; tz < z.taps; ++tz)
        for (int64_t ty = 0; ty < y.taps; ++ty)
          for (int64_t tx = 0; tx < x.taps; ++tx, to += rows) {
            const int64_t tap = q.weight_tap(tz, ty, tx);
            if (by_lines)
              copy_run(to, lines + tap * rows, rows);
            else
              for (int64_t r = 0; r < rows; ++r) to[r] = from[r * q.weight_row + tap];
          }
    }
  }
}

// Writes one tile of results to where its positions belong.
template <class T>
inline void scatter_tile(const TapProduct& q, const Segment* segments, int64_t segment_count, const T* tile,
                         int64_t ld_tile, int64_t rows, T* to, int64_t to_image, bool add) {
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const int64_t plane = q.to_plane();
  for (int64_t s = 0; s < segment_count; ++s) {
    const Segment& segment = segments[s];
    const int64_t at_z = z.to_first + segment.at[0] * z.to_step;
    const int64_t at_y = y.to_first + segment.at[1] * y.to_step;
    const int64_t at_x = x.to_first + segment.at[2] * x.to_step;
    const T* from = tile + segment.column;
    T* line = to + segment.image * to_image + (at_z * y.to_size + at_y) * x.to_size;
    if (add)
      place_lines<T, true>(from, ld_tile, rows, segment.length, line + at_x, plane, x.to_step);
    else
      place_lines<T, false>(from, ld_tile, rows, segment.length, line + at_x, plane, x.to_step);
  }
}

}  // namespace penlight::kernels::PENLIGHT_ISA

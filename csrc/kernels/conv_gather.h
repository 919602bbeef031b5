// Gathering: the input values that a run of output positions meets, laid out for a micro-kernel.
//
// Padding of every mode, strides and dilation are folded in here; no padded or unfolded copy of the input
// exists.
#pragma once

#include "kernels/conv_products.h"
#include "kernels/simd.h"

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

// A run of one source row: to[j] = line[x + j * step], folded back at the ends.
template <class T>
inline void gather_run(const T* line, int64_t size, PaddingMode mode, int64_t x, int64_t step, int64_t length,
                       T* to) {
  if (x >= 0 && x + (length - 1) * step < size) {
    if (step == 1)
      copy_run(to, line + x, length);
    else
      for (int64_t j = 0; j < length; ++j) to[j] = line[x + j * step];
    return;
  }
  for (int64_t j = 0; j < length; ++j) {
    const int64_t from = padded_source(mode, x + j * step, size);
    to[j] = from < 0 ? T(0) : line[from];
  }
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
        const T* line = image + c0 * plane + (at_z * y.size + at_y) * x.size;
        for (int64_t c = c0; c < c1; ++c, row += ld_channel, line += plane)
          gather_run(line, x.size, q.mode, at_x, x.step, segment.length, row);
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

}  // namespace penlight::kernels::PENLIGHT_ISA

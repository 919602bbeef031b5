// What the kernels that go plane by plane share (isa/conv_planes.cpp, isa/conv_planes_weight.cpp).
#pragma once

#include "kernels/conv_band.h"

namespace penlight::kernels::PENLIGHT_ISA {

inline constexpr int64_t plane_positions = 4096;  // of a block, whose band stays in L1
inline constexpr int plane_tile_rows = 4;

// Rows of taps are taken 7, 5, 3 or 1 at once: the most there are.
inline int64_t taps_at_once(int64_t left) {
  return left >= 7 ? 7 : left >= 5 ? 5 : left >= 3 ? 3 : 1;
}

// The band of one plane, its rows whole registers apart.
inline Band plane_band(const TapProduct& q, int64_t itemsize) {
  const int64_t lanes = vector_bytes / itemsize;
  Band band(q, itemsize, plane_positions, 1);
  band.ld = (band.ld + lanes - 1) / lanes * lanes;
  band.channel_stride = q.axis[0].taps * band.stored_rows * band.ld;
  band.size = band.channel_stride + band.x.halo;
  return band;
}

// Where an instruction set loads any lanes of a register, planes with zeros around them are read in place.
#if defined(__AVX512F__)
inline constexpr bool loads_any_lanes = true;
#else
inline constexpr bool loads_any_lanes = false;
template <class T>
Native<T> load_lanes(const T*, uint32_t) {
  return Native<T>::zero();
}
inline uint32_t lane_bits(int64_t, int64_t) {
  return 0;
}
#endif

// What the first output of a block meets at the first of some taps, and how far around it there are values:
// rows [row0, row1), a step between taps apart, and columns [column0, column1), outside of which all is zero.
template <class T>
struct PlaneView {
  const T* at;
  int64_t row;  // from one row to the next
  int64_t row0, row1, column0, column1;

  PlaneView moved(int64_t rows, int64_t columns) const {
    return {at + rows * row + columns, row, row0 - rows, row1 - rows, column0 - columns, column1 - columns};
  }
  bool holds(int64_t rows, int64_t columns) const {
    return row0 <= 0 && row1 >= rows && column0 <= 0 && column1 >= columns;
  }
  // The lanes of a register at a column that have values.
  uint32_t lanes_at(int64_t column) const {
    constexpr int64_t W = native_width<T>;
    const auto within = [&](int64_t place) {
      return place < column ? 0 : place - column < W ? place - column : W;
    };
    return lane_bits(within(column0), within(column1));
  }
};

// One plane's blocks: from a band, or in place where `in_place`.
template <class T>
struct PlaneReader {
  const TapProduct& q;
  Band band;
  bool in_place;
  const T* plane = nullptr;
  T* values = nullptr;  // the band's memory
  int64_t z0 = 0, y0 = 0, x0 = 0;

  explicit PlaneReader(const TapProduct& product)
      : q(product),
        band(plane_band(product, sizeof(T))),
        in_place(loads_any_lanes && product.mode == PaddingMode::zeros) {}
  // In values.
  int64_t memory() const { return (in_place ? 0 : band.size) + 9 * native_width<T>; }

  void begin(const T* from, int64_t z, int64_t y, int64_t rows, int64_t x) {
    plane = from, z0 = z, y0 = y, x0 = x;
    if (!in_place) band.fill(q, from, 1, z, y, rows, x, values);
  }
  // Output row `residue` of the block and its like, a step between taps apart, and taps from (tz, ty, 0) on.
  PlaneView<T> view(int64_t tz, int64_t ty, int64_t residue) const {
    const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
    constexpr int64_t far = int64_t(1) << 40;
    if (!in_place)
      return {values + (tz * band.stored_rows + ty * y.tap_step + residue) * band.ld,
              y.tap_step * band.ld,
              0,
              far,
              0,
              far};
    const int64_t at_z = z0 * z.step + tz * z.tap_step + z.offset;
    const int64_t at_y = y0 + residue + ty * y.tap_step + y.offset, at_x = x0 + x.offset;
    const bool outside = at_z < 0 || at_z >= z.size;
    // The first row not below a bound; rows are tap_step apart.
    const auto first = [&](int64_t bound) {
      const int64_t missing = bound - at_y;
      return missing <= 0 ? -(-missing / y.tap_step) : (missing + y.tap_step - 1) / y.tap_step;
    };
    return {plane + ((outside ? 0 : at_z) * y.size + at_y) * x.size + at_x,
            y.tap_step * x.size,
            first(0),
            outside ? -far : first(y.size),
            -at_x,
            x.size - at_x};
  }
};

// Asks for memory ahead of its use, a share at a time between the tiles of the block before.
struct Ahead {
  const char *at = nullptr, *end = nullptr;
  int64_t share = 0;

  // The `count` values from `first` on, but none from `limit` on, in so many shares.
  template <class T>
  void plan(const T* first, int64_t count, const T* limit, int64_t shares) {
    if (count > limit - first) count = limit - first;
    at = reinterpret_cast<const char*>(first), end = reinterpret_cast<const char*>(first + count);
    share = (count * static_cast<int64_t>(sizeof(T)) / (shares < 1 ? 1 : shares) / 64 + 1) * 64;
  }
  void fetch_share() {
    const char* stop = end - at > share ? at + share : end;
    for (; at < stop; at += 64) __builtin_prefetch(at);
  }
};

}  // namespace penlight::kernels::PENLIGHT_ISA

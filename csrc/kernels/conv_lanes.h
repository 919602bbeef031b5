// A lane for each plane: as many planes (images of one channel) as a register has lanes, turned so that the
// values of one position lie side by side.
//
// Seen so, a convolution of groups is plain: every lane is a group of its own, with its own weights (or, of
// one group, every lane an image), a tap is one load at an offset, and neither strides nor widths nor padding
// leave a register half empty. Turning costs about as much as three taps, each way.
#pragma once

#include <utility>

#include "kernels/conv_products.h"
#include "kernels/simd.h"

namespace penlight::kernels::PENLIGHT_ISA {

template <class T>
inline constexpr int lanes = native_width<T>;

// Of two registers seen as blocks of `step` numbers: the even blocks (or the odd ones), a's and b's in turn.
template <int step, bool odd, class V, std::size_t... i>
[[gnu::always_inline]] inline V blocks_in_turn(V a, V b, std::index_sequence<i...>) {
  constexpr int n = sizeof...(i);
  constexpr auto from = [](int at) { return (at & step ? n + at - step : at) + (odd ? step : 0); };
#if defined(__clang__)
  return __builtin_shufflevector(a, b, from(i)...);
#else
  using Element = std::remove_cvref_t<decltype(a[0])>;
  using Index = std::conditional_t<sizeof(Element) == 4, int32_t, int64_t>;
  typedef Index Mask __attribute__((vector_size(sizeof(V))));
  return __builtin_shuffle(a, b, Mask{from(i)...});
#endif
}

// Transposes a square of registers.
template <class T, int step = lanes<T> / 2>
[[gnu::always_inline]] inline void turn(Native<T>* rows) {
  constexpr auto all = std::make_index_sequence<lanes<T>>();
#pragma GCC unroll 16
  for (int i = 0; i < lanes<T>; ++i)
    if (!(i & step)) {
      const auto a = rows[i].v, b = rows[i + step].v;
      rows[i].v = blocks_in_turn<step, false>(a, b, all);
      rows[i + step].v = blocks_in_turn<step, true>(a, b, all);
    }
  if constexpr (step > 1) turn<T, step / 2>(rows);
}

// A run of consecutive values of every plane. In lanes, it lies in rows of `row` positions that begin
// `row_stride` positions apart.
template <class T>
inline void to_lanes(const T* const* planes, int64_t offset, int64_t run, T* to, int64_t row,
                     int64_t row_stride) {
  constexpr int L = lanes<T>;
  const bool few = run < L;
  for (int64_t first = 0; first < run; first += L) {
    if (!few && first + L > run) first = run - L;  // the last square overlaps the one before
    Native<T> square[L];
    if (few)
      for (int i = 0; i < L; ++i) square[i] = Native<T>::load_partial(planes[i] + offset, run);
    else
      for (int i = 0; i < L; ++i) {
        square[i] = Native<T>::load(planes[i] + offset + first);
        __builtin_prefetch(planes[i] + offset + first + 4 * L);  // so many streams outdo the hardware's own
      }
    turn<T>(square);
    int64_t column = first % row;
    T* at = to + (first / row * row_stride + column) * L;
    const int64_t count = few ? run : L;
    for (int64_t i = 0; i < count; ++i) {
      square[i].store(at);
      at += L;
      if (++column == row) column = 0, at += (row_stride - row) * L;
    }
  }
}

// The way back: positions lie one after the other in lanes; the first `count` planes are written.
template <class T>
inline void from_lanes(const T* from, int64_t run, int64_t count, T* const* planes, int64_t offset) {
  constexpr int L = lanes<T>;
  const bool few = run < L;
  for (int64_t first = 0; first < run; first += L) {
    if (!few && first + L > run) first = run - L;
    const int64_t positions = few ? run : L;
    Native<T> square[L];
    for (int64_t i = 0; i < L; ++i) square[i] = Native<T>::load(from + (i < positions ? first + i : 0) * L);
    turn<T>(square);
    if (few)
      for (int64_t i = 0; i < count; ++i) square[i].store_partial(planes[i] + offset, run);
    else
      for (int64_t i = 0; i < count; ++i) square[i].store(planes[i] + offset + first);
  }
}

// Writes a block of results, which lie in lanes, to the first `count` planes.
template <class T>
inline void store_block(const TapProduct& q, const T* from, int64_t count, T* const* planes, int64_t z,
                        int64_t y, int64_t height, int64_t x, int64_t width) {
  constexpr int L = lanes<T>;
  const int64_t plane_height = q.axis[1].to_size, plane_width = q.axis[2].to_size;
  const bool whole = width == plane_width;  // rows follow each other without a gap
  const int64_t runs = whole ? 1 : height, run = whole ? height * width : width;
  for (int64_t i = 0; i < runs; ++i)
    from_lanes(from + i * width * L, run, count, planes, (z * plane_height + y + i) * plane_width + x);
}

// The source positions that a block of outputs meets, in lanes: [tap z][row][column][lane].
struct LaneBox {
  int64_t rows, columns;        // of outputs in a block
  int64_t height, width, size;  // of the box; positions in all

  // The largest block whose box, for all channels, and results, for up to 4 rows of the product and so many
  // results a position, stay in `bytes`; rows are split into so many blocks at least, if there are as many.
  LaneBox(const TapProduct& q, int64_t position_bytes, int64_t bytes, int64_t results = 1,
          int64_t blocks = 1) {
    const TapAxis &y = q.axis[1], &x = q.axis[2];
    rows = y.count < 1 ? 1 : (y.count + blocks - 1) / blocks, columns = x.count < 1 ? 1 : x.count;
    settle(q);
    const auto total = [&] {
      return (q.channels * size + most_rows(q) * rows * columns * results) * position_bytes;
    };
    while (total() > bytes && rows > 1) rows = (rows + 1) / 2, settle(q);
    while (total() > bytes && columns > 16) columns = (columns + 1) / 2, settle(q);
  }
  static int64_t most_rows(const TapProduct& q) { return q.rows < 4 ? q.rows : 4; }
  static int64_t reach(const TapAxis& axis, int64_t outputs) {
    return (outputs - 1) * axis.step + (axis.taps - 1) * axis.tap_step + 1;
  }

  // Of the taps of a product whose source positions are those of a box that begins at the given offsets.
  void fill_offsets(const TapProduct& q, int64_t first_y, int64_t first_x, int64_t lane_count,
                    int32_t* offsets) const {
    const int64_t y = q.axis[1].offset - first_y, x = q.axis[2].offset - first_x;
    for (int64_t c = 0; c < q.channels; ++c)
      for (int64_t tz = 0; tz < q.axis[0].taps; ++tz)
        for (int64_t ty = 0; ty < q.axis[1].taps; ++ty)
          for (int64_t tx = 0; tx < q.axis[2].taps; ++tx)
            *offsets++ =
                static_cast<int32_t>((c * size + (tz * height + y + ty * q.axis[1].tap_step) * width + x +
                                      tx * q.axis[2].tap_step) *
                                     lane_count);
  }

  // Outputs (z0, y0 .. y0 + ny, x0 .. x0 + nx) of one channel's planes.
  template <class T>
  void fill(const TapProduct& q, const T* const* planes, int64_t z0, int64_t y0, int64_t ny, int64_t x0,
            int64_t nx, T* to) const {
    constexpr int L = lanes<T>;
    const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
    const int64_t first_y = y0 * y.step + y.offset, first_x = x0 * x.step + x.offset;
    const int64_t h = reach(y, ny), w = reach(x, nx);
    const int64_t ya = clamp(-first_y, h), yb = clamp(y.size - first_y, h);
    const int64_t xa = clamp(-first_x, w), xb = clamp(x.size - first_x, w);
    const int64_t whole_row = xb - xa == x.size ? yb - ya : 1;  // rows in one run
    for (int64_t tz = 0; tz < z.taps; ++tz, to += height * width * L) {
      const int64_t at_z = padded_source(q.mode, z0 * z.step + tz * z.tap_step + z.offset, z.size);
      if (at_z < 0) {
        for (int64_t i = 0; i < h; ++i) clear(to + i * width * L, w * L);
        continue;
      }
      if (xa < xb)
        for (int64_t i = ya; i < yb; i += whole_row)
          to_lanes(planes, (at_z * y.size + first_y + i) * x.size + first_x + xa, (xb - xa) * whole_row,
                   to + (i * width + xa) * L, xb - xa, width);
      for (int64_t i = 0; i < h; ++i) {
        const bool inside = i >= ya && i < yb && xa < xb;
        fill_outside(q, planes, at_z, first_y, first_x, i, 0, inside ? xa : w, ya, yb, xa, xb, to);
        if (inside) fill_outside(q, planes, at_z, first_y, first_x, i, xb, w, ya, yb, xa, xb, to);
      }
    }
  }

 private:
  void settle(const TapProduct& q) {
    height = reach(q.axis[1], rows), width = reach(q.axis[2], columns);
    size = q.axis[0].taps * height * width;
  }
  static int64_t clamp(int64_t value, int64_t high) { return value < 0 ? 0 : value < high ? value : high; }
  template <class T>
  static void clear(T* to, int64_t count) {
    for (int64_t i = 0; i < count; i += lanes<T>) Native<T>::zero().store(to + i);
  }

  // Columns [j, end) of row i of the box lie outside the source: zeros, or what the padding mode reads there.
  template <class T>
  void fill_outside(const TapProduct& q, const T* const* planes, int64_t at_z, int64_t first_y,
                    int64_t first_x, int64_t i, int64_t j, int64_t end, int64_t ya, int64_t yb, int64_t xa,
                    int64_t xb, T* to) const {
    constexpr int L = lanes<T>;
    const TapAxis &y = q.axis[1], &x = q.axis[2];
    if (q.mode == PaddingMode::zeros) return clear(to + (i * width + j) * L, (end - j) * L);
    const int64_t at_y = padded_source(q.mode, first_y + i, y.size);
    for (; j < end; ++j) {
      const int64_t at_x = padded_source(q.mode, first_x + j, x.size);
      const int64_t box_y = at_y - first_y, box_x = at_x - first_x;
      T* at = to + (i * width + j) * L;
      if (box_y >= ya && box_y < yb && box_x >= xa && box_x < xb)
        Native<T>::load(to + (box_y * width + box_x) * L).store(at);
      else
        for (int l = 0; l < L; ++l) at[l] = planes[l][(at_z * y.size + at_y) * x.size + at_x];
    }
  }
};

}  // namespace penlight::kernels::PENLIGHT_ISA

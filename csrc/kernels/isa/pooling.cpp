// Pooling, an output row at a time: for every tap of the window all columns of a block of the row are
// compared or added together, so that the columns fill a register and the window costs no branch a column.
// Where rows are short, maxima are taken over a whole plane's outputs at once, by a table of what they meet.
#include "kernels/pooling.h"

#include "kernels/parallel.h"
#include "kernels/pooling_lanes.h"
#include "kernels/pooling_pairs.h"
#include "kernels/scratch.h"
#include "kernels/simd.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t block = 64;          // columns worked on at a time: best values and indices stay in L1
constexpr int64_t wide_block = 512;    // the same where there are no indices
constexpr int64_t grain_work = 32768;  // numbers looked at in one chunk of work

// floor(a / b), ceil(a / b) for b > 0
int64_t divide_down(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}
int64_t divide_up(int64_t a, int64_t b) {
  return -divide_down(-a, b);
}

// floor(o * in / out) without forming the product
int64_t adaptive_start(int64_t o, int64_t in, int64_t out) {
  return in / out * o + in % out * o / out;
}
int64_t adaptive_end(int64_t o, int64_t in, int64_t out) {
  return in / out * (o + 1) + (in % out * (o + 1) + out - 1) / out;
}

// A window along one axis: input [low, high), of `span` positions with the padding it covers.
struct Window {
  int64_t low, high, span;
};

Window window(const PoolGeometry& g, int axis, int64_t o) {
  const int64_t size = g.input[axis];
  if (g.adaptive) {
    const int64_t low = adaptive_start(o, size, g.output[axis]), high = adaptive_end(o, size, g.output[axis]);
    return {low, high, high - low};
  }
  const int64_t start = o * g.stride[axis] - g.pad[axis];
  const int64_t end = smaller(start + g.kernel[axis], size + g.pad[axis]);
  const int64_t low = larger(start, 0), high = smaller(end, size);
  return {low, larger(low, high), end - start};
}

int64_t window_volume(const PoolGeometry& g) {
  if (g.adaptive) return g.input_plane() / larger(1, g.output_plane()) + 1;
  int64_t volume = 1;  // as far as it lies inside
  for (int i = 0; i < 3; ++i) volume *= smaller(g.kernel[i], g.input[i]);
  return volume;
}

template <class Body>
void for_output_rows(const PoolGeometry& g, Body body) {
  const int64_t rows = g.output[0] * g.output[1], work = g.output[2] * window_volume(g) + 1;
  if (g.output[2] == 0) return;
  parallel::parallel_for(g.planes * rows, larger(1, grain_work / work), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i / rows, i % rows / g.output[1], i % g.output[1]);
  });
}

template <class Body>
void for_planes(const PoolGeometry& g, Body body) {
  const int64_t work = g.output_plane() + g.input_plane() + 1;
  parallel::parallel_for(g.planes, larger(1, grain_work / work), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) body(plane);
  });
}

// Taps [first, last) of which some lie inside the input for outputs o0 to o1 along an axis.
struct Taps {
  int64_t first, last;
};

Taps taps_inside(const PoolGeometry& g, int axis, int64_t o0, int64_t o1) {
  const int64_t pad = g.pad[axis], stride = g.stride[axis], dilation = g.dilation[axis];
  // Divisions take longer than short rows: none where all is inside.
  if (o0 * stride >= pad && o1 * stride + (g.kernel[axis] - 1) * dilation - pad < g.input[axis])
    return {0, g.kernel[axis]};
  const int64_t first = larger(0, divide_up(pad - o1 * stride, dilation));
  const int64_t last =
      smaller(g.kernel[axis] - 1, divide_down(g.input[axis] - 1 + pad - o0 * stride, dilation));
  return {first, last + 1};
}

// Columns [first, last) of a block whose tap t lies inside the input.
struct Columns {
  int64_t first, last;
};

Columns columns_inside(const PoolGeometry& g, int64_t column, int64_t count, int64_t tap) {
  const int64_t shift = tap * g.dilation[2] - g.pad[2], stride = g.stride[2];
  if (column * stride + shift >= 0 && (column + count - 1) * stride + shift < g.input[2]) return {0, count};
  const int64_t first = larger(column, divide_up(-shift, stride));
  const int64_t last = smaller(column + count - 1, divide_down(g.input[2] - 1 - shift, stride)) + 1;
  return {first - column, larger(first, last) - column};
}

template <class T>
constexpr T lowest() {
  if constexpr (std::is_floating_point_v<T>)
    return -static_cast<T>(__builtin_inf());
  else if constexpr (std::is_unsigned_v<T>)
    return T(0);
  else
    return static_cast<T>(T(1) << (8 * sizeof(T) - 1));
}

// best[j] = max(best[j], line[j * stride]); where it is taken, index[j] = at + j * stride.
template <class T, class Index, int64_t Stride>
void take_larger(const T* line, int64_t stride, Index at, int64_t count, T* best, Index* index) {
  const int64_t step = Stride ? Stride : stride;
  for (int64_t j = 0; j < count; ++j) {
    const T value = line[j * step];
    const bool take = (value > best[j]) | (value != value);
    best[j] = take ? value : best[j];
    index[j] = take ? static_cast<Index>(at + static_cast<Index>(j * step)) : index[j];
  }
}

template <class T, int64_t Stride>
void take_larger(const T* line, int64_t stride, int64_t count, T* best) {
  const int64_t step = Stride ? Stride : stride;
  for (int64_t j = 0; j < count; ++j) {
    const T value = line[j * step];
    best[j] = (value > best[j]) | (value != value) ? value : best[j];
  }
}

// Calls tap(first, number, at) for every tap of the windows of a block of columns: the columns it is inside
// the input for, and the place in the input of the first.
template <class Tap>
[[gnu::always_inline]] inline void each_tap(const PoolGeometry& g, int64_t oz, int64_t oy, int64_t column,
                                            int64_t count, const Tap& tap) {
  const Taps taps_z = taps_inside(g, 0, oz, oz), taps_y = taps_inside(g, 1, oy, oy);
  const Taps taps_x = taps_inside(g, 2, column, column + count - 1);
  for (int64_t tz = taps_z.first; tz < taps_z.last; ++tz) {
    const int64_t z = oz * g.stride[0] + tz * g.dilation[0] - g.pad[0];
    for (int64_t ty = taps_y.first; ty < taps_y.last; ++ty) {
      const int64_t y = oy * g.stride[1] + ty * g.dilation[1] - g.pad[1];
      const int64_t row = (z * g.input[1] + y) * g.input[2];
      for (int64_t tx = taps_x.first; tx < taps_x.last; ++tx) {
        const Columns inside = columns_inside(g, column, count, tx);
        if (inside.first >= inside.last) continue;
        const int64_t x = (column + inside.first) * g.stride[2] + tx * g.dilation[2] - g.pad[2];
        tap(inside.first, inside.last - inside.first, row + x);
      }
    }
  }
}

template <class T, class Index>
void max_row(const PoolGeometry& g, const T* input, int64_t oz, int64_t oy, T* output, int64_t* indices) {
  T best[block];
  Index index[block];
  const int64_t stride = g.stride[2];
  for (int64_t column = 0; column < g.output[2]; column += block) {
    const int64_t count = smaller(block, g.output[2] - column);
    for (int64_t j = 0; j < count; ++j) best[j] = lowest<T>(), index[j] = Index(-1);
    each_tap(g, oz, oy, column, count, [&](int64_t first, int64_t number, int64_t from) {
      // The first tap inside is taken even where it equals the lowest value.
      for (int64_t j = 0; j < number; ++j)
        if (index[first + j] < 0) index[first + j] = static_cast<Index>(from + j * stride);
      const T* line = input + from;
      const Index at = static_cast<Index>(from);
      if (stride == 1)
        take_larger<T, Index, 1>(line, stride, at, number, best + first, index + first);
      else if (stride == 2)
        take_larger<T, Index, 2>(line, stride, at, number, best + first, index + first);
      else
        take_larger<T, Index, 0>(line, stride, at, number, best + first, index + first);
    });
    for (int64_t j = 0; j < count; ++j) output[column + j] = best[j], indices[column + j] = index[j];
  }
}

// Where rows are too short to fill registers: the place in the input plane that every tap of every output of
// the plane meets, [tap][output]. A tap outside stands for its nearest neighbour inside: no maximum changes
// by looking at one of its values twice.
struct TapTable {
  static constexpr int64_t short_row = 24, most_entries = 8192;
  int64_t taps = 0, outputs = 0;

  static bool serves(const PoolGeometry& g) {
    if (g.adaptive || g.output[2] >= short_row || g.planes < 2) return false;
    double entries = static_cast<double>(g.output_plane());
    for (int i = 0; i < 3; ++i) {
      entries *= static_cast<double>(g.kernel[i]);
      for (int64_t o = 0; o < g.output[i]; ++o) {
        const Taps inside = taps_inside(g, i, o, o);
        if (inside.first >= inside.last) return false;  // a window without any input
      }
      if (entries > most_entries) return false;
    }
    return entries > 0;
  }
  void fill(const PoolGeometry& g, int32_t* to) {
    taps = g.kernel[0] * g.kernel[1] * g.kernel[2], outputs = g.output_plane();
    const auto place = [&](int axis, int64_t o, int64_t tap) {
      const Taps inside = taps_inside(g, axis, o, o);
      tap = larger(inside.first, smaller(tap, inside.last - 1));
      return o * g.stride[axis] + tap * g.dilation[axis] - g.pad[axis];
    };
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t oz = 0; oz < g.output[0]; ++oz)
        for (int64_t oy = 0; oy < g.output[1]; ++oy) {
          const int64_t z = place(0, oz, t / g.kernel[2] / g.kernel[1]);
          const int64_t y = place(1, oy, t / g.kernel[2] % g.kernel[1]);
          for (int64_t ox = 0; ox < g.output[2]; ++ox)
            *to++ = static_cast<int32_t>((z * g.input[1] + y) * g.input[2] + place(2, ox, t % g.kernel[2]));
        }
  }
};

template <class T, bool with_indices>
void max_plane(const TapTable& table, const int32_t* places, const T* input, T* output, int64_t* indices) {
  T best[block];
  int32_t index[block];
  for (int64_t o = 0; o < table.outputs; o += block) {
    const int64_t count = smaller(block, table.outputs - o);
    for (int64_t j = 0; j < count; ++j) best[j] = input[places[o + j]], index[j] = places[o + j];
    for (int64_t t = 1; t < table.taps; ++t) {
      const int32_t* at = places + t * table.outputs + o;
      for (int64_t j = 0; j < count; ++j) {
        const T value = input[at[j]];
        const bool take = (value > best[j]) | (value != value);
        best[j] = take ? value : best[j];
        if (with_indices) index[j] = take ? at[j] : index[j];
      }
    }
    for (int64_t j = 0; j < count; ++j) output[o + j] = best[j];
    if (with_indices)
      for (int64_t j = 0; j < count; ++j) indices[o + j] = index[j];
  }
}

template <class T>
void max_by_table(const PoolGeometry& g, const T* input, T* output, int64_t* indices) {
  TapTable table;
  const Scratch memory(g.kernel[0] * g.kernel[1] * g.kernel[2] * g.output_plane(), sizeof(int32_t));
  int32_t* places = static_cast<int32_t*>(memory.get());
  table.fill(g, places);
  const int64_t in = g.input_plane(), out = table.outputs, work = table.taps * out;
  if constexpr (std::is_floating_point_v<T>) {
    using Lanes = PoolingLanes<T>;
    const MetPlaces met{places, table.taps, out, in};
    if (g.planes >= Lanes::L && Lanes::memory(met) <= Lanes::most_bytes) {
      const int64_t blocks = blocks_of(g.planes, Lanes::L);
      return parallel::parallel_for(
          blocks, larger(1, grain_work / (work * Lanes::L)), [&](int64_t begin, int64_t end) {
            Lanes block(met,
                        thread_scratch(ScratchUser::convolution, static_cast<size_t>(Lanes::memory(met))));
            for (int64_t i = begin * Lanes::L; i < smaller(end * Lanes::L, g.planes); i += Lanes::L)
              block.run(met, input + i * in, smaller(Lanes::L, g.planes - i), output + i * out,
                        indices ? indices + i * out : nullptr);
          });
    }
  }
  parallel::parallel_for(g.planes, larger(1, grain_work / work), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      if (indices)
        max_plane<T, true>(table, places, input + plane * in, output + plane * out, indices + plane * out);
      else
        max_plane<T, false>(table, places, input + plane * in, output + plane * out, nullptr);
    }
  });
}

// Values alone, where nobody asks for the places.
template <class T>
void max_values_row(const PoolGeometry& g, const T* input, int64_t oz, int64_t oy, T* output) {
  const int64_t stride = g.stride[2];
  for (int64_t column = 0; column < g.output[2]; column += wide_block) {
    T best[wide_block];
    const int64_t count = smaller(wide_block, g.output[2] - column);
    for (int64_t j = 0; j < count; ++j) best[j] = lowest<T>();
    each_tap(g, oz, oy, column, count, [&](int64_t first, int64_t number, int64_t from) {
      if (stride == 1)
        take_larger<T, 1>(input + from, stride, number, best + first);
      else if (stride == 2)
        take_larger<T, 2>(input + from, stride, number, best + first);
      else
        take_larger<T, 0>(input + from, stride, number, best + first);
    });
    for (int64_t j = 0; j < count; ++j) output[column + j] = best[j];
  }
}

// Adaptive windows differ from column to column: one at a time.
template <class T>
void adaptive_max_row(const PoolGeometry& g, const T* input, int64_t oz, int64_t oy, T* output,
                      int64_t* indices) {
  const Window z = window(g, 0, oz), y = window(g, 1, oy);
  for (int64_t ox = 0; ox < g.output[2]; ++ox) {
    const Window x = window(g, 2, ox);
    T best = lowest<T>();
    int64_t index = (z.low * g.input[1] + y.low) * g.input[2] + x.low;
    for (int64_t iz = z.low; iz < z.high; ++iz)
      for (int64_t iy = y.low; iy < y.high; ++iy)
        for (int64_t ix = x.low; ix < x.high; ++ix) {
          const int64_t at = (iz * g.input[1] + iy) * g.input[2] + ix;
          if (input[at] > best || input[at] != input[at]) best = input[at], index = at;
        }
    output[ox] = best;
    if (indices) indices[ox] = index;
  }
}

template <class T>
void max_forward(const PoolGeometry& g, const T* input, T* output, int64_t* indices) {
  // Pairs fill at least half a register, or else lanes are full with planes.
  if (2 * g.output[2] <= native_width<T> && g.planes >= native_width<T> && TapTable::serves(g))
    return max_by_table(g, input, output, indices);
  if constexpr (std::is_floating_point_v<T>)
    if (pools_pairs(g) && g.input_plane() < (int64_t(1) << 31)) {
      const auto row = [&](int64_t plane, int64_t oz, int64_t oy) {
        const int64_t at = (plane * g.output[0] + oz) * g.output[1] + oy;
        max_of_pairs(g, input + plane * g.input_plane(), oz, oy, output + at * g.output[2],
                     indices ? indices + at * g.output[2] : nullptr);
      };
      if (g.planes < 16) return for_output_rows(g, row);
      return for_planes(g, [&](int64_t plane) {
        for (int64_t oz = 0; oz < g.output[0]; ++oz)
          for (int64_t oy = 0; oy < g.output[1]; ++oy) row(plane, oz, oy);
      });
    }
  if (TapTable::serves(g)) return max_by_table(g, input, output, indices);
  const bool narrow = sizeof(T) <= 4 && g.input_plane() < (int64_t(1) << 31);
  for_output_rows(g, [&](int64_t plane, int64_t oz, int64_t oy) {
    const int64_t at = plane * g.output_plane() + (oz * g.output[1] + oy) * g.output[2];
    const T* from = input + plane * g.input_plane();
    int64_t* const places = indices ? indices + at : nullptr;
    if (g.adaptive)
      adaptive_max_row(g, from, oz, oy, output + at, places);
    else if (!places)
      max_values_row(g, from, oz, oy, output + at);
    else if (narrow)
      max_row<T, int32_t>(g, from, oz, oy, output + at, places);
    else
      max_row<T, int64_t>(g, from, oz, oy, output + at, places);
  });
}

template <class T>
void max_scatter(const PoolGeometry& g, const T* output_gradient, const int64_t* indices, T* input_gradient) {
  const int64_t from_plane = g.output_plane(), to_plane = g.input_plane();
  // (Rows of less than a register are done faster one by one.)
  const bool pairs = std::is_floating_point_v<T> && g.output[2] >= native_width<T> && pools_pairs(g) &&
                     pools_apart(g) && to_plane < (int64_t(1) << 31);
  const bool all = pairs && pools_all(g);
  for_planes(g, [&](int64_t plane) {
    T* to = input_gradient + plane * to_plane;
    for (int64_t i = 0; i < to_plane && !all; ++i) to[i] = T(0);
    if constexpr (std::is_floating_point_v<T>)
      if (pairs)
        return spread_to_pairs(g, output_gradient + plane * from_plane, indices + plane * from_plane, to);
    for (int64_t i = plane * from_plane; i < (plane + 1) * from_plane; ++i)
      if (indices[i] >= 0 && indices[i] < to_plane) to[indices[i]] += output_gradient[i];
  });
}

template <class T>
void max_gather(const PoolGeometry& g, const T* input, const int64_t* indices, T* output) {
  const int64_t to_plane = g.output_plane(), from_plane = g.input_plane();
  for_planes(g, [&](int64_t plane) {
    const T* from = input + plane * from_plane;
    for (int64_t i = plane * to_plane; i < (plane + 1) * to_plane; ++i)
      output[i] = indices[i] >= 0 && indices[i] < from_plane ? from[indices[i]] : T(0);
  });
}

template <class T>
T sum_run(const T* from, int64_t count) {
  T sum = T(0);
  if constexpr (std::is_floating_point_v<T>) {
    Native<T> parts = Native<T>::zero();
    for (; count >= Native<T>::width; count -= Native<T>::width, from += Native<T>::width)
      parts = parts + Native<T>::load(from);
    sum = parts.sum();
  }
  for (int64_t i = 0; i < count; ++i) sum += from[i];
  return sum;
}

template <class T>
T divisor(const PoolGeometry& g, const Window& z, const Window& y, const Window& x) {
  if (g.divisor) return static_cast<T>(g.divisor);
  if (g.count_include_pad && !g.adaptive) return static_cast<T>(z.span * y.span * x.span);
  return static_cast<T>((z.high - z.low) * (y.high - y.low) * (x.high - x.low));
}

// Calls f(begin, end, divisor) for runs of columns, counted from `column`, whose windows have one size: those
// inside the input together, those at its borders one by one.
template <class T, class F>
void each_divisor(const PoolGeometry& g, const Window& z, const Window& y, int64_t column, int64_t count,
                  F f) {
  const Columns first = columns_inside(g, column, count, 0);
  const Columns last = columns_inside(g, column, count, g.kernel[2] - 1);
  const int64_t inside = larger(first.first, last.first),
                end = larger(inside, smaller(first.last, last.last));
  for (int64_t j = 0; j < count;) {
    const Window x = window(g, 2, column + j);
    const int64_t next = j == inside && end > inside ? end : j + 1;
    const bool any = z.high > z.low && y.high > y.low && x.high > x.low;
    f(j, next, any ? divisor<T>(g, z, y, x) : T(0));
    j = next;
  }
}

template <class T, int64_t Stride>
void add_strided(const T* line, int64_t stride, int64_t count, T* to) {
  const int64_t step = Stride ? Stride : stride;
  for (int64_t j = 0; j < count; ++j) to[j] += line[j * step];
}

template <class T>
void average_row(const PoolGeometry& g, const T* input, int64_t oz, int64_t oy, T* output) {
  const Window z = window(g, 0, oz), y = window(g, 1, oy);
  const int64_t width = g.input[2], stride = g.stride[2];
  const bool rows_follow = z.high - z.low == 1;  // then whole rows of the window are one run
  if (g.adaptive || g.kernel[2] > 4 * block) {
    for (int64_t ox = 0; ox < g.output[2]; ++ox) {
      const Window x = window(g, 2, ox);
      T sum = T(0);
      if (x.low == 0 && x.high == width && (rows_follow || (y.low == 0 && y.high == g.input[1]))) {
        sum = sum_run(input + (z.low * g.input[1] + y.low) * width,
                      (z.high - z.low) * (y.high - y.low) * width);
      } else {
        for (int64_t iz = z.low; iz < z.high; ++iz)
          for (int64_t iy = y.low; iy < y.high; ++iy)
            sum += sum_run(input + (iz * g.input[1] + iy) * width + x.low, x.high - x.low);
      }
      const bool any = z.high > z.low && y.high > y.low && x.high > x.low;
      output[ox] = any ? static_cast<T>(sum / divisor<T>(g, z, y, x)) : T(0);
    }
    return;
  }
  for (int64_t column = 0; column < g.output[2]; column += block) {
    const int64_t count = smaller(block, g.output[2] - column);
    T sums[block];
    for (int64_t j = 0; j < count; ++j) sums[j] = T(0);
    for (int64_t iz = z.low; iz < z.high; ++iz)
      for (int64_t iy = y.low; iy < y.high; ++iy)
        for (int64_t tx = 0; tx < g.kernel[2]; ++tx) {
          const Columns inside = columns_inside(g, column, count, tx);
          if (inside.first >= inside.last) continue;
          const T* line =
              input + (iz * g.input[1] + iy) * width + (column + inside.first) * stride + tx - g.pad[2];
          const int64_t number = inside.last - inside.first;
          if (stride == 1)
            add_strided<T, 1>(line, stride, number, sums + inside.first);
          else if (stride == 2)
            add_strided<T, 2>(line, stride, number, sums + inside.first);
          else
            add_strided<T, 0>(line, stride, number, sums + inside.first);
        }
    each_divisor<T>(g, z, y, column, count, [&](int64_t begin, int64_t end, T by) {
      for (int64_t j = begin; j < end; ++j)
        output[column + j] = by != T(0) ? static_cast<T>(sums[j] / by) : T(0);
    });
  }
}

template <class T>
void average_forward(const PoolGeometry& g, const T* input, T* output) {
  for_output_rows(g, [&](int64_t plane, int64_t oz, int64_t oy) {
    average_row(g, input + plane * g.input_plane(), oz, oy,
                output + plane * g.output_plane() + (oz * g.output[1] + oy) * g.output[2]);
  });
}

template <class T, int64_t Stride>
void spread_strided(const T* from, int64_t stride, int64_t count, T* line) {
  const int64_t step = Stride ? Stride : stride;
#pragma GCC ivdep
  for (int64_t j = 0; j < count; ++j) line[j * step] += from[j];
}

// An output row's gradients, divided by the sizes of their windows, added tap by tap.
template <class T>
void average_backward_row(const PoolGeometry& g, const Window& z, const Window& y, const T* from, T* plane) {
  const int64_t width = g.input[2], stride = g.stride[2];
  for (int64_t column = 0; column < g.output[2]; column += block) {
    const int64_t count = smaller(block, g.output[2] - column);
    T share[block];
    each_divisor<T>(g, z, y, column, count, [&](int64_t begin, int64_t end, T by) {
      for (int64_t j = begin; j < end; ++j)
        share[j] = by != T(0) ? static_cast<T>(from[column + j] / by) : T(0);
    });
    for (int64_t iz = z.low; iz < z.high; ++iz)
      for (int64_t iy = y.low; iy < y.high; ++iy)
        for (int64_t tx = 0; tx < g.kernel[2]; ++tx) {
          const Columns inside = columns_inside(g, column, count, tx);
          if (inside.first >= inside.last) continue;
          T* line = plane + (iz * g.input[1] + iy) * width + (column + inside.first) * stride + tx - g.pad[2];
          const int64_t number = inside.last - inside.first;
          if (stride == 1)
            spread_strided<T, 1>(share + inside.first, stride, number, line);
          else if (stride == 2)
            spread_strided<T, 2>(share + inside.first, stride, number, line);
          else
            spread_strided<T, 0>(share + inside.first, stride, number, line);
        }
  }
}

template <class T>
void average_backward(const PoolGeometry& g, const T* output_gradient, T* input_gradient) {
  const bool by_taps = !g.adaptive && g.kernel[2] <= 4 * block;
  for_planes(g, [&](int64_t plane) {
    const T* from = output_gradient + plane * g.output_plane();
    T* to = input_gradient + plane * g.input_plane();
    for (int64_t i = 0; i < g.input_plane(); ++i) to[i] = T(0);
    for (int64_t oz = 0; oz < g.output[0]; ++oz) {
      const Window z = window(g, 0, oz);
      for (int64_t oy = 0; oy < g.output[1]; ++oy, from += g.output[2]) {
        const Window y = window(g, 1, oy);
        if (by_taps) {
          average_backward_row(g, z, y, from, to);
          continue;
        }
        for (int64_t ox = 0; ox < g.output[2]; ++ox) {
          const Window x = window(g, 2, ox);
          if (z.high <= z.low || y.high <= y.low || x.high <= x.low) continue;
          const T share = static_cast<T>(from[ox] / divisor<T>(g, z, y, x));
          for (int64_t iz = z.low; iz < z.high; ++iz)
            for (int64_t iy = y.low; iy < y.high; ++iy) {
              T* row = to + (iz * g.input[1] + iy) * g.input[2];
              for (int64_t ix = x.low; ix < x.high; ++ix) row[ix] += share;
            }
        }
      }
    }
  });
}

template <class T>
constexpr MaxPool<T> max_pool = {max_forward<T>, max_scatter<T>, max_gather<T>};
template <class T>
constexpr AveragePool<T> average_pool = {average_forward<T>, average_backward<T>};

}  // namespace

extern const PoolKernels pooling_kernels = {
    max_pool<float>,  max_pool<double>,  max_pool<int64_t>,   max_pool<int32_t>,    max_pool<int16_t>,
    max_pool<int8_t>, max_pool<uint8_t>, average_pool<float>, average_pool<double>, average_pool<int64_t>};

}  // namespace penlight::kernels::PENLIGHT_ISA

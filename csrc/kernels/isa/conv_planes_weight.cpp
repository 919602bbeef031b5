// The weight gradient plane by plane, for groups of one channel (conv_planes.cpp).
//
// A task goes through some blocks of one plane. The sums of a block of taps stay in registers, a lane for
// each column, while tiles of 4 rows of output gradients by one register of columns meet the band's rows:
//
//   taps   TY rows x TX columns of taps in registers;  4 + (3 + TY) * TX loads for 4 * TY * TX products
//
// Lanes are added up at a task's end, tasks in order at the end. Columns behind a row's last are loaded as
// zeros on both sides: an infinity that belongs to another tap must not meet a zero.
#include "kernels/conv_planes.h"
#include "kernels/flush.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t serial_work = 1 << 17, wanted_tasks = 16;
constexpr int tile_rows = plane_tile_rows;

// Columns of taps for so many rows of them: sums, output gradients and one value fit the registers.
constexpr int tap_columns(int taps_y) {
  const int fit = (vector_registers - 2 - tile_rows) / taps_y;
  return fit < 1 ? 1 : fit > 5 ? 5 : fit;
}

template <class T>
struct TapSums {
  const T* output;
  int64_t output_row;
  PlaneView<T> source;
  int64_t tap_step;
  int64_t rows, columns;
  T* sums;  // [tap y][tap x] at `ld` apart, a register each
  int64_t ld;
};

// Adds R rows by one register of columns, `count` of them. `inside`: a whole register, and the source has all
// that is read.
template <class T, int TY, int TX, int R, bool inside>
[[gnu::always_inline]] inline void add_taps(const TapSums<T>& q, int64_t row, int64_t column, int64_t count,
                                            Native<T> (&sum)[TY][TX]) {
  using V = Native<T>;
  const PlaneView<T> view = q.source.moved(row, column);
  const T* output = q.output + row * q.output_row + column;
  V slope[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    const T* from = output + r * q.output_row;
    slope[r] = inside ? V::load(from) : V::load_partial(from, count);
  }
  uint32_t lanes[TX];
  if (!inside && loads_any_lanes)
#pragma GCC unroll 5
    for (int tx = 0; tx < TX; ++tx) lanes[tx] = view.lanes_at(tx * q.tap_step) & lane_bits(0, count);
  const T* source = view.at;
#pragma GCC unroll 10
  for (int i = 0; i < R + TY - 1; ++i) {
    const bool there = inside || (i >= view.row0 && i < view.row1);
#pragma GCC unroll 5
    for (int tx = 0; tx < TX; ++tx) {
      const T* from = source + tx * q.tap_step;
      const V value = in_register(inside             ? V::load(from)
                                  : !loads_any_lanes ? V::load_partial(from, count)
                                  : there            ? load_lanes(from, lanes[tx])
                                                     : V::zero());
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r)
        if (i - r >= 0 && i - r < TY) sum[i - r][tx] = fma(slope[r], value, sum[i - r][tx]);
    }
    source += view.row;
  }
}

template <class T, int TY, int TX, int R>
[[gnu::always_inline]] inline void add_rows(const TapSums<T>& q, int64_t row, Native<T> (&sum)[TY][TX]) {
  constexpr int W = Native<T>::width;
  for (int64_t column = 0; column < q.columns; column += W) {
    const int64_t count = smaller(W, q.columns - column);
    if (count == W && q.source.moved(row, column).holds(R + TY - 1, (TX - 1) * q.tap_step + W))
      add_taps<T, TY, TX, R, true>(q, row, column, count, sum);
    else
      add_taps<T, TY, TX, R, false>(q, row, column, count, sum);
  }
}

template <class T, int TY, int TX>
void tap_sums(const TapSums<T>& q) {
  using V = Native<T>;
  constexpr int W = V::width;
  V sum[TY][TX];
#pragma GCC unroll 7
  for (int ty = 0; ty < TY; ++ty)
#pragma GCC unroll 5
    for (int tx = 0; tx < TX; ++tx) sum[ty][tx] = V::load(q.sums + (ty * q.ld + tx) * W);
  int64_t row = 0;
  for (; row + tile_rows <= q.rows; row += tile_rows) add_rows<T, TY, TX, tile_rows>(q, row, sum);
  for (; row < q.rows; ++row) add_rows<T, TY, TX, 1>(q, row, sum);
#pragma GCC unroll 7
  for (int ty = 0; ty < TY; ++ty)
#pragma GCC unroll 5
    for (int tx = 0; tx < TX; ++tx) sum[ty][tx].store(q.sums + (ty * q.ld + tx) * W);
}

template <class T, int TY, int TX = 1>
void add_tap_columns(const TapSums<T>& q, int64_t taps_x) {
  if constexpr (TX < tap_columns(TY)) {
    if (taps_x != TX) return add_tap_columns<T, TY, TX + 1>(q, taps_x);
  }
  tap_sums<T, TY, TX>(q);
}

// taps_y: 1, 3, 5 or 7
template <class T>
void add_tap_rows(TapSums<T> q, int64_t taps_y, int64_t taps_x) {
  const int most = tap_columns(static_cast<int>(taps_y));
  const int64_t runs = blocks_of(taps_x, most), run = blocks_of(taps_x, runs);
  const PlaneView<T> source = q.source;
  T* sums = q.sums;
  for (int64_t tx = 0; tx < taps_x; tx += run) {
    const int64_t count = smaller(run, taps_x - tx);
    q.source = source.moved(0, tx * q.tap_step), q.sums = sums + tx * native_width<T>;
    switch (taps_y) {
      case 1:
        add_tap_columns<T, 1>(q, count);
        break;
      case 3:
        add_tap_columns<T, 3>(q, count);
        break;
      case 5:
        add_tap_columns<T, 5>(q, count);
        break;
      default:
        add_tap_columns<T, 7>(q, count);
    }
  }
}

template <class T>
void planes_weight_gradient(const TapProduct& q, const T* output, const T* source, T* gradient) {
  constexpr int64_t W = native_width<T>;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const int64_t planes = q.batch * q.groups, taps = q.taps(), weights = q.rows * taps;
  if (q.groups * weights == 0) return;
  const PlaneReader<T> plan(q);
  const int64_t y_units = blocks_of(y.count, plan.band.rows), x_units = blocks_of(x.count, plan.band.columns);
  const int64_t units = z.count * y_units * x_units;
  const int64_t parts_wanted = smaller(blocks_of(wanted_tasks, larger(1, planes)), larger(1, units));
  const int64_t units_per_part = blocks_of(larger(1, units), parts_wanted);
  const int64_t parts = blocks_of(larger(1, units), units_per_part), tasks = planes * parts;
  const Scratch sum_memory(tasks * weights, sizeof(T));  // [plane][part][row][tap]
  T* all_sums = static_cast<T*>(sum_memory.get());
  const int64_t source_plane = q.source_plane(), positions = q.positions();
  const int64_t band_size = blocks_of(plan.memory(), W) * W;
  const int64_t task_work = q.rows * (taps + 4) * units_per_part * plan.band.rows * plan.band.columns;

  parallel_products(tasks, larger(1, serial_work / (task_work + 1)), [&](int64_t begin, int64_t end) {
    PlaneReader<T> reader = plan;
    reader.values =
        static_cast<T*>(thread_scratch(ScratchUser::convolution, (band_size + weights * W) * sizeof(T)));
    T* kept = reader.values + band_size;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t plane = task / parts, part = task % parts;
      for (int64_t i = 0; i < weights * W; ++i) kept[i] = T(0);
      const int64_t unit1 = smaller(units, (part + 1) * units_per_part);
      for (int64_t unit = part * units_per_part; unit < unit1; ++unit) {
        const int64_t x0 = unit % x_units * plan.band.columns,
                      columns = smaller(plan.band.columns, x.count - x0);
        const int64_t y0 = unit / x_units % y_units * plan.band.rows,
                      rows = smaller(plan.band.rows, y.count - y0);
        const int64_t z0 = unit / x_units / y_units;
        reader.begin(source + plane * source_plane, z0, y0, rows, x0);
        for (int64_t r = 0; r < q.rows; ++r) {
          const T* from = output + (plane * q.rows + r) * positions + (z0 * y.count + y0) * x.count + x0;
          TapSums<T> sums;
          sums.output_row = y.tap_step * x.count, sums.tap_step = x.tap_step;
          sums.columns = columns, sums.ld = x.taps;
          for (int64_t tz = 0; tz < z.taps; ++tz)
            for (int64_t ty = 0, count; ty < y.taps; ty += count) {
              count = taps_at_once(y.taps - ty);
              sums.sums = kept + (r * taps + (tz * y.taps + ty) * x.taps) * W;
              for (int64_t residue = 0; residue < smaller(y.tap_step, rows); ++residue) {
                sums.source = reader.view(tz, ty, residue);
                sums.output = from + residue * x.count;
                sums.rows = blocks_of(rows - residue, y.tap_step);
                add_tap_rows(sums, count, x.taps);
              }
            }
        }
      }
      for (int64_t i = 0; i < weights; ++i)
        all_sums[task * weights + i] = Native<T>::load(kept + i * W).sum();
    }
  });
  parallel_products(q.groups, 1 + 16384 / (q.batch * parts * weights + 1), [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group)
      for (int64_t i = 0; i < weights; ++i) {
        T sum = T(0);
        for (int64_t n = 0; n < q.batch; ++n)
          for (int64_t part = 0; part < parts; ++part)
            sum += all_sums[((n * q.groups + group) * parts + part) * weights + i];
        gradient[group * weights + i] = sum;
      }
  });
}

}  // namespace

void planes_weight_gradient_float32(const TapProduct& q, const float* output, const float* source,
                                    float* gradient) {
  planes_weight_gradient(q, output, source, gradient);
}

void planes_weight_gradient_float64(const TapProduct& q, const double* output, const double* source,
                                    double* gradient) {
  planes_weight_gradient(q, output, source, gradient);
}

}  // namespace penlight::kernels::PENLIGHT_ISA

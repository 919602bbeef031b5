// Convolution plane by plane, for groups of one channel (depthwise) in rows long enough to fill registers.
//
// A task takes a block of rows of one output plane. The input is read in place where zeros are around it and
// lanes can be left out of a load; else the rows that the block meets are copied into a band (conv_band.h),
// with padding of every mode folded in. It sums
//
//   tile   4 rows x NV registers of consecutive columns, over up to 7 rows of taps at once: every register of
//          input is loaded once for all the rows of taps that meet it
//   band   plane_positions values, in L1
//
// Rows of a tile lie one row of taps apart, so that dilated rows share their loads too. Nothing is turned or
// shuffled: with small kernels the memory is the limit.
#include "kernels/conv_planes.h"
#include "kernels/flush.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t serial_work = 1 << 17;  // multiplications below which one thread does all
constexpr int tile_rows = plane_tile_rows, most_registers = vector_registers == 32 ? 4 : 2;

// One tile's part of the sum: its rows are `to_row` values apart in the result.
template <class T>
struct PlaneTile {
  const T* weight;  // [tap x][tap y]
  int64_t taps_x, tap_step;
  PlaneView<T> source;
  T* to;
  int64_t to_row, columns;
  T start;
  bool add;  // to what `to` holds, instead of to `start`
};

// `inside`: the source has all that is read.
template <class T, int TY, int R, int NV, bool inside>
void sum_tile(const PlaneTile<T>& q) {
  using V = Native<T>;
  constexpr int W = V::width;
  V sum[R][NV];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const int64_t left = q.columns - j * W;
      const T* from = q.to + r * q.to_row + j * W;
      sum[r][j] = !q.add ? V::broadcast(q.start) : left < W ? V::load_partial(from, left) : V::load(from);
    }
  const T *weight = q.weight, *source = q.source.at;
  for (int64_t tx = 0; tx < q.taps_x; ++tx) {
    V factor[TY];
#pragma GCC unroll 7
    for (int ty = 0; ty < TY; ++ty) factor[ty] = V::broadcast(weight[ty]);
    uint32_t lanes[NV];
    if (!inside)
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) lanes[j] = q.source.lanes_at(tx * q.tap_step + j * W);
    const T* line = source;
#pragma GCC unroll 10
    for (int i = 0; i < R + TY - 1; ++i) {
      const bool there = inside || (i >= q.source.row0 && i < q.source.row1);
#pragma GCC unroll 4
      for (int j = 0; j < NV; ++j) {
        const T* from = line + j * W;
        const V value = in_register(inside ? V::load(from) : there ? load_lanes(from, lanes[j]) : V::zero());
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r)
          if (i - r >= 0 && i - r < TY) sum[r][j] = fma(factor[i - r], value, sum[r][j]);
      }
      line += q.source.row;
    }
    source += q.tap_step;
    weight += TY;
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < NV; ++j) {
      const int64_t left = q.columns - j * W;
      T* to = q.to + r * q.to_row + j * W;
      if (left < W)
        sum[r][j].store_partial(to, left);
      else
        sum[r][j].store(to);
    }
}

template <class T>
using SumTile = void (*)(const PlaneTile<T>&);

template <class T, int TY, int R, int NV = 1>
SumTile<T> sum_tile_of(int64_t registers, bool inside) {
  if constexpr (NV < most_registers) {
    if (registers != NV) return sum_tile_of<T, TY, R, NV + 1>(registers, inside);
  }
  if constexpr (loads_any_lanes) {
    if (!inside) return sum_tile<T, TY, R, NV, false>;
  }
  return sum_tile<T, TY, R, NV, true>;
}

template <class T, int TY>
SumTile<T> sum_tile_of(int64_t rows, int64_t registers, bool inside) {
  return rows == 1 ? sum_tile_of<T, TY, 1>(registers, inside)
                   : sum_tile_of<T, TY, tile_rows>(registers, inside);
}

// taps_y: 1, 3, 5 or 7; rows: 1 or tile_rows.
template <class T>
SumTile<T> sum_tile_of(int64_t taps_y, int64_t rows, int64_t registers, bool inside) {
  switch (taps_y) {
    case 1:
      return sum_tile_of<T, 1>(rows, registers, inside);
    case 3:
      return sum_tile_of<T, 3>(rows, registers, inside);
    case 5:
      return sum_tile_of<T, 5>(rows, registers, inside);
    default:
      return sum_tile_of<T, 7>(rows, registers, inside);
  }
}

// The weights of one plane, in the order of the tiles: [tap z][block of taps y][tap x][tap y].
template <class T>
void pack_taps(const TapProduct& q, const T* weight, T* to) {
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  for (int64_t tz = 0; tz < z.taps; ++tz)
    for (int64_t ty0 = 0, count; ty0 < y.taps; ty0 += count) {
      count = taps_at_once(y.taps - ty0);
      for (int64_t tx = 0; tx < x.taps; ++tx)
        for (int64_t ty = ty0; ty < ty0 + count; ++ty) *to++ = weight[q.weight_tap(tz, ty, tx)];
    }
}

// Sums `rows` rows of one block: all of one residue to the step between rows of taps.
template <class T>
void sum_rows(PlaneTile<T> tile, int64_t taps_y, int64_t rows, int64_t columns, Ahead& ahead) {
  constexpr int64_t W = native_width<T>;
  const int64_t runs = blocks_of(blocks_of(columns, W), most_registers);
  const int64_t run = blocks_of(blocks_of(columns, W), runs) * W;  // shared out evenly
  const PlaneView<T> source = tile.source;
  T* to = tile.to;
  for (int64_t row = 0; row < rows;) {
    const int64_t height = rows - row >= tile_rows ? tile_rows : 1;
    for (int64_t column = 0; column < columns; column += run) {
      tile.columns = smaller(run, columns - column);
      tile.source = source.moved(row, column);
      tile.to = to + row * tile.to_row + column;
      const int64_t registers = blocks_of(tile.columns, W);
      const bool inside =
          tile.source.holds(height + taps_y - 1, (tile.taps_x - 1) * tile.tap_step + registers * W);
      sum_tile_of<T>(taps_y, height, registers, inside)(tile);
    }
    ahead.fetch_share();
    row += height;
  }
}

template <class T>
void planes_product(const TapProduct& q, const T* source, const T* weight, const T* bias, T* to) {
  const int64_t planes = q.batch * q.groups, taps = q.taps();
  if (planes == 0 || q.rows == 0 || q.positions() == 0) return;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const PlaneReader<T> plan(q);
  const int64_t y_tasks = blocks_of(y.count, plan.band.rows), x_tasks = blocks_of(x.count, plan.band.columns);
  const int64_t tasks = planes * z.count * y_tasks * x_tasks;
  const int64_t task_work = q.rows * (taps + 4) * plan.band.rows * plan.band.columns;
  const int64_t source_plane = q.source_plane(), to_plane = q.to_plane();
  const int64_t source_block = source_plane / (z.count * y_tasks * x_tasks);

  parallel_products(tasks, larger(1, serial_work / (task_work + 1)), [&](int64_t begin, int64_t end) {
    PlaneReader<T> reader = plan;
    reader.values =
        static_cast<T*>(thread_scratch(ScratchUser::convolution, (reader.memory() + taps) * sizeof(T)));
    T* packed = reader.values + reader.memory();
    for (int64_t task = begin; task < end; ++task) {
      int64_t rest = task;
      const int64_t x0 = rest % x_tasks * reader.band.columns,
                    columns = smaller(reader.band.columns, x.count - x0);
      rest /= x_tasks;
      const int64_t y0 = rest % y_tasks * reader.band.rows, rows = smaller(reader.band.rows, y.count - y0);
      rest /= y_tasks;
      const int64_t z0 = rest % z.count, plane = rest / z.count, group = plane % q.groups;
      reader.begin(source + plane * source_plane, z0, y0, rows, x0);
      Ahead ahead;  // blocks follow each other in memory
      ahead.plan(source + smaller(task + 1, tasks - 1) * source_block, source_block,
                 source + planes * source_plane, rows / tile_rows);
      for (int64_t r = 0; r < q.rows; ++r) {
        pack_taps(q, weight + group * q.weight_group + r * q.weight_row, packed);
        T* target = to + (plane * q.rows + r) * to_plane +
                    ((z.to_first + z0) * y.to_size + y.to_first + y0) * x.to_size + x.to_first + x0;
        PlaneTile<T> tile;
        tile.weight = packed, tile.taps_x = x.taps, tile.tap_step = x.tap_step;
        tile.to_row = y.tap_step * x.to_size;
        tile.start = bias ? bias[group * q.rows + r] : T(0), tile.add = false;
        for (int64_t tz = 0; tz < z.taps; ++tz)
          for (int64_t ty = 0, count; ty < y.taps; ty += count) {
            count = taps_at_once(y.taps - ty);
            for (int64_t residue = 0; residue < smaller(y.tap_step, rows); ++residue) {
              tile.source = reader.view(tz, ty, residue);
              tile.to = target + residue * x.to_size;
              sum_rows(tile, count, blocks_of(rows - residue, y.tap_step), columns, ahead);
            }
            tile.weight += x.taps * count;
            tile.add = true;
          }
      }
    }
  });
}

}  // namespace

void planes_weight_gradient_float32(const TapProduct&, const float*, const float*, float*);
void planes_weight_gradient_float64(const TapProduct&, const double*, const double*, double*);

extern const PlanesKernels conv_planes_kernels = {{planes_product<float>, planes_weight_gradient_float32},
                                                  {planes_product<double>, planes_weight_gradient_float64}};

}  // namespace penlight::kernels::PENLIGHT_ISA

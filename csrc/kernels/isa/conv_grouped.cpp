// Convolution of groups, depthwise above all, with a lane for each group (conv_lanes.h).
//
// A task takes as many groups as a register has lanes (they may reach from one image into the next) and a
// block of output rows. It turns the input positions they meet into lanes, with padding of every mode written
// around them, sums every row of the product over its channels and taps,
//
//   sums   R rows x NX positions in registers;  a load of R weights and NX values for R * NX products,
//          all aligned
//   box    the channels' inputs and the results of up to 4 rows: block_bytes, in L2
//
// and turns the results back. The weights lie packed as [block of lanes][rows of a tile][channel, tap][row].
#include "kernels/conv_lanes.h"
#include "kernels/flush.h"
#include "kernels/scratch.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t block_bytes = 224 * 1024;
constexpr int64_t serial_work = 1 << 17;  // multiplications below which one thread does all

int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}
int64_t blocks_of(int64_t n, int64_t size) {
  return (n + size - 1) / size;
}

// Rows of a tile, and positions for so many rows: accumulators, weights and one value fit the registers.
constexpr int tile_rows = 4;
constexpr int tile_positions(int rows) {
  return vector_registers == 32 ? (rows > 2 ? 4 : 8) : rows == 1 ? 8 : rows == 2 ? 4 : 2;
}

// to[r][x] = start[r] + sum over i < k of weight[i][r] * source[offsets[i] + x * step], a lane each
template <class T, int R, int NX>
void lane_tile(int64_t k, const T* weight, const T* source, const int32_t* offsets, int64_t step,
               const T* start, T* to, int64_t to_row) {
  using V = Native<T>;
  constexpr int L = lanes<T>;
  V sum[R][NX];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int x = 0; x < NX; ++x) sum[r][x] = V::load(start + r * L);
  for (int64_t i = 0; i < k; ++i) {
    const T* from = source + offsets[i];
    V factor[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) factor[r] = V::load(weight + r * L);
#pragma GCC unroll 8
    for (int x = 0; x < NX; ++x) {
      const V value = V::load(from + x * step);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sum[r][x] = fma(factor[r], value, sum[r][x]);
    }
    weight += R * L;
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int x = 0; x < NX; ++x) sum[r][x].store(to + r * to_row + x * L);
}

template <class T>
using LaneTile = void (*)(int64_t, const T*, const T*, const int32_t*, int64_t, const T*, T*, int64_t);

template <class T, int R, int NX = 1>
LaneTile<T> lane_tile_of(int64_t positions) {
  if constexpr (NX < tile_positions(R)) {
    if (positions != NX) return lane_tile_of<T, R, NX + 1>(positions);
  }
  return lane_tile<T, R, NX>;
}

template <class T>
LaneTile<T> lane_tile_of(int64_t rows, int64_t positions) {
  switch (rows) {
    case 1:
      return lane_tile_of<T, 1>(positions);
    case 2:
      return lane_tile_of<T, 2>(positions);
    case 3:
      return lane_tile_of<T, 3>(positions);
    default:
      return lane_tile_of<T, 4>(positions);
  }
}

// Groups [first, first + lanes) of all images' groups: their weights and biases, a lane each; missing ones
// repeat the last.
template <class T>
void pack_lanes(const TapProduct& q, const T* weight, const T* bias, int64_t first, T* to, T* starts) {
  constexpr int L = lanes<T>;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const int64_t all = q.batch * q.groups;
  int64_t group[L];
  for (int l = 0; l < L; ++l) group[l] = smaller(first + l, all - 1) % q.groups;
  for (int64_t r = 0; r < q.rows; ++r)
    for (int l = 0; l < L; ++l) starts[r * L + l] = bias ? bias[group[l] * q.rows + r] : T(0);
  for (int64_t row0 = 0; row0 < q.rows; row0 += tile_rows)
    for (int64_t c = 0; c < q.channels; ++c)
      for (int64_t tz = 0; tz < z.taps; ++tz)
        for (int64_t ty = 0; ty < y.taps; ++ty)
          for (int64_t tx = 0; tx < x.taps; ++tx) {
            const int64_t tap = ((z.weight_first + tz * z.weight_step) * q.weight_kernel[1] + y.weight_first +
                                 ty * y.weight_step) *
                                    q.weight_kernel[2] +
                                x.weight_first + tx * x.weight_step;
            const T* from = weight + c * q.weight_channel + tap;
            for (int64_t r = row0; r < smaller(q.rows, row0 + tile_rows); ++r)
              for (int l = 0; l < L; ++l) *to++ = from[group[l] * q.weight_group + r * q.weight_row];
          }
}

// Writes a block of results, which lie in lanes, to the first `count` planes.
template <class T>
void store_block(const TapProduct& q, const T* from, int64_t count, T* const* planes, int64_t z0, int64_t y0,
                 int64_t ny, int64_t x0, int64_t nx) {
  constexpr int L = lanes<T>;
  constexpr int64_t piece = 64;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const int64_t at_z = z.to_first + z0 * z.to_step;
  if (!q.mapped && x.to_step == 1) {
    const bool whole = nx == x.to_size && y.to_step == 1;  // rows follow each other without a gap
    const int64_t runs = whole ? 1 : ny, run = whole ? ny * nx : nx;
    for (int64_t i = 0; i < runs; ++i)
      from_lanes(from + i * nx * L, run, count, planes,
                 (at_z * y.to_size + y.to_first + (y0 + i) * y.to_step) * x.to_size + x.to_first + x0);
    return;
  }
  alignas(64) T turned[L * piece];
  T* pieces[L];
  for (int l = 0; l < L; ++l) pieces[l] = turned + l * piece;
  const int64_t plane_z = q.mapped ? padded_source(q.to_mode, at_z, z.to_size) : at_z;
  for (int64_t i = 0; i < ny; ++i) {
    const int64_t at_y = y.to_first + (y0 + i) * y.to_step;
    const int64_t plane_y = q.mapped ? padded_source(q.to_mode, at_y, y.to_size) : at_y;
    for (int64_t j = 0; j < nx; j += piece) {
      const int64_t run = smaller(piece, nx - j), at_x = x.to_first + (x0 + j) * x.to_step;
      from_lanes(from + (i * nx + j) * L, run, count, pieces, 0);
      for (int64_t l = 0; l < count; ++l) {
        T* line = planes[l] + (plane_z * y.to_size + plane_y) * x.to_size;
        if (q.mapped)
          for (int64_t m = 0; m < run; ++m)
            line[padded_source(q.to_mode, at_x + m * x.to_step, x.to_size)] += pieces[l][m];
        else
          for (int64_t m = 0; m < run; ++m) line[at_x + m * x.to_step] = pieces[l][m];
      }
    }
  }
}

template <class T>
void grouped_product(const TapProduct& q, const T* source, const T* weight, const T* bias, T* to) {
  constexpr int L = lanes<T>;
  const int64_t all = q.batch * q.groups;
  if (all == 0 || q.rows == 0 || q.positions() == 0) return;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const LaneBox box(q, L * sizeof(T), block_bytes);
  const int64_t depth = q.channels * q.taps();
  const int64_t lane_blocks = blocks_of(all, L), block_weights = q.rows * depth * L;

  // Blocks of lanes with the same groups share their weights; where images begin amid a block, there may be
  // as many kinds of blocks as groups.
  int64_t kinds = 1;
  while (kinds < lane_blocks && kinds * L % q.groups != 0) ++kinds;
  const Scratch packed_memory(kinds * (block_weights + q.rows * L), sizeof(T));
  T* packed = static_cast<T*>(packed_memory.get());
  T* starts = packed + kinds * block_weights;
  parallel_products(kinds, 1 + 16384 / (block_weights + 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      pack_lanes(q, weight, bias, i * L, packed + i * block_weights, starts + i * q.rows * L);
  });
  const Scratch offset_memory(depth, sizeof(int32_t));
  int32_t* offsets = static_cast<int32_t*>(offset_memory.get());
  box.fill_offsets(q, L, offsets);

  const int64_t y_tasks = blocks_of(y.count, box.rows), x_tasks = blocks_of(x.count, box.columns);
  const int64_t tasks = lane_blocks * z.count * y_tasks * x_tasks;
  const int64_t task_work = L * q.rows * (depth + 4) * box.rows * box.columns;
  const int64_t source_plane = q.source_plane(), to_plane = q.to_plane();
  const int64_t box_values = q.channels * box.size * L, result_values = box.rows * box.columns * L;

  parallel_products(tasks, larger(1, serial_work / (task_work + 1)), [&](int64_t begin, int64_t end) {
    T* values = static_cast<T*>(
        thread_scratch(ScratchUser::convolution, (box_values + tile_rows * result_values) * sizeof(T)));
    T* results = values + box_values;
    for (int64_t task = begin; task < end; ++task) {
      int64_t rest = task;
      const int64_t x0 = rest % x_tasks * box.columns, nx = smaller(box.columns, x.count - x0);
      rest /= x_tasks;
      const int64_t y0 = rest % y_tasks * box.rows, ny = smaller(box.rows, y.count - y0);
      rest /= y_tasks;
      const int64_t z0 = rest % z.count, block = rest / z.count;
      const int64_t first = block * L, count = smaller(L, all - first);
      for (int64_t c = 0; c < q.channels; ++c) {
        const T* planes[L];
        for (int l = 0; l < L; ++l)
          planes[l] = source + (smaller(first + l, all - 1) * q.channels + c) * source_plane;
        box.fill(q, planes, z0, y0, ny, x0, nx, values + c * box.size * L);
      }
      for (int64_t row0 = 0; row0 < q.rows; row0 += tile_rows) {
        const int64_t rows = smaller(tile_rows, q.rows - row0);
        const int64_t tiles = blocks_of(nx, tile_positions(static_cast<int>(rows)));
        const int64_t step = blocks_of(nx, tiles);
        const LaneTile<T> tile = lane_tile_of<T>(rows, step);
        const T* factors = packed + block % kinds * block_weights + row0 * depth * L;
        const T* start = starts + (block % kinds * q.rows + row0) * L;
        const int64_t to_row = ny * nx * L;
        for (int64_t i = 0; i < ny; ++i) {
          const T* line = values + i * y.step * box.width * L;
          for (int64_t j = 0; j < nx; j += step) {
            if (j + step > nx) j = nx - step;  // evenly wide tiles, the last over the one before
            tile(depth, factors, line + j * x.step * L, offsets, x.step * L, start,
                 results + (i * nx + j) * L, to_row);
          }
        }
        for (int64_t r = 0; r < rows; ++r) {
          T* planes[L];
          for (int l = 0; l < L; ++l)
            planes[l] = to + (smaller(first + l, all - 1) * q.rows + row0 + r) * to_plane;
          store_block(q, results + r * to_row, count, planes, z0, y0, ny, x0, nx);
        }
      }
    }
  });
}

}  // namespace

void grouped_weight_gradient_float32(const TapProduct&, const float*, const float*, float*);
void grouped_weight_gradient_float64(const TapProduct&, const double*, const double*, double*);

extern const GroupedKernels conv_grouped_kernels = {
    {grouped_product<float>, grouped_weight_gradient_float32},
    {grouped_product<double>, grouped_weight_gradient_float64},
    vector_bytes};

}  // namespace penlight::kernels::PENLIGHT_ISA

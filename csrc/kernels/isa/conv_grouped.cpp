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
// and turns the results back. The input gradient of a strided convolution is several products, one for each
// residue of rows and columns, whose results interleave: a task takes them together. The weights lie packed
// as [block of lanes][rows of a tile][channel, tap][row].
#include "kernels/conv_lanes.h"
#include "kernels/flush.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t block_bytes = 224 * 1024;
constexpr int64_t serial_work = 1 << 17;  // multiplications below which one thread does all

// Rows of a tile, and positions for so many rows: accumulators, weights and one value fit the registers.
constexpr int tile_rows = 4;
constexpr int tile_positions(int rows) {
  return vector_registers == 32 ? (rows > 2 ? 4 : 8) : rows == 1 ? 8 : rows == 2 ? 4 : 2;
}

// to[r][x] = start[r] + sum over i < k of weight[i][r] * source[offsets[i] + x * step], a lane each
template <class T, int R, int NX>
void lane_tile(int64_t k, const T* weight, const T* source, const int32_t* offsets, int64_t step,
               const T* start, T* to, int64_t to_row, int64_t to_step) {
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
    for (int x = 0; x < NX; ++x) sum[r][x].store(to + r * to_row + x * to_step);
}

template <class T>
using LaneTile = void (*)(int64_t, const T*, const T*, const int32_t*, int64_t, const T*, T*, int64_t,
                          int64_t);

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
            const int64_t tap = q.weight_tap(tz, ty, tx);
            const T* from = weight + c * q.weight_channel + tap;
            for (int64_t r = row0; r < smaller(q.rows, row0 + tile_rows); ++r)
              for (int l = 0; l < L; ++l) *to++ = from[group[l] * q.weight_group + r * q.weight_row];
          }
}

// Products that fill one block of results between them: a convolution forward is one, its input gradient one
// for each residue of the stride in rows and columns. They differ in these two axes' counts, taps and
// offsets.
struct Parts {
  const TapProduct* parts;
  int64_t count;
  TapProduct whole;          // whose taps reach everything that any part's do
  int64_t steps_y, steps_x;  // results of one part are that far apart
  int64_t depth[64];         // channels x taps
  int64_t weights[64 + 1];   // where a part's packed weights begin, over lanes; then the end
  static constexpr int64_t most = 64;

  Parts(const TapProduct* list, int64_t n) : parts(list), count(n), whole(list[0]) {
    steps_y = whole.axis[1].to_step, steps_x = whole.axis[2].to_step;
    for (int i = 1; i < 3; ++i) {
      TapAxis& axis = whole.axis[i];
      int64_t low = axis.offset, high = low;
      for (int64_t p = 0; p < count; ++p) {
        const TapAxis& own = parts[p].axis[i];
        low = smaller(low, own.offset), high = larger(high, own.offset + (own.taps - 1) * own.tap_step);
        axis.count = larger(axis.count, own.count);
      }
      axis.offset = low, axis.taps = high - low + 1, axis.tap_step = 1;
    }
    weights[0] = 0;
    for (int64_t p = 0; p < count; ++p) {
      depth[p] = whole.channels * parts[p].taps();
      weights[p + 1] = weights[p] + whole.rows * depth[p];
    }
  }
  int64_t all_depths() const { return weights[count] / whole.rows; }
};

// One part's sums for one tile of rows; results lie in lanes, a part's between the others'.
template <class T>
void sum_part(const TapProduct& q, const LaneBox& box, int64_t rows, int64_t depth, const T* factors,
              const T* start, const int32_t* offsets, const T* values, int64_t ny, int64_t nx, T* results,
              int64_t steps_y, int64_t steps_x, int64_t pitch, int64_t to_row) {
  constexpr int L = lanes<T>;
  const int64_t tiles = blocks_of(nx, tile_positions(static_cast<int>(rows)));
  const int64_t width = blocks_of(nx, tiles), step = q.axis[2].step * L;
  const LaneTile<T> tile = lane_tile_of<T>(rows, width);
  for (int64_t i = 0; i < ny; ++i) {
    const T* line = values + i * q.axis[1].step * box.width * L;
    for (int64_t j = 0; j < nx; j += width) {
      if (j + width > nx) j = nx - width;  // evenly wide tiles, the last over the one before
      tile(depth, factors, line + j * step, offsets, step, start,
           results + (i * steps_y * pitch + j * steps_x) * L, to_row, steps_x * L);
    }
  }
}

template <class T>
void grouped_products(const TapProduct* list, int64_t list_size, const T* source, const T* weight,
                      const T* bias, T* to) {
  constexpr int L = lanes<T>;
  const Parts all(list, list_size);
  const TapProduct& q = all.whole;
  const int64_t planes = q.batch * q.groups;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  if (planes == 0 || q.rows == 0 || z.count * y.count * x.count == 0) return;
  const LaneBox box(q, L * sizeof(T), block_bytes, all.steps_y * all.steps_x);
  const int64_t lane_blocks = blocks_of(planes, L), block_weights = all.weights[all.count] * L;

  // Blocks of lanes with the same groups share their weights; where images begin amid a block, there may be
  // as many kinds of blocks as groups.
  int64_t kinds = 1;
  while (kinds < lane_blocks && kinds * L % q.groups != 0) ++kinds;
  const Scratch packed_memory(kinds * (block_weights + q.rows * L), sizeof(T));
  T* packed = static_cast<T*>(packed_memory.get());
  T* starts = packed + kinds * block_weights;
  parallel_products(kinds, 1 + 16384 / (block_weights + 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t p = 0; p < all.count; ++p)
        pack_lanes(all.parts[p], weight, bias, i * L, packed + i * block_weights + all.weights[p] * L,
                   starts + i * q.rows * L);
  });
  const Scratch offset_memory(all.all_depths(), sizeof(int32_t));
  int32_t* offsets = static_cast<int32_t*>(offset_memory.get());
  for (int64_t p = 0, at = 0; p < all.count; at += all.depth[p++])
    box.fill_offsets(all.parts[p], y.offset, x.offset, L, offsets + at);
  // Where the stride leaves positions that no part has, they get the bias.
  const bool gaps = all.count < all.steps_y * all.steps_x;

  const int64_t y_tasks = blocks_of(y.count, box.rows), x_tasks = blocks_of(x.count, box.columns);
  const int64_t tasks = lane_blocks * z.count * y_tasks * x_tasks;
  const int64_t task_work = L * q.rows * (all.all_depths() + 4 * all.count) * box.rows * box.columns;
  const int64_t source_plane = q.source_plane(), to_plane = q.to_plane();
  const int64_t box_values = q.channels * box.size * L;
  const int64_t result_values = box.rows * all.steps_y * box.columns * all.steps_x * L;

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
      const int64_t z0 = rest % z.count, block = rest / z.count, kind = block % kinds;
      const int64_t first = block * L, count = smaller(L, planes - first);
      for (int64_t c = 0; c < q.channels; ++c) {
        const T* from[L];
        for (int l = 0; l < L; ++l)
          from[l] = source + (smaller(first + l, planes - 1) * q.channels + c) * source_plane;
        box.fill(q, from, z0, y0, ny, x0, nx, values + c * box.size * L);
      }
      // The block of results: all of ny x nx positions of every part that are within the planes.
      const int64_t height = smaller(ny * all.steps_y, y.to_size - y0 * all.steps_y);
      const int64_t width = smaller(nx * all.steps_x, x.to_size - x0 * all.steps_x);
      for (int64_t row0 = 0; row0 < q.rows; row0 += tile_rows) {
        const int64_t rows = smaller(tile_rows, q.rows - row0), to_row = height * width * L;
        const T* start = starts + (kind * q.rows + row0) * L;
        if (gaps)
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t i = 0; i < height * width; ++i)
              Native<T>::load(start + r * L).store(results + r * to_row + i * L);
        for (int64_t p = 0, at = 0; p < all.count; at += all.depth[p++]) {
          const TapProduct& part = all.parts[p];
          const int64_t place = part.axis[1].to_first * width + part.axis[2].to_first;
          const T* factors = packed + kind * block_weights + all.weights[p] * L + row0 * all.depth[p] * L;
          const int64_t part_ny = smaller(ny, part.axis[1].count - y0);
          const int64_t part_nx = smaller(nx, part.axis[2].count - x0);
          if (part_ny > 0 && part_nx > 0)
            sum_part(part, box, rows, all.depth[p], factors, start, offsets + at, values, part_ny, part_nx,
                     results + place * L, all.steps_y, all.steps_x, width, to_row);
        }
        for (int64_t r = 0; r < rows; ++r) {
          T* targets[L];
          for (int l = 0; l < L; ++l)
            targets[l] = to + (smaller(first + l, planes - 1) * q.rows + row0 + r) * to_plane;
          store_block(q, results + r * to_row, count, targets, z.to_first + z0 * z.to_step, y0 * all.steps_y,
                      height, x0 * all.steps_x, width);
        }
      }
    }
  });
}

template <class T>
void grouped_product(const TapProduct& q, const T* source, const T* weight, const T* bias, T* to) {
  grouped_products(&q, 1, source, weight, bias, to);
}

}  // namespace

void grouped_weight_gradient_float32(const TapProduct&, const float*, const float*, float*);
void grouped_weight_gradient_float64(const TapProduct&, const double*, const double*, double*);

extern const GroupedKernels conv_grouped_kernels = {
    {grouped_product<float>, grouped_weight_gradient_float32},
    {grouped_product<double>, grouped_weight_gradient_float64},
    grouped_products<float>,
    grouped_products<double>,
    Parts::most,
    vector_bytes};

}  // namespace penlight::kernels::PENLIGHT_ISA

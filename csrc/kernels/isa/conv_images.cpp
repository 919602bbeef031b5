// Convolution with a lane for each image (conv_lanes.h): for small planes of many images.
//
// A task takes as many images as a register has lanes, one group and a block of output rows. It turns the
// input positions they meet into lanes, for all channels, with padding of every mode written around them, and
// sums
//
//   tile   R rows x NX neighbouring positions in registers;  a load for each position and a broadcast for
//   each
//          row for R * NX products, whatever the width of the planes
//   box    the channels' inputs and a panel's results: block_bytes, in L2
//
// Rows of taps that lie wholly in zeros are left out: of the input gradient of a small plane they are many.
#include "kernels/conv_gather.h"
#include "kernels/conv_lanes.h"
#include "kernels/flush.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t block_bytes = 256 * 1024;
constexpr int64_t serial_work = 1 << 19;  // multiplications below which one thread does all
constexpr int64_t wanted_tasks = 8;

// Rows of a panel, and positions for so many rows: accumulators, positions and a weight fit the registers.
constexpr int panel_rows = vector_registers == 32 ? 8 : 6;
constexpr int tile_positions(int rows) {
  const int fit = (vector_registers - 1) / (rows + 1);
  return fit < 8 ? fit : 8;
}

// to[r][x] = start[r] + sum over (channel and tap z), taps y and taps x of weight[tap][r] *
// source[offsets[tap] + x * step]. Weights and offsets of taps y and x that are left out lie between.
template <class T>
struct ImageTile {
  int64_t planes, taps_y, taps_x;  // that are summed
  int64_t skip_y, skip_x;          // taps from one plane's last to the next's first, one line's to the next's
  const T* weight;
  const T* source;
  const int32_t* offsets;
  int64_t step;
  const T* start;  // or nullptr: zeros
  T* to;
  int64_t to_row;
};

template <class T, int R, int NX>
void sum_tile(const ImageTile<T>& q) {
  using V = Native<T>;
  constexpr int L = lanes<T>;
  V sum[R][NX];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int x = 0; x < NX; ++x) sum[r][x] = q.start ? V::broadcast(q.start[r]) : V::zero();
  const T* weight = q.weight;
  const int32_t* offsets = q.offsets;
  for (int64_t plane = 0; plane < q.planes; ++plane) {
    for (int64_t line = 0; line < q.taps_y; ++line) {
      for (int64_t i = 0; i < q.taps_x; ++i) {
        const T* from = q.source + *offsets++;
        V value[NX];
#pragma GCC unroll 8
        for (int x = 0; x < NX; ++x) value[x] = V::load(from + x * q.step);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          const V factor = V::broadcast(weight[r]);
#pragma GCC unroll 8
          for (int x = 0; x < NX; ++x) sum[r][x] = fma(factor, value[x], sum[r][x]);
        }
        weight += R;
      }
      offsets += q.skip_x, weight += q.skip_x * R;
    }
    offsets += q.skip_y, weight += q.skip_y * R;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int x = 0; x < NX; ++x) sum[r][x].store(q.to + r * q.to_row + x * L);
}

template <class T>
using SumTile = void (*)(const ImageTile<T>&);

template <class T, int R, int NX = 1>
SumTile<T> tile_of_width(int64_t positions) {
  if constexpr (NX < tile_positions(R)) {
    if (positions != NX) return tile_of_width<T, R, NX + 1>(positions);
  }
  return sum_tile<T, R, NX>;
}

template <class T, int R = 1>
SumTile<T> tile_of(int64_t rows, int64_t positions) {
  if constexpr (R < panel_rows) {
    if (rows != R) return tile_of<T, R + 1>(rows, positions);
  }
  return tile_of_width<T, R>(positions);
}

// Taps [first, last) of which some meet the source at positions [p, p + count) along an axis: all, where what
// is outside is no zero.
struct TapRange {
  int64_t first, last;
  TapRange(const TapProduct& q, int i, int64_t p, int64_t count) : first(0), last(q.axis[i].taps) {
    const TapAxis& axis = q.axis[i];
    if (q.mode != PaddingMode::zeros) return;
    const int64_t low = p * axis.step + axis.offset, high = low + (count - 1) * axis.step;
    while (first < last && high + first * axis.tap_step < 0) ++first;
    while (first < last && low + (last - 1) * axis.tap_step >= axis.size) --last;
  }
  int64_t count() const { return last - first; }
};

template <class T>
void images_product(const TapProduct& q, const T* source, const T* weight, const T* bias, T* to) {
  constexpr int L = lanes<T>;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  if (q.batch == 0 || q.groups == 0 || q.rows == 0 || q.positions() == 0) return;
  const RowPanels panels(q.rows, panel_rows);
  const int64_t lane_blocks = blocks_of(q.batch, L), found = lane_blocks * q.groups * z.count;
  const LaneBox box(q, L * sizeof(T), block_bytes, 2, blocks_of(wanted_tasks, found));
  const int64_t depth = q.channels * q.taps();

  const Scratch packed_memory(q.groups * q.rows * depth, sizeof(T));  // [group][panel][channel, tap][row]
  T* packed = static_cast<T*>(packed_memory.get());
  parallel_products(q.groups, 1 + 16384 / (q.rows * depth + 1), [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g)
      pack_weight(q, panels, weight + g * q.weight_group, packed + g * q.rows * depth);
  });
  const Scratch offset_memory(depth, sizeof(int32_t));
  int32_t* offsets = static_cast<int32_t*>(offset_memory.get());
  box.fill_offsets(q, y.offset, x.offset, L, offsets);

  const int64_t y_tasks = blocks_of(y.count, box.rows), x_tasks = blocks_of(x.count, box.columns);
  const int64_t tasks = found * y_tasks * x_tasks;
  const int64_t task_work = L * q.rows * (depth + 4) * box.rows * box.columns;
  const int64_t source_plane = q.source_plane(), to_plane = q.to_plane();
  const int64_t box_values = q.channels * box.size * L;

  parallel_products(tasks, larger(1, serial_work / (task_work + 1)), [&](int64_t begin, int64_t end) {
    T* values = static_cast<T*>(thread_scratch(
        ScratchUser::convolution, (box_values + panels.height * box.rows * box.columns * L) * sizeof(T)));
    T* results = values + box_values;
    for (int64_t task = begin; task < end; ++task) {
      int64_t rest = task;
      const int64_t x0 = rest % x_tasks * box.columns, nx = smaller(box.columns, x.count - x0);
      rest /= x_tasks;
      const int64_t y0 = rest % y_tasks * box.rows, ny = smaller(box.rows, y.count - y0);
      rest /= y_tasks;
      const int64_t z0 = rest % z.count, group = rest / z.count % q.groups;
      const int64_t first = rest / z.count / q.groups * L, count = smaller(L, q.batch - first);
      // Lanes without an image repeat the last one.
      const auto plane = [&](int l, int64_t in_group) {
        return smaller(first + l, q.batch - 1) * q.groups * in_group + group * in_group;
      };
      for (int64_t c = 0; c < q.channels; ++c) {
        const T* from[L];
        for (int l = 0; l < L; ++l) from[l] = source + (plane(l, q.channels) + c) * source_plane;
        box.fill(q, from, z0, y0, ny, x0, nx, values + c * box.size * L);
      }
      for (int64_t p = 0; p < panels.count; ++p) {
        const int64_t row0 = p * panels.height, rows = smaller(panels.height, q.rows - row0);
        const T* factors = packed + (group * q.rows + row0) * depth;
        const int64_t tiles = blocks_of(nx, tile_positions(static_cast<int>(rows))),
                      width = blocks_of(nx, tiles);
        ImageTile<T> tile;
        tile.step = x.step * L;
        tile.start = bias ? bias + group * q.rows + row0 : nullptr;
        tile.to_row = ny * nx * L;
        for (int64_t i = 0; i < ny; ++i) {
          const TapRange ys(q, 1, y0 + i, 1);
          const T* line = values + i * y.step * box.width * L;
          for (int64_t j = 0; j < nx; j += width) {
            const int64_t positions = smaller(width, nx - j);
            const TapRange xs(q, 2, x0 + j, positions);
            tile.planes = q.channels * z.taps, tile.taps_y = ys.count(), tile.taps_x = xs.count();
            tile.skip_x = x.taps - tile.taps_x, tile.skip_y = (y.taps - tile.taps_y) * x.taps;
            if (tile.skip_x == 0) tile.taps_x *= tile.taps_y, tile.taps_y = 1;  // lines follow each other
            const int64_t first_tap = ys.first * x.taps + xs.first;
            tile.weight = factors + first_tap * rows, tile.offsets = offsets + first_tap;
            tile.source = line + j * tile.step, tile.to = results + (i * nx + j) * L;
            tile_of<T>(rows, positions)(tile);
          }
        }
        for (int64_t r = 0; r < rows; ++r) {
          T* targets[L];
          for (int l = 0; l < L; ++l) targets[l] = to + (plane(l, q.rows) + row0 + r) * to_plane;
          store_block(q, results + r * tile.to_row, count, targets, z.to_first + z0, y.to_first + y0, ny,
                      x.to_first + x0, nx);
        }
      }
    }
  });
}

}  // namespace

void images_weight_gradient_float32(const TapProduct&, const float*, const float*, float*);
void images_weight_gradient_float64(const TapProduct&, const double*, const double*, double*);

extern const ImagesKernels conv_images_kernels = {{images_product<float>, images_weight_gradient_float32},
                                                  {images_product<double>, images_weight_gradient_float64}};

}  // namespace penlight::kernels::PENLIGHT_ISA

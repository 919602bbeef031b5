// The weight gradient with a lane for each image (conv_images.cpp).
//
// A task takes some blocks of images and rows of one group. Inputs and output gradients are turned into
// lanes, and a register for each weight gathers output * input over the positions, a lane for each image:
//
//   tile   up to 5 rows x 5 (channel, tap);  10 loads for 25 products, whatever the width of the planes
//   sums   a register for each weight until the task's end, in L2 with the box
//
// Lanes are added up at a task's end, tasks in order at the end. Lanes without an image hold zeros.
#include "kernels/conv_lanes.h"
#include "kernels/flush.h"
#include "kernels/micro_kernels.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t block_bytes = 192 * 1024;
constexpr int64_t serial_work = 1 << 19, wanted_tasks = 16;

// sums[r][s] += sum over rows and columns of output[r] * source[s], all of one block
template <class T>
struct BlockSums {
  const T* output;
  int64_t output_row;  // from one result row's block to the next's
  const T* source;
  const int32_t* offsets;
  int64_t rows, columns, row, step;  // of positions; in the source
  T* sums;
};

template <class T, int R, int S>
void block_sums(const BlockSums<T>& q) {
  using V = Native<T>;
  constexpr int L = lanes<T>;
  V sum[R][S];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) sum[r][s] = V::load(q.sums + (r * S + s) * L);
  const T* from[S];
#pragma GCC unroll 8
  for (int s = 0; s < S; ++s) from[s] = q.source + q.offsets[s];
  const T* output = q.output;
  for (int64_t i = 0; i < q.rows; ++i) {
    const int64_t end = i * q.row + q.columns * q.step;
    for (int64_t at = i * q.row; at != end; at += q.step, output += L) {
      V slope[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) slope[r] = V::load(output + r * q.output_row);
#pragma GCC unroll 8
      for (int s = 0; s < S; ++s) {
        const V value = in_register(V::load(from[s] + at));
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sum[r][s] = fma(slope[r], value, sum[r][s]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) sum[r][s].store(q.sums + (r * S + s) * L);
}

template <class T>
using AddBlock = void (*)(const BlockSums<T>&);

template <class T, int R = 1, int S = 1>
AddBlock<T> add_block_of(int64_t rows, int64_t columns) {
  if constexpr (R < dot_rows) {
    if (rows != R) return add_block_of<T, R + 1, S>(rows, columns);
  }
  if constexpr (S < dot_columns) {
    if (columns != S) return add_block_of<T, R, S + 1>(rows, columns);
  }
  return block_sums<T, R, S>;
}

template <class T>
void images_weight_gradient(const TapProduct& q, const T* output, const T* source, T* gradient) {
  constexpr int L = lanes<T>;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const int64_t depth = q.channels * q.taps(), weights = q.rows * depth, positions = q.positions();
  if (q.groups * weights == 0) return;
  const LaneBox box(q, L * sizeof(T), block_bytes, blocks_of(q.rows, 4), 1);
  const Scratch offset_memory(depth, sizeof(int32_t));
  int32_t* offsets = static_cast<int32_t*>(offset_memory.get());
  box.fill_offsets(q, y.offset, x.offset, L, offsets);

  const int64_t y_units = blocks_of(y.count, box.rows), x_units = blocks_of(x.count, box.columns);
  const int64_t lane_blocks = blocks_of(q.batch, L), units = lane_blocks * z.count * y_units * x_units;
  const int64_t parts_wanted = smaller(blocks_of(wanted_tasks, q.groups), larger(1, units));
  const int64_t units_per_part = blocks_of(larger(1, units), parts_wanted);
  const int64_t parts = blocks_of(larger(1, units), units_per_part), tasks = q.groups * parts;
  const Scratch part_memory(tasks * weights, sizeof(T));  // [group][part][row][channel, tap]
  T* part_sums = static_cast<T*>(part_memory.get());
  const int64_t source_plane = q.source_plane(), longest = larger(source_plane, positions);
  const Scratch zero_memory(q.batch % L ? longest : 0, sizeof(T));  // of lanes without an image
  T* zeros = static_cast<T*>(zero_memory.get());
  for (int64_t i = 0; q.batch % L && i < longest; ++i) zeros[i] = T(0);
  const int64_t box_values = q.channels * box.size * L, row_values = box.rows * box.columns * L;
  const int64_t tile_rows = blocks_of(q.rows, blocks_of(q.rows, dot_rows));  // shared out evenly
  const int64_t tile_columns = blocks_of(depth, blocks_of(depth, dot_columns));
  const int64_t task_work = L * q.rows * (depth + 4) * units_per_part * box.rows * box.columns;

  parallel_products(tasks, larger(1, serial_work / (task_work + 1)), [&](int64_t begin, int64_t end) {
    T* values = static_cast<T*>(thread_scratch(ScratchUser::convolution,
                                               (box_values + q.rows * row_values + weights * L) * sizeof(T)));
    T* slopes = values + box_values;
    T* kept = slopes + q.rows * row_values;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task / parts, part = task % parts;
      for (int64_t i = 0; i < weights * L; i += L) Native<T>::zero().store(kept + i);
      const int64_t unit1 = smaller(units, (part + 1) * units_per_part);
      for (int64_t unit = part * units_per_part; unit < unit1; ++unit) {
        int64_t rest = unit;
        const int64_t x0 = rest % x_units * box.columns, nx = smaller(box.columns, x.count - x0);
        rest /= x_units;
        const int64_t y0 = rest % y_units * box.rows, ny = smaller(box.rows, y.count - y0);
        rest /= y_units;
        const int64_t z0 = rest % z.count, first = rest / z.count * L;
        const T* planes[L];
        const auto take_planes = [&](const T* from, int64_t in_group, int64_t at, int64_t plane) {
          for (int l = 0; l < L; ++l)
            planes[l] = first + l < q.batch
                            ? from + (((first + l) * q.groups + group) * in_group + at) * plane
                            : zeros;
        };
        for (int64_t c = 0; c < q.channels; ++c) {
          take_planes(source, q.channels, c, source_plane);
          box.fill(q, planes, z0, y0, ny, x0, nx, values + c * box.size * L);
        }
        for (int64_t r = 0; r < q.rows; ++r) {
          take_planes(output, q.rows, r, positions);
          const bool whole = nx == x.count;
          for (int64_t i = 0; i < (whole ? 1 : ny); ++i)
            to_lanes(planes, (z0 * y.count + y0 + i) * x.count + x0, whole ? ny * nx : nx,
                     slopes + (r * ny + i) * nx * L, nx, nx);
        }
        BlockSums<T> block;
        block.output_row = ny * nx * L, block.source = values;
        block.rows = ny, block.columns = nx, block.row = y.step * box.width * L, block.step = x.step * L;
        block.sums = kept;
        for (int64_t s = 0; s < depth; s += tile_columns) {
          const int64_t columns = smaller(tile_columns, depth - s);
          block.offsets = offsets + s;
          for (int64_t r = 0; r < q.rows; r += tile_rows) {
            const int64_t rows = smaller(tile_rows, q.rows - r);
            block.output = slopes + r * block.output_row;
            add_block_of<T>(rows, columns)(block);
            block.sums += rows * columns * L;
          }
        }
      }
      const T* sums = kept;
      for (int64_t s = 0; s < depth; s += tile_columns)
        for (int64_t r = 0; r < q.rows; r += tile_rows)
          for (int64_t i = r; i < smaller(q.rows, r + tile_rows); ++i)
            for (int64_t j = s; j < smaller(depth, s + tile_columns); ++j, sums += L)
              part_sums[task * weights + i * depth + j] = Native<T>::load(sums).sum();
    }
  });
  parallel_products(q.groups * weights, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* from = part_sums + (i / weights * parts * weights + i % weights);
      T sum = from[0];
      for (int64_t part = 1; part < parts; ++part) sum += from[part * weights];
      gradient[i] = sum;
    }
  });
}

}  // namespace

void images_weight_gradient_float32(const TapProduct& q, const float* output, const float* source,
                                    float* gradient) {
  images_weight_gradient(q, output, source, gradient);
}

void images_weight_gradient_float64(const TapProduct& q, const double* output, const double* source,
                                    double* gradient) {
  images_weight_gradient(q, output, source, gradient);
}

}  // namespace penlight::kernels::PENLIGHT_ISA

// The weight gradient of a convolution of groups, with a lane for each group (conv_lanes.h).
//
// A task takes a block of lanes and goes through all its positions: input and output gradients are turned
// into lanes, and a register for each of up to 9 taps gathers output * input over the positions of a row. The
// sums of a lane are those of its group in its image; images are added up at the end, in order.
//   input box, output block   block_bytes, in L2;   a load for the output and one for each tap's product
#include "kernels/conv_lanes.h"
#include "kernels/flush.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t block_bytes = 224 * 1024;
constexpr int64_t serial_work = 1 << 17;
constexpr int most_taps = 9;

// sums[t] += sum over x < n of output[x] * source[offsets[t] + x * step], for every row of the block
template <class T, int NT>
void tap_sums(const T* output, const T* source, const int32_t* offsets, int64_t rows, int64_t row, int64_t n,
              int64_t step, T* sums) {
  using V = Native<T>;
  constexpr int L = lanes<T>;
  V sum[NT];
#pragma GCC unroll 9
  for (int t = 0; t < NT; ++t) sum[t] = V::load(sums + t * L);
  for (int64_t i = 0; i < rows; ++i, source += row) {
    const T* from[NT];
#pragma GCC unroll 9
    for (int t = 0; t < NT; ++t) from[t] = source + offsets[t];
    for (int64_t j = 0; j < n; ++j, output += L) {
      const V value = V::load(output);
#pragma GCC unroll 9
      for (int t = 0; t < NT; ++t) sum[t] = fma(value, V::load(from[t] + j * step), sum[t]);
    }
  }
#pragma GCC unroll 9
  for (int t = 0; t < NT; ++t) sum[t].store(sums + t * L);
}

template <class T>
using TapSums = void (*)(const T*, const T*, const int32_t*, int64_t, int64_t, int64_t, int64_t, T*);

template <class T, int NT = 1>
TapSums<T> tap_sums_of(int64_t taps) {
  if constexpr (NT < most_taps) {
    if (taps != NT) return tap_sums_of<T, NT + 1>(taps);
  }
  return tap_sums<T, NT>;
}

template <class T>
void grouped_weight_gradient(const TapProduct& q, const T* output, const T* source, T* gradient) {
  constexpr int L = lanes<T>;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const int64_t all = q.batch * q.groups, positions = q.positions(), source_plane = q.source_plane();
  const int64_t depth = q.channels * q.taps(), weights = q.rows * depth;
  if (q.groups * weights == 0) return;
  const LaneBox box(q, L * sizeof(T), block_bytes);
  const Scratch offset_memory(depth, sizeof(int32_t));
  int32_t* offsets = static_cast<int32_t*>(offset_memory.get());
  box.fill_offsets(q, y.offset, x.offset, L, offsets);
  const int64_t lane_blocks = blocks_of(all, L);
  const Scratch sum_memory(lane_blocks * weights * L, sizeof(T));  // [block of lanes][row][channel, tap]
  T* all_sums = static_cast<T*>(sum_memory.get());
  const int64_t box_values = q.channels * box.size * L, result_values = box.rows * box.columns * L;
  const int64_t tap_blocks = blocks_of(depth, most_taps), taps_per_block = blocks_of(depth, tap_blocks);
  const int64_t block_work = L * q.rows * (depth + 4) * positions;

  parallel_products(lane_blocks, larger(1, serial_work / (block_work + 1)), [&](int64_t begin, int64_t end) {
    T* values =
        static_cast<T*>(thread_scratch(ScratchUser::convolution, (box_values + result_values) * sizeof(T)));
    T* laid_out = values + box_values;
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * L;
      T* sums = all_sums + block * weights * L;
      for (int64_t i = 0; i < weights * L; ++i) sums[i] = T(0);
      for (int64_t z0 = 0; z0 < z.count; ++z0)
        for (int64_t y0 = 0; y0 < y.count; y0 += box.rows)
          for (int64_t x0 = 0; x0 < x.count; x0 += box.columns) {
            const int64_t ny = smaller(box.rows, y.count - y0), nx = smaller(box.columns, x.count - x0);
            const T* planes[L];
            for (int64_t c = 0; c < q.channels; ++c) {
              for (int l = 0; l < L; ++l)
                planes[l] = source + (smaller(first + l, all - 1) * q.channels + c) * source_plane;
              box.fill(q, planes, z0, y0, ny, x0, nx, values + c * box.size * L);
            }
            for (int64_t r = 0; r < q.rows; ++r) {
              for (int l = 0; l < L; ++l)
                planes[l] = output + (smaller(first + l, all - 1) * q.rows + r) * positions;
              const bool whole = nx == x.count;
              for (int64_t i = 0; i < (whole ? 1 : ny); ++i)
                to_lanes(planes, (z0 * y.count + y0 + i) * x.count + x0, whole ? ny * nx : nx,
                         laid_out + i * nx * L, nx, nx);
              for (int64_t t = 0; t < depth; t += taps_per_block)
                tap_sums_of<T>(smaller(taps_per_block, depth - t))(laid_out, values, offsets + t, ny,
                                                                   y.step * box.width * L, nx, x.step * L,
                                                                   sums + (r * depth + t) * L);
            }
          }
    }
  });
  // Every lane belongs to a group of an image. Where blocks are whole groups, lanes add up side by side.
  if (q.groups % L == 0) {
    const int64_t group_blocks = q.groups / L;
    parallel_products(group_blocks, 1 + 16384 / (q.batch * weights * L + 1), [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block)
        for (int64_t i = 0; i < weights; ++i) {
          Native<T> sum = Native<T>::zero();
          for (int64_t at = block; at < lane_blocks; at += group_blocks)
            sum = sum + Native<T>::load(all_sums + (at * weights + i) * L);
          alignas(64) T each[L];
          sum.store(each);
          for (int l = 0; l < L; ++l) gradient[(block * L + l) * weights + i] = each[l];
        }
    });
    return;
  }
  parallel_products(q.groups, 1 + 16384 / (q.batch * weights + 1), [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group)
      for (int64_t i = 0; i < weights; ++i) {
        T sum = T(0);
        for (int64_t plane = group; plane < all; plane += q.groups)
          sum += all_sums[(plane / L * weights + i) * L + plane % L];
        gradient[group * weights + i] = sum;
      }
  });
}

}  // namespace

void grouped_weight_gradient_float32(const TapProduct& q, const float* output, const float* source,
                                     float* gradient) {
  grouped_weight_gradient(q, output, source, gradient);
}

void grouped_weight_gradient_float64(const TapProduct& q, const double* output, const double* source,
                                     double* gradient) {
  grouped_weight_gradient(q, output, source, gradient);
}

}  // namespace penlight::kernels::PENLIGHT_ISA

// Convolution by Fourier transforms (fourier_plan.h).
//
// Every line along x is cut into blocks; a register's lanes hold as many blocks, once as real and once as
// imaginary parts, so that one transform (fft.h) does 2 * lanes blocks. Channels are transformed one after
// the other, summed frequency by frequency with the kernels' transforms as factors, and each row is
// transformed back.
//
// The weight gradient multiplies the input's transforms with the conjugates of the output gradient's: of (a +
// ib) and (c + id) the real part of the sum is that of a with c and of b with d, which is what is wanted.
// Lanes are added up and transformed back at the end.
#include "kernels/conv_gather.h"
#include "kernels/fft.h"
#include "kernels/flush.h"
#include "kernels/fourier_plan.h"
#include "kernels/scratch.h"
#include "kernels/transpose.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t W = fft_lanes;
constexpr int64_t wanted_parts = 8;
constexpr int64_t row_block = 4;

int size_of(const FourierPlan& plan) {
  return __builtin_ctzll(static_cast<unsigned long long>(plan.n));
}

// Blocks by image, z, y, phase of the dilation, and place in the line.
struct Blocks {
  int64_t phases, in_line, outputs, count;
  Blocks(const TapProduct& q, const FourierPlan& plan)
      : phases(smaller(q.axis[2].tap_step, q.axis[2].count)), outputs(plan.outputs(q.axis[2].taps)) {
    in_line = blocks_of(blocks_of(q.axis[2].count, phases), outputs);
    count = q.batch * q.axis[0].count * q.axis[1].count * phases * in_line;
  }
};

struct Lane {
  int64_t image, z, y, x;
};

Lane lane_of(const TapProduct& q, const Blocks& b, int64_t i) {
  Lane lane;
  const int64_t block = i % b.in_line;
  i /= b.in_line;
  lane.x = block * b.outputs * q.axis[2].tap_step + i % b.phases;
  i /= b.phases;
  lane.y = i % q.axis[1].count, i /= q.axis[1].count;
  lane.z = i % q.axis[0].count, lane.image = i / q.axis[0].count;
  return lane;
}

// A line of a tensor from some position on: nullptr where padding makes it zero.
struct Line {
  const float* values;
  int64_t start;
};

// `count` values of each of 2 * lanes lines into points; zeros for the n - count others.
void load_points(const Line (&lines)[2 * W], int64_t size, int64_t step, PaddingMode mode, int64_t count,
                 int64_t n, float* to) {
  alignas(64) float edge[W * W];
  for (int64_t i = 0; i < n; i += W)
    for (int64_t part = 0; part < 2; ++part) {
      float* place = to + i * fft_point + part * W;
      const int64_t some = smaller(W, n - i), length = count - i < W ? (count > i ? count - i : 0) : W;
      if (length == 0) {
        for (int64_t j = 0; j < some; ++j) FftLanes::zero().store(place + j * fft_point);
        continue;
      }
      FftLanes v[W];
      for (int64_t l = 0; l < W; ++l) {
        const Line& line = lines[part * W + l];
        const int64_t at = line.start + i * step;
        if (!line.values) {
          v[l] = FftLanes::zero();
        } else if (step == 1 && length == W && at >= 0 && at + W <= size) {
          v[l] = FftLanes::load(line.values + at);
        } else {
          gather_run(line.values, size, mode, at, step, length, edge);
          for (int64_t j = length; j < W; ++j) edge[j] = 0;
          v[l] = FftLanes::load(edge);
        }
      }
      transpose_registers(v);
      for (int64_t j = 0; j < some; ++j) v[j].store(place + j * fft_point);
    }
}

// Where the weight's taps begin: the other axes may have some of their own, of which this product uses one.
int64_t first_tap_of(const TapProduct& q) {
  return (q.axis[0].weight_first * q.weight_kernel[1] + q.axis[1].weight_first) * q.weight_kernel[2] +
         q.axis[2].weight_first;
}

// The transforms of a group's kernels, times `scale`: [vector of (row, channel)][frequency], a lane each. The
// kernels are real: imaginary parts begin at zero.
void transform_kernels(const TapProduct& q, const FourierPlan& plan, const float* weight, int64_t vector,
                       float scale, float* to) {
  const FftTables& tables = fft_tables(plan.n);
  const int size = size_of(plan);
  const TapAxis& x = q.axis[2];
  const int64_t first = vector * W, pairs = q.rows * q.channels, first_tap = first_tap_of(q);
  for (int64_t t = 0; t < plan.n; ++t) {
    float* point = to + t * fft_point;
    for (int64_t l = 0; l < W; ++l) {
      const int64_t pair = first + l;
      const bool inside = t < x.taps && pair < pairs;
      point[l] = inside ? scale * weight[pair / q.channels * q.weight_row +
                                         pair % q.channels * q.weight_channel + first_tap + t * x.weight_step]
                        : 0;
      point[W + l] = 0;
    }
  }
  to_frequencies(tables, size, to);
}

// Y[row] = sum over channels of X[channel] * conj(kernel[row, channel]) for R rows from `row` on.
template <int R>
void multiply(const TapProduct& q, int64_t n, const float* kernels, int64_t row, const float* x, float* y) {
  const int64_t sequence = n * fft_point;
  for (int64_t f = 0; f < n; ++f) {
    Complex sum[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) sum[r] = {FftLanes::zero(), FftLanes::zero()};
    for (int64_t c = 0; c < q.channels; ++c) {
      const Complex value = Complex::load(x + c * sequence + f * fft_point);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        const int64_t pair = (row + r) * q.channels + c;
        const float* factor = kernels + pair / W * sequence + f * fft_point + pair % W;
        const FftLanes re = FftLanes::broadcast(factor[0]), im = FftLanes::broadcast(factor[W]);
        sum[r].re = fma(value.im, im, fma(value.re, re, sum[r].re));
        sum[r].im = fma(value.re, FftLanes{-im.v}, fma(value.im, re, sum[r].im));
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) sum[r].store(y + r * sequence + f * fft_point);
  }
}

void product(const TapProduct& q, const FourierPlan& plan, const float* source, const float* weight,
             const float* bias, float* to) {
  const Blocks blocks(q, plan);
  const FftTables& tables = fft_tables(plan.n);
  const int size = size_of(plan);
  const TapAxis &az = q.axis[0], &ay = q.axis[1], &ax = q.axis[2];
  if (blocks.count == 0 || q.groups == 0 || q.rows == 0) return;
  const int64_t sequence = plan.n * fft_point, vectors = blocks_of(q.rows * q.channels, W);
  const Scratch kernel_memory(q.groups * vectors * sequence, sizeof(float));
  float* kernels = static_cast<float*>(kernel_memory.get());
  const float scale = 1 / static_cast<float>(plan.n);
  parallel_products(q.groups * vectors, 1 + 4096 / sequence, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      transform_kernels(q, plan, weight + i / vectors * q.weight_group, i % vectors, scale,
                        kernels + i * sequence);
  });

  const int64_t lane_groups = blocks_of(blocks.count, 2 * W);
  const int64_t source_plane = q.source_plane(), to_plane = q.to_plane(), x_step = ax.tap_step * ax.to_step;
  parallel_products(q.groups * lane_groups, 1, [&](int64_t begin, int64_t end) {
    float* x = static_cast<float*>(thread_scratch(
        ScratchUser::convolution, (q.channels + smaller(row_block, q.rows)) * sequence * sizeof(float)));
    float* y = x + q.channels * sequence;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task / lane_groups, first = task % lane_groups * 2 * W;
      Lane lane[2 * W];
      Line line[2 * W];
      const float* its_source = source + group * q.channels * source_plane;
      for (int64_t l = 0; l < 2 * W; ++l) {
        line[l] = {nullptr, 0};
        if (first + l >= blocks.count) continue;
        lane[l] = lane_of(q, blocks, first + l);
        const int64_t z = padded_source(q.mode, lane[l].z * az.step + az.offset, az.size);
        const int64_t at_y = padded_source(q.mode, lane[l].y * ay.step + ay.offset, ay.size);
        if (z < 0 || at_y < 0) continue;
        line[l] = {its_source + lane[l].image * q.groups * q.channels * source_plane +
                       (z * ay.size + at_y) * ax.size,
                   lane[l].x + ax.offset};
      }
      for (int64_t c = 0; c < q.channels; ++c) {
        load_points(line, ax.size, ax.tap_step, q.mode, plan.n, plan.n, x + c * sequence);
        to_frequencies(tables, size, x + c * sequence);
        for (Line& its : line)
          if (its.values) its.values += source_plane;
      }
      const float* factors = kernels + group * vectors * sequence;
      for (int64_t row = 0; row < q.rows; row += row_block) {
        const int64_t rows = smaller(row_block, q.rows - row);
        if (rows == row_block)
          multiply<row_block>(q, plan.n, factors, row, x, y);
        else
          for (int64_t r = 0; r < rows; ++r) multiply<1>(q, plan.n, factors, row + r, x, y + r * sequence);
        for (int64_t r = 0; r < rows; ++r) {
          float* results = y + r * sequence;
          to_times(tables, size, results);
          const FftLanes start =
              bias ? FftLanes::broadcast(bias[group * q.rows + row + r]) : FftLanes::zero();
          float* plane = to + (group * q.rows + row + r) * to_plane;
          for (int64_t i = 0; i < blocks.outputs; i += W)
            for (int64_t part = 0; part < 2; ++part) {
              FftLanes v[W];
              for (int64_t j = 0; j < W; ++j)
                v[j] = FftLanes::load(results + smaller(i + j, plan.n - 1) * fft_point + part * W) + start;
              transpose_registers(v);
              for (int64_t l = 0; l < W; ++l) {
                if (first + part * W + l >= blocks.count) break;
                const Lane& its = lane[part * W + l];
                int64_t length = smaller(W, blocks.outputs - i);
                const int64_t at = its.x + i * ax.tap_step, left = ax.count - at;
                length = smaller(length, left <= 0 ? 0 : blocks_of(left, ax.tap_step));
                if (length <= 0) continue;
                float* place =
                    plane + its.image * q.groups * q.rows * to_plane +
                    ((az.to_first + its.z * az.to_step) * ay.to_size + ay.to_first + its.y * ay.to_step) *
                        ax.to_size +
                    ax.to_first + at * ax.to_step;
                if (x_step == 1 && length == W)
                  v[l].store(place);
                else
                  for (int64_t j = 0; j < length; ++j) place[j * x_step] = v[l][static_cast<int>(j)];
              }
            }
        }
      }
    }
  });
}

void weight_gradient(const TapProduct& q, const FourierPlan& plan, const float* output, const float* source,
                     float* gradient) {
  const Blocks blocks(q, plan);
  const FftTables& tables = fft_tables(plan.n);
  const int size = size_of(plan);
  const TapAxis &az = q.axis[0], &ay = q.axis[1], &ax = q.axis[2];
  const int64_t pairs = q.rows * q.channels, sequence = plan.n * fft_point;
  if (pairs == 0 || q.groups == 0 || ax.taps == 0) return;
  const int64_t lane_groups = blocks_of(blocks.count, 2 * W);
  int64_t parts = lane_groups < wanted_parts ? (lane_groups ? lane_groups : 1) : wanted_parts;
  const int64_t per_part = blocks_of(lane_groups, parts) > 0 ? blocks_of(lane_groups, parts) : 1;
  parts = lane_groups ? blocks_of(lane_groups, per_part) : 1;
  // Sums over lanes, every pair's real and imaginary parts: [part][group][pair][frequency][2].
  const int64_t sums_size = q.groups * pairs * plan.n * 2;
  const Scratch sums_memory(parts * sums_size, sizeof(float));
  float* sums = static_cast<float*>(sums_memory.get());
  const int64_t source_plane = q.source_plane(), to_plane = q.to_plane();

  parallel_products(parts * q.groups, 1, [&](int64_t begin, int64_t end) {
    float* x = static_cast<float*>(
        thread_scratch(ScratchUser::convolution, (q.channels + 1 + pairs) * sequence * sizeof(float)));
    float *y = x + q.channels * sequence, *d = y + sequence;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task / q.groups, group = task % q.groups;
      for (int64_t i = 0; i < pairs * sequence; i += W) FftLanes::zero().store(d + i);
      const int64_t last = smaller(lane_groups, (part + 1) * per_part);
      for (int64_t lanes = part * per_part; lanes < last; ++lanes) {
        Line in[2 * W], out[2 * W];
        for (int64_t l = 0; l < 2 * W; ++l) {
          in[l] = out[l] = {nullptr, 0};
          if (lanes * 2 * W + l >= blocks.count) continue;
          const Lane lane = lane_of(q, blocks, lanes * 2 * W + l);
          out[l] = {output + (lane.image * q.groups + group) * q.rows * to_plane +
                        (lane.z * ay.to_size + lane.y) * ax.to_size,
                    lane.x};
          const int64_t z = padded_source(q.mode, lane.z * az.step + az.offset, az.size);
          const int64_t at_y = padded_source(q.mode, lane.y * ay.step + ay.offset, ay.size);
          if (z < 0 || at_y < 0) continue;
          in[l] = {source + (lane.image * q.groups + group) * q.channels * source_plane +
                       (z * ay.size + at_y) * ax.size,
                   lane.x + ax.offset};
        }
        for (int64_t c = 0; c < q.channels; ++c) {
          load_points(in, ax.size, ax.tap_step, q.mode, plan.n, plan.n, x + c * sequence);
          to_frequencies(tables, size, x + c * sequence);
          for (Line& its : in)
            if (its.values) its.values += source_plane;
        }
        for (int64_t row = 0; row < q.rows; ++row) {
          load_points(out, ax.count, ax.tap_step, PaddingMode::zeros, blocks.outputs, plan.n, y);
          to_frequencies(tables, size, y);
          for (Line& its : out)
            if (its.values) its.values += to_plane;
          for (int64_t c = 0; c < q.channels; ++c) {
            float* sum = d + (row * q.channels + c) * sequence;
            const float* value = x + c * sequence;
            for (int64_t f = 0; f < sequence; f += fft_point) {
              const Complex a = Complex::load(value + f), b = Complex::load(y + f);
              Complex s = Complex::load(sum + f);
              s.re = fma(a.im, b.im, fma(a.re, b.re, s.re));
              s.im = fma(a.re, FftLanes{-b.im.v}, fma(a.im, b.re, s.im));
              s.store(sum + f);
            }
          }
        }
      }
      float* its_sums = sums + part * sums_size + group * pairs * plan.n * 2;
      for (int64_t i = 0; i < pairs * plan.n * 2; ++i) its_sums[i] = FftLanes::load(d + i * W).sum();
    }
  });

  const int64_t vectors = blocks_of(pairs, W);
  const float scale = 1 / static_cast<float>(plan.n);
  parallel_products(q.groups * vectors, 1, [&](int64_t begin, int64_t end) {
    float* y = static_cast<float*>(thread_scratch(ScratchUser::convolution, sequence * sizeof(float)));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t group = i / vectors, pair0 = i % vectors * W, count = smaller(W, pairs - pair0);
      for (int64_t f = 0; f < plan.n; ++f)
        for (int64_t half = 0; half < 2; ++half)
          for (int64_t l = 0; l < W; ++l) {
            float sum = 0;
            if (l < count)
              for (int64_t part = 0; part < parts; ++part)
                sum += sums[part * sums_size + ((group * pairs + pair0 + l) * plan.n + f) * 2 + half];
            y[f * fft_point + half * W + l] = sum;
          }
      to_times(tables, size, y);
      for (int64_t l = 0; l < count; ++l) {
        float* to = gradient + group * q.weight_group + (pair0 + l) / q.channels * q.weight_row +
                    (pair0 + l) % q.channels * q.weight_channel + first_tap_of(q);
        for (int64_t t = 0; t < ax.taps; ++t) to[t * ax.weight_step] = y[t * fft_point + l] * scale;
      }
    }
  });
}

}  // namespace

extern const FourierKernels fourier_kernels = {product, weight_gradient};

}  // namespace penlight::kernels::PENLIGHT_ISA

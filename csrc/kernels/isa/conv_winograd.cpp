// Fast convolution by nested short algorithms (winograd_plan.h), for the forward and the input gradient's
// products.
//
//   weight      transformed once a call:  U[frequency][channel][row]
//   tasks       take some tiles each and
//     1. transform their inputs, a vector of channels at a time:  V[frequency][tile][channel]
//     2. for some rows at a time, multiply  M[frequency] = V[frequency] U[frequency],  a matrix product each
//     3. transform M back, tile by tile, and write it with the bias
//
// A tile of 8 x 8 inputs gives 64 products V U of (tile x channel) by (channel x row), where direct sums have
// 36 x 9. V and M are as large as some tiles need to stay in L2; U streams past once a task, each of its
// vectors used for every tile of the task. No padded or transformed copy of a tensor exists.
#include "kernels/flush.h"
#include "kernels/micro_kernels.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"
#include "kernels/winograd_weight.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t values_bytes = 512 * 1024, products_bytes = 256 * 1024;
constexpr int64_t most_values_bytes = 4 << 20;
constexpr int64_t wanted_tasks = 8;

// U of one group as [panel][frequency][channel][columns of the panel], for channels [c0, c1). Frequencies lie
// `padding` floats more apart, so that they spread over the cache's sets.
constexpr int64_t padding = lanes;

// Where the panel that begins with `row` lies in U.
int64_t panel_start(const TapProduct& q, int64_t frequencies, int64_t row) {
  return frequencies * (row * q.channels + row / panel_columns * padding);
}

// They are made for a few channels at a time and written in runs: U is larger than the caches.
constexpr int64_t channels_at_once = 8;

void transform_weight(const TapProduct& q, const TapTransform& t, const float* weight, int64_t c0, int64_t c1,
                      float* to) {
  alignas(64) float values[most_frequencies * lanes], box[most_frequencies * lanes];
  float* made = static_cast<float*>(thread_scratch(
      ScratchUser::convolution, t.frequencies * channels_at_once * panel_columns * sizeof(float)));
  const int64_t padded_rows = blocks_of(q.rows, lanes) * lanes;
  for (int64_t panel = 0; panel < padded_rows; panel += panel_columns) {
    const int64_t width = smaller(panel_columns, padded_rows - panel), step = channels_at_once * width;
    for (int64_t c = c0; c < c1; c += channels_at_once) {
      const int64_t channels = smaller(channels_at_once, c1 - c);
      for (int64_t row = panel; row < panel + width; row += lanes)
        for (int64_t i = 0; i < channels; ++i) {
          const int64_t rows = smaller(lanes, q.rows - row);
          const float* from = weight + row * q.weight_row + (c + i) * q.weight_channel;
          for (int64_t j = 0; j < t.taps; ++j) {
            float* vector = values + t.place[j];
            if (t.tap[j] < 0 || rows < lanes) Lanes::zero().store(vector);
            if (t.tap[j] < 0) continue;
            const float* tap = from + t.tap[j];
            for (int64_t r = 0; r < rows; ++r) vector[r] = tap[r * q.weight_row];
          }
          t.to_frequencies(values, box);
          for (int64_t f = 0; f < t.frequencies; ++f)
            Lanes::load(values + f * lanes).store(made + f * step + i * width + row - panel);
        }
      float* place = to + panel_start(q, t.frequencies, panel) + c * width;
      for (int64_t f = 0; f < t.frequencies; ++f)
        copy_run(place + f * (q.channels * width + padding), made + f * step, channels * width);
    }
  }
}

void product(const TapProduct& q, const WinogradPlan& plan, const float* source, const float* weight,
             const float* bias, float* to) {
  if (q.batch == 0 || q.groups == 0 || q.rows == 0 || q.positions() == 0) return;
  const TileGrid grid(q, plan);
  const TapTransform taps(q, plan);
  const int64_t frequencies = plan.frequencies(), padded_rows = blocks_of(q.rows, lanes) * lanes;
  const int64_t transformed = panel_start(q, frequencies, blocks_of(q.rows, panel_columns) * panel_columns);

  const Scratch transformed_memory(q.groups * transformed, sizeof(float));
  float* u = static_cast<float*>(transformed_memory.get());
  const int64_t channels_each = channels_at_once * (1 + 4096 / (frequencies * padded_rows));
  const int64_t chunks = blocks_of(q.channels, channels_each);
  parallel_products(q.groups * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t group = i / chunks, c0 = i % chunks * channels_each;
      transform_weight(q, taps, weight + group * q.weight_group, c0, smaller(q.channels, c0 + channels_each),
                       u + group * transformed);
    }
  });

  // Tiles of a task: as many as L2 holds, or more where U is so large that streaming it past costs more than
  // leaving L2; but enough tasks for the threads.
  const int64_t ld_v = odd_vectors(q.channels);
  const int64_t held = larger(values_bytes, smaller(most_values_bytes, transformed * 4 / 8));
  int64_t per_task = larger(outer_rows, held / (frequencies * ld_v * 4) / outer_rows * outer_rows);
  per_task = smaller(per_task, larger(outer_rows, blocks_of(grid.count * q.groups, wanted_tasks)));
  per_task = blocks_of(grid.count, blocks_of(grid.count, per_task));
  const int64_t task_count = blocks_of(grid.count, per_task);
  const int64_t panels_fit = larger(1, products_bytes / (frequencies * per_task * panel_columns * 4));
  const int64_t block_rows = smaller(padded_rows, panels_fit * panel_columns), ld_m = odd_vectors(block_rows);
  const int64_t v_step = per_task * ld_v, m_step = per_task * ld_m;

  const TileTransform input(Transform::input, plan, grid, ld_v, v_step);
  const TileTransform output(Transform::output, plan, grid, ld_m, m_step);
  const BandSource from(q);
  const int64_t band_floats = larger(input.band_floats(), output.band_floats());
  const int64_t source_group = q.channels * q.source_plane(), to_group = q.rows * q.to_plane();

  parallel_products(q.groups * task_count, 1, [&](int64_t begin, int64_t end) {
    float* v = static_cast<float*>(thread_scratch(
        ScratchUser::convolution, (frequencies * (v_step + m_step) + band_floats) * sizeof(float)));
    float *m = v + frequencies * v_step, *band = m + frequencies * m_step;
    alignas(64) float box[most_frequencies * lanes];
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task / task_count, first = task % task_count * per_task;
      const int64_t tiles = smaller(per_task, grid.count - first);
      read_tiles(input, Transform::input, from, grid, source + group * source_group, q.groups * source_group,
                 q.channels, first, first + tiles, band, box, v);
      const RowPanels panels(tiles);
      for (int64_t row0 = 0; row0 < q.rows; row0 += block_rows) {
        const int64_t row1 = smaller(padded_rows, row0 + block_rows);
        for (int64_t f = 0; f < frequencies; ++f)
          for (int64_t row = row0; row < row1; row += panel_columns) {
            const int64_t width = smaller(panel_columns, padded_rows - row);
            const float* right = u + group * transformed + panel_start(q, frequencies, row) +
                                 f * (q.channels * width + padding);
            for (int64_t t = 0; t < tiles; t += panels.height) {
              const int64_t height = smaller(panels.height, tiles - t);
              const auto run =
                  width == panel_columns ? tile_product<outer_registers>(height) : tile_product<1>(height);
              run(q.channels, v + f * v_step + t * ld_v, ld_v, 1, right, width,
                  m + f * m_step + t * ld_m + row - row0, ld_m, false);
            }
          }
        for (int64_t tile = first; tile < first + tiles;) {
          const TileRun run = grid.run_at(tile, first + tiles);
          const int64_t extent[3] = {output.extent[0], output.extent[1],
                                     TileTransform::columns_of(Transform::output, grid, run.count)};
          for (int64_t row = row0; row < smaller(q.rows, row1); row += lanes) {
            const int64_t rows = smaller(lanes, q.rows - row);
            output.passes(run.count, m + (tile - first) * ld_m + row - row0, ld_m, band, output.advance, box);
            const Lanes start = bias ? Lanes::load_partial(bias + group * q.rows + row, rows) : Lanes::zero();
            write_band(q, band, start, rows, run, extent, output.row,
                       to + (run.image * q.groups + group) * to_group + row * q.to_plane());
          }
          tile += run.count;
        }
      }
    }
  });
}

}  // namespace

void winograd_weight_gradient(const TapProduct&, const WinogradPlan&, const float*, const float*, float*);

extern const WinogradKernels winograd_kernels = {product, winograd_weight_gradient};

}  // namespace penlight::kernels::PENLIGHT_ISA

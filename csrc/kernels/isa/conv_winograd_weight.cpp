// The weight gradient of a fast convolution (winograd_plan.h), which is the forward algorithm read backwards:
//
//   forward   y  = Aᵗ [ (G w) ⊙ (Bᵗ x) ]
//   gradient  dw = Gᵗ [ (A dy) ⊙ (Bᵗ x) ]
//
// For some tiles at a time their inputs V = Bᵗ x and their outputs' gradients P = A dy are transformed, a
// vector of channels at a time, and D[frequency] += Pᵗ[row][tile] V[tile][channel], a matrix product for
// every frequency. Gᵗ comes once, at the end. The tiles are dealt out in a fixed number of parts with sums of
// their own, which are added up in order.
#include "kernels/flush.h"
#include "kernels/micro_kernels.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"
#include "kernels/winograd_weight.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t values_bytes = 512 * 1024, most_values_bytes = 6 << 20;  // V and P of the tiles at a time
constexpr int64_t large_sums_bytes = 2 << 20;                              // D that is dealt out by rows
constexpr int64_t most_sums_bytes = 32 << 20;                              // D of all parts
constexpr int64_t least_rows = 64;
constexpr int64_t wanted_tasks = 8, least_tiles = 32;

}  // namespace

void winograd_weight_gradient(const TapProduct& q, const WinogradPlan& plan, const float* output,
                              const float* source, float* gradient) {
  const TileGrid grid(q, plan);
  const TapTransform taps(q, plan);
  const int64_t frequencies = plan.frequencies(), ld_sums = blocks_of(q.channels, lanes) * lanes;
  const int64_t weights = q.rows * q.channels * q.taps();
  if (weights == 0 || q.groups == 0) return;

  // D as [part of the tiles][group][part of the rows][frequency][row][channel]: small, it has copies for
  // parts of the tiles; large, parts of the rows, each of which transforms the input again.
  const bool large = frequencies * q.rows * ld_sums * 4 > large_sums_bytes;
  const int64_t row_parts = large ? smaller(wanted_tasks, larger(1, q.rows / least_rows)) : 1;
  const int64_t part_rows = blocks_of(q.rows, row_parts);
  const int64_t sums_step = part_rows * ld_sums, sums_rows = frequencies * sums_step;
  const int64_t sums_group = row_parts * sums_rows, sums_size = q.groups * sums_group;
  int64_t parts = smaller(wanted_tasks / row_parts, larger(1, most_sums_bytes / (sums_size * 4)));
  parts = larger(1, smaller(parts, grid.count / least_tiles));
  const int64_t per_part = larger(1, blocks_of(grid.count, parts));
  parts = larger(1, blocks_of(grid.count, per_part));
  const int64_t ld_v = odd_vectors(q.channels), ld_p = odd_vectors(part_rows);
  const int64_t budget = larger(values_bytes, smaller(most_values_bytes, sums_rows * 4 * 3 / 2));
  int64_t per_block = larger(least_tiles / 2, budget / (frequencies * (ld_v + ld_p) * 4));
  per_block = blocks_of(per_part, blocks_of(per_part, per_block));
  const int64_t v_step = per_block * ld_v, p_step = per_block * ld_p;

  const Scratch sums_memory(parts * sums_size, sizeof(float));
  float* sums = static_cast<float*>(sums_memory.get());
  const TileTransform input(Transform::input, plan, grid, ld_v, v_step);
  const TileTransform spread(Transform::spread, plan, grid, ld_p, p_step);
  const BandSource from(q), results = BandSource::results(q);
  const int64_t band_floats = larger(input.band_floats(), spread.band_floats());
  const int64_t source_group = q.channels * q.source_plane(), output_group = q.rows * q.to_plane();

  parallel_products(parts * q.groups * row_parts, 1, [&](int64_t begin, int64_t end) {
    float* v = static_cast<float*>(thread_scratch(
        ScratchUser::convolution, (frequencies * (v_step + p_step) + band_floats) * sizeof(float)));
    float *p = v + frequencies * v_step, *band = p + frequencies * p_step;
    alignas(64) float box[most_frequencies * lanes];
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task / row_parts / q.groups, group = task / row_parts % q.groups;
      const int64_t row0 = task % row_parts * part_rows, rows = smaller(part_rows, q.rows - row0);
      float* d = sums + task * sums_rows;
      const int64_t tile0 = part * per_part, tile1 = smaller(grid.count, tile0 + per_part);
      if (tile0 >= tile1)
        for (int64_t i = 0; i < sums_rows; ++i) d[i] = 0;
      if (rows <= 0) continue;
      const RowPanels panels(rows);
      for (int64_t tile = tile0; tile < tile1; tile += per_block) {
        const int64_t tiles = smaller(per_block, tile1 - tile);
        read_tiles(input, Transform::input, from, grid, source + group * source_group,
                   q.groups * source_group, q.channels, tile, tile + tiles, band, box, v);
        read_tiles(spread, Transform::spread, results, grid,
                   output + group * output_group + row0 * q.to_plane(), q.groups * output_group, rows, tile,
                   tile + tiles, band, box, p);
        for (int64_t f = 0; f < frequencies; ++f)
          for (int64_t column = 0; column < ld_sums; column += panel_columns) {
            const bool whole = ld_sums - column >= panel_columns;
            for (int64_t row = 0; row < rows; row += panels.height) {
              const int64_t height = smaller(panels.height, rows - row);
              const auto run = whole ? tile_product<outer_registers>(height) : tile_product<1>(height);
              run(tiles, p + f * p_step + row, 1, ld_p, v + f * v_step + column, ld_v,
                  d + f * sums_step + row * ld_sums + column, ld_sums, tile > tile0);
            }
          }
      }
    }
  });

  const int64_t vectors = ld_sums / lanes;
  parallel_products(q.groups * q.rows * vectors, 1 + 256 / frequencies, [&](int64_t begin, int64_t end) {
    alignas(64) float values[most_frequencies * lanes], box[most_frequencies * lanes];
    for (int64_t i = begin; i < end; ++i) {
      const int64_t vector = i % vectors, row = i / vectors % q.rows, group = i / vectors / q.rows;
      const float* d = sums + group * sums_group + row / part_rows * sums_rows + row % part_rows * ld_sums +
                       vector * lanes;
      for (int64_t f = 0; f < frequencies; ++f) {
        Lanes sum = Lanes::load(d + f * sums_step);
        for (int64_t part = 1; part < parts; ++part)
          sum = sum + Lanes::load(d + part * sums_size + f * sums_step);
        sum.store(values + f * lanes);
      }
      taps.to_taps(values, box);
      const int64_t c0 = vector * lanes, channels = smaller(lanes, q.channels - c0);
      float* to = gradient + group * q.weight_group + row * q.weight_row + c0 * q.weight_channel;
      for (int64_t t = 0; t < taps.taps; ++t)
        if (taps.tap[t] >= 0)
          for (int64_t c = 0; c < channels; ++c)
            to[c * q.weight_channel + taps.tap[t]] = values[taps.place[t] + c];
    }
  });
}

}  // namespace penlight::kernels::PENLIGHT_ISA

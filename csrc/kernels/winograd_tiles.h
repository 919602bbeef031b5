// Tiles: how a fast convolution (winograd_plan.h) cuts its positions up, and carries values between tensors,
// whose positions lie next to each other, and vectors whose lanes are channels.
//
// A dilated axis falls into as many phases as the dilation, each an undilated one of every so-manieth
// position. Tiles are counted by image, phases, then z, y, x; those that follow each other along x are a run.
// For a run and a vector of channels the box of values they meet is turned, block by block, into
// [z][y][x][lane]: the band. Padding of every mode is folded in there.
#pragma once

#include "kernels/conv_gather.h"
#include "kernels/transpose.h"
#include "kernels/winograd_plan.h"
#include "kernels/winograd_transform.h"

namespace penlight::kernels::PENLIGHT_ISA {

inline constexpr int64_t most_frequencies = 512;
inline constexpr int64_t most_run_columns = 192;  // a run's length along x, so that its band stays near L1

struct TileRun {
  int64_t first, count;            // among all tiles
  int64_t image, phase[3], at[3];  // at: the first tile's first position, counted within the phase
};

struct TileGrid {
  int64_t phases[3], tiles[3], advance[3], span[3];
  int64_t images, per_image, count;
  int64_t longest_run;

  TileGrid(const TapProduct& q, const WinogradPlan& plan) : images(q.batch), per_image(1) {
    for (int a = 0; a < 3; ++a) {
      phases[a] = phase_count(q.axis[a]);
      advance[a] = plan.advance(a), span[a] = plan.span(a);
      const int64_t positions = (q.axis[a].count + phases[a] - 1) / phases[a];
      tiles[a] = (positions + advance[a] - 1) / advance[a];
      per_image *= phases[a] * tiles[a];
    }
    count = per_image * images;
    longest_run = most_run_columns / advance[2];
    if (longest_run < 1) longest_run = 1;
    if (longest_run > tiles[2]) longest_run = tiles[2];
  }
  [[gnu::always_inline]] static int64_t phase_count(const TapAxis& axis) {
    const int64_t phases = axis.taps > 1 ? axis.tap_step : 1;
    return phases < axis.count || axis.count == 0 ? phases : axis.count;
  }
  [[gnu::always_inline]] int64_t columns(int64_t run) const { return (run - 1) * advance[2] + span[2]; }

  // The run that tile `first` begins, ending before tile `end`.
  TileRun run_at(int64_t first, int64_t end) const {
    TileRun run;
    run.first = first;
    int64_t rest = first;
    run.at[2] = rest % tiles[2], rest /= tiles[2];
    run.count = tiles[2] - run.at[2];
    run.at[1] = rest % tiles[1], rest /= tiles[1];
    run.at[0] = rest % tiles[0], rest /= tiles[0];
    for (int a = 2; a >= 0; --a) {
      run.at[a] *= advance[a];
      run.phase[a] = rest % phases[a], rest /= phases[a];
    }
    run.image = rest;
    if (run.count > longest_run) run.count = longest_run;
    if (run.count > end - first) run.count = end - first;
    return run;
  }
};

// How the band is cut out of a tensor: where position 0 of a phase lies.
struct BandSource {
  PaddingMode mode;
  int64_t size[3], step[3], offset[3], plane;

  explicit BandSource(const TapProduct& q) : mode(q.mode), plane(q.source_plane()) {
    for (int a = 0; a < 3; ++a) {
      step[a] = q.axis[a].taps > 1 ? q.axis[a].tap_step : 1, offset[a] = q.axis[a].offset;
      size[a] = q.axis[a].size;
    }
  }
  // A forward product's results (or their gradients), of which a tile takes its outputs; zero behind the
  // last.
  static BandSource results(const TapProduct& q) {
    BandSource s(q);
    s.mode = PaddingMode::zeros, s.plane = q.to_plane();
    for (int a = 0; a < 3; ++a) s.offset[a] = 0, s.size[a] = q.axis[a].count;
    return s;
  }
};

// Fills `extent` (z, y, columns) for `channels` (at most `lanes`) channels from `source` on, rows `row`
// floats apart; other lanes get zeros.
inline void fill_band(const BandSource& s, const float* source, int64_t channels, const TileRun& run,
                      const int64_t (&extent)[3], int64_t row, float* band) {
  alignas(64) float edge[lanes * lanes];
  alignas(64) const float nothing[lanes] = {};
  const int64_t start = run.at[2] * s.step[2] + run.phase[2] + s.offset[2];
  for (int64_t z = 0; z < extent[0]; ++z) {
    const int64_t at_z =
        padded_source(s.mode, (run.at[0] + z) * s.step[0] + run.phase[0] + s.offset[0], s.size[0]);
    for (int64_t y = 0; y < extent[1]; ++y, band += row) {
      const int64_t at_y =
          padded_source(s.mode, (run.at[1] + y) * s.step[1] + run.phase[1] + s.offset[1], s.size[1]);
      if (at_z < 0 || at_y < 0) {
        for (int64_t i = 0; i < extent[2] * lanes; i += lanes) Lanes::zero().store(band + i);
        continue;
      }
      const float* line = source + (at_z * s.size[1] + at_y) * s.size[2];
      for (int64_t x = 0; x < extent[2]; x += lanes) {
        const int64_t at_x = start + x * s.step[2];
        const float* from = line + at_x;
        int64_t distance = s.plane;
        if (s.step[2] != 1 || at_x < 0 || at_x + lanes > s.size[2]) {
          for (int64_t c = 0; c < channels; ++c)
            gather_run(line + c * s.plane, s.size[2], s.mode, at_x, s.step[2], lanes, edge + c * lanes);
          from = edge, distance = lanes;
        }
        Lanes v[lanes];
#pragma GCC unroll 16
        for (int c = 0; c < lanes; ++c) v[c] = Lanes::load(c < channels ? from + c * distance : nothing);
        transpose_registers(v);
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) v[i].store(band + (x + i) * lanes);
      }
    }
  }
}

// Writes a band of results plus `start` to where they belong; what lies behind the last position is dropped.
inline void write_band(const TapProduct& q, const float* band, Lanes start, int64_t channels,
                       const TileRun& run, const int64_t (&extent)[3], int64_t row, float* to) {
  const int64_t plane = q.to_plane();
  int64_t step[3], count[3], first[3];
  for (int a = 0; a < 3; ++a) {
    const TapAxis& axis = q.axis[a];
    step[a] = axis.taps > 1 ? axis.tap_step : 1;
    first[a] = run.at[a] * step[a] + run.phase[a];
    const int64_t left = axis.count - first[a];
    count[a] = left <= 0 ? 0 : (left + step[a] - 1) / step[a];
    if (count[a] > extent[a]) count[a] = extent[a];
  }
  const TapAxis &az = q.axis[0], &ay = q.axis[1], &ax = q.axis[2];
  const int64_t x_step = step[2] * ax.to_step;
  for (int64_t z = 0; z < count[0]; ++z)
    for (int64_t y = 0; y < count[1]; ++y) {
      const int64_t at_z = az.to_first + (first[0] + z * step[0]) * az.to_step;
      const int64_t at_y = ay.to_first + (first[1] + y * step[1]) * ay.to_step;
      float* line = to + (at_z * ay.to_size + at_y) * ax.to_size + ax.to_first + first[2] * ax.to_step;
      const float* from = band + (z * extent[1] + y) * row;
      for (int64_t x = 0; x < count[2]; x += lanes) {
        Lanes v[lanes];
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) v[i] = Lanes::load(from + (x + i) * lanes) + start;
        transpose_registers(v);
        const int64_t columns = count[2] - x < lanes ? count[2] - x : lanes;
        float* at = line + x * x_step;
        if (x_step == 1 && columns == lanes && channels == lanes) {
#pragma GCC unroll 16
          for (int c = 0; c < lanes; ++c) v[c].store(at + c * plane);
          continue;
        }
        alignas(64) float block[lanes * lanes];
#pragma GCC unroll 16
        for (int c = 0; c < lanes; ++c) v[c].store(block + c * lanes);
        for (int64_t c = 0; c < channels; ++c) {
          if (x_step == 1)
            copy_run(at + c * plane, block + c * lanes, columns);
          else
            for (int64_t i = 0; i < columns; ++i) at[c * plane + i * x_step] = block[c * lanes + i];
        }
      }
    }
}

// The passes of one kind over a tile's levels. Between them values lie in a box [level 0][level 1][level 2]
// of n vectors each; the first pass reads the band (or the products), the last one writes the products (or
// the band).
struct TilePasses {
  int levels;
  RunPass run[3];
  Pass pass[3];

  // Floats between neighbours along each level, on both ends.
  TilePasses(Transform kind, const WinogradPlan& plan, const int64_t (&from)[3], const int64_t (&to)[3])
      : levels(plan.levels) {
    int64_t box[3], step = lanes;
    for (int l = levels - 1; l >= 0; --l) box[l] = step, step *= plan.level[l].n;
    for (int p = 0; p < levels; ++p) {
      const WinogradLevel& level = plan.level[p];
      run[p] = kind == Transform::input    ? pass_of<Transform::input>(level.n, 2)
               : kind == Transform::output ? pass_of<Transform::output>(level.n, level.m)
                                           : pass_of<Transform::spread>(level.n, level.m);
      const int64_t* in = p == 0 ? from : box;
      const int64_t* out = p == levels - 1 ? to : box;
      pass[p].from_step = in[p], pass[p].to_step = out[p];
      int other = 0;
      for (int l = 0; l < levels; ++l) {
        if (l == p) continue;
        const bool done = l < p;
        const WinogradLevel& its = plan.level[l];
        pass[p].count[other] =
            (kind == Transform::output) == done && kind != Transform::input ? its.m : its.n;
        pass[p].from_next[other] = in[l], pass[p].to_next[other] = out[l];
        ++other;
      }
      for (; other < 2; ++other)
        pass[p].count[other] = 1, pass[p].from_next[other] = pass[p].to_next[other] = 0;
    }
  }

  // `count` tiles so far apart. box: most_frequencies vectors.
  void operator()(int64_t count, const float* from, int64_t from_tile, float* to, int64_t to_tile,
                  float* box) const {
    if (levels == 1) {
      Pass all = pass[0];
      all.count[0] = count, all.from_next[0] = from_tile, all.to_next[0] = to_tile;
      run[0](all, from, to);
      return;
    }
    for (int64_t i = 0; i < count; ++i, from += from_tile, to += to_tile)
      for (int p = 0; p < levels; ++p) run[p](pass[p], p == 0 ? from : box, p == levels - 1 ? to : box);
  }
};

// Along a level, in a band with rows so many floats apart and so many rows in a plane.
inline void band_steps(const WinogradPlan& plan, int64_t row, int64_t rows, int64_t (&steps)[3]) {
  for (int l = 0; l < plan.levels; ++l) {
    const WinogradLevel& level = plan.level[l];
    steps[l] = level.unit * (level.axis == 2 ? lanes : level.axis == 1 ? row : row * rows);
  }
}

inline void frequency_steps(const WinogradPlan& plan, int64_t step, int64_t (&steps)[3]) {
  for (int l = plan.levels - 1; l >= 0; --l) steps[l] = step, step *= plan.level[l].n;
}

// Transforms between a band and products[frequency][tile][channel].
struct TileTransform {
  int64_t extent[3], row;  // of the longest run's band
  int64_t frequency_step, ld, advance;
  TilePasses passes;

  TileTransform(Transform kind, const WinogradPlan& plan, const TileGrid& grid, int64_t ld_products,
                int64_t step)
      : extent{box(kind, grid, 0), box(kind, grid, 1), columns_of(kind, grid, grid.longest_run)},
        row((extent[2] + lanes - 1) / lanes * lanes * lanes),
        frequency_step(step),
        ld(ld_products),
        advance(grid.advance[2] * lanes),
        passes(passes_of(kind, plan)) {}

  [[gnu::always_inline]] static int64_t box(Transform kind, const TileGrid& grid, int a) {
    return kind == Transform::input ? grid.span[a] : grid.advance[a];
  }
  [[gnu::always_inline]] static int64_t columns_of(Transform kind, const TileGrid& grid, int64_t tiles) {
    return (tiles - 1) * grid.advance[2] + box(kind, grid, 2);
  }
  TilePasses passes_of(Transform kind, const WinogradPlan& plan) const {
    int64_t band[3], frequency[3];
    band_steps(plan, row, extent[1], band);
    frequency_steps(plan, frequency_step, frequency);
    return kind == Transform::output ? TilePasses(kind, plan, frequency, band)
                                     : TilePasses(kind, plan, band, frequency);
  }
  int64_t band_floats() const { return extent[0] * extent[1] * row; }
};

// Tiles [first, end) of channels from `source` on (the first image's), transformed to products + channel
// offset.
inline void read_tiles(const TileTransform& t, Transform kind, const BandSource& s, const TileGrid& grid,
                       const float* source, int64_t image_step, int64_t channels, int64_t first, int64_t end,
                       float* band, float* box, float* products) {
  for (int64_t tile = first; tile < end;) {
    const TileRun run = grid.run_at(tile, end);
    const int64_t extent[3] = {t.extent[0], t.extent[1], TileTransform::columns_of(kind, grid, run.count)};
    for (int64_t c = 0; c < channels; c += lanes) {
      const int64_t some = channels - c < lanes ? channels - c : lanes;
      fill_band(s, source + run.image * image_step + c * s.plane, some, run, extent, t.row, band);
      t.passes(run.count, band, t.advance, products + (tile - first) * t.ld + c, t.ld, box);
    }
    tile += run.count;
  }
}

}  // namespace penlight::kernels::PENLIGHT_ISA

// The weight gradient from turned operands: sums over positions, with channels next to each other.
//
// For a block of output positions, input values are laid out as [plane][tap z][line][column][channel],
// padding of every mode folded in, and output gradients as [panel of rows][position][row]. Then what tap t
// meets at output (line, x) is a run of channels at a distance from output (0, 0) that depends on line and x
// alone, plus an offset that depends on t alone: the outer tile runs over all positions with its sums in
// registers, for any stride and dilation, and computes nothing between the rows.
//
//   columns of a tile   a register of channels of one tap; where taps lie next to each other and channels are
//                       few, of (tap x, channel): 7 taps of 3 channels are 21 numbers, two registers
//   output block        384 positions x at most 140 rows x 4 bytes      210 KiB, L2; a panel of it 21 KiB, L1
//   band                at most band_bytes                              256 KiB, L2
//   sums                rows x taps x channels of the block             passed through once a block: L2 or L3
//
// Both are turned in registers, a number once for every block of the other side, for which it is multiplied
// dozens to hundreds of times. Tasks and partial sums are as in conv_direct_weight.cpp.
#include "kernels/conv_gather.h"
#include "kernels/flush.h"
#include "kernels/micro_kernels.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t block_positions = 384, most_columns = 512, most_rows = 140, band_bytes = 256 * 1024;
constexpr int64_t sums_bytes = 2 << 20;
constexpr int64_t serial_work = 1 << 19, wanted_tasks = 8;

// One axis as it is stored: all input positions between the first and the last that are met, or, where few of
// them are, each output's own.
struct StoredAxis {
  bool own;
  int64_t taps, step, tap_step, offset;
  int64_t each, tap;  // stored positions from output to output, from tap to tap

  explicit StoredAxis(const TapAxis& axis)
      : own(((axis.taps - 1) * axis.tap_step < axis.step &&
             (axis.tap_step > 1 || 2 * axis.taps <= axis.step)) ||
            axis.count * axis.taps <= (axis.count - 1) * axis.step + (axis.taps - 1) * axis.tap_step),
        taps(axis.taps),
        step(axis.step),
        tap_step(axis.tap_step),
        offset(axis.offset),
        each(own ? axis.taps : axis.step),
        tap(own ? 1 : axis.tap_step) {}
  int64_t stored(int64_t outputs) const {
    return own ? outputs * taps : (outputs - 1) * step + (taps - 1) * tap_step + 1;
  }
  int64_t source(int64_t first_output, int64_t index) const {
    return first_output * step + offset + (own ? index / taps * step + index % taps * tap_step : index);
  }
};

template <class T>
struct TurnedBand {
  static constexpr int W = native_width<T>;
  const TapProduct& q;
  StoredAxis y, x;
  bool joined;              // columns are (tap x, channel), not channel
  int64_t columns;          // outputs of a line in a block
  int64_t lines, planes;    // of outputs in a block: some lines of a plane or some whole planes
  int64_t channels;         // in a block
  int64_t ld, line, layer;  // from column to column, line to line, tap z to tap z
  int64_t plane, size;      // from plane to plane; all, with what the last register reads beyond
  int64_t runs, units;      // registers of one run of channels; columns of tiles: runs x taps (z, y, or all)

  explicit TurnedBand(const TapProduct& product) : q(product), y(q.axis[1]), x(q.axis[2]) {
    const TapAxis &az = q.axis[0], &ay = q.axis[1], &ax = q.axis[2];
    columns = smaller(ax.count, most_columns);
    lines = larger(1, block_positions / columns);
    planes = lines >= ay.count ? larger(1, lines / ay.count) : 1;
    planes = smaller(planes, q.batch * az.count);
    lines = smaller(lines, ay.count);
    const int64_t stored_lines = y.stored(lines), stored_columns = x.stored(columns);
    joined = x.tap == 1 && q.channels % W != 0 && q.channels < 8 * W;
    const int64_t positions = planes * az.taps * stored_lines * stored_columns;
    channels = q.channels;
    if (!joined) {  // as many as fit, in whole registers, shared out evenly
      const int64_t fit = larger(1, band_bytes / static_cast<int64_t>(sizeof(T)) / positions / W);
      const int64_t registers = blocks_of(channels, W);
      int64_t blocks = blocks_of(registers, fit);
      // More blocks, so that there is a task for every thread, turn output gradients once more each; parts of
      // the sum write a gradient more each. What costs less?
      const int64_t missing = blocks_of(wanted_tasks, q.groups * blocks_of(q.rows, most_rows) * blocks);
      if (q.batch * q.positions() < 2 * q.channels * q.taps())
        blocks = smaller(blocks * missing, blocks_of(registers, 2));
      channels = blocks_of(registers, blocks) * W;
    }
    // A stride of a power of two would crowd a few sets of the cache.
    ld = joined ? channels : channels % (8 * W) == 0 ? channels + W : channels;
    line = stored_columns * ld;
    layer = stored_lines * line;
    plane = az.taps * layer;
    size = planes * plane + 2 * W;
    runs = blocks_of(joined ? channels * ax.taps : channels, W);
    units = runs * az.taps * ay.taps * (joined ? 1 : ax.taps);
  }

  // What a tile's columns are: where they begin in the band, and which (channel, tap) of the weight each lane
  // is, or -1. Two registers of one run stand together, so that tiles of two read whole lines; their taps
  // follow, which read the same lines again.
  void fill_units(int64_t* offsets, int32_t* targets) const {
    const int64_t taps_y = y.taps, taps_x = joined ? 1 : x.taps;
    const int64_t taps = q.axis[0].taps * taps_y * taps_x;
    for (int64_t first = 0; first < runs; first += 2)
      for (int64_t t = 0; t < taps; ++t)
        for (int64_t run = first; run < smaller(runs, first + 2); ++run) {
          const int64_t tx = t % taps_x, ty = t / taps_x % taps_y, tz = t / taps_x / taps_y;
          *offsets++ = tz * layer + ty * y.tap * line + tx * x.tap * ld + run * W;
          for (int64_t lane = run * W; lane < (run + 1) * W; ++lane) {
            const int64_t channel = joined ? lane % channels : lane, tap_x = joined ? lane / channels : tx;
            const bool used = tap_x < x.taps && channel < channels;
            *targets++ =
                used ? static_cast<int32_t>(channel * q.taps() + (tz * taps_y + ty) * x.taps + tap_x) : -1;
          }
        }
  }

  // Where line l of a plane begins.
  int64_t start(int64_t plane_index, int64_t l) const { return plane_index * plane + l * y.each * line; }

  // One stored line: columns of some channels of the input line at `from`.
  void fill_line(const T* from, int64_t count, int64_t x0, int64_t outputs, T* temporary,
                 int64_t ld_temporary, T* to) const {
    const int64_t source_plane = q.source_plane(), input = q.axis[2].size;
    const int64_t passes = x.own ? x.taps : 1, step = x.own ? x.step : 1;
    const int64_t length = x.own ? outputs : x.stored(outputs), ld_to = passes * ld;
    for (int64_t pass = 0; pass < passes; ++pass, to += ld) {
      const int64_t first = x0 * x.step + x.offset + pass * x.tap_step;
      if (ld_to == 1) {
        gather_lines(from, 0, 1, input, q.mode, first, step, length, to, 0);
        continue;
      }
      const bool inside = step == 1 && first >= 0 && first + length <= input;
      for (int64_t c = 0; c < count; c += W) {
        const int64_t here = smaller(W, count - c);
        const T* lines_from = from + c * source_plane;
        const T* values = lines_from + first;
        int64_t ld_values = source_plane;
        if (!inside) {
          gather_lines(lines_from, source_plane, here, input, q.mode, first, step, length, temporary,
                       ld_temporary);
          values = temporary, ld_values = ld_temporary;
        }
        if (ld_to == here)
          transpose(values, ld_values, here, length, to, ld_to);
        else if (c + W <= ld)
          transpose_rows<T, true>(values, ld_values, here, length, to + c, ld_to);
        else
          transpose_rows<T, false>(values, ld_values, here, length, to + c, ld_to);
      }
    }
  }

  // `count` channels from `source`, a channel of image 0; planes [plane0, plane0 + plane_count) of all
  // images.
  void fill(const T* source, int64_t count, int64_t plane0, int64_t plane_count, int64_t y0,
            int64_t line_count, int64_t x0, int64_t outputs, T* temporary, int64_t ld_temporary,
            T* to) const {
    const TapAxis &az = q.axis[0], &ay = q.axis[1], &ax = q.axis[2];
    const int64_t image_size = q.groups * q.channels * q.source_plane();
    const int64_t stored_lines = y.stored(line_count), length = x.stored(outputs) * ld;
    for (int64_t p = 0; p < plane_count; ++p)
      for (int64_t tz = 0; tz < az.taps; ++tz) {
        const int64_t z = (plane0 + p) % az.count, image = (plane0 + p) / az.count;
        const int64_t at_z = padded_source(q.mode, z * az.step + tz * az.tap_step + az.offset, az.size);
        for (int64_t l = 0; l < stored_lines; ++l) {
          const int64_t at_y = padded_source(q.mode, y.source(y0, l), ay.size);
          T* at = to + p * plane + tz * layer + l * line;
          if (at_z < 0 || at_y < 0)
            for (int64_t i = 0; i < length; ++i) at[i] = T(0);
          else
            fill_line(source + image * image_size + (at_z * ay.size + at_y) * ax.size, count, x0, outputs,
                      temporary, ld_temporary, at);
        }
      }
  }
};

// Brings a task's sums into the weight's order.
template <class T>
void write_sums(const TurnedBand<T>& band, int64_t panel_height, int64_t rows, int64_t channels,
                const int32_t* targets, const T* sums, T* to, int64_t depth) {
  constexpr int64_t W = native_width<T>;
  const int64_t taps = band.q.taps();
  for (int64_t row = 0; row < rows; row += panel_height) {
    const int64_t height = smaller(panel_height, rows - row);
    // Register u of the panel's row r.
    const auto at = [&](int64_t u, int64_t r) {
      const int64_t pair = u / 2 * 2, wide = smaller(2, band.units - pair);
      return sums + (pair * height + r * wide + u % 2) * W;
    };
    for (int64_t r = 0; r < height; ++r) {
      T* line = to + (row + r) * depth;
      if (band.joined) {
        for (int64_t u = 0; u < band.units; ++u) {
          const T* from = at(u, r);
          for (int64_t lane = 0; lane < W; ++lane)
            if (targets[u * W + lane] >= 0) line[targets[u * W + lane]] = from[lane];
        }
        continue;
      }
      // A run's registers, one a tap, are turned to taps next to each other.
      for (int64_t run = 0; run < band.runs; ++run) {
        const int64_t first = run / 2 * 2, together = smaller(2, band.runs - first);
        const int64_t here = smaller(W, channels - run * W);
        if (taps == 1 && here > 0) {
          copy_run(line + run * W, at(first + run % 2, r), here);
          continue;
        }
        for (int64_t t = 0; here > 0 && t < taps; t += W) {
          const int64_t count = smaller(W, taps - t);
          alignas(64) T registers[W * W];
          for (int64_t i = 0; i < count; ++i)
            Native<T>::load(at(first * taps + (t + i) * together + run % 2, r)).store(registers + i * W);
          transpose_rows<T, false>(registers, W, count, here, line + run * W * taps + t, taps);
        }
      }
    }
    sums += height * band.units * W;
  }
}

template <class T>
void turned_weight_gradient(const TapProduct& q, const T* output, const T* source, T* gradient) {
  constexpr int64_t W = native_width<T>;
  const int64_t positions = q.positions(), taps = q.taps(), depth = q.channels * taps;
  const int64_t weights = q.groups * q.rows * depth;
  if (weights == 0) return;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  if (q.batch * positions == 0) {
    for (int64_t i = 0; i < weights; ++i) gradient[i] = T(0);
    return;
  }
  const TurnedBand<T> band(q);
  const int64_t x_units = blocks_of(x.count, band.columns), y_units = blocks_of(y.count, band.lines);
  const int64_t units = blocks_of(q.batch * z.count, band.planes) * y_units * x_units;
  const int64_t channel_blocks = blocks_of(q.channels, band.channels);
  const RowPanels all_panels(q.rows);
  const int64_t fit_rows = sums_bytes / static_cast<int64_t>(sizeof(T)) / (band.units * W);
  const int64_t row_blocks = blocks_of(q.rows, larger(outer_rows, smaller(most_rows, fit_rows)));
  const int64_t panels_per_block = blocks_of(all_panels.count, row_blocks);
  const int64_t tiles = q.groups * row_blocks * channel_blocks;
  const int64_t units_per_part = blocks_of(units, smaller(blocks_of(wanted_tasks, tiles), units));
  const int64_t parts = blocks_of(units, units_per_part), tasks = tiles * parts;
  const bool small = weights * q.batch * positions < serial_work;

  const Scratch unit_memory(band.units, sizeof(int64_t)), target_memory(band.units * W, sizeof(int32_t));
  int64_t* offsets = static_cast<int64_t*>(unit_memory.get());
  int32_t* targets = static_cast<int32_t*>(target_memory.get());
  band.fill_units(offsets, targets);
  const Scratch partial_memory((parts - 1) * weights, sizeof(T));
  T* partials = static_cast<T*>(partial_memory.get());

  const int64_t source_plane = q.source_plane(), output_image = q.groups * q.rows * positions;
  const int64_t rows_most = smaller(panels_per_block * all_panels.height, q.rows);
  const int64_t most_positions = band.planes * band.lines * band.columns;
  const int64_t ld_temporary = band.x.stored(band.columns) + W;
  constexpr int64_t cache_line = 64 / sizeof(T);
  const auto padded = [](int64_t count) { return blocks_of(count, cache_line) * cache_line; };
  const int64_t band_size = padded(band.size), turned_size = padded(rows_most * most_positions),
                temporary_size = padded(W * ld_temporary), sums_size = rows_most * band.units * W;

  parallel_products(tasks, small ? tasks : 1, [&](int64_t begin, int64_t end) {
    T* values = static_cast<T*>(thread_scratch(
        ScratchUser::convolution, (band_size + turned_size + temporary_size + sums_size) * sizeof(T)));
    T* turned = values + band_size;
    T* temporary = turned + turned_size;
    T* sums = temporary + temporary_size;
    int64_t starts[block_positions];
    for (int64_t i = band.planes * band.plane; i < band.size; ++i) values[i] = T(0);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task % parts, tile = task / parts;
      const int64_t c = tile % channel_blocks * band.channels,
                    channels = smaller(band.channels, q.channels - c);
      const int64_t row0 = tile / channel_blocks % row_blocks * panels_per_block * all_panels.height;
      const int64_t rows = smaller(rows_most, q.rows - row0), group = tile / channel_blocks / row_blocks;
      if (rows <= 0) continue;

      const int64_t unit0 = part * units_per_part, unit1 = smaller(units, unit0 + units_per_part);
      for (int64_t unit = unit0; unit < unit1; ++unit) {
        const int64_t x0 = unit % x_units * band.columns, columns = smaller(band.columns, x.count - x0);
        const int64_t y0 = unit / x_units % y_units * band.lines, lines = smaller(band.lines, y.count - y0);
        const int64_t plane0 = unit / x_units / y_units * band.planes;
        const int64_t planes = smaller(band.planes, q.batch * z.count - plane0);
        band.fill(source + (group * q.channels + c) * source_plane, channels, plane0, planes, y0, lines, x0,
                  columns, temporary, ld_temporary, values);
        for (int64_t p = 0; p < planes; ++p)
          for (int64_t l = 0; l < lines; ++l) starts[p * lines + l] = band.start(p, l);

        T* tile_sums = sums;
        for (int64_t row = 0; row < rows; row += all_panels.height) {
          const int64_t height = smaller(all_panels.height, rows - row);
          T* left = turned + row * most_positions;
          for (int64_t p = 0; p < planes; ++p) {
            const int64_t image = (plane0 + p) / z.count, at_z = (plane0 + p) % z.count;
            const T* from = output + image * output_image + (group * q.rows + row0 + row) * positions +
                            (at_z * y.count + y0) * x.count + x0;
            T* to = left + p * lines * columns * height;
            if (columns == x.count)
              transpose(from, positions, height, lines * columns, to, height);
            else
              for (int64_t l = 0; l < lines; ++l)
                transpose(from + l * x.count, positions, height, columns, to + l * columns * height, height);
          }
          const auto pair = outer_tile_lines_of<T, 2>(height), single = outer_tile_lines_of<T, 1>(height);
          for (int64_t u = 0; u < band.units; u += 2) {
            const bool two = u + 1 < band.units;
            const T* const from[2] = {values + offsets[u], values + offsets[two ? u + 1 : u]};
            (two ? pair : single)(planes * lines, starts, columns, left, from, band.x.each * band.ld,
                                  tile_sums, unit > unit0);
            tile_sums += height * (two ? 2 : 1) * W;
          }
        }
      }

      T* to =
          (part ? partials + (part - 1) * weights : gradient) + (group * q.rows + row0) * depth + c * taps;
      write_sums(band, all_panels.height, rows, channels, targets, sums, to, depth);
    }
  });
  if (parts > 1)
    parallel_products(weights, 4096, [&](int64_t begin, int64_t end) {
      for (int64_t part = 0; part < parts - 1; ++part)
        for (int64_t i = begin; i < end; ++i) gradient[i] += partials[part * weights + i];
    });
}

}  // namespace

void weight_gradient_float32(const TapProduct& q, const float* output, const float* source, float* gradient) {
  turned_weight_gradient(q, output, source, gradient);
}

void weight_gradient_float64(const TapProduct& q, const double* output, const double* source,
                             double* gradient) {
  turned_weight_gradient(q, output, source, gradient);
}

}  // namespace penlight::kernels::PENLIGHT_ISA

// The weight gradient straight from a band of the input (conv_band.h).
//
// The sum runs over consecutive positions of a block of output rows, for which output gradients are laid out
// with the band's row length and zeros between the rows; the input values of every tap are read from the band
// at its offset.
//   band            1024 positions or so x the channels whose taps make block_depth     192 KiB at most, L2
//   output block    up to 30 rows of it, 512 positions of a dot tile's rows at a time, in L1
//   sums            a register for each of 30 x block_depth until the task's end: 30 x 160 x 64 bytes = 300
//   KiB, L2
// Tasks and partial sums are as in conv_weight.cpp.
#include "kernels/conv_band.h"
#include "kernels/flush.h"
#include "kernels/micro_kernels.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t most_rows = 30, block_depth = 160;
template <class T>
constexpr int64_t run_positions = 2048 / sizeof(T);
constexpr int64_t serial_work = 1 << 19, wanted_tasks = 16;

template <class T>
void direct_weight_gradient(const TapProduct& q, const T* output, const T* source, T* gradient) {
  constexpr int64_t W = native_width<T>;
  const int64_t positions = q.positions(), taps = q.taps(), depth = q.channels * taps;
  const int64_t weights = q.groups * q.rows * depth;
  if (weights == 0) return;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  const Band band(q, sizeof(T), 1024, larger(1, block_depth / taps));

  const int64_t y_units = blocks_of(y.count, band.rows), x_units = blocks_of(x.count, band.columns);
  const int64_t units = q.batch * z.count * y_units * x_units;
  const int64_t channel_blocks = blocks_of(q.channels, band.channels),
                row_blocks = blocks_of(q.rows, most_rows);
  const int64_t block_rows =
      blocks_of(blocks_of(q.rows, row_blocks), dot_rows) * dot_rows;  // shared out evenly
  const int64_t tiles = q.groups * row_blocks * channel_blocks;
  const int64_t parts_wanted = smaller(blocks_of(wanted_tasks, tiles), larger(1, units));
  const int64_t units_per_part = blocks_of(larger(1, units), parts_wanted);
  const int64_t parts = blocks_of(larger(1, units), units_per_part), tasks = tiles * parts;
  const bool small = weights * q.batch * positions < serial_work;

  const Scratch offset_memory(band.channels * taps, sizeof(int32_t));
  int32_t* offsets = static_cast<int32_t*>(offset_memory.get());
  band.fill_offsets(q, offsets);
  const Scratch partial_memory((parts - 1) * weights, sizeof(T));
  T* partials = static_cast<T*>(partial_memory.get());
  const int64_t source_plane = q.source_plane();
  const int64_t rows_most = smaller(block_rows, q.rows);
  const int64_t sums_size = rows_most * band.channels * taps * W;
  const int64_t ld_rows = blocks_of(band.rows * band.ld, W) * W + W;

  parallel_products(tasks, small ? tasks : 1, [&](int64_t begin, int64_t end) {
    T* values = static_cast<T*>(thread_scratch(
        ScratchUser::convolution, (band.size + 9 * W + rows_most * ld_rows + sums_size) * sizeof(T)));
    T* laid_out = values + (band.size + 8 * W + W - 1) / W * W;
    T* kept = laid_out + rows_most * ld_rows;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task % parts, tile = task / parts;
      const int64_t c = tile % channel_blocks * band.channels,
                    channels = smaller(band.channels, q.channels - c);
      const int64_t row0 = tile / channel_blocks % row_blocks * block_rows;
      const int64_t rows = smaller(block_rows, q.rows - row0), group = tile / channel_blocks / row_blocks;
      const int64_t block = channels * taps;
      T* sums =
          (part ? partials + (part - 1) * weights : gradient) + (group * q.rows + row0) * depth + c * taps;
      for (int64_t i = 0; i < sums_size; ++i) kept[i] = T(0);

      const int64_t unit1 = smaller(units, (part + 1) * units_per_part);
      for (int64_t unit = part * units_per_part; unit < unit1; ++unit) {
        const int64_t x0 = unit % x_units * band.columns, columns = smaller(band.columns, x.count - x0);
        const int64_t y0 = unit / x_units % y_units * band.rows, lines = smaller(band.rows, y.count - y0);
        const int64_t z0 = unit / x_units / y_units % z.count, image = unit / x_units / y_units / z.count;
        band.fill(q, source + ((image * q.groups + group) * q.channels + c) * source_plane, channels, z0, y0,
                  lines, x0, values);
        const int64_t count = lines * band.ld, padded = blocks_of(count, W) * W;
        for (int64_t r = 0; r < rows; ++r) {
          const T* from = output + ((image * q.groups + group) * q.rows + row0 + r) * positions +
                          (z0 * y.count + y0) * x.count + x0;
          T* to = laid_out + r * ld_rows;
          copy_lines(from, x.count, 1, lines, 0, columns, band.ld, to, band.ld);
          Native<T>::zero().store(to + count);  // up to a whole register
        }
        for (int64_t position = 0; position < padded; position += run_positions<T>) {
          const int64_t run = smaller(run_positions<T>, padded - position);
          T* tile_sums = kept;
          for (int64_t s = 0; s < block; s += dot_columns) {
            const int64_t columns_here = smaller(dot_columns, block - s);
            const T* from[dot_columns];
            for (int64_t j = 0; j < columns_here; ++j) from[j] = values + offsets[s + j] + position;
            for (int64_t r = 0; r < rows; r += dot_rows) {
              const int64_t rows_here = smaller(dot_rows, rows - r);
              dot_tile_kept_of<T>(rows_here, columns_here)(run, laid_out + r * ld_rows + position, ld_rows,
                                                           from, tile_sums);
              tile_sums += rows_here * columns_here * W;
            }
          }
        }
      }
      // The lanes of each sum are added up.
      const T* tile_sums = kept;
      for (int64_t s = 0; s < block; s += dot_columns)
        for (int64_t r = 0; r < rows; r += dot_rows)
          for (int64_t i = r; i < smaller(rows, r + dot_rows); ++i)
            for (int64_t j = s; j < smaller(block, s + dot_columns); ++j, tile_sums += W)
              sums[i * depth + j] = Native<T>::load(tile_sums).sum();
    }
  });
  if (parts > 1)
    parallel_products(weights, 4096, [&](int64_t begin, int64_t end) {
      for (int64_t part = 0; part < parts - 1; ++part)
        for (int64_t i = begin; i < end; ++i) gradient[i] += partials[part * weights + i];
    });
}

}  // namespace

void direct_weight_gradient_float32(const TapProduct& q, const float* output, const float* source,
                                    float* gradient) {
  direct_weight_gradient(q, output, source, gradient);
}

void direct_weight_gradient_float64(const TapProduct& q, const double* output, const double* source,
                                    double* gradient) {
  direct_weight_gradient(q, output, source, gradient);
}

}  // namespace penlight::kernels::PENLIGHT_ISA

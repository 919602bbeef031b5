// Convolution straight from a band of the input: for few channels on either side, groups, and generally
// wherever the kernel is small beside the rows.
//
// A task takes a block of output rows. For a block of channels it copies the input rows they meet into a
// band, with padding of every mode folded in and rows and columns sorted by their residue to the stride, so
// that the values a tap meets at consecutive outputs lie next to each other:
//
//   band[channel][tap z][residue y][residue x][row][column]        at most band_bytes, in L2
//
// Then tap (z, y, x) of output (row, column) is band[row * ld + column + offset(tap)], and a register tile of
// R rows of the result by NV registers of consecutive positions is summed over all taps with nothing but
// loads at offsets from a table. Positions run on from row to row: the columns between the end of an output
// row and the end of the band's row are computed and thrown away, (kernel - 1) / stride of them a row.
//
// Against gathering per tap (conv_implicit.cpp) every input value is copied about once instead of once a tap.
#include "kernels/conv_band.h"
#include "kernels/flush.h"
#include "kernels/micro_kernels.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t serial_work = 1 << 19;  // multiplications below which one thread does all
constexpr int64_t wanted_tasks = 8;

// Registers of positions for a tile of so many rows: accumulators, positions and one broadcast fit the
// register file.
constexpr int direct_registers(int rows) {
  const int fit = (vector_registers - 1) / (rows + 1);
  return fit < 8 ? fit : 8;
}

// C[r][·] = (start ? start[r] : 0) + sum over i < k of a[i * R + r] * b[offsets[i] + ·]
template <class T, int R>
void direct_tile(int64_t k, const T* a, const T* b, const int32_t* offsets, T* c, const T* start) {
  using V = Native<T>;
  constexpr int W = V::width, NV = direct_registers(R);
  V sum[R][NV];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int j = 0; j < NV; ++j) sum[r][j] = start ? V::broadcast(start[r]) : V::zero();
  for (int64_t i = 0; i < k; ++i) {
    const T* from = b + offsets[i];
    V row[NV];
#pragma GCC unroll 8
    for (int j = 0; j < NV; ++j) row[j] = V::load(from + j * W);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const V factor = V::broadcast(a[r]);
#pragma GCC unroll 8
      for (int j = 0; j < NV; ++j) sum[r][j] = fma(factor, row[j], sum[r][j]);
    }
    a += R;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int j = 0; j < NV; ++j) sum[r][j].store(c + (r * NV + j) * W);
}

template <class T>
struct DirectTile {
  void (*run)(int64_t, const T*, const T*, const int32_t*, T*, const T*);
  int64_t columns;
};

template <class T, int R = 1>
DirectTile<T> direct_tile_of(int64_t rows) {
  if constexpr (R < outer_rows) {
    if (rows != R) return direct_tile_of<T, R + 1>(rows);
  }
  return {direct_tile<T, R>, direct_registers(R) * native_width<T>};
}

template <class T>
constexpr int64_t most_tile_columns = 8 * native_width<T>;

template <class T>
void direct_product(const TapProduct& q, const T* source, const T* weight, const T* bias, T* to) {
  if (q.batch == 0 || q.groups == 0 || q.rows == 0 || q.positions() == 0) return;
  const TapAxis &z = q.axis[0], &y = q.axis[1], &x = q.axis[2];
  // Smaller bands where there are few, down to what fills a few tiles: splitting the rows of results instead
  // would fill every band once a part.
  const int64_t planes = q.batch * q.groups * z.count;
  const int64_t share = y.count * x.count / blocks_of(wanted_tasks, planes);
  const Band band(q, sizeof(T), larger(512, smaller(1024, share)), q.channels);
  const RowPanels panels(q.rows);
  const int64_t taps = q.taps(), depth = q.channels * taps;

  // Weights as [channel block][panel][channel of the block, tap][row].
  const Scratch packed_memory(q.groups * q.rows * depth, sizeof(T));
  T* packed = static_cast<T*>(packed_memory.get());
  parallel_products(q.groups, 1 + 16384 / (q.rows * depth + 1), [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g)
      for (int64_t c = 0; c < q.channels; c += band.channels) {
        TapProduct part = q;
        part.channels = smaller(band.channels, q.channels - c);
        pack_weight(part, panels, weight + g * q.weight_group + c * q.weight_channel,
                    packed + (g * q.channels + c) * taps * q.rows);
      }
  });
  const Scratch offset_memory(band.channels * taps, sizeof(int32_t));
  int32_t* offsets = static_cast<int32_t*>(offset_memory.get());
  band.fill_offsets(q, offsets);

  const int64_t y_tasks = blocks_of(y.count, band.rows), x_tasks = blocks_of(x.count, band.columns);
  const int64_t found = q.batch * q.groups * z.count * y_tasks * x_tasks;
  const int64_t row_tasks = smaller(panels.count, blocks_of(wanted_tasks, found));
  const int64_t panels_per_task = blocks_of(panels.count, row_tasks), tasks = found * row_tasks;
  const int64_t task_work = q.rows * (depth + 1) * band.rows * band.columns / row_tasks;
  const int64_t source_plane = q.source_plane(), to_plane = q.to_plane();

  parallel_products(tasks, larger(1, serial_work / (task_work + 1)), [&](int64_t begin, int64_t end) {
    alignas(64) T tile[vector_registers * native_width<T>];
    Segment segments[most_tile_columns<T>];
    T* values = static_cast<T*>(
        thread_scratch(ScratchUser::convolution, (band.size + most_tile_columns<T>)*sizeof(T)));
    for (int64_t task = begin; task < end; ++task) {
      int64_t rest = task / row_tasks;
      const int64_t x0 = rest % x_tasks * band.columns, columns = smaller(band.columns, x.count - x0);
      rest /= x_tasks;
      const int64_t y0 = rest % y_tasks * band.rows, rows = smaller(band.rows, y.count - y0);
      rest /= y_tasks;
      const int64_t z0 = rest % z.count;
      rest /= z.count;
      const int64_t group = rest % q.groups, image = rest / q.groups;
      const T* from = source + (image * q.groups + group) * q.channels * source_plane;
      T* target = to + (image * q.groups + group) * q.rows * to_plane;
      const int64_t panel0 = task % row_tasks * panels_per_task;
      const int64_t panel1 = smaller(panels.count, panel0 + panels_per_task);
      const int64_t positions = rows * band.ld;

      int64_t c = 0;
      do {
        const int64_t channels = smaller(band.channels, q.channels - c), block_depth = channels * taps;
        band.fill(q, from + c * source_plane, channels, z0, y0, rows, x0, values);
        for (int64_t p = panel0; p < panel1; ++p) {
          const int64_t row = p * panels.height, height = smaller(panels.height, q.rows - row);
          const DirectTile<T> kernel = direct_tile_of<T>(height);
          const T* left = packed + (group * q.channels + c) * taps * q.rows + row * block_depth;
          const T* start = bias && c == 0 ? bias + group * q.rows + row : nullptr;
          for (int64_t position = 0; position < positions; position += kernel.columns) {
            kernel.run(block_depth, left, values + position, offsets, tile, start);
            // Cut the run into rows and leave out what lies between them.
            const int64_t last = smaller(positions, position + kernel.columns);
            int64_t made = 0;
            for (int64_t at = position; at < last;) {
              const int64_t in_row = at / band.ld, column = at % band.ld;
              const int64_t row_end = smaller(last, (in_row + 1) * band.ld);
              const int64_t length = smaller(columns, column + row_end - at) - column;
              if (length > 0) segments[made++] = {at - position, length, 0, {z0, y0 + in_row, x0 + column}};
              at = row_end;
            }
            scatter_tile(q, segments, made, tile, kernel.columns, height, target + row * to_plane, 0, c > 0);
          }
        }
        c += band.channels;
      } while (c < q.channels);
    }
  });
}

}  // namespace

void direct_weight_gradient_float32(const TapProduct&, const float*, const float*, float*);
void direct_weight_gradient_float64(const TapProduct&, const double*, const double*, double*);

extern const DirectKernels conv_direct_kernels = {{direct_product<float>, direct_weight_gradient_float32},
                                                  {direct_product<double>, direct_weight_gradient_float64}};

}  // namespace penlight::kernels::PENLIGHT_ISA

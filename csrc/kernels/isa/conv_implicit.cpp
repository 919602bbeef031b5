// Convolution as a matrix product whose right side is gathered as it is needed ("implicit GEMM").
//
//   rows      output channels of a group    packed weights, [panel of rows][channel, tap][row of panel]
//   depth     (channel, tap)                in blocks of block_depth
//   columns   (image, position)             in panels of outer_columns, gathered one panel at a time
//
// One gathered panel (256 x 32 x 4 bytes = 32 KiB, on AVX2 16 KiB) stays in L1 while all rows' panels stream
// over it from L2. A task is a run of panels, so that a block of weights is read from L2 once a panel and
// from further away once a task. Tasks depend on the shape alone, and every sum runs over depth in order.
#include "kernels/conv_gather.h"
#include "kernels/flush.h"
#include "kernels/micro_kernels.h"
#include "kernels/scratch.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

template <class T>
constexpr int64_t block_depth = 1024 / sizeof(T);
// Of one panel of rows a gathered value is read once, from L2 as well, and long runs of channels are gathered
// at less cost: so many blocks at a time.
constexpr int64_t blocks_read_once = 16;
constexpr int64_t serial_work = 1 << 19;  // multiplications below which one thread does all
constexpr int64_t wanted_tasks = 24, most_panels_per_task = 32;

template <class T>
void product(const TapProduct& q, const T* source, const T* weight, const T* bias, T* to) {
  constexpr int64_t width = outer_columns<T>;
  const int64_t positions = q.positions(), depth = q.channels * q.taps();
  if (q.batch == 0 || q.groups == 0 || q.rows == 0 || positions == 0) return;
  const RowPanels panels(q.rows);
  const int64_t most_depth = (panels.count == 1 ? blocks_read_once : 1) * block_depth<T>;
  const DepthBlocks blocks(q.channels, q.taps(), most_depth);
  const int64_t block_count = depth == 0 ? 1 : blocks.count();

  const Scratch packed_memory(q.groups * q.rows * depth, sizeof(T));
  T* packed = static_cast<T*>(packed_memory.get());
  parallel_products(q.groups, 1 + 16384 / (q.rows * depth + 1), [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g)
      pack_weight(q, panels, weight + g * q.weight_group, packed + g * q.rows * depth);
  });

  const int64_t columns = q.batch * positions, column_panels = blocks_of(columns, width);
  const int64_t per_task = larger(1, smaller(most_panels_per_task, column_panels * q.groups / wanted_tasks));
  const int64_t column_tasks = blocks_of(column_panels, per_task);
  const int64_t found = column_tasks * q.groups;
  const int64_t row_tasks = smaller(panels.count, blocks_of(wanted_tasks / 2, found));
  const int64_t panels_per_row_task = blocks_of(panels.count, row_tasks);
  const int64_t tasks = found * row_tasks;
  const bool small = q.rows * q.groups * (depth + 1) * q.batch * positions < serial_work;

  const int64_t source_plane = q.source_plane(), source_image = q.groups * q.channels * source_plane;
  const int64_t to_plane = q.to_plane(), to_image = q.groups * q.rows * to_plane;
  bool plain = true;  // positions lie in the result one after the other
  for (const TapAxis& axis : q.axis) plain = plain && axis.count == axis.to_size && axis.to_step == 1;

  parallel_products(tasks, small ? tasks : 1, [&](int64_t begin, int64_t end) {
    alignas(64) T tile[outer_rows * width];
    Segment segments[width];
    T* panel = static_cast<T*>(thread_scratch(ScratchUser::convolution, most_depth * width * sizeof(T)));
    for (int64_t task = begin; task < end; ++task) {
      const int64_t row_task = task % row_tasks, column_task = task / row_tasks % column_tasks;
      const int64_t group = task / row_tasks / column_tasks;
      const int64_t panel0 = row_task * panels_per_row_task;
      const int64_t panel1 = smaller(panels.count, panel0 + panels_per_row_task);
      const T* from = source + group * q.channels * source_plane;
      T* target = to + group * q.rows * to_plane;
      const int64_t column1 = smaller(columns, (column_task + 1) * per_task * width);

      for (int64_t block_index = 0; block_index < block_count; ++block_index) {
        const auto block = depth == 0 ? DepthBlocks::Block{} : blocks[block_index];
        const bool add = block_index > 0;
        for (int64_t column = column_task * per_task * width; column < column1; column += width) {
          const int64_t count = smaller(width, column1 - column);
          const int64_t segment_count = split_segments(q, column, count, segments);
          gather(q, from, source_image, segments, segment_count, block.c0, block.c1, block.t0, block.t1,
                 panel, width);
          if (count < width)
            for (int64_t k = 0; k < block.depth; ++k)
              for (int64_t j = count; j < width; ++j) panel[k * width + j] = T(0);
          const bool one_run = plain && column / positions == (column + count - 1) / positions;
          T* run = target + column / positions * to_image + column % positions;
          for (int64_t p = panel0; p < panel1; ++p) {
            const int64_t row = p * panels.height, rows = smaller(panels.height, q.rows - row);
            const T* left = packed + group * q.rows * depth + row * depth + block.first * rows;
            const T* start = bias && !add ? bias + group * q.rows + row : nullptr;
            const OuterTile<T> multiply = outer_tile_of<T>(rows);
            const auto multiply_blocks = [&](T* c, int64_t ldc, bool add_first) {
              int64_t k = 0;
              do {
                multiply(smaller(block_depth<T>, block.depth - k), left + k * rows, panel + k * width, width,
                         c, ldc, k == 0 ? start : nullptr, add_first || k > 0);
                k += block_depth<T>;
              } while (k < block.depth);
            };
            if (one_run && count == width) {
              multiply_blocks(run + row * to_plane, to_plane, add);
              continue;
            }
            multiply_blocks(tile, width, false);
            if (one_run && !add)
              for (int64_t r = 0; r < rows; ++r)
                copy_run(run + (row + r) * to_plane, tile + r * width, count);
            else
              scatter_tile(q, segments, segment_count, tile, width, rows, target + row * to_plane, to_image,
                           add);
          }
        }
      }
    }
  });
}

}  // namespace

void weight_gradient_float32(const TapProduct&, const float*, const float*, float*);
void weight_gradient_float64(const TapProduct&, const double*, const double*, double*);

extern const ImplicitKernels conv_implicit_kernels = {{product<float>, weight_gradient_float32},
                                                      {product<double>, weight_gradient_float64}};

}  // namespace penlight::kernels::PENLIGHT_ISA

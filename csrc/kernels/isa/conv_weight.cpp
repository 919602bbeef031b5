// The weight gradient: sums over images and positions of output gradient times gathered input.
//
// Both operands are contiguous along the axis that is summed over, so that the dot tile needs no packing:
// output gradients are read where they lie, the input is gathered as [channel, tap][position].
//   gathered block   64 x 512 x 4 bytes = 128 KiB   L2
//   output block    128 x 512 x 4 bytes = 256 KiB   L2; copied only where images are so small that several
//   make a block
// A task is a tile of the weight (128 rows x 64 of channel, tap) over all images and positions. Where there
// are few tiles the sum is cut into fixed parts, each with a partial result of its own, joined in order.
#include "kernels/conv_gather.h"
#include "kernels/flush.h"
#include "kernels/micro_kernels.h"
#include "kernels/scratch.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

template <class T>
constexpr int64_t block_positions = 2048 / sizeof(T);
template <class T>
constexpr int64_t ld_block =
    block_positions<T> + 64 / sizeof(T);  // not a power of two: rows spread over the cache
constexpr int64_t block_rows = 128, block_depth = 64;
constexpr int64_t serial_work = 1 << 17, wanted_tasks = 16;

int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}
int64_t blocks_of(int64_t n, int64_t size) {
  return (n + size - 1) / size;
}

template <class T>
void weight_gradient(const TapProduct& q, const T* output, const T* source, T* gradient) {
  const int64_t positions = q.positions(), depth = q.channels * q.taps();
  const int64_t weights = q.groups * q.rows * depth;
  if (weights == 0) return;

  // Units of the sum: a part of an image's positions, or several whole small images.
  const bool whole_images = positions <= block_positions<T> / 2;
  const int64_t images_per_unit = whole_images && positions ? block_positions<T> / positions : 1;
  const int64_t units_per_image = whole_images ? 1 : blocks_of(positions, block_positions<T>);
  const int64_t units = positions ? blocks_of(q.batch, images_per_unit) * units_per_image : 0;

  const DepthBlocks blocks(q.channels, q.taps(), block_depth);
  const int64_t row_blocks = blocks_of(q.rows, block_rows), tiles = q.groups * row_blocks * blocks.count();
  const int64_t parts_wanted = smaller(blocks_of(wanted_tasks, tiles), larger(1, units));
  const int64_t units_per_part = blocks_of(larger(1, units), parts_wanted);
  const int64_t parts = blocks_of(larger(1, units), units_per_part), tasks = tiles * parts;
  const bool small = weights * q.batch * positions < serial_work;

  const Scratch partial_memory((parts - 1) * weights, sizeof(T));
  T* partials = static_cast<T*>(partial_memory.get());
  const int64_t source_plane = q.source_plane(), source_image = q.groups * q.channels * source_plane;
  const int64_t output_image = q.groups * q.rows * positions;

  parallel_products(tasks, small ? tasks : 1, [&](int64_t begin, int64_t end) {
    Segment segments[block_positions<T>];
    T* gathered = static_cast<T*>(
        thread_scratch(ScratchUser::convolution, (block_depth + block_rows) * ld_block<T> * sizeof(T)));
    T* copied = gathered + block_depth * ld_block<T>;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task % parts, tile = task / parts;
      const auto block = blocks[tile % blocks.count()];
      const int64_t row0 = tile / blocks.count() % row_blocks * block_rows;
      const int64_t rows = smaller(block_rows, q.rows - row0), group = tile / blocks.count() / row_blocks;
      T* sums =
          (part ? partials + (part - 1) * weights : gradient) + (group * q.rows + row0) * depth + block.first;
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t k = 0; k < block.depth; ++k) sums[r * depth + k] = T(0);
      const T* from = source + group * q.channels * source_plane;

      const int64_t unit1 = smaller(units, (part + 1) * units_per_part);
      for (int64_t unit = part * units_per_part; unit < unit1; ++unit) {
        const int64_t image = unit / units_per_image * images_per_unit;
        const int64_t images = smaller(images_per_unit, q.batch - image);
        const int64_t position = unit % units_per_image * block_positions<T>;
        const int64_t count =
            whole_images ? images * positions : smaller(block_positions<T>, positions - position);
        const int64_t segment_count = split_segments(q, image * positions + position, count, segments);
        gather(q, from, source_image, segments, segment_count, block.c0, block.c1, block.t0, block.t1,
               gathered, ld_block<T>);
        const T* left = output + image * output_image + (group * q.rows + row0) * positions + position;
        int64_t ld_left = positions;
        if (images > 1) {
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t i = 0; i < images; ++i)
              copy_run(copied + r * ld_block<T> + i * positions, left + i * output_image + r * positions,
                       positions);
          left = copied, ld_left = ld_block<T>;
        }
        dot_block(
            rows, block.depth, count, left, ld_left,
            [&](int64_t k) { return static_cast<const T*>(gathered) + k * ld_block<T>; }, sums, depth);
      }
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
  weight_gradient(q, output, source, gradient);
}

void weight_gradient_float64(const TapProduct& q, const double* output, const double* source,
                             double* gradient) {
  weight_gradient(q, output, source, gradient);
}

}  // namespace penlight::kernels::PENLIGHT_ISA

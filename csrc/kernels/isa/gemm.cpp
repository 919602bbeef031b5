// Matrix product by packed panels.
//
// For every block of B of block_depth x block_columns (packed once, in panels as wide as the outer tile),
// tasks take blocks of A's rows, pack them and run the outer tile over all pairs of panels.
//   one panel of B   block_depth x outer_columns   256 x 32 x 4 bytes = 32 KiB (AVX2: 16): stays in L1
//   one block of A   block_rows x block_depth      144 x 256 x 4 bytes = 144 KiB: stays in L2
//   one block of B   block_depth x block_columns   256 x 2048 x 4 bytes = 2 MiB: shared, read from L2/L3
// Operands that lie the other way are turned in registers as they are packed. For float64 depth is halved.
// Few rows read B where it lies; sums over an axis that is contiguous in both operands, with few rows, use
// the dot tile and pack nothing.
#include "kernels/gemm.h"

#include "kernels/flush.h"
#include "kernels/micro_kernels.h"
#include "kernels/scratch.h"
#include "kernels/transpose.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t block_columns = 2048, block_rows = 144;
template <class T>
constexpr int64_t block_depth = 1024 / sizeof(T);
constexpr int64_t serial_work = 1 << 19;  // products below which one thread does all

// One batch member.
template <class T>
struct Product {
  const Gemm& g;
  const T* a;
  const T* b;
  T* c;

  // Rows [row, row + rows) of A, columns [k0, k0 + depth), as [k][rows].
  void pack_left(int64_t row, int64_t rows, int64_t k0, int64_t depth, T* to) const {
    const T* from = a + row * g.a_row + k0 * g.a_column;
    if (g.a_row == 1) {
      for (int64_t k = 0; k < depth; ++k) copy_run(to + k * rows, from + k * g.a_column, rows);
    } else if (g.a_column == 1) {
      transpose(from, g.a_row, rows, depth, to, rows);
    } else {
      for (int64_t r = 0; r < rows; ++r) {
        const T* line = from + r * g.a_row;
        for (int64_t k = 0; k < depth; ++k) to[k * rows + r] = line[k * g.a_column];
      }
    }
  }

  // Columns [column, column + columns) of B, at most one panel, as [k][outer_columns], zeros behind the last
  // column.
  void pack_right(int64_t column, int64_t columns, int64_t k0, int64_t depth, T* to) const {
    constexpr int64_t width = outer_columns<T>;
    const T* from = b + k0 * g.b_row + column * g.b_column;
    if (g.b_column == 1 && columns == width) {
      for (int64_t k = 0; k < depth; ++k) copy_run(to + k * width, from + k * g.b_row, width);
      return;
    }
    if (g.b_column == 1) {
      copy_lines(from, g.b_row, 1, depth, 0, columns, width, to, width);
      return;
    }
    if (g.b_row == 1) {
      constexpr int64_t W = native_width<T>;
      for (int64_t j = 0; j < width; j += W) {
        const int64_t here = larger(0, smaller(W, columns - j));
        transpose_rows<T, true>(from + j * g.b_column, g.b_column, here, depth, to + j, width);
      }
      return;
    }
    for (int64_t j = 0; j < columns; ++j) {
      const T* line = from + j * g.b_column;
      for (int64_t k = 0; k < depth; ++k) to[k * width + j] = line[k * g.b_row];
    }
    for (int64_t j = columns; j < width; ++j)
      for (int64_t k = 0; k < depth; ++k) to[k * width + j] = T(0);
  }

  // A tile of which not all columns are C's.
  void place(const T* tile, int64_t rows, int64_t columns, T* to, bool add) const {
    if (add)
      place_lines<T, true>(tile, outer_columns<T>, rows, columns, to, g.c_row, g.c_column);
    else
      place_lines<T, false>(tile, outer_columns<T>, rows, columns, to, g.c_row, g.c_column);
  }

  // A block of C from a packed block of A and one panel of B.
  void multiply_panel(const T* left, RowPanels panels, int64_t first_panel, int64_t last_panel,
                      const T* right, int64_t ld_right, int64_t column, int64_t columns, int64_t depth,
                      const T* start, bool add) const {
    alignas(64) T tile[outer_rows * outer_columns<T>];
    const bool direct = g.c_column == 1 && columns == outer_columns<T>;
    const bool half = columns <= native_width<T>;  // the panel's second register is empty
    for (int64_t panel = first_panel; panel < last_panel; ++panel) {
      const int64_t row = panel * panels.height, rows = smaller(panels.height, g.m - row);
      const T* packed = left + (row - first_panel * panels.height) * depth;
      T* to = c + row * g.c_row + column * g.c_column;
      const OuterTile<T> run = half ? outer_tile_of<T, 1>(rows) : outer_tile_of<T, outer_registers>(rows);
      if (direct) {
        run(depth, packed, right, ld_right, to, g.c_row, start ? start + row : nullptr, add);
        continue;
      }
      run(depth, packed, right, ld_right, tile, outer_columns<T>, start ? start + row : nullptr, false);
      place(tile, rows, columns, to, add);
    }
  }

  void by_panels() const {
    constexpr int64_t width = outer_columns<T>;
    const bool in_place = g.b_column == 1 && (g.m <= 2 * outer_rows || g.k * g.n <= 16384);
    const RowPanels panels(g.m);
    const int64_t panels_per_task = larger(1, block_rows / panels.height);
    const int64_t row_tasks = blocks_of(panels.count, panels_per_task);
    const int64_t depth_most = smaller(g.k, block_depth<T>);
    const int64_t columns_most = smaller(blocks_of(g.n, width) * width, block_columns);
    const int64_t packed_columns = in_place ? width : columns_most;
    T* shared =
        static_cast<T*>(thread_scratch(ScratchUser::gemm_right, depth_most * packed_columns * sizeof(T)));

    for (int64_t j0 = 0; j0 < g.n; j0 += block_columns) {
      const int64_t columns = smaller(block_columns, g.n - j0), column_panels = blocks_of(columns, width);
      for (int64_t k0 = 0; k0 < g.k; k0 += block_depth<T>) {
        const int64_t depth = smaller(block_depth<T>, g.k - k0);
        const bool small = g.m * columns * depth < serial_work;
        if (in_place) {
          if (columns % width) pack_right(j0 + columns / width * width, columns % width, k0, depth, shared);
        } else {
          parallel_products(column_panels, small ? column_panels : 4, [&](int64_t first, int64_t last) {
            for (int64_t p = first; p < last; ++p)
              pack_right(j0 + p * width, smaller(width, columns - p * width), k0, depth,
                         shared + p * width * depth);
          });
        }
        const bool add = g.accumulate || k0 > 0;
        const T* start = k0 == 0 ? static_cast<const T*>(g.start) : nullptr;
        const int64_t column_tasks =
            small ? 1 : larger(1, smaller(blocks_of(8, row_tasks), column_panels / 4));
        const int64_t tasks = row_tasks * column_tasks;
        // Shares of one size but for a panel, so that no thread waits for another.
        parallel_products(tasks, small ? tasks : 1, [&](int64_t begin, int64_t end) {
          for (int64_t task = begin; task < end; ++task) {
            const int64_t row_task = task / column_tasks, column_task = task % column_tasks;
            const int64_t first = row_task * panels.count / row_tasks;
            const int64_t last = (row_task + 1) * panels.count / row_tasks;
            T* left = static_cast<T*>(thread_scratch(
                ScratchUser::gemm_left, panels_per_task * panels.height * depth_most * sizeof(T)));
            for (int64_t panel = first; panel < last; ++panel) {
              const int64_t row = panel * panels.height;
              pack_left(row, smaller(panels.height, g.m - row), k0, depth,
                        left + (panel - first) * panels.height * depth);
            }
            const int64_t from = column_task * column_panels / column_tasks;
            const int64_t to = (column_task + 1) * column_panels / column_tasks;
            for (int64_t p = from; p < to; ++p) {
              const int64_t count = smaller(width, columns - p * width);
              const T* right = shared + p * width * depth;
              int64_t ld_right = width;
              if (in_place) {
                right = count == width ? b + k0 * g.b_row + j0 + p * width : shared;
                ld_right = count == width ? g.b_row : width;
              }
              multiply_panel(left, panels, first, last, right, ld_right, j0 + p * width, count, depth, start,
                             add);
            }
          }
        });
      }
    }
  }

  // Small products: nothing is packed but what a panel's width does not divide.
  void in_place() const {
    constexpr int64_t width = outer_columns<T>;
    const RowPanels panels(g.m);
    alignas(64) T tile[outer_rows * width];
    for (int64_t column = 0; column < g.n; column += width) {
      const int64_t columns = smaller(width, g.n - column);
      const T* right = b + column;
      int64_t ld_right = g.b_row;
      if (columns < width) {
        T* packed = static_cast<T*>(thread_scratch(ScratchUser::gemm_right, g.k * width * sizeof(T)));
        pack_right(column, columns, 0, g.k, packed);
        right = packed, ld_right = width;
      }
      for (int64_t panel = 0; panel < panels.count; ++panel) {
        const int64_t row = panel * panels.height, rows = smaller(panels.height, g.m - row);
        T* to = c + row * g.c_row + column * g.c_column;
        const auto run = columns <= native_width<T> ? outer_tile_in_place_of<T, 1>(rows)
                                                    : outer_tile_in_place_of<T, outer_registers>(rows);
        if (columns == width && g.c_column == 1) {
          run(g.k, a + row * g.a_row, g.a_row, g.a_column, right, ld_right, to, g.c_row, g.accumulate);
          continue;
        }
        run(g.k, a + row * g.a_row, g.a_row, g.a_column, right, ld_right, tile, width, false);
        place(tile, rows, columns, to, g.accumulate);
      }
    }
  }

  // Both operands contiguous along k: rows of C in groups of dot_height, columns in tasks of dot_width.
  void by_dots() const {
    constexpr int64_t dot_height = 2 * dot_rows, dot_width = 8 * dot_columns;
    const int64_t tasks = blocks_of(g.n, dot_width);
    const bool small = g.m * g.n * g.k < serial_work / 8;  // bound by memory: threads pay sooner
    parallel_products(tasks, small ? tasks : 1, [&](int64_t begin, int64_t end) {
      alignas(64) T sums[dot_height * dot_width];
      for (int64_t task = begin; task < end; ++task) {
        const int64_t column = task * dot_width, columns = smaller(dot_width, g.n - column);
        for (int64_t row = 0; row < g.m; row += dot_height) {
          const int64_t rows = smaller(dot_height, g.m - row);
          for (int64_t i = 0; i < rows * dot_width; ++i) sums[i] = T(0);
          dot_block(
              rows, columns, g.k, a + row * g.a_row, g.a_row,
              [&](int64_t j) { return b + (column + j) * g.b_column; }, sums, dot_width);
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t j = 0; j < columns; ++j) {
              T& at = c[(row + r) * g.c_row + (column + j) * g.c_column];
              at = g.accumulate ? at + sums[r * dot_width + j] : sums[r * dot_width + j];
            }
        }
      }
    });
  }

  static bool is_dots(const Gemm& g) { return g.a_column == 1 && g.b_row == 1 && g.m <= 2 * dot_rows; }
  static bool is_small(const Gemm& g) {
    return g.b_column == 1 && g.k <= block_depth<T> && g.n <= 160 && g.k * g.n <= 16384 &&
           g.m * g.n * g.k < serial_work;
  }

  void run() const {
    if (is_dots(g))
      by_dots();
    else if (is_small(g))
      in_place();
    else
      by_panels();
  }
};

// Cᵀ = Bᵀ · Aᵀ
Gemm transposed(const Gemm& g) {
  Gemm t = g;
  t.m = g.n, t.n = g.m;
  t.a_row = g.b_column, t.a_column = g.b_row, t.a_batch = g.b_batch;
  t.b_row = g.a_column, t.b_column = g.a_row, t.b_batch = g.a_batch;
  t.c_row = g.c_column, t.c_column = g.c_row;
  return t;
}

template <class T>
void run(const Gemm& given, const T* a, const T* b, T* c) {
  Gemm g = given;
  if (g.batch <= 0 || g.m <= 0 || g.n <= 0) return;
  const bool panels =
      !Product<T>::is_dots(g) && !Product<T>::is_small(g) && g.k > 1 && g.n > 1 && g.c_row != 1;
  if (g.start && !panels) {  // written first
    const T* start = static_cast<const T*>(g.start);
    for (int64_t batch = 0; batch < g.batch; ++batch)
      for (int64_t i = 0; i < g.m; ++i)
        for (int64_t j = 0; j < g.n; ++j) c[batch * g.c_batch + i * g.c_row + j * g.c_column] = start[i];
    g.start = nullptr, g.accumulate = true;
  }
  if (g.k <= 0) {
    if (!g.accumulate)
      for (int64_t batch = 0; batch < g.batch; ++batch)
        for (int64_t i = 0; i < g.m; ++i)
          for (int64_t j = 0; j < g.n; ++j) c[batch * g.c_batch + i * g.c_row + j * g.c_column] = T(0);
    return;
  }
  // An axis of size one has no stride that matters: give it the one that suits.
  if (g.k == 1) g.a_column = g.b_row = 1;
  const bool column_major = g.c_row == 1 && g.c_column != 1 && g.m > 1;
  if (column_major || (g.n == 1 && g.m > 1)) {
    g = transposed(g);
    const T* left = a;
    a = b;
    b = left;
  }
  if (g.n == 1) g.b_column = g.c_column = 1;
  if (g.m == 1) g.a_row = 1;
  if (g.m == 1 && g.b_row == 1 && g.a_column != 1 && g.n < g.k) {
    // One row times columns: worth making the row contiguous, so that dot products run over both.
    const Scratch copy(g.k * g.batch, sizeof(T));
    T* row = static_cast<T*>(copy.get());
    for (int64_t batch = 0; batch < g.batch; ++batch)
      for (int64_t k = 0; k < g.k; ++k) row[batch * g.k + k] = a[batch * g.a_batch + k * g.a_column];
    g.a_column = 1, g.a_batch = g.k;
    run(g, static_cast<const T*>(row), b, c);
    return;
  }
  const auto one = [&](int64_t batch) {
    const Product<T> product{g, a + batch * g.a_batch, b + batch * g.b_batch, c + batch * g.c_batch};
    product.run();
  };
  const int64_t work = g.m * g.n * g.k;
  if (work < 8 * serial_work) {
    parallel_products(g.batch, larger(1, serial_work / 8 / work), [&](int64_t begin, int64_t end) {
      for (int64_t batch = begin; batch < end; ++batch) one(batch);
    });
  } else {
    for (int64_t batch = 0; batch < g.batch; ++batch) one(batch);
  }
}

}  // namespace

extern const GemmKernels gemm_kernels = {run<float>, run<double>};

}  // namespace penlight::kernels::PENLIGHT_ISA

#include "kernels/indexing.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/strided.h"

namespace penlight::kernels {

namespace {

constexpr int64_t chunk_elements = 16384;  // work of a chunk, in elements

struct Set {
  template <class T>
  static void join(T& place, T value) {
    place = value;
  }
};
struct Add {
  template <class T>
  static void join(T& place, T value) {
    if constexpr (std::is_same_v<T, bool>)
      place = place || value;
    else if constexpr (std::is_integral_v<T>) {
      using U = std::make_unsigned_t<T>;  // overflow wraps
      place = static_cast<T>(static_cast<U>(static_cast<U>(place) + static_cast<U>(value)));
    } else {
      place = T(compute_t<T>(place) + compute_t<T>(value));
    }
  }
};
struct Multiply {
  template <class T>
  static void join(T& place, T value) {
    if constexpr (std::is_same_v<T, bool>)
      place = place && value;
    else if constexpr (std::is_integral_v<T>) {
      place = static_cast<T>(static_cast<uint64_t>(place) * static_cast<uint64_t>(value));
    } else {
      place = T(compute_t<T>(place) * compute_t<T>(value));
    }
  }
};
struct Amax {
  template <class T>
  static void join(T& place, T value) {
    const compute_t<T> a = place, b = value;
    if (!(b <= a) && a == a) place = value;
  }
};
struct Amin {
  template <class T>
  static void join(T& place, T value) {
    const compute_t<T> a = place, b = value;
    if (!(b >= a) && a == a) place = value;
  }
};

template <class Body>
void visit_join(Join join, Body&& body) {
  switch (join) {
    case Join::set:
      return body(Set{});
    case Join::add:
      return body(Add{});
    case Join::multiply:
      return body(Multiply{});
    case Join::amax:
      return body(Amax{});
    case Join::amin:
      return body(Amin{});
  }
}

// Calls body with a type of the size of an element, for what only copies.
template <class Body>
void visit_itemsize(int64_t itemsize, Body&& body) {
  switch (itemsize) {
    case 1:
      return body(TypeTag<uint8_t>{});
    case 2:
      return body(TypeTag<uint16_t>{});
    case 4:
      return body(TypeTag<uint32_t>{});
    default:
      return body(TypeTag<uint64_t>{});
  }
}

// The dimensions of blocks, in the strides' order table, list: those before the index, those after it but the
// last
// ("rows"), and the last, the run.
struct BlockPlan {
  StridedShape<2> before, rows;
  int64_t run, run_steps[2];

  explicit BlockPlan(const Blocks& blocks)
      : before(blocks.before, blocks.sizes, {blocks.table_strides, blocks.list_strides}),
        rows(blocks.ndim - blocks.before, blocks.sizes + blocks.before,
             {blocks.table_strides + blocks.before, blocks.list_strides + blocks.before}) {
    run = rows.take_last(run_steps);
  }
  bool empty() const { return before.numel == 0 || rows.numel == 0 || run == 0; }
};

template <class T>
void take_typed(const T* table, const Blocks& blocks, T* list) {
  const BlockPlan plan(blocks);
  if (plan.empty()) return;
  const int64_t block = plan.rows.numel * plan.run;
  const int64_t table_step = plan.run_steps[0], list_step = plan.run_steps[1];
  const bool dense = table_step == 1 && list_step == 1;
  parallel::parallel_for(plan.before.numel * blocks.count, std::max<int64_t>(1, chunk_elements / block),
                         [&](int64_t begin, int64_t end) {
                           StridedWalk<2> before(plan.before, begin / blocks.count);
                           for (int64_t i = begin % blocks.count; begin < end; i = 0, before.next()) {
                             const int64_t last = std::min(blocks.count, i + end - begin);
                             begin += last - i;
                             const T* from = table + before.offset[0];
                             T* to = list + before.offset[1];
                             if (block == 1) {
                               for (; i < last; ++i) to[i * blocks.list_step] = from[blocks.offsets[i]];
                               continue;
                             }
                             for (; i < last; ++i) {
                               StridedWalk<2> rows(plan.rows, 0);
                               for (int64_t row = 0; row < plan.rows.numel; ++row, rows.next()) {
                                 const T* source = from + blocks.offsets[i] + rows.offset[0];
                                 T* target = to + i * blocks.list_step + rows.offset[1];
                                 if (dense)
                                   std::copy_n(source, plan.run, target);
                                 else
                                   for (int64_t a = 0; a < plan.run; ++a)
                                     target[a * list_step] = source[a * table_step];
                               }
                             }
                           }
                         });
}

// Every element of the table is written by one chunk alone, which goes through the indices in order: chunks
// divide the dimensions beside the index only.
template <class Operation, class T>
void join_typed(T* table, const Blocks& blocks, const T* list) {
  const BlockPlan plan(blocks);
  if (plan.empty() || blocks.count == 0) return;
  const int64_t table_step = plan.run_steps[0], list_step = plan.run_steps[1];
  const bool dense = table_step == 1 && list_step == 1;
  const int64_t piece = std::max<int64_t>(64, chunk_elements / blocks.count);  // of a run
  const int64_t pieces = parallel::chunk_count(plan.run, piece);
  const int64_t work = blocks.count * plan.rows.numel * std::min(piece, plan.run);
  parallel::parallel_for(
      plan.before.numel * pieces, std::max<int64_t>(1, chunk_elements / work),
      [&](int64_t begin, int64_t end) {
        for (; begin < end; ++begin) {
          const StridedWalk<2> before(plan.before, begin / pieces);
          const int64_t first = begin % pieces * piece, length = std::min(piece, plan.run - first);
          if (plan.rows.numel == 1 && length == 1) {
            T* to = table + before.offset[0] + first * table_step;
            const T* from = list + before.offset[1] + first * list_step;
            for (int64_t i = 0; i < blocks.count; ++i)
              Operation::join(to[blocks.offsets[i]], from[i * blocks.list_step]);
            continue;
          }
          for (int64_t i = 0; i < blocks.count; ++i) {
            T* to = table + before.offset[0] + blocks.offsets[i] + first * table_step;
            const T* from = list + before.offset[1] + i * blocks.list_step + first * list_step;
            StridedWalk<2> rows(plan.rows, 0);
            for (int64_t row = 0; row < plan.rows.numel; ++row, rows.next()) {
              T* target = to + rows.offset[0];
              const T* source = from + rows.offset[1];
              if (dense)
                for (int64_t a = 0; a < length; ++a) Operation::join(target[a], source[a]);
              else
                for (int64_t a = 0; a < length; ++a)
                  Operation::join(target[a * table_step], source[a * list_step]);
            }
          }
        }
      });
}

// Calls body(offsets of index, list and table) for every line, spread over threads.
template <class Body>
void for_lines(const Lines& lines, Body body) {
  const StridedShape<3> shape(lines.ndim, lines.sizes,
                              {lines.index_strides, lines.list_strides, lines.table_strides});
  if (shape.numel == 0 || lines.n == 0) return;
  parallel::parallel_for(shape.numel, std::max<int64_t>(1, chunk_elements / lines.n),
                         [&](int64_t begin, int64_t end) {
                           StridedWalk<3> walk(shape, begin);
                           for (; begin < end; ++begin, walk.next())
                             body(walk.offset[0], walk.offset[1], walk.offset[2]);
                         });
}

template <class T>
void gather_typed(const T* table, const int64_t* indices, const Lines& lines, T* list) {
  for_lines(lines, [&](int64_t index, int64_t to, int64_t from) {
    for (int64_t j = 0; j < lines.n; ++j)
      list[to + j * lines.list_step] = table[from + indices[index + j * lines.index_step] * lines.table_step];
  });
}

template <class Operation, class T>
void scatter_typed(T* table, const int64_t* indices, const Lines& lines, const T* list) {
  for_lines(lines, [&](int64_t index, int64_t from, int64_t to) {
    for (int64_t j = 0; j < lines.n; ++j)
      Operation::join(table[to + indices[index + j * lines.index_step] * lines.table_step],
                      list[from + j * lines.list_step]);
  });
}

}  // namespace

int64_t first_bad(const int64_t* indices, int64_t count, int64_t size, bool wrap) {
  const int64_t low = wrap ? -size : 0;
  for (int64_t i = 0; i < count; ++i)
    if (indices[i] < low || indices[i] >= size) return i;
  return -1;
}

int64_t linear_offsets(int64_t count, int64_t operands, const int64_t* const* indices, const int64_t* sizes,
                       const int64_t* strides, int64_t* out, int64_t* bad_operand) {
  std::fill_n(out, count, 0);
  for (int64_t k = 0; k < operands; ++k) {
    const int64_t size = sizes[k], stride = strides[k];
    for (int64_t i = 0; i < count; ++i) {
      const int64_t index = indices[k][i];
      if (index < -size || index >= size) {
        *bad_operand = k;
        return i;
      }
      out[i] += (index < 0 ? index + size : index) * stride;
    }
  }
  return -1;
}

void take_blocks(int64_t itemsize, const void* table, const Blocks& blocks, void* list) {
  visit_itemsize(itemsize, [&](auto tag) {
    using T = typename decltype(tag)::type;
    take_typed(static_cast<const T*>(table), blocks, static_cast<T*>(list));
  });
}

void put_blocks(int64_t itemsize, void* table, const Blocks& blocks, const void* list) {
  visit_itemsize(itemsize, [&](auto tag) {
    using T = typename decltype(tag)::type;
    join_typed<Set>(static_cast<T*>(table), blocks, static_cast<const T*>(list));
  });
}

void join_blocks(DType dtype, Join join, void* table, const Blocks& blocks, const void* list) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    visit_join(join, [&](auto operation) {
      join_typed<decltype(operation)>(static_cast<T*>(table), blocks, static_cast<const T*>(list));
    });
  });
}

void gather(int64_t itemsize, const void* table, const int64_t* indices, const Lines& lines, void* list) {
  visit_itemsize(itemsize, [&](auto tag) {
    using T = typename decltype(tag)::type;
    gather_typed(static_cast<const T*>(table), indices, lines, static_cast<T*>(list));
  });
}

void scatter(DType dtype, Join join, void* table, const int64_t* indices, const Lines& lines,
             const void* list) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    visit_join(join, [&](auto operation) {
      scatter_typed<decltype(operation)>(static_cast<T*>(table), indices, lines, static_cast<const T*>(list));
    });
  });
}

int64_t count_true(const bool* mask, int64_t n) {
  return std::count(mask, mask + n, true);
}

void positions_true(const bool* mask, int64_t n, int64_t* out) {
  for (int64_t i = 0; i < n; ++i)
    if (mask[i]) *out++ = i;
}

void unravel(const int64_t* positions, int64_t count, const int64_t* sizes, int64_t ndim, int64_t* out) {
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = positions[i];
    for (int64_t d = ndim - 1; d >= 0; --d) {
      out[i * ndim + d] = rest % sizes[d];
      rest /= sizes[d];
    }
  }
}

}  // namespace penlight::kernels

// Reading and writing at places given by indices.
//
// Two forms. In the first an index chooses a block of a table: index_select, advanced indexing, embeddings.
// In the second every element has its own index along one dimension: gather and scatter. Offsets, steps and
// strides count elements. Indices were checked before (first_bad, linear_offsets). Tables and lists do not
// overlap.
//
// What several indices write to one place is written in the order of the indices: results do not depend on
// threads.
#pragma once

#include <cstdint>

#include "kernels/dtype.h"

namespace penlight::kernels {

// The position of the first index outside [0, size), or outside [-size, size) if wrap; -1 if there is none.
int64_t first_bad(const int64_t* indices, int64_t count, int64_t size, bool wrap);

// out[i] = sum over k of indices[k][i] * strides[k], negative indices counted from the end. Returns -1, or
// the position of the first index out of range, and in *bad_operand which k it is of.
int64_t linear_offsets(int64_t count, int64_t operands, const int64_t* const* indices, const int64_t* sizes,
                       const int64_t* strides, int64_t* out, int64_t* bad_operand);

// A list of shape [before..., count, after...] of a table's parts: list[b, i, a] is table[b, offsets[i], a].
struct Blocks {
  int64_t count;
  const int64_t* offsets;                               // into the table
  int64_t list_step;                                    // of i
  int64_t before, ndim;                                 // dimensions before, and before and after together
  const int64_t *sizes, *table_strides, *list_strides;  // of those
};

void take_blocks(int64_t itemsize, const void* table, const Blocks& blocks, void* list);
void put_blocks(int64_t itemsize, void* table, const Blocks& blocks, const void* list);

// How a value joins what is there. amax and amin keep NaN from either side; bool adds by or, multiplies by
// and.
enum class Join { set, add, multiply, amax, amin };
void join_blocks(DType dtype, Join join, void* table, const Blocks& blocks, const void* list);

// The elements of an index tensor of shape [sizes..., n] (contiguous or not) and, of the same shape, of a
// list; each belongs to table[..., index].
struct Lines {
  int64_t ndim;
  const int64_t *sizes, *index_strides, *list_strides, *table_strides;
  int64_t n, index_step, list_step, table_step;  // along the indexed dimension
};

// list[..., j] = table[..., indices[..., j]]
void gather(int64_t itemsize, const void* table, const int64_t* indices, const Lines& lines, void* list);
// table[..., indices[..., j]] joins list[..., j]
void scatter(DType dtype, Join join, void* table, const int64_t* indices, const Lines& lines,
             const void* list);

int64_t count_true(const bool* mask, int64_t n);
// The positions that are true, ascending.
void positions_true(const bool* mask, int64_t n, int64_t* out);
// Row i of out (of ndim entries) is the index tuple of flat position positions[i] in a contiguous tensor.
void unravel(const int64_t* positions, int64_t count, const int64_t* sizes, int64_t ndim, int64_t* out);

}  // namespace penlight::kernels

// Sorting and selecting along one dimension.
//
// Memory is contiguous with the shape [outer, n, inner]; row (o, i) runs along n. Results are contiguous too,
// with n replaced by what is kept of a row. Everywhere NaN counts as greater than all numbers and equal to
// itself, and -0.0 as equal to 0.0. Indices are positions in the row. Rows are spread over threads; a row's
// result depends on the row alone. Inputs and outputs do not overlap. Throws std::bad_alloc where scratch
// memory (16 bytes for every element of a row, per thread) is lacking.
#pragma once

#include <cstdint>

#include "kernels/dtype.h"

namespace penlight::kernels {

struct RowShape {
  int64_t outer, n, inner;
};

// Stable: equal elements keep their order, descending too. values may be null.
void sort_rows(DType dtype, const void* in, RowShape shape, bool descending, void* values, int64_t* indices);

// The k largest or smallest, in order; 0 <= k <= n. Which of equal elements are taken is decided by the
// standard library's partial_sort and nth_element, called as PyTorch calls them, so that the indices are the
// same.
void topk_rows(DType dtype, const void* in, RowShape shape, int64_t k, bool largest, void* values,
               int64_t* indices);

// The k-th smallest (k from 0) of every row and where it stands; n > k.
void kth_rows(DType dtype, const void* in, RowShape shape, int64_t k, void* values, int64_t* indices);

// The lower median, among equals the one a stable sort would put in the middle: of the numbers other than NaN
// with ignore_nan, else NaN where the row has one. n > 0.
void median_rows(DType dtype, const void* in, RowShape shape, bool ignore_nan, void* values,
                 int64_t* indices);

// The most frequent value of every row, the least of several, and where it stands last. n > 0.
void mode_rows(DType dtype, const void* in, RowShape shape, void* values, int64_t* indices);

// For every value its place in the row of sorted boundaries of the same number: row r of `values` (of width
// values) belongs to row r of the boundaries (of n each), or to the only one if shared. The place is the
// first whose boundary is >= the value, with `right` > the value (never so for NaN, whose place is the end).
// sorter, if given, lists each boundary row in sorted order; its entries were checked to lie in [0, n).
// Returns places in out.
struct SearchShape {
  int64_t rows, n, width;
  bool shared;
};
void search_sorted(DType dtype, const void* boundaries, const void* values, SearchShape shape, bool right,
                   const int64_t* sorter, int64_t* out);

// Groups rows of `width` elements that are equal (no NaN is) and returns how many groups there are. Groups
// come in ascending order of their elements, or, if consecutive, in order of appearance, only neighbours
// being joined. representative[g] is the first row of group g, inverse[r] the group of row r, counts[g] the
// group's size. All three have room for `rows` entries.
int64_t unique_rows(DType dtype, const void* in, int64_t rows, int64_t width, bool consecutive,
                    int64_t* representative, int64_t* inverse, int64_t* counts);

}  // namespace penlight::kernels

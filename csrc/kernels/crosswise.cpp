#include "kernels/crosswise.h"

#include <algorithm>
#include <cstring>

#include "kernels/parallel.h"

namespace penlight::kernels {

namespace {

constexpr int64_t kTile = 8;    // rows and columns turned at a time: more would meet in one set of the cache
constexpr int64_t kStrip = 64;  // columns of the original a task turns
constexpr int64_t kLeast = 4096;  // elements below which it does not pay

// to[column * to_stride + row] = from[row * from_stride + column]
template <class T>
void turn(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows, int64_t columns) {
  int64_t row = 0;
  for (; row + kTile <= rows; row += kTile) {
    int64_t column = 0;
    for (; column + kTile <= columns; column += kTile) {
      T tile[kTile * kTile];
      for (int64_t i = 0; i < kTile; ++i)
        std::memcpy(tile + i * kTile, from + (row + i) * from_stride + column, kTile * sizeof(T));
      for (int64_t j = 0; j < kTile; ++j) {
        T line[kTile];
        for (int64_t i = 0; i < kTile; ++i) line[i] = tile[i * kTile + j];
        std::memcpy(to + (column + j) * to_stride + row, line, kTile * sizeof(T));
      }
    }
    for (; column < columns; ++column)
      for (int64_t i = 0; i < kTile; ++i)
        to[column * to_stride + row + i] = from[(row + i) * from_stride + column];
  }
  for (int64_t column = 0; column < columns; ++column)
    for (int64_t i = row; i < rows; ++i) to[column * to_stride + i] = from[i * from_stride + column];
}

template <class T>
void copy_typed(const StridedShape<2>& outer, const int64_t (&rows_of)[2], const int64_t (&columns_of)[2],
                int64_t rows, int64_t columns, T* to, const T* from) {
  const int64_t strips = (columns + kStrip - 1) / kStrip;
  parallel::parallel_for(outer.numel * strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const StridedWalk<2> at(outer, task / strips);
      const int64_t first = task % strips * kStrip;
      turn(from + at.offset[1] + first, rows_of[1], to + at.offset[0] + first * columns_of[0], columns_of[0],
           rows, std::min(kStrip, columns - first));
    }
  });
}

}  // namespace

bool copy_crosswise(const StridedShape<2>& shape, int64_t itemsize, void* to, const void* from) {
  int row_dim = -1, column_dim = -1;
  for (int d = 0; d < shape.ndim; ++d) {
    if (shape.strides[0][d] == 1) row_dim = d;
    if (shape.strides[1][d] == 1) column_dim = d;
  }
  if (row_dim < 0 || column_dim < 0 || row_dim == column_dim || shape.numel < kLeast) return false;
  const int64_t rows = shape.sizes[row_dim], columns = shape.sizes[column_dim];
  if (rows < kTile || columns < kTile) return false;
  StridedShape<2> outer;
  int64_t rows_of[2] = {1, shape.strides[1][row_dim]}, columns_of[2] = {shape.strides[0][column_dim], 1};
  for (int d = 0; d < shape.ndim; ++d)
    if (d != row_dim && d != column_dim)
      outer.append(shape.sizes[d], {shape.strides[0][d], shape.strides[1][d]});
  const auto copy = [&](auto unit) {
    using T = decltype(unit);
    copy_typed(outer, rows_of, columns_of, rows, columns, static_cast<T*>(to), static_cast<const T*>(from));
    return true;
  };
  switch (itemsize) {
    case 1:
      return copy(uint8_t{});
    case 2:
      return copy(uint16_t{});
    case 4:
      return copy(uint32_t{});
    case 8:
      return copy(uint64_t{});
  }
  return false;
}

}  // namespace penlight::kernels

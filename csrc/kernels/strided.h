// Walking several strided operands of one shape in step.
#pragma once

#include <cstdint>

namespace penlight::kernels {

// A shape with K operands' strides (in elements), without dimensions of size 1 and with neighbours merged
// where every operand allows it. A shape whose number of elements fits 64 bits has at most 63 dimensions
// left.
template <int K>
struct StridedShape {
  static constexpr int capacity = 64;
  int ndim = 0;
  int64_t numel = 1;
  int64_t sizes[capacity];
  int64_t strides[K][capacity];

  StridedShape() = default;
  StridedShape(int64_t dims, const int64_t* all_sizes, const int64_t* const (&all_strides)[K]) {
    for (int64_t d = 0; d < dims; ++d) {
      int64_t of_dim[K];
      for (int k = 0; k < K; ++k) of_dim[k] = all_strides[k][d];
      append(all_sizes[d], of_dim);
    }
  }

  void append(int64_t size, const int64_t (&of_dim)[K]) {
    numel *= size;
    if (size == 1 || numel == 0) return;
    bool merges = ndim > 0;
    for (int k = 0; k < K && merges; ++k) merges = strides[k][ndim - 1] == of_dim[k] * size;
    if (merges)
      sizes[ndim - 1] *= size;
    else
      sizes[ndim++] = size;
    for (int k = 0; k < K; ++k) strides[k][ndim - 1] = of_dim[k];
  }

  // Takes the last dimension off; a shape without dimensions gives size 1.
  int64_t take_last(int64_t (&of_dim)[K]) {
    for (int k = 0; k < K; ++k) of_dim[k] = ndim ? strides[k][ndim - 1] : 0;
    const int64_t size = ndim ? sizes[--ndim] : 1;
    if (size) numel /= size;
    return size;
  }
};

// A position in the shape and the operands' offsets there.
template <int K>
class StridedWalk {
 public:
  StridedWalk(const StridedShape<K>& shape, int64_t start) : shape_(shape) {
    for (int d = shape.ndim - 1; d >= 0; --d) {
      position_[d] = start % shape.sizes[d];
      start /= shape.sizes[d];
      for (int k = 0; k < K; ++k) offset[k] += position_[d] * shape.strides[k][d];
    }
  }
  void next() {
    for (int d = shape_.ndim - 1; d >= 0; --d) {
      for (int k = 0; k < K; ++k) offset[k] += shape_.strides[k][d];
      if (++position_[d] < shape_.sizes[d]) return;
      for (int k = 0; k < K; ++k) offset[k] -= shape_.sizes[d] * shape_.strides[k][d];
      position_[d] = 0;
    }
  }
  int64_t offset[K] = {};

 private:
  const StridedShape<K>& shape_;
  int64_t position_[StridedShape<K>::capacity];
};

}  // namespace penlight::kernels

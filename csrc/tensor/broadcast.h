// Broadcasting, and the walk of an elementwise loop over strided operands.
#pragma once

#include <initializer_list>

#include "tensor/tensor.h"

namespace penlight {

// The common shape of two; raises RuntimeError where a dimension is neither equal nor 1.
Dims broadcast_shapes(const Dims& a, const Dims& b);

// Strides (in elements) with which a tensor is read as if it had the given, broadcast shape.
Dims broadcast_strides(const Tensor& tensor, const Dims& shape);

// One row of an elementwise loop: n elements, operand i at data[i] with strides[i] bytes between elements.
// Operand 0 is written. Operands are the same memory or apart, never overlapping with a shift.
using RowLoop = void (*)(char* const* data, const int64_t* strides, int64_t n);

constexpr int kMaxOperands = 5;

// An operand of a loop: memory and strides in elements for the loop's shape.
struct LoopOperand {
  void* data;
  const int64_t* strides;  // null: contiguous in the loop's shape
  int64_t itemsize;
  bool single = false;  // one element for all
};

// Runs a loop over a shape. Adjoining dimensions are merged where every operand allows it, the innermost row
// is the output's densest, and large loops are spread over threads in fixed chunks. Releases Python's lock.
void run_loop(RowLoop loop, const Dims& shape, const LoopOperand* operands, int count);

// The same for tensors of which the first is the output and gives the shape.
void run_loop(RowLoop loop, std::initializer_list<const Tensor*> tensors);

}  // namespace penlight

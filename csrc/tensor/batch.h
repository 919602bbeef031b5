// Dimensions that vmap hides.
//
// Inside vmap a function sees tensors of one example; the dimension of the examples is still there, hidden,
// as strides that the tensor's own sizes leave out. Views need no rule: they change the sizes and strides
// that are seen. Where an operation reaches its kernel, it takes the tensors in their physical form, all
// dimensions visible and the hidden ones in front, and hides them in the result again. Derivatives are
// written in terms of operations, so that they are mapped as well.
//
// Several vmaps, one in another, hide a dimension each. A tensor that lacks a level is the same for all of
// that level's examples.
#pragma once

#include <initializer_list>

#include "tensor/tensor.h"

namespace penlight {

template <class... More>
bool any_batched(const Tensor& x, const More&... more) {
  return (x.batched() || ... || more.batched());
}

// The hidden dimensions of all the tensors together, in the order of levels; strides are not set.
BatchDims joint_batch(const Tensor* first, std::size_t count);
inline BatchDims joint_batch(std::initializer_list<Tensor> tensors) {
  return joint_batch(tensors.begin(), tensors.size());
}
inline BatchDims joint_batch(const Tensors& tensors) {
  return joint_batch(tensors.data(), tensors.size());
}

// How many examples there are.
int64_t examples(const BatchDims& batch);

// The tensor with all dimensions visible: those of batch in front, then its own. Levels that it lacks are
// read over and over (stride 0). rank: as many own dimensions, those of size 1 put before them; -1: as they
// are. Raises where the tensor hides a dimension that batch lacks.
Tensor physical(const Tensor& x, const BatchDims& batch, int64_t rank = -1);
inline Tensor physical(const Tensor& x) {
  return x.batched() ? physical(x, x->transforms->batch) : x;
}

// The same memory with the first dimensions of a physical tensor hidden.
Tensor hide(const Tensor& physical, const BatchDims& batch);

// One example, by its place along each hidden dimension; levels that the tensor lacks are passed over.
Tensor example(const Tensor& x, const BatchDims& batch, const Dims& place);

// A new tensor, its hidden dimensions outermost in memory.
Tensor empty_batched(const Dims& sizes, DType dtype, const BatchDims& batch);
// A new tensor that hides what any of the others hide.
template <class... More>
Tensor empty_for(const Dims& sizes, DType dtype, const Tensor& x, const More&... more) {
  if (!any_batched(x, more...)) return empty(sizes, dtype);
  return empty_batched(sizes, dtype, joint_batch({x, more...}));
}

// Do both hide the same dimensions?
bool same_batch(const Tensor& a, const Tensor& b);

// ---- the calls of vmap that are running on this thread, outermost first

enum class Randomness { error, different, same };
struct VmapLevel {
  uint64_t id;
  int64_t size;
  Randomness randomness;
};
inline thread_local SmallVec<VmapLevel, 2> vmap_levels;
bool vmap_running(uint64_t level);

}  // namespace penlight

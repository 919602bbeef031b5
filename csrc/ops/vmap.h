// Operations that hide and show dimensions, and helpers for the batching rules of operations. tensor/batch.h
// explains hidden dimensions.
#pragma once

#include "autograd/record.h"
#include "tensor/batch.h"

namespace penlight {

// Hides dimension dim of x as the examples of a level; the inverse puts it back (a tensor that lacks the
// level is repeated size times). Recorded: each is the other's derivative.
Tensor hide_dim(const Tensor& x, int64_t dim, uint64_t level);
Tensor show_dim(const Tensor& x, int64_t dim, uint64_t level, int64_t size);

// The same for the first dimensions, one for each level.
Tensor hide_first(const Tensor& x, const BatchDims& hidden);
Tensor show_first(const Tensor& x, const BatchDims& hidden);

// The sum over the examples of levels. Recorded.
Tensor sum_examples(const Tensor& x, const SmallVec<uint64_t, 2>& levels);

// x as a tensor that hides what the others hide too, without a copy. Recorded.
Tensor spread(const Tensor& x, const BatchDims& batch);
template <class... More>
Tensor spread_for(const Tensor& x, const More&... others) {
  return any_batched(others...) ? spread(x, joint_batch({x, others...})) : x;
}

// Is any element true, of any example?
bool any_true(const Tensor& x);

// The first element's number, for all examples together.
Tensor full_for(const Dims& sizes, const Scalar& value, DType dtype, const BatchDims& batch);

// Calls f(place) for each example.
template <class F>
void for_examples(const BatchDims& batch, F f) {
  Dims place(batch.levels.size(), 0);
  const int64_t count = examples(batch);
  for (int64_t i = 0; i < count; ++i) {
    f(place);
    for (std::size_t l = place.size(); l-- > 0;) {
      if (++place[l] < batch.sizes[l]) break;
      place[l] = 0;
    }
  }
}

// The physical form as a plain, contiguous tensor with its first hidden dimensions and `folded` own
// dimensions made one.
Tensor fold_examples(const Tensor& x, const BatchDims& batch, int64_t folded);

}  // namespace penlight

// Reading and writing at places given by tensors of indices or by masks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/elementwise.h"

namespace penlight {

// ---- advanced indexing: one entry for each of x's first dimensions, undefined where all of it is meant.
// Entries are int64, int32 (negative ones count from the end), or masks (bool, uint8), which stand for as
// many dimensions as they have. The result has the indices' broadcast shape where the indexed dimensions
// were, or in front if they are apart.
using Indices = std::vector<Tensor>;
Tensor index(const Tensor& x, const Indices& indices);
Tensor index_put(const Tensor& self, const Indices& indices, const Tensor& values, bool accumulate = false);
Tensor& index_put_(Tensor& self, const Indices& indices, const Tensor& values, bool accumulate = false);

// ---- one dimension, a vector of indices
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha = 1);
Tensor index_copy(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source);
Tensor index_fill(const Tensor& self, int64_t dim, const Tensor& index, const Operand& value);
Tensor take(const Tensor& x, const Tensor& index);  // indices into x as one row
// padding_idx: a row that gets no gradient; negative: none
Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx, bool scale_grad_by_freq);

// ---- an index for each element, along a dimension
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<int64_t> dim);
Tensor scatter(const Tensor& self, int64_t dim, const Tensor& index, const Operand& source);
Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Operand& source,
                      const std::string& reduce, bool include_self);

// ---- masks
Tensor masked_fill(const Tensor& self, const Tensor& mask, const Operand& value);
Tensor masked_select(const Tensor& x, const Tensor& mask);
Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source);
Tensor nonzero(const Tensor& x);  // (count, dimensions)
// The positions, in a contiguous tensor, of the elements that are not zero.
Tensor flat_nonzero(const Tensor& x);

// An index tensor as contiguous int64 without history; int32 is taken too. Raises Exception(message) for
// other types.
template <class Exception = RuntimeError, class... Message>
Tensor index_values(const Tensor& index, const Message&... message) {
  check<Exception>(index.dtype() == DType::i64 || index.dtype() == DType::i32, message...);
  return contiguous(cast(detach(index), DType::i64));
}

}  // namespace penlight

// Sorting and selecting.
#pragma once

#include <optional>

#include "ops/reduce.h"

namespace penlight {

// Of both results, indices are positions along dim. Equal elements keep their order; NaN is the greatest.
ValuesIndices sort(const Tensor& x, int64_t dim, bool descending);
ValuesIndices topk(const Tensor& x, int64_t k, int64_t dim, bool largest);
ValuesIndices kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim);  // k from 1
// The lower of two middle elements. ignore_nan: among the others; otherwise a NaN is the median.
ValuesIndices median_dim(const Tensor& x, int64_t dim, bool keepdim, bool ignore_nan);
Tensor median(const Tensor& x, bool ignore_nan);
ValuesIndices mode(const Tensor& x, int64_t dim, bool keepdim);

// Places in sorted sequences (the last dimension of boundaries), int64.
Tensor searchsorted(const Tensor& boundaries, const Tensor& values, bool right, const Tensor& sorter);
Tensor bucketize(const Tensor& values, const Tensor& boundaries, bool right);

struct Unique {
  Tensor values, inverse, counts;
};
// The different elements, or with dim the different slices along it; NaNs all differ. consecutive: of equal
// neighbours one is kept and the order stays; otherwise sorted.
Unique unique(const Tensor& x, std::optional<int64_t> dim, bool consecutive);

}  // namespace penlight

// Reductions over dimensions.
#pragma once

#include <optional>

#include "kernels/reduce.h"
#include "ops/copy.h"

namespace penlight {

// Which dimensions: none given (or an empty list) means all.
using OptionalDims = std::optional<Dims>;

Tensor sum(const Tensor& x, const OptionalDims& dims = {}, bool keepdim = false,
           std::optional<DType> dtype = {});
Tensor nansum(const Tensor& x, const OptionalDims& dims = {}, bool keepdim = false,
              std::optional<DType> dtype = {});
Tensor mean(const Tensor& x, const OptionalDims& dims = {}, bool keepdim = false,
            std::optional<DType> dtype = {});
Tensor prod(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false,
            std::optional<DType> dtype = {});
Tensor amax(const Tensor& x, const OptionalDims& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const OptionalDims& dims = {}, bool keepdim = false);
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
struct ValuesIndices {
  Tensor values, indices;
};
ValuesIndices max_dim(const Tensor& x, int64_t dim, bool keepdim);
ValuesIndices min_dim(const Tensor& x, int64_t dim, bool keepdim);
Tensor argmax(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor all(const Tensor& x, const OptionalDims& dims = {}, bool keepdim = false);
Tensor any(const Tensor& x, const OptionalDims& dims = {}, bool keepdim = false);
struct Extremes {
  Tensor min, max;
};
Extremes aminmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim);
Tensor var(const Tensor& x, const OptionalDims& dims, double correction, bool keepdim);
Tensor standard_deviation(const Tensor& x, const OptionalDims& dims, double correction, bool keepdim);
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim);
Tensor cumsum(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
Tensor cumprod(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});

// Sums a gradient down to the sizes of the operand it was broadcast from.
Tensor sum_to(const Tensor& g, const Dims& sizes);

// Unrecorded: the reduction of a tensor over the flagged dimensions, with them kept as size 1.
Tensor run_reduce(kernels::ReduceOp op, const Tensor& x, const SmallVec<bool, 8>& reduced, DType out,
                  const char* name);
SmallVec<bool, 8> reduced_dims(const OptionalDims& dims, int64_t ndim);

}  // namespace penlight

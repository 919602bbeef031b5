#include "ops/cumulative.h"

#include "kernels/cumulative.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/shape.h"
#include "tensor/unlocked.h"

namespace penlight {

namespace {

kernels::ReduceShape shape_along(const Tensor& x, int64_t dim) {
  kernels::ReduceShape shape{1, 1, 1};
  for (int64_t d = 0; d < x.dim(); ++d)
    (d < dim ? shape.outer : d == dim ? shape.n : shape.inner) *= x.size(d);
  return shape;
}

ValuesIndices run_extreme(bool greatest, const Tensor& x, int64_t dim) {
  if (x.batched()) [[unlikely]] {
    const BatchDims& batch = x->transforms->batch;
    if (x.dim() == 0) return {clone_values(x), hide(zeros(physical(x).sizes(), DType::i64), batch)};
    const ValuesIndices out =
        run_extreme(greatest, physical(x), dim + static_cast<int64_t>(batch.levels.size()));
    return {hide(out.values, batch), hide(out.indices, batch)};
  }
  const Tensor in = contiguous(detach(x));
  ValuesIndices out{empty(x.sizes(), x.dtype()), empty(x.sizes(), DType::i64)};
  if (x.numel() == 0) return out;
  Unlocked unlocked(x.numel());
  kernels::running_extreme(greatest, x.dtype(), shape_along(x, dim), in.raw(), out.values.raw(),
                           static_cast<int64_t*>(out.indices.raw()));
  return out;
}

ValuesIndices running_extreme(bool greatest, const Tensor& x, int64_t dim, const char* node) {
  const int64_t d = wrap_dim(dim, x.dim());
  ValuesIndices result = run_extreme(greatest, x, d);
  if (needs_grad(x))
    record(node, x, {result.values, result.indices}, kept(keep("indices", result.indices)),
           [sizes = x.sizes(), d](Backward& b, const Grads& g) {
             if (!g[0].defined()) return Grads{Tensor()};
             if (g[0].numel() == 0) return Grads{g[0]};
             return Grads{scatter_add(zeros(sizes, g[0].dtype()), d, b.saved(0),
                                      g[0])};  // to where each value is from
           });
  return result;
}

}  // namespace

ValuesIndices cummax(const Tensor& x, int64_t dim) {
  return running_extreme(true, x, dim, "CummaxBackward0");
}
ValuesIndices cummin(const Tensor& x, int64_t dim) {
  return running_extreme(false, x, dim, "CumminBackward0");
}

}  // namespace penlight

// Softmax and its logarithm. The gradient is one fused pass; where it is itself recorded, other operations.
#include "kernels/softmax.h"

#include "ops/activation.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/unlocked.h"

namespace penlight {

namespace {

kernels::SoftmaxShape shape_along(const Tensor& x, int64_t dim) {
  kernels::SoftmaxShape shape{1, 1, 1};
  for (int64_t d = 0; d < x.dim(); ++d)
    (d < dim ? shape.outer : d == dim ? shape.n : shape.inner) *= x.size(d);
  return shape;
}

// Unrecorded.
Tensor values(bool log, const Tensor& x, int64_t dim) {
  if (x.batched()) [[unlikely]] {
    if (x.dim() == 0) return squeeze(values(log, unsqueeze(detach(x), 0), 0), Dims{0});
    const BatchDims& batch = x->transforms->batch;
    return hide(values(log, physical(x), dim + static_cast<int64_t>(batch.levels.size())), batch);
  }
  Tensor y = empty(x.sizes(), x.dtype());
  const Tensor from = ordered(x);
  const auto shape = shape_along(x, dim);
  const void* xp = from.raw();
  void* to = y.raw();
  Unlocked unlocked(x.numel());
  kernels::softmax().forward(x.dtype(), log, shape, xp, to);
  return y;
}

Tensor gradient(bool log, const Tensor& g, const Tensor& y, int64_t dim) {
  if (needs_grad(g, y)) {
    if (y.dim() == 0) return mul(g, 0);
    if (log) return sub(g, mul(exp(y), sum(g, Dims{dim}, true)));
    return mul(sub(g, sum(mul(g, y), Dims{dim}, true)), y);
  }
  if (any_batched(g, y)) [[unlikely]] {
    const BatchDims batch = joint_batch({g, y});
    const Tensor at = unsqueeze(physical(y, batch), -1);  // a number is a row of one
    const auto levels = static_cast<int64_t>(batch.levels.size());
    return hide(
        squeeze(gradient(log, expand(unsqueeze(physical(g, batch), -1), at.sizes()), at, dim + levels),
                Dims{-1}),
        batch);
  }
  const Tensor from = ordered(cast(g, y.dtype())), at = ordered(y);
  Tensor result = empty(y.sizes(), y.dtype());
  const auto shape = shape_along(y, dim);
  const void *gp = from.raw(), *yp = at.raw();
  void* to = result.raw();
  Unlocked unlocked(y.numel());
  kernels::softmax().backward(y.dtype(), log, shape, gp, yp, to);
  return result;
}

Tensor along(bool log, const char* node, const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  const Tensor x = dtype ? cast(self, *dtype) : self;
  dim = wrap_dim(dim, x.dim());
  check<NotImplementedError>(is_floating(x.dtype()), log ? "\"log_softmax" : "\"softmax",
                             "_lastdim_kernel_impl\" not implemented for '", scalar_name(x.dtype()), "'");
  Tensor y = values(log, x, dim);
  if (needs_grad(x))
    record(
        pushed(node,
               [&](TensorList, const Tensors& t) {
                 if (y.dim() == 0) return mul(t[0], 0);
                 if (log) return sub(t[0], sum(mul(exp(y), t[0]), Dims{dim}, true));
                 // The Jacobian of softmax is its own transpose.
                 return gradient(false, t[0], y, dim);
               }),
        x, y, kept(keep_output("result", y)),
        [log, dim](Backward& b, const Tensor& g) { return Grads{gradient(log, g, b.saved(0), dim)}; },
        [dim] { return Notes{{"dim", dim}}; });
  return y;
}

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return along(false, "SoftmaxBackward0", x, dim, dtype);
}

Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return along(true, "LogSoftmaxBackward0", x, dim, dtype);
}

}  // namespace penlight

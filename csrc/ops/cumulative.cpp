#include "ops/cumulative.h"

#include <cmath>

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
    record(
        node, x, {result.values, result.indices}, kept(keep("indices", result.indices)),
        [sizes = x.sizes(), d](Backward& b, const Grads& g) {
          if (!g[0].defined()) return Grads{Tensor()};
          if (g[0].numel() == 0) return Grads{g[0]};
          return Grads{
              scatter_add(zeros(sizes, g[0].dtype()), d, b.saved(0), g[0])};  // to where each value is from
        },
        [d] { return Notes{{"dim", d}}; });
  return result;
}

}  // namespace

ValuesIndices cummax(const Tensor& x, int64_t dim) {
  return running_extreme(true, x, dim, "CummaxBackward0");
}
ValuesIndices cummin(const Tensor& x, int64_t dim) {
  return running_extreme(false, x, dim, "CumminBackward0");
}

namespace {

// Unrecorded: a kernel of contiguous tensors of x's sizes; run(shape, inputs, out).
template <class Run>
Tensor along(const Tensors& inputs, int64_t dim, Run run) {
  const BatchDims batch = joint_batch(inputs);
  Tensors plain;
  for (const Tensor& input : inputs) plain.push_back(ordered(physical(detach(input), batch)));
  const Tensor out = empty(plain[0].sizes(), plain[0].dtype());
  const kernels::ReduceShape shape = shape_along(out, dim + static_cast<int64_t>(batch.levels.size()));
  if (out.numel() > 0) {
    const Unlocked unlocked(out.numel() * 8);
    run(shape, plain, out);
  }
  return batch.empty() ? out : hide(out, batch);
}

// x moved by one along dim, towards the end or the beginning; what comes in is zero.
Tensor shifted(const Tensor& x, int64_t dim, bool to_end) {
  const int64_t n = x.size(dim);
  if (n == 0) return x;
  const Tensor none = mul(narrow(x, dim, 0, 1), 0), rest = narrow(x, dim, to_end ? 0 : 1, n - 1);
  return to_end ? cat({none, rest}, dim) : cat({rest, none}, dim);
}

}  // namespace

// With the gradient z of b, z_k = g_k + a_{k+1} z_{k+1}: the same from the other side. That of a_k is z_k
// y_{k-1}.
Tensor recurrence(const Tensor& a, const Tensor& b, int64_t dim, bool backward) {
  if (b.dim() == 0) return b;
  const Tensor y =
      along({a, b}, dim, [&](const kernels::ReduceShape& shape, const Tensors& x, const Tensor& out) {
        kernels::recurrence(backward, out.dtype(), shape, x[0].raw(), x[1].raw(), out.raw());
      });
  if (needs_grad(a, b))
    record("RecurrenceBackward0", {a, b}, y, kept(keep("factor", a), keep_output("result", y)),
           [dim, backward](Backward& b, const Tensor& g) {
             const Tensor z = recurrence(shifted(b.saved(0), dim, backward), g, dim, !backward);
             Grads grads(2);
             if (b.needs(0)) grads[0] = mul(z, shifted(b.saved(1), dim, !backward));
             grads[1] = z;
             return grads;
           });
  return y;
}

// dy_k / dx_i = exp(x_i - y_k) for i <= k. Summed with the gradients this is z_i exp(x_i - y_i), where
// z_i = g_i + exp(y_i - y_{i+1}) z_{i+1} has no factor over 1.
Tensor logcumsumexp(const Tensor& self, int64_t dim) {
  const int64_t d = wrap_dim(dim, self.dim());
  check<NotImplementedError>(is_floating(self.dtype()), "\"logcumsumexp_out_cpu\" not implemented for '",
                             scalar_name(self.dtype()), "'");
  if (self.dim() == 0) return clone(self);
  const Tensor y =
      along({self}, d, [&](const kernels::ReduceShape& shape, const Tensors& x, const Tensor& out) {
        kernels::running_logsumexp(out.dtype(), shape, x[0].raw(), out.raw());
      });
  if (needs_grad(self))
    record(
        "LogcumsumexpBackward0", self, y, kept(keep("self", self), keep_output("result", y)),
        [d](Backward& b, const Tensor& g) {
          const Tensor x = b.saved(0), y = b.saved(1);
          if (g.numel() == 0) return Grads{g};
          // Where no sum has begun, all terms being zero, the ratio of two sums is taken as zero.
          const auto ratio = [](const Tensor& a, const Tensor& b) {
            const Tensor nothing = compare(kernels::CompareOp::eq, b, -INFINITY);
            return where(nothing, 0, exp(sub(a, where(nothing, 0, b))));
          };
          const int64_t n = y.size(d);
          const Tensor later = cat({narrow(y, d, 1, n - 1), narrow(y, d, n - 1, 1)}, d);
          return Grads{mul(recurrence(ratio(y, later), g, d, true), ratio(x, y))};
        },
        [d] { return Notes{{"dim", d}}; });
  return y;
}

}  // namespace penlight

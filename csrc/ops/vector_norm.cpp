// The p-norm of a vector, (Σ |x|^p)^(1/p), and what becomes of it at the ends: the greatest |x| for p = ∞,
// the smallest for -∞, and for p = 0 the number of elements that are not zero.
#include "ops/vector_norm.h"

#include <cmath>

#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "ops/shape.h"

namespace penlight {

namespace {

using kernels::CompareOp;

Tensor is_zero(const Tensor& x) {
  return compare(CompareOp::eq, x, 0);
}

// Unrecorded, its reduced dimensions kept.
Tensor run_norm(const Tensor& x, double p, const OptionalDims& dims) {
  const SmallVec<bool, 8> reduced = reduced_dims(dims, x.dim());
  if (p == 2) return sqrt(run_reduce(kernels::ReduceOp::sum_squares, x, reduced, x.dtype(), "norm"));
  if (p == 1) return run_reduce(kernels::ReduceOp::sum_abs, x, reduced, x.dtype(), "norm");
  if (p == 0) return sum(cast(compare(CompareOp::ne, x, 0), x.dtype()), dims, true);
  if (std::isinf(p)) return p > 0 ? amax(abs(x), dims, true) : amin(abs(x), dims, true);
  return pow(sum(pow(abs(x), p), dims, true), 1 / p);
}

// The gradient for x of its norm y, both g and y with the reduced dimensions kept. Where y is zero there is
// no derivative: zero, the smallest of the subgradients, is given.
Tensor pull(const Tensor& x, const Tensor& y, const Tensor& g, double p, const OptionalDims& dims) {
  if (p == 0) return zeros(x.sizes(), g.dtype());
  if (p == 1) return mul(g, sign(x));
  if (std::isinf(p)) {  // shared evenly by all that are the extreme
    const Tensor size = abs(x);
    const Tensor hit =
        cast(bitwise_or(compare(CompareOp::eq, size, y), bitwise_and(isnan(size), isnan(y))), g.dtype());
    return mul(mul(sign(x), hit), div(g, sum(hit, dims, true)));
  }
  const Tensor scale = where(is_zero(y), 0, p == 2 ? div(g, y) : mul(g, pow(y, 1 - p)));
  if (p == 2) return mul(x, scale);
  if (p > 2) return mul(mul(x, pow(abs(x), p - 2)), scale);
  const Tensor power = pow(abs(x), p - 1);  // infinite at zero for p < 1
  return mul(mul(sign(x), p < 1 ? where(is_zero(x), 0, power) : power), scale);
}

}  // namespace

Tensor vector_norm(const Tensor& x, double p, const OptionalDims& dims, bool keepdim) {
  Tensor wide;
  {
    const Unrecorded unrecorded;
    wide = run_norm(x, p, dims);
  }
  const SmallVec<bool, 8> reduced = reduced_dims(dims, x.dim());
  Dims sizes;
  for (std::size_t d = 0; d < reduced.size(); ++d)
    if (keepdim || !reduced[d]) sizes.push_back(wide.sizes()[d]);
  const Tensor y = alias(wide, sizes, contiguous_strides(sizes), wide->offset);
  if (needs_grad(x))
    record(
        "LinalgVectorNormBackward0", x, y, kept(keep("self", x), keep_output("result", y)),
        [p, dims, kept_sizes = wide.sizes()](Backward& b, const Tensor& g) {
          return Grads{pull(b.saved(0), reshape(b.saved(1), kept_sizes), reshape(g, kept_sizes), p, dims)};
        },
        [p, dims, keepdim] { return Notes{{"ord", p}, {"dim", {}, nullptr, dims}, {"keepdim", keepdim}}; });
  return y;
}

}  // namespace penlight

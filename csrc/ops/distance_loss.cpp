// Losses of a prediction's distance from its target. Forward and backward are one pass over memory each;
// where the derivative is itself recorded, or mapped, it is written in other operations.
#include "kernels/distance_loss.h"

#include "ops/activation.h"
#include "ops/loss.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/broadcast.h"
#include "tensor/unlocked.h"

namespace penlight {

using kernels::CompareOp;
using kernels::DistanceLoss;

namespace {

struct Task {
  DistanceLoss loss;
  double limit;
  Reduction reduction;
  const char *node, *name;
  DType dtype = DType::f32;

  Notes notes() const {
    Notes all{{"reduction", number_of(reduction)}};
    if (loss == DistanceLoss::smooth_l1) all.push_back({"beta", limit});
    if (loss == DistanceLoss::huber) all.push_back({"delta", limit});
    return all;
  }
};

// In the type of the computation and in order, with one shape.
Tensor prepared(const Tensor& x, const Dims& sizes, DType dtype) {
  return ordered(cast(x.sizes() == sizes ? x : expand(x, sizes), dtype));
}

Tensor loss_of(const Task& task, const Tensor& input, const Tensor& target) {
  const Dims sizes = broadcast_shapes(input.sizes(), target.sizes());
  const Tensor x = prepared(input, sizes, task.dtype), t = prepared(target, sizes, task.dtype);
  const int64_t n = x.numel();
  const void *xp = x.raw(), *tp = t.raw();
  const auto& kernel = kernels::distance_loss();
  if (task.reduction == Reduction::none) {
    Tensor y = empty(sizes, task.dtype);
    void* to = y.raw();
    Unlocked unlocked(n);
    kernel.each(task.loss, task.dtype, task.limit, n, xp, tp, to);
    return y;
  }
  double sum = 0;
  {
    Unlocked unlocked(n);
    sum = kernel.sum(task.loss, task.dtype, task.limit, n, xp, tp);
  }
  return scalar_tensor(Scalar(task.reduction == Reduction::mean ? sum / static_cast<double>(n) : sum),
                       task.dtype);
}

// The same in operations.
Tensor loss_of_operations(const Task& task, const Tensor& input, const Tensor& target) {
  const Tensor d = sub(input, target), squares = mul(d, d);
  Tensor y = squares;
  if (task.loss != DistanceLoss::square) {
    const Tensor size = abs(d), near = compare(CompareOp::lt, size, task.limit);
    const Tensor far = sub(size, task.limit / 2);
    y = task.loss == DistanceLoss::smooth_l1 ? where(near, div(squares, 2 * task.limit), far)
                                             : where(near, mul(squares, 0.5), mul(far, task.limit));
  }
  return task.reduction == Reduction::none ? y : task.reduction == Reduction::mean ? mean(y) : sum(y);
}

Tensor slope_of_operations(const Task& task, const Tensor& d) {
  if (task.loss == DistanceLoss::square) return mul(d, 2);
  const Tensor held = hardtanh(d, -task.limit, task.limit);
  return task.loss == DistanceLoss::smooth_l1 ? div(held, task.limit) : held;
}

// The gradient of the input.
Tensor gradient_of(const Task& task, const Tensor& g, const Tensor& input, const Tensor& target) {
  const Dims sizes = broadcast_shapes(input.sizes(), target.sizes());
  Tensor share = cast(g, task.dtype);
  if (task.reduction == Reduction::mean) {
    int64_t count = 1;
    for (int64_t size : sizes) count *= size;
    share = mul(share, 1. / static_cast<double>(count));
  }
  if (needs_grad(g, input, target) || any_batched(g, input, target))
    return mul(share, slope_of_operations(task, cast(sub(input, target), task.dtype)));
  const bool single = task.reduction != Reduction::none;
  const Tensor x = prepared(input, sizes, task.dtype), t = prepared(target, sizes, task.dtype);
  const Tensor from = single ? share : prepared(share, sizes, task.dtype);
  Tensor result = empty(sizes, task.dtype);
  const int64_t n = x.numel();
  const void *gp = from.raw(), *xp = x.raw(), *tp = t.raw();
  void* to = result.raw();
  Unlocked unlocked(n);
  kernels::distance_loss().gradient(task.loss, task.dtype, task.limit, n, gp, single, xp, tp, to);
  return result;
}

Tensor distance_loss(Task task, const Tensor& input, const Tensor& target) {
  task.dtype = result_type(input, target);
  check<NotImplementedError>(is_floating(task.dtype), "\"", task.name, "\" not implemented for '",
                             scalar_name(task.dtype), "'");
  Tensor y;
  {
    const Unrecorded unrecorded;
    y = any_batched(input, target) ? loss_of_operations(task, input, target) : loss_of(task, input, target);
  }
  if (needs_grad(input, target))
    record(
        task.node, {input, target}, y, kept(keep("self", input), keep("target", target)),
        [task](Backward& b, const Tensor& g) {
          const Tensor x = b.saved(0), t = b.saved(1), gx = gradient_of(task, g, x, t);
          return Grads{b.needs(0) ? sum_to(cast(gx, x.dtype()), x.sizes()) : Tensor(),
                       b.needs(1) ? sum_to(cast(neg(gx), t.dtype()), t.sizes()) : Tensor()};
        },
        [task] { return task.notes(); });
  return y;
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return distance_loss({DistanceLoss::square, 0, reduction, "MseLossBackward0", "mse_cpu"}, input, target);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, Reduction reduction, double beta) {
  return distance_loss({DistanceLoss::smooth_l1, beta, reduction, "SmoothL1LossBackward0", "smooth_l1_cpu"},
                       input, target);
}

Tensor huber_loss(const Tensor& input, const Tensor& target, Reduction reduction, double delta) {
  return distance_loss({DistanceLoss::huber, delta, reduction, "HuberLossBackward0", "huber_cpu"}, input,
                       target);
}

}  // namespace penlight

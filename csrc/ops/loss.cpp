#include "ops/loss.h"

#include "kernels/nll_loss.h"
#include "ops/elementwise_plan.h"
#include "ops/index.h"
#include "ops/reduce.h"
#include "ops/shape.h"

namespace penlight {

using kernels::CompareOp;
using kernels::NllShape;

int64_t number_of(Reduction reduction) {
  return reduction == Reduction::none ? 0 : reduction == Reduction::mean ? 1 : 2;
}

Reduction reduction_from(const std::string& name) {
  if (name == "mean") return Reduction::mean;
  if (name == "sum") return Reduction::sum;
  check<ValueError>(name == "none", name, " is not a valid value for reduction");
  return Reduction::none;
}

namespace {

void check_between_0_and_1(const Tensor& x, const char* name) {
  const Tensor inside =
      all(compare(CompareOp::logical_and, compare(CompareOp::ge, x, 0), compare(CompareOp::le, x, 1)));
  check(!any_true(logical_not(inside)), "all elements of ", name, " should be between 0 and 1");
}

// log(x), but not below -100, so that the loss of a certain mistake is finite.
Tensor held_log(const Tensor& x) {
  return maximum(log(x), -100.0);
}

}  // namespace

Tensor binary_cross_entropy(const Tensor& input, const Tensor& target) {
  check(input.sizes() == target.sizes(), "binary_cross_entropy: input has size ", input.sizes(),
        " and target ", target.sizes(), "; they must be the same");
  check<NotImplementedError>(is_floating(input.dtype()), "\"binary_cross_entropy\" not implemented for '",
                             scalar_name(input.dtype()), "'");
  check(input.dtype() == target.dtype(), "Found dtype ", scalar_name(target.dtype()), " but expected ",
        scalar_name(input.dtype()));
  Tensor y;
  {
    const Unrecorded unrecorded;
    check_between_0_and_1(input, "input");
    check_between_0_and_1(target, "target");
    y = sub(mul(sub(target, 1), held_log(sub(1, input))), mul(target, held_log(input)));
  }
  if (needs_grad(input, target))
    record("BinaryCrossEntropyBackward0", {input, target}, y,
           kept(keep("self", input), keep("target", target)), [](Backward& b, const Tensor& g) {
             const Tensor x = b.saved(0), t = b.saved(1);
             Grads grads(2);
             // The divisor is held above 1e-12: at x = 0 and 1 the slope is steep, not infinite.
             if (b.needs(0)) grads[0] = mul(g, div(sub(x, t), maximum(mul(sub(1, x), x), 1e-12)));
             if (b.needs(1)) grads[1] = mul(g, sub(held_log(sub(1, x)), held_log(x)));
             return grads;
           });
  return y;
}

namespace {

// What a negative log-likelihood is computed with, besides the log-probabilities.
struct NllTask {
  Tensor target, weight;  // contiguous; weight may be undefined
  NllShape shape;
  Dims sizes;  // of the log-probabilities
  DType dtype;
  Reduction reduction;
  int64_t ignore;
  double total = 0;   // of the weights used; known once it was applied
  double factor = 1;  // of the gradient: 1 / total, for the mean
  const char* node;
  const void* weights() const { return weight.defined() ? weight.raw() : nullptr; }
  NllTask without_tensors() const {
    NllTask bare = *this;
    bare.target = bare.weight = Tensor();
    return bare;
  }
};

// The task of all examples together: more samples with the same targets, and a loss for each.
NllTask of_examples(const NllTask& task, const BatchDims& batch) {
  NllTask all = task;
  Dims sizes = batch.sizes;
  sizes.append(task.target.sizes().begin(), task.target.sizes().end());
  all.target = contiguous(expand(task.target, sizes));
  all.shape.samples *= examples(batch);
  all.reduction = Reduction::none;
  return all;
}

Tensor nll_apply(const NllTask& task, const Tensor& x);

// The loss is linear in the log-probabilities: its derivative is the transpose, and the transpose's is the
// loss.
Tensor nll_transpose(const NllTask& task, const Tensor& g) {
  const bool single = task.reduction != Reduction::none;
  Tensor gx = empty_for(task.sizes, task.dtype, g);
  if (g.batched()) [[unlikely]] {
    const BatchDims& batch = g->transforms->batch;
    const NllTask all = of_examples(task, batch);
    const Tensor each = single ? expand(reshape(detach(g), {}), task.target.sizes()) : detach(g);
    const Tensor from = ordered(cast(physical(each), task.dtype));
    kernels::nll_backward(task.dtype, all.shape, from.raw(), false, all.target.data<int64_t>(),
                          task.weights(), task.ignore, task.factor, physical(gx).raw());
  } else {
    const Tensor from = ordered(cast(g, task.dtype));
    kernels::nll_backward(task.dtype, task.shape, from.raw(), single, task.target.data<int64_t>(),
                          task.weights(), task.ignore, task.factor, gx.raw());
  }
  if (needs_grad(g))
    record(linear("NllLossBackwardBackward0", [&](const Tensor& t) { return nll_transpose(task, t); }), g, gx,
           {}, [task](Backward&, const Tensor& ggx) { return Grads{nll_apply(task, ggx)}; });
  return gx;
}

Tensor nll_apply(const NllTask& given, const Tensor& x) {
  NllTask task = given;
  const bool single = task.reduction != Reduction::none;
  Tensor y;
  double sum_of_all = 0, total = 0;
  if (x.batched()) [[unlikely]] {  // a loss applied before, whose factor is known
    const Unrecorded unrecorded;
    const NllTask all = of_examples(task, x->transforms->batch);
    y = empty_for(task.target.sizes(), task.dtype, x);
    kernels::nll_forward(task.dtype, all.shape, ordered(physical(x)).raw(), all.target.data<int64_t>(),
                         task.weights(), task.ignore, physical(y).raw(), &sum_of_all, &total);
    if (single) y = mul(sum(y), task.factor);
  } else {
    y = empty(single ? Dims{} : task.target.sizes(), task.dtype);
    kernels::nll_forward(task.dtype, task.shape, ordered(x).raw(), task.target.data<int64_t>(),
                         task.weights(), task.ignore, single ? nullptr : y.raw(), &sum_of_all, &total);
    task.total = total;
    if (task.reduction == Reduction::mean) task.factor = 1 / total;
    if (single) fill_values(y, Scalar(task.reduction == Reduction::mean ? sum_of_all / total : sum_of_all));
  }
  if (needs_grad(x))
    record(
        linear(task.node, [&](const Tensor& t) { return nll_apply(task, t); }), x, y,
        kept(keep("target", task.target), keep("weight", task.weight)),
        [bare = task.without_tensors()](Backward& b, const Tensor& g) {
          NllTask task = bare;
          task.target = b.saved(0);
          task.weight = b.saved(1);
          return Grads{nll_transpose(task, g)};
        },
        [reduction = task.reduction, ignore = task.ignore, total = task.total] {
          return Notes{
              {"reduction", number_of(reduction)}, {"ignore_index", ignore}, {"total_weight", total}};
        });
  return y;
}

// In operations that vmap maps: the class's log-probability is picked, weighted, and left out where ignored.
Tensor nll_of_operations(const NllTask& task, const Tensor& x, const Tensor& target, const Tensor& weight) {
  const int64_t along = x.dim() > 1 ? 1 : 0;
  const Tensor classes = cast(x.dim() > 1 ? target : reshape(target, {}), DType::i64);
  const Tensor ignored = compare(CompareOp::eq, classes, Scalar(task.ignore));
  const Tensor place = where(ignored, 0, classes);
  check<IndexError>(!any_true(bitwise_or(compare(CompareOp::lt, place, 0),
                                         compare(CompareOp::ge, place, Scalar(task.shape.classes)))),
                    "Target is out of bounds.");
  const Tensor picked = squeeze(gather(x, along, unsqueeze(place, along)), Dims{along});
  Tensor used = cast(logical_not(ignored), x.dtype());
  if (weight.defined())
    used = mul(used, reshape(index_select(weight, 0, reshape(place, {-1})), place.sizes()));
  const Tensor losses = mul(neg(picked), used);
  if (task.reduction == Reduction::none) return x.dim() > 1 ? losses : reshape(losses, target.sizes());
  return task.reduction == Reduction::sum ? sum(losses) : div(sum(losses), sum(used));
}

// PyTorch's words, which differ with the number of dimensions.
void check_nll_sizes(const Tensor& x, const Tensor& target) {
  const Dims& sizes = x.sizes();
  const int64_t dims = x.dim(), given = target.dim();
  check<ValueError>(dims > 0, "Expected 1 or more dimensions (got 0)");
  if (dims == 1) {
    check<ValueError>(given <= 1 && target.numel() == 1,
                      "For 1D input, 1D target must have size 1, but got target size: ", target.numel());
    return;
  }
  check<ValueError>(given > 0 && target.size(0) == sizes[0], "Expected input batch_size (", sizes[0],
                    ") to match target batch_size (", given ? target.size(0) : 1, ").");
  if (dims == 2) {
    check(given == 1, "0D or 1D target tensor expected, multi-target not supported");
    return;
  }
  Dims wanted{sizes[0]};
  for (int64_t d = 2; d < dims; ++d) wanted.push_back(sizes[static_cast<std::size_t>(d)]);
  if (dims == 4) {
    check(given == 3,
          "only batches of spatial targets supported (3D tensors) but got targets of dimension: ", given);
    check(target.sizes() == wanted, "size mismatch (got input: ", sizes, " , target: ", target.sizes());
  }
  check(target.sizes() == wanted, "Expected target size ", wanted, ", got ", target.sizes());
}

}  // namespace

Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight, Reduction reduction,
                int64_t ignore) {
  check(target.dtype() == DType::i64 || target.dtype() == DType::u8,
        "expected target dtype to be Long or Byte, but got ", scalar_name(target.dtype()));
  check_nll_sizes(input, target);
  check<NotImplementedError>(is_floating(input.dtype()), "\"nll_loss_out_frame\" not implemented for '",
                             scalar_name(input.dtype()), "'");
  NllTask task;
  task.sizes = input.sizes();
  task.dtype = input.dtype();
  task.reduction = reduction;
  task.ignore = ignore;
  task.node = input.dim() > 2 ? "NllLoss2DBackward0" : "NllLossBackward0";
  task.shape = {1, input.sizes()[input.dim() > 1 ? 1 : 0], 1};
  if (input.dim() > 1) task.shape.samples = input.size(0);
  for (int64_t d = 2; d < input.dim(); ++d) task.shape.positions *= input.size(d);
  if (weight.defined()) {
    check(weight.dim() == 1 && weight.numel() == task.shape.classes,
          "weight tensor should be defined either for all ", task.shape.classes,
          " classes or no classes but got weight tensor of shape: ", weight.sizes());
    check(weight.dtype() == input.dtype(), "expected scalar type ", scalar_name(input.dtype()), " but found ",
          scalar_name(weight.dtype()));
    check(!needs_grad(weight), "The function 'nll_loss", input.dim() > 2 ? "2d" : "",
          "_forward' is not differentiable "
          "with respect to argument 'weight'. This input cannot have requires_grad True.");
    task.weight = ordered(weight);
  }
  // A copy: a target changed before backward must not lead to other (or no) elements.
  task.target = empty_for(target.sizes(), DType::i64, target);
  copy_values(task.target, target);
  if (any_batched(input, target, weight)) [[unlikely]]
    return nll_of_operations(task, input, target, weight);
  const int64_t bad = kernels::nll_first_bad_target(task.shape, task.target.data<int64_t>(), ignore);
  check<IndexError>(bad < 0, "Target ", bad < 0 ? 0 : task.target.data<int64_t>()[bad], " is out of bounds.");
  return nll_apply(task, input);
}

}  // namespace penlight

// Elementwise choices and combinations of three.
#include "ops/elementwise_plan.h"

namespace penlight {

using kernels::CompareOp;

namespace {

// An operand as a tensor of the given type.
Tensor as_tensor(const Operand& operand, DType dtype) {
  return operand.is_tensor() ? cast(operand.tensor(), dtype) : scalar_tensor(operand.scalar(), dtype);
}

}  // namespace

Tensor where(const Tensor& condition, const Operand& a, const Operand& b) {
  check(condition.dtype() == DType::boolean || condition.dtype() == DType::u8,
        "where expected condition to be a boolean tensor, but got a tensor with dtype ",
        scalar_name(condition.dtype()));
  const DType dtype = result_type(a, b);
  const Tensor c = cast(condition, DType::boolean), x = as_tensor(a, dtype), y = as_tensor(b, dtype);
  const Dims shape = broadcast_shapes(c.sizes(), broadcast_shapes(x.sizes(), y.sizes()));
  const Tensor out =
      any_batched(c, x, y) ? empty_for(shape, dtype, c, x, y) : empty_like(shape, {&c, &x, &y}, dtype);
  run_loop(kernels_for(dtype).where(dtype), {&out, &c, &x, &y});
  if (needs_grad(x, y))
    record(elementwise("WhereBackward0"), {Tensor(), x, y}, out, kept(keep("condition", c)),
           [](Backward& b, const Tensor& g) {
             Grads grads(3);
             const Tensor condition = b.saved(0);
             if (b.needs(1)) grads[1] = where(condition, g, 0);
             if (b.needs(2)) grads[2] = where(condition, 0, g);
             return grads;
           });
  return out;
}

Tensor clamp(const Tensor& x, const Operand* low, const Operand* high) {
  check(low || high, "torch.clamp: At least one of 'min' or 'max' must not be None");
  DType dtype = x.dtype();
  if (low) dtype = promote(dtype, result_type(x, *low));
  if (high) dtype = promote(dtype, result_type(x, *high));
  const Tensor self = cast(x, dtype);
  // Values: NaN stays, a bound given as NaN wins, and the upper bound wins over the lower.
  Tensor y = detach(self);
  const auto plain = [&](const Operand& o) {
    return o.is_tensor() ? Operand(cast(detach(o.tensor()), dtype)) : o;
  };
  if (low && high) {
    const Tensor from = as_tensor(plain(*low), dtype), to = as_tensor(plain(*high), dtype);
    const RowLoop loop = kernels_for(dtype).clamp(dtype);
    check<NotImplementedError>(loop != nullptr, "\"clamp_cpu\" not implemented for '", scalar_name(dtype),
                               "'");
    const Dims shape = broadcast_shapes(self.sizes(), broadcast_shapes(from.sizes(), to.sizes()));
    const Tensor x = y;
    y = any_batched(x, from, to) ? empty_for(shape, dtype, x, from, to)
                                 : empty_like(shape, {&x, &from, &to}, dtype);
    run_loop(loop, {&y, &x, &from, &to});
  } else if (low) {
    y = run_binary(kernels::BinaryOp::maximum, y, plain(*low), dtype, "clamp");
  } else {
    y = run_binary(kernels::BinaryOp::minimum, y, plain(*high), dtype, "clamp");
  }
  if (y->storage == self->storage) y = clone_values(y);
  const Tensor low_tensor = low && low->is_tensor() ? low->tensor() : Tensor();
  const Tensor high_tensor = high && high->is_tensor() ? high->tensor() : Tensor();
  if (needs_grad(self, low_tensor, high_tensor)) {
    const Scalar low_number = low ? low->scalar() : Scalar(0),
                 high_number = high ? high->scalar() : Scalar(0);
    const bool tensors = low_tensor.defined() || high_tensor.defined();
    record(
        elementwise(tensors ? "ClampBackward0"
                            : (!low    ? "ClampMaxBackward0"
                               : !high ? "ClampMinBackward0"
                                       : "ClampBackward1")),
        {self, low_tensor, high_tensor}, y,
        kept(keep("self", self), keep("min", low_tensor), keep("max", high_tensor)),
        [low_number, high_number, has_low = low != nullptr, has_high = high != nullptr](Backward& b,
                                                                                        const Tensor& g) {
          Grads grads(3);
          const Tensor self = b.saved(0), low = b.saved(1), high = b.saved(2);
          const Operand l = low.defined() ? Operand(low) : Operand(low_number);
          const Operand h = high.defined() ? Operand(high) : Operand(high_number);
          if (b.needs(0)) {
            Tensor inside = g;
            if (has_low) inside = where(compare(CompareOp::ge, self, l), inside, 0);
            if (has_high) inside = where(compare(CompareOp::le, self, h), inside, 0);
            grads[0] = inside;
          }
          if (b.needs(1)) {
            Tensor below = compare(CompareOp::lt, self, l);
            if (has_high) below = bitwise_and(below, compare(CompareOp::lt, l, h));
            grads[1] = where(below, g, 0);
          }
          if (b.needs(2)) {
            Tensor above = compare(CompareOp::gt, self, h);
            if (has_low) above = bitwise_or(above, compare(CompareOp::gt, l, h));
            grads[2] = where(above, g, 0);
          }
          return grads;
        },
        [low_number, high_number, low = low && !low_tensor.defined(), high = high && !high_tensor.defined()] {
          Notes notes;
          if (low) notes.push_back({"min", low_number});
          if (high) notes.push_back({"max", high_number});
          return notes;
        });
  }
  return y;
}

Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, const Scalar& value) {
  Tensor y;
  {
    GradModeGuard off(false);
    y = add(x, mul(a, b), value);
  }
  if (needs_grad(x, a, b))
    record(
        "AddcmulBackward0", {x, a, b}, y, kept(keep("tensor1", a), keep("tensor2", b)),
        [value](Backward& b, const Tensor& g) {
          Grads grads(3);
          grads[0] = g;
          if (b.needs(1)) grads[1] = mul(g, mul(b.saved(1), value));
          if (b.needs(2)) grads[2] = mul(g, mul(b.saved(0), value));
          return grads;
        },
        [value] { return Notes{{"value", value}}; });
  return y;
}

Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, const Scalar& value) {
  check(is_floating(a.dtype()) || is_floating(b.dtype()),
        "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform "
        "a true "
        "division of tensor1 and tensor2.");
  Tensor y;
  {
    GradModeGuard off(false);
    y = add(x, div(a, b), value);
  }
  if (needs_grad(x, a, b))
    record(
        "AddcdivBackward0", {x, a, b}, y, kept(keep("tensor1", a), keep("tensor2", b)),
        [value](Backward& b, const Tensor& g) {
          Grads grads(3);
          grads[0] = g;
          const Tensor below = b.saved(1);
          if (b.needs(1)) grads[1] = mul(g, div(value, below));
          if (b.needs(2)) grads[2] = neg(mul(g, div(mul(b.saved(0), value), mul(below, below))));
          return grads;
        },
        [value] { return Notes{{"value", value}}; });
  return y;
}

Tensor lerp(const Tensor& start, const Tensor& end, const Operand& weight) {
  check(start.dtype() == end.dtype(), "expected dtype ", scalar_name(start.dtype()),
        " for `end` but got dtype ", scalar_name(end.dtype()));
  const DType dtype = start.dtype();
  const RowLoop loop = kernels_for(dtype).lerp(dtype);
  check<NotImplementedError>(loop != nullptr, "\"lerp_kernel\" not implemented for '", scalar_name(dtype),
                             "'");
  const Tensor w = as_tensor(weight, dtype);
  const Dims shape = broadcast_shapes(w.sizes(), broadcast_shapes(start.sizes(), end.sizes()));
  const Tensor y = any_batched(start, end, w) ? empty_for(shape, dtype, start, end, w)
                                              : empty_like(shape, {&start, &end, &w}, dtype);
  run_loop(loop, {&y, &start, &end, &w});
  if (!weight.is_tensor()) {
    if (needs_grad(start, end))
      record(
          "LerpBackward0", {start, end}, y, {},
          [w = weight.scalar().to_double()](Backward& b, const Tensor& g) {
            Grads grads(2);
            if (b.needs(0)) grads[0] = mul(g, 1 - w);
            if (b.needs(1)) grads[1] = mul(g, w);
            return grads;
          },
          [w = weight.scalar()] { return Notes{{"weight", w}}; });
  } else if (needs_grad(start, end, weight.tensor())) {
    record("LerpBackward1", {start, end, weight.tensor()}, y,
           kept(keep("self", start), keep("end", end), keep("weight", weight.tensor())),
           [](Backward& b, const Tensor& g) {
             Grads grads(3);
             const Tensor weight = b.saved(2);
             if (b.needs(0)) grads[0] = mul(g, sub(1, weight));
             if (b.needs(1)) grads[1] = mul(g, weight);
             if (b.needs(2)) grads[2] = mul(g, sub(b.saved(1), b.saved(0)));
             return grads;
           });
  }
  return y;
}

}  // namespace penlight

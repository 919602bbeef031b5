#include "ops/elementwise_plan.h"

namespace penlight {

DType Operand::dtype() const {
  if (is_tensor()) return tensor_.dtype();
  switch (scalar_.kind()) {
    case Scalar::Kind::boolean:
      return DType::boolean;
    case Scalar::Kind::integer:
      return DType::i64;
    default:
      return get_default_dtype();
  }
}

DType result_type(const Operand& a, const Operand& b) {
  if (a.is_tensor() && b.is_tensor() && a.tensor().dtype() == b.tensor().dtype()) return a.tensor().dtype();
  Promotion promotion;
  for (const Operand* operand : {&a, &b}) {
    if (operand->is_tensor())
      promotion.add(operand->tensor());
    else
      promotion.add(operand->scalar());
  }
  return promotion.result();
}

Tensor run_unary(kernels::UnaryOp op, const Tensor& x, const char* name) {
  const RowLoop loop = kernels_for(x.dtype()).unary(op, x.dtype());
  check<NotImplementedError>(loop != nullptr, "\"", name, "_cpu\" not implemented for '",
                             scalar_name(x.dtype()), "'");
  Tensor y = empty_like(x, x.dtype());
  run_loop(loop, {&y, &x});
  return y;
}

Tensor run_slope(kernels::SlopeOp op, const Tensor& g, const Tensor& result) {
  const Tensor from = cast(g, result.dtype());
  Tensor y = any_batched(from, result) ? empty_for(result.sizes(), result.dtype(), from, result)
                                       : empty_like(result, result.dtype());
  run_loop(kernels_for(result.dtype()).slope(op, result.dtype()), {&y, &from, &result});
  return y;
}

Tensor run_test(kernels::TestOp op, const Tensor& x) {
  Tensor y = empty_like(x, DType::boolean);
  run_loop(kernels_for(x.dtype()).test(op, x.dtype()), {&y, &x});
  return y;
}

namespace {

// An operand in the type of the computation: a tensor, or a number stored in place.
struct Prepared {
  Tensor tensor;
  alignas(8) char element[8];
  Prepared(const Operand& operand, DType dtype) {
    if (operand.is_tensor())
      tensor = cast(detach_if_needed(operand.tensor(), dtype), dtype);
    else
      operand.scalar().store(dtype, element);
  }
  static Tensor detach_if_needed(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : detach(x); }
};

Tensor binary_output(const Operand& a, const Operand& b, DType dtype) {
  const Tensor& x = a.tensor();
  const Tensor& y = b.tensor();
  if (!x.defined() && !y.defined()) return empty({}, dtype);
  if (!y.defined()) return empty_like(x, dtype);
  if (!x.defined()) return empty_like(y, dtype);
  return empty_like(broadcast_shapes(x.sizes(), y.sizes()), {&x, &y}, dtype);
}

void run_two(RowLoop loop, const Tensor& out, const Prepared& a, const Prepared& b, DType dtype) {
  const Dims& shape = out.sizes();
  LoopOperand operands[3];
  Dims strides[3];
  operands[0] = {out.raw(), nullptr, itemsize(out.dtype())};
  if (!out.is_contiguous()) operands[0].strides = out.strides().data();
  int i = 1;
  for (const Prepared* p : {&a, &b}) {
    LoopOperand& operand = operands[i];
    if (!p->tensor.defined()) {
      operand = {const_cast<char*>(p->element), nullptr, 0, true};
    } else {
      operand = {p->tensor.raw(), nullptr, itemsize(dtype), p->tensor.numel() == 1};
      if (!operand.single && !(p->tensor.sizes() == shape && p->tensor.is_contiguous())) {
        strides[i] = broadcast_strides(p->tensor, shape);
        operand.strides = strides[i].data();
      }
    }
    ++i;
  }
  run_loop(loop, shape, operands, 3);
}

}  // namespace

namespace {

// Calls compute(a, b, out) with the operands in their physical form, and hides the result's dimensions.
template <class Compute>
Tensor with_physical(const Operand& a, const Operand& b, const Tensor* out, Compute compute) {
  const Tensor &x = a.tensor(), &y = b.tensor();
  const BatchDims batch = out ? joint_batch({*out}) : joint_batch({x, y});
  const int64_t rank = out ? out->dim() : std::max(x.defined() ? x.dim() : 0, y.defined() ? y.dim() : 0);
  const auto operand = [&](const Operand& o) {
    return o.is_tensor() ? Operand(physical(o.tensor(), batch, rank)) : o;
  };
  if (!out) return hide(compute(operand(a), operand(b), nullptr), batch);
  const Tensor to = physical(*out, batch);
  compute(operand(a), operand(b), &to);
  return *out;
}

bool hides(const Operand& a, const Operand& b, const Tensor* out) {
  return a.tensor().batched() || b.tensor().batched() || (out && out->batched());
}

Tensor compare_in(kernels::CompareOp op, const Operand& a, const Operand& b, DType dtype) {
  const Prepared x(a, dtype), y(b, dtype);
  Tensor result = binary_output(a, b, DType::boolean);
  run_two(kernels_for(dtype).compare(op, dtype), result, x, y, dtype);
  return result;
}

}  // namespace

Tensor run_binary(kernels::BinaryOp op, const Operand& a, const Operand& b, DType dtype, const char* name,
                  const Tensor* out) {
  if (hides(a, b, out)) [[unlikely]]
    return with_physical(a, b, out, [&](const Operand& x, const Operand& y, const Tensor* to) {
      return run_binary(op, x, y, dtype, name, to);
    });
  const RowLoop loop = kernels_for(dtype).binary(op, dtype);
  check<NotImplementedError>(loop != nullptr, "\"", name, "_cpu\" not implemented for '", scalar_name(dtype),
                             "'");
  const Prepared x(a, dtype), y(b, dtype);
  Tensor result = out ? *out : binary_output(a, b, dtype);
  run_two(loop, result, x, y, dtype);
  return result;
}

Tensor compare(kernels::CompareOp op, const Operand& a, const Operand& b) {
  using kernels::CompareOp;
  DType dtype = result_type(a, b);
  if (hides(a, b, nullptr)) [[unlikely]]
    return with_physical(a, b, nullptr, [&](const Operand& x, const Operand& y, const Tensor*) {
      return compare_in(op, x, y, dtype);
    });
  return compare_in(op, a, b, dtype);
}

void add_into(const Tensor& out, const Tensor& a, const Tensor& b) {
  run_loop(kernels_for(out.dtype()).binary(kernels::BinaryOp::add, out.dtype()), {&out, &a, &b});
}

Tensor& binary_in_place(Tensor& self, const char* name, kernels::BinaryOp op, BinaryFunction function,
                        const Operand& other) {
  if (other.is_tensor()) refuse_overlap(self, other.tensor());
  const bool recorded = needs_grad(self) || other.requires_grad();
  const bool direct =
      !recorded && result_type(self, other) == self.dtype() && !hides(self, other, nullptr) &&
      !(other.is_tensor() && overlap(self, other.tensor())) &&
      (is_floating(self.dtype()) ||
       (op != kernels::BinaryOp::div && op != kernels::BinaryOp::floor_div &&
        op != kernels::BinaryOp::trunc_div && op != kernels::BinaryOp::remainder &&
        op != kernels::BinaryOp::fmod && op != kernels::BinaryOp::pow && self.dtype() != DType::boolean));
  if (!direct) return in_place(self, name, [&](const Tensor& x) { return function(x, other); });
  check_inplace(self, name);
  if (other.is_tensor()) {
    const Dims shape = broadcast_shapes(self.sizes(), other.tensor().sizes());
    check(shape == self.sizes(), "output with shape ", self.sizes(), " doesn't match the broadcast shape ",
          shape);
  }
  run_binary(op, self, other, self.dtype(), name, &self);
  self.changed();
  return self;
}

Tensor& unary_in_place(Tensor& self, const char* name, UnaryFunction function) {
  return in_place(self, name, function);
}

}  // namespace penlight

#include "ops/copy.h"

#include "autograd/engine.h"
#include "kernels/crosswise.h"
#include "kernels/elementwise.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/unlocked.h"

namespace penlight {

namespace {

// Whether it could: where one tensor is a transposed or permuted form of the other.
bool copied_crosswise(const Tensor& to, const Tensor& from) {
  if ((to.is_contiguous() && from.is_contiguous()) || to.sizes().size() < 2) return false;
  const Dims strides = broadcast_strides(from, to.sizes());
  const kernels::StridedShape<2> shape(to.dim(), to.sizes().data(), {to.strides().data(), strides.data()});
  Unlocked unlocked(shape.numel);
  return kernels::copy_crosswise(shape, itemsize(to.dtype()), to.raw(), from.raw());
}

}  // namespace

void copy_values(const Tensor& to, const Tensor& from) {
  if (any_batched(to, from)) [[unlikely]]
    return copy_values(physical(to), physical(from, joint_batch({to}), to.dim()));
  if (to.numel() == 0) return;
  if (overlap(to, from)) return copy_values(to, clone_values(from));
  if (to.dtype() == from.dtype() && copied_crosswise(to, from)) return;
  run_loop(kernels::casts().cast(to.dtype(), from.dtype()), {&to, &from});
}

void fill_values(const Tensor& to, const Scalar& value) {
  if (to.batched()) [[unlikely]]
    return fill_values(physical(to), value);
  alignas(8) char element[8];
  value.store(to.dtype(), element);
  LoopOperand operands[2] = {{to.raw(), nullptr, itemsize(to.dtype())}, {element, nullptr, 0, true}};
  if (!to.is_contiguous()) operands[0].strides = to.strides().data();
  const RowLoop loop = kernels::casts().cast(to.dtype(), to.dtype());
  run_loop(loop, to.sizes(), operands, 2);
}

Tensor clone_values(const Tensor& x) {
  Tensor result = empty_with_strides_of(x, x.dtype());
  copy_values(result, x);
  return result;
}

Tensor ordered(const Tensor& x) {
  if (x.is_contiguous()) return x;
  Tensor result = empty_for(x.sizes(), x.dtype(), x);
  copy_values(result, x);
  return result;
}

Tensor clone(const Tensor& x) {
  Tensor y = clone_values(x);
  if (needs_grad(x))
    record(elementwise("CloneBackward0"), x, y, {}, [](Backward&, const Tensor& g) { return Grads{g}; });
  return y;
}

Tensor clone_in_order(const Tensor& x, const Dims& order) {
  if (x.batched()) return clone(x);
  Tensor y = empty_in_order(x.sizes(), order, x.dtype());
  copy_values(y, x);
  if (needs_grad(x))
    record(elementwise("CloneBackward0"), x, y, {}, [](Backward&, const Tensor& g) { return Grads{g}; });
  return y;
}

Tensor contiguous(const Tensor& x) {
  if (x.is_contiguous()) return x;
  Tensor y = empty_for(x.sizes(), x.dtype(), x);
  copy_values(y, x);
  if (needs_grad(x))
    record(elementwise("CloneBackward0"), x, y, {}, [](Backward&, const Tensor& g) { return Grads{g}; });
  return y;
}

Tensor cast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor y = empty_like(x, dtype);
  copy_values(y, x);
  if (needs_grad(x) && is_floating(dtype))
    record(elementwise("ToCopyBackward0"), x, y, {},
           [from = x.dtype()](Backward&, const Tensor& g) { return Grads{cast(g, from)}; });
  return y;
}

Tensor detach(const Tensor& x) {
  Tensor y = alias(x);
  y->inference = x->inference;
  return y;
}

Tensor& copy_(Tensor& self, const Tensor& source) {
  const bool itself = self.same(source);
  check_inplace(self, "copy_", itself);
  Dims shape = broadcast_shapes(self.sizes(), source.sizes());
  check(shape == self.sizes(), "The expanded size of the tensor (", self.sizes(),
        ") must match the existing size (", source.sizes(), ")");
  refuse_overlap(self, source);
  if (!needs_grad(self, source)) {
    if (!itself) copy_values(self, source);
    self.changed();
    return self;
  }
  Tensor values = empty_for(self.sizes(), self.dtype(), source);
  copy_values(values, source);
  if (is_floating(self.dtype()))
    record(elementwise("CopyBackwards"), {value_before(self), source}, values, {},
           [](Backward& b, const Tensor& g) {
             Grads grads(2);
             if (b.needs(0)) grads[0] = zeros(b.output_sizes(0), g.dtype());
             grads[1] = g;
             return grads;
           });
  assign(self, values, Tensor());
  return self;
}

Tensor& fill_(Tensor& self, const Scalar& value) {
  return overwrite(self, "fill_", "FillBackward2", [&](const Tensor& x) { fill_values(x, value); });
}

Tensor& fill_(Tensor& self, const Tensor& value) {
  check(value.dim() == 0, "fill_ only supports 0-dimension value tensor but got tensor with ", value.dim(),
        " dimensions.");
  if (!needs_grad(self, value))
    return overwrite(self, "fill_", "", [&](const Tensor& x) { copy_values(x, value); });
  return in_place(self, "fill_", [&](const Tensor& before) {
    Tensor y = empty_like(self, self.dtype());
    copy_values(y, value);
    if (is_floating(self.dtype()))
      record("FillBackward3", {before, value}, y, {}, [](Backward& b, const Tensor& g) {
        Grads grads(2);
        if (b.needs(0)) grads[0] = zeros(b.output_sizes(0), g.dtype());
        if (b.needs(1)) grads[1] = sum(g, {});
        return grads;
      });
    return y;
  });
}

Tensor& zero_(Tensor& self) {
  return overwrite(self, "zero_", "ZeroBackward0", [](const Tensor& x) { fill_values(x, Scalar(0)); });
}

Tensor full(const Dims& sizes, const Scalar& value, DType dtype) {
  Tensor result = empty(sizes, dtype);
  fill_values(result, value);
  return result;
}

Tensor zeros(const Dims& sizes, DType dtype) {
  Tensor result = empty(sizes, dtype);
  if (result->storage->bytes() > 0)
    std::memset(result.raw(), 0, static_cast<std::size_t>(result->storage->bytes()));
  return result;
}

Tensor scalar_tensor(const Scalar& value, DType dtype) {
  return full({}, value, dtype);
}

// ---- what the layers below need of operations

namespace {

const bool installed = [] {
  engine_operations.add = [](const Tensor& a, const Tensor& b) { return add(a, b); };
  engine_operations.add_in_place = [](const Tensor& to, const Tensor& other) {
    const Tensor out = physical(to), value = physical(other, joint_batch({to}));
    add_into(out, out, overlap(out, value) ? clone_values(value) : value);
    to.changed();
  };
  engine_operations.sum_to = sum_to;
  engine_operations.cast = cast;
  engine_operations.clone = [](const Tensor& x) {
    // A gradient is laid out as plainly as possible: expanded or transposed ones become contiguous.
    return x.is_contiguous() ? clone(x) : contiguous(x);
  };
  engine_operations.has_nan = [](const Tensor& x) { return any_true(isnan(detach(x))); };
  engine_operations.expand = expand;
  engine_operations.sum_examples = sum_examples;
  engine_operations.spread = spread;
  view_operations.hide = hide_first;
  view_operations.show = show_first;
  view_operations.copy_values = copy_values;
  view_operations.clone_values = clone_values;
  view_operations.as_strided = [](const Tensor& x, const Window& w) {
    return as_strided(x, w.sizes, w.strides, w.offset);
  };
  view_operations.inside = [](const Tensor& g, const Window& base, const Window& window) {
    return transfer(g, base, window);
  };
  view_operations.outside = [](const Tensor& g, const Window& base, const Window& window) {
    const Tensor mask = transfer(full(window.sizes, Scalar(1), g.dtype()), window, base);
    return where(cast(mask, DType::boolean), 0, g);
  };
  return true;
}();

}  // namespace

}  // namespace penlight

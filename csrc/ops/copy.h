// Copies: between types, layouts and tensors.
#pragma once

#include "autograd/view.h"
#include "ops/layout.h"
#include "tensor/broadcast.h"
#include "tensor/promotion.h"

namespace penlight {

Tensor cast(const Tensor& x, DType dtype);  // x itself where it has the type
Tensor clone(const Tensor& x);
Tensor contiguous(const Tensor& x);                         // x itself where it is
Tensor clone_in_order(const Tensor& x, const Dims& order);  // whose dimensions lie so, outermost first
Tensor detach(const Tensor& x);
Tensor& copy_(Tensor& self, const Tensor& source);
Tensor& fill_(Tensor& self, const Scalar& value);
Tensor& fill_(Tensor& self, const Tensor& value);
Tensor& zero_(Tensor& self);

// Values without a record: to and from have compatible (broadcast) sizes, any types.
void copy_values(const Tensor& to, const Tensor& from);
void fill_values(const Tensor& to, const Scalar& value);
Tensor clone_values(const Tensor& x);
Tensor ordered(const Tensor& x);  // contiguous: x itself or a copy

Tensor full(const Dims& sizes, const Scalar& value, DType dtype);
Tensor zeros(const Dims& sizes, DType dtype);
Tensor scalar_tensor(const Scalar& value, DType dtype);

// The pattern of an operation in place: checks, the result out of place (recorded), then carried over.
// compute gets a tensor that stands for self and is not changed with it.
template <class Compute>
Tensor& in_place(Tensor& self, const char* name, Compute compute) {
  check_inplace(self, name);
  const Tensor stand_in = grad_mode.enabled ? value_before(self) : self;
  const Tensor result = compute(stand_in);
  check(result.sizes() == self.sizes(), "output with shape ", self.sizes(),
        " doesn't match the broadcast shape ", result.sizes());
  const DType from = result.dtype(), to = self.dtype();
  const auto kind = [](DType t) { return is_floating(t) ? 2 : t == DType::boolean ? 0 : 1; };
  check(kind(from) <= kind(to), "result type ", scalar_name(from),
        " can't be cast to the desired output type ", scalar_name(to));
  assign(self, cast(result, to), stand_in);
  return self;
}

// The in-place pattern of fills: fill(tensor) overwrites it. What was there before gets a gradient of zero.
template <class Fill>
Tensor& overwrite(Tensor& self, const char* name, const char* node, Fill fill) {
  if (needs_grad(self))
    return in_place(self, name, [&](const Tensor& before) {
      const Tensor y = empty_like(self, self.dtype());
      fill(y);
      record(node, before, y, {},
             [](Backward& b, const Tensor& g) { return Grads{zeros(b.output_sizes(0), g.dtype())}; });
      return y;
    });
  check_inplace(self, name);
  fill(self);
  self.changed();
  return self;
}

}  // namespace penlight

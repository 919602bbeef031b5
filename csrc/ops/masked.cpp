// Masks: filling, selecting, scattering, and the places that are not zero.
#include "kernels/indexing.h"
#include "ops/index.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "tensor/unlocked.h"

namespace penlight {

Tensor flat_nonzero(const Tensor& x) {
  const Tensor mask = contiguous(cast(detach(x), DType::boolean));
  const bool* flags = mask.data<bool>();
  const int64_t n = mask.numel();
  int64_t count;
  {
    const Unlocked unlocked(n);
    count = kernels::count_true(flags, n);
  }
  Tensor positions = empty({count}, DType::i64);
  int64_t* out = positions.data<int64_t>();
  const Unlocked unlocked(n);
  kernels::positions_true(flags, n, out);
  return positions;
}

Tensor nonzero(const Tensor& x) {
  const Tensor positions = flat_nonzero(x);
  Tensor out = empty({positions.numel(), x.dim()}, DType::i64);
  kernels::unravel(positions.data<int64_t>(), positions.numel(), x.sizes().data(), x.dim(),
                   out.data<int64_t>());
  return out;
}

Tensor masked_fill(const Tensor& self, const Tensor& mask, const Operand& value) {
  check(mask.dtype() == DType::boolean, "masked_fill_ only supports boolean masks, but got mask with dtype ",
        scalar_name(mask.dtype()));
  check(!value.is_tensor() || value.tensor().dim() == 0,
        "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
        value.is_tensor() ? value.tensor().dim() : 0, " dimension(s).");
  const Tensor given = value.is_tensor() ? value.tensor() : Tensor();
  const Tensor element =
      given.defined() ? cast(detach(given), self.dtype()) : scalar_tensor(value.scalar(), self.dtype());
  const Tensor flags = detach(mask);
  Tensor y = where(flags, element, detach(self));
  if (needs_grad(self, given))
    record(given.defined() ? "MaskedFillBackward1" : "MaskedFillBackward0", {self, given}, y,
           kept(keep("mask", flags)), [sizes = self.sizes()](Backward& b, const Tensor& g) {
             Grads grads(2);
             if (b.needs(0)) grads[0] = sum_to(masked_fill(g, b.saved(0), 0), sizes);
             if (b.needs(1)) grads[1] = sum(where(b.saved(0), g, 0));
             return grads;
           });
  return y;
}

namespace {

// A row of zeros with the elements of list at positions, in the given sizes.
Tensor scatter_row(const Dims& sizes, const Tensor& positions, const Tensor& list) {
  return reshape(index_put(zeros({checked_numel(sizes)}, list.dtype()), {positions}, list), sizes);
}

}  // namespace

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  check(mask.dtype() == DType::boolean, "masked_select: expected BoolTensor for mask");
  const Dims sizes = broadcast_shapes(x.sizes(), mask.sizes());
  const Tensor positions = flat_nonzero(expand(detach(mask), sizes));
  Tensor y = index(reshape(expand(detach(x), sizes), {-1}), {positions});
  if (needs_grad(x))
    record("MaskedSelectBackward0", x, y, kept(keep("mask", detach(mask))),
           [sizes, own = x.sizes()](Backward& b, const Tensor& g) {
             const Tensor positions = flat_nonzero(expand(b.saved(0), sizes));
             return Grads{sum_to(scatter_row(sizes, positions, g), own)};
           });
  return y;
}

Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source) {
  check(self.dtype() == source.dtype(),
        "masked_scatter: expected self and source to have same dtypes but got ", scalar_name(self.dtype()),
        " and ", scalar_name(source.dtype()));
  check(mask.dtype() == DType::boolean,
        "masked_scatter_ only supports boolean masks, but got mask with dtype ", scalar_name(mask.dtype()));
  const Dims sizes = broadcast_shapes(self.sizes(), mask.sizes());
  const Tensor flags = expand(detach(mask), sizes), positions = flat_nonzero(flags);
  const int64_t count = positions.numel();
  check(source.numel() >= count, "Number of elements of source < number of ones in mask");
  const Tensor row = contiguous(expand(detach(self), sizes)), list = reshape(detach(source), {-1});
  Tensor y = reshape(index_put(reshape(row, {-1}), {positions}, narrow(list, 0, 0, count)), sizes);
  y = clone_values(y);
  if (needs_grad(self, source))
    record("MaskedScatterBackward0", {self, source}, y, kept(keep("mask", flags)),
           [own = self.sizes(), from = source.sizes()](Backward& b, const Tensor& g) {
             Grads grads(2);
             const Tensor flags = b.saved(0);
             if (b.needs(0)) grads[0] = sum_to(masked_fill(g, flags, 0), own);
             if (b.needs(1)) {
               const Tensor list = masked_select(g, flags);
               grads[1] = reshape(constant_pad(list, {0, checked_numel(from) - list.numel()}, 0), from);
             }
             return grads;
           });
  return y;
}

}  // namespace penlight

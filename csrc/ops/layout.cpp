#include "ops/layout.h"

#include <algorithm>

#include "ops/vmap.h"
#include "tensor/broadcast.h"

namespace penlight {

namespace {

// 1 where the first operand that tells two dimensions apart has a outside b, -1 where inside, 0 where none
// does. An operand that is repeated along one of them does not tell. At equal strides the longer one is
// outside.
int outside(std::size_t a, std::size_t b, const Dims& sizes, const SmallVec<Dims, 3>& operands) {
  for (const Dims& strides : operands) {
    if (strides[a] == 0 || strides[b] == 0) continue;
    if (strides[a] != strides[b]) return strides[a] > strides[b] ? 1 : -1;
    if (sizes[a] > sizes[b]) return 1;
  }
  return 0;
}

// Strides of a dense tensor whose dimensions are ordered by the operands. Results of PyTorch's elementwise
// operations have them: its TensorIterator sorts the dimensions so, to walk through memory.
Dims ordered_strides(const Dims& sizes, const SmallVec<Dims, 3>& operands) {
  SmallVec<std::size_t, 4> order;  // innermost first
  for (std::size_t d = sizes.size(); d-- > 0;) {
    order.push_back(d);
    std::size_t place = order.size() - 1;
    for (std::size_t i = place; i-- > 0;) {
      const int found = outside(order[i], order[place], sizes, operands);
      if (found < 0) break;
      if (found == 0) continue;
      std::swap(order[i], order[place]);
      place = i;
    }
  }
  Dims strides(sizes.size());
  int64_t stride = 1;
  for (std::size_t d : order) {
    strides[d] = stride;
    stride *= std::max<int64_t>(sizes[d], 1);
  }
  return strides;
}

}  // namespace

Tensor empty_in_order(const Dims& sizes, const Dims& order, DType dtype) {
  Tensor result = empty(sizes, dtype);
  int64_t stride = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    const auto d = static_cast<std::size_t>(order[i]);
    result->strides[d] = stride;
    stride *= std::max<int64_t>(sizes[d], 1);
  }
  return result;
}

Tensor empty_like(const Tensor& x, DType dtype) {
  if (x.batched()) [[unlikely]]
    return empty_batched(x.sizes(), dtype, x->transforms->batch);
  return empty_like(x.sizes(), {&x}, dtype);
}

Tensor empty_with_strides_of(const Tensor& x, DType dtype) {
  Tensor result = empty_like(x, dtype);
  if (!x.batched() && is_dense(x)) result->strides = x.strides();
  return result;
}

Tensor empty_like(const Dims& sizes, std::initializer_list<const Tensor*> operands, DType dtype) {
  Tensor result = empty(sizes, dtype);
  const Tensor& first = **operands.begin();
  bool contiguous = true, alike = first.sizes() == sizes;
  for (const Tensor* x : operands) {
    contiguous = contiguous && x->sizes() == sizes && x->is_contiguous();
    alike = alike && x->sizes() == sizes && x->strides() == first.strides();
  }
  if (contiguous || sizes.size() < 2) return result;
  if (alike && is_dense(first)) {
    result->strides = first.strides();
    return result;
  }
  SmallVec<Dims, 3> strides;
  for (const Tensor* x : operands) strides.push_back(broadcast_strides(*x, sizes));
  result->strides = ordered_strides(sizes, strides);
  return result;
}

}  // namespace penlight

#include "ops/vmap.h"

#include "autograd/view.h"
#include "ops/reduce.h"
#include "ops/shape.h"

namespace penlight {

Tensor hide_dim(const Tensor& x, int64_t dim, uint64_t level) {
  const auto d = static_cast<std::size_t>(dim);
  Dims sizes = x.sizes(), strides = x.strides();
  const int64_t size = sizes[d], stride = strides[d];
  sizes.erase(d);
  strides.erase(d);
  Tensor y = alias(x, sizes, strides, x->offset);
  if (!y->transforms) y->transforms = std::make_unique<Transforms>();
  BatchDims& batch = y->transforms->batch;
  std::size_t at = 0;
  while (at < batch.levels.size() && batch.levels[at] < level) ++at;
  batch.levels.insert(at, level);
  batch.sizes.insert(at, size);
  batch.strides.insert(at, stride);
  mark_view(y, x);  // a change in place reaches x
  if (needs_grad(x))
    record(linear("HideDimBackward0", [&](const Tensor& t) { return hide_dim(t, dim, level); }), x, y, {},
           [dim, level, size](Backward&, const Tensor& g) { return Grads{show_dim(g, dim, level, size)}; });
  return y;
}

Tensor hide_first(const Tensor& x, const BatchDims& hidden) {
  Tensor y = x;
  for (uint64_t level : hidden.levels) y = hide_dim(y, 0, level);
  return y;
}

Tensor show_first(const Tensor& x, const BatchDims& hidden) {
  Tensor y = x;
  for (std::size_t i = hidden.levels.size(); i-- > 0;) y = show_dim(y, 0, hidden.levels[i], hidden.sizes[i]);
  return y;
}

Tensor show_dim(const Tensor& x, int64_t dim, uint64_t level, int64_t size) {
  std::size_t at = 0;
  const std::size_t count = x.batched() ? x->transforms->batch.levels.size() : 0;
  while (at < count && x->transforms->batch.levels[at] != level) ++at;
  if (at == count) {
    Dims sizes = x.sizes();
    sizes.insert(static_cast<std::size_t>(dim), size);
    return expand(unsqueeze(x, dim), sizes);
  }
  const BatchDims& batch = x->transforms->batch;
  Dims sizes = x.sizes(), strides = x.strides();
  sizes.insert(static_cast<std::size_t>(dim), batch.sizes[at]);
  strides.insert(static_cast<std::size_t>(dim), batch.strides[at]);
  Tensor y = alias(x, sizes, strides, x->offset);
  BatchDims& rest = y->transforms->batch;
  rest.levels.erase(at);
  rest.sizes.erase(at);
  rest.strides.erase(at);
  if (needs_grad(x))
    record(linear("ShowDimBackward0", [&](const Tensor& t) { return show_dim(t, dim, level, size); }), x, y,
           {}, [dim, level](Backward&, const Tensor& g) { return Grads{hide_dim(g, dim, level)}; });
  return y;
}

Tensor sum_examples(const Tensor& x, const SmallVec<uint64_t, 2>& levels) {
  const BatchDims& all = x->transforms->batch;
  BatchDims rest;
  Dims summed;
  for (std::size_t i = 0; i < all.levels.size(); ++i) {
    bool gone = false;
    for (uint64_t level : levels) gone |= level == all.levels[i];
    if (gone) {
      summed.push_back(static_cast<int64_t>(i));
    } else {
      rest.levels.push_back(all.levels[i]);
      rest.sizes.push_back(all.sizes[i]);
    }
  }
  Tensor y = sum(physical(x), summed);
  if (!rest.empty()) y = hide(y, rest);
  if (needs_grad(x))
    record(linear("SumExamplesBackward0",
                  [&](const Tensor& t) { return sum_examples(spread_for(t, x), levels); }),
           x, y, {}, [](Backward&, const Tensor& g) { return Grads{g}; });
  return y;
}

Tensor spread(const Tensor& x, const BatchDims& batch) {
  Tensor y = hide(physical(x, batch), batch);
  if (needs_grad(x))
    record(linear("SpreadBackward0", [&](const Tensor& t) { return spread(t, batch); }), x, y, {},
           [](Backward&, const Tensor& g) { return Grads{g}; });
  return y;
}

bool any_true(const Tensor& x) {
  const Tensor found = any(physical(detach(x)));
  return *found.data<bool>();
}

Tensor full_for(const Dims& sizes, const Scalar& value, DType dtype, const BatchDims& batch) {
  Tensor result = empty_batched(sizes, dtype, batch);
  fill_values(result, value);
  return result;
}

Tensor fold_examples(const Tensor& x, const BatchDims& batch, int64_t folded) {
  const Unrecorded unrecorded;
  const Tensor all = physical(x, batch);
  const auto n = batch.levels.size() + static_cast<std::size_t>(folded);
  Dims sizes{1};
  for (std::size_t d = 0; d < all.sizes().size(); ++d)
    if (d < n)
      sizes[0] *= all.sizes()[d];
    else
      sizes.push_back(all.sizes()[d]);
  return reshape(all, sizes);
}

}  // namespace penlight

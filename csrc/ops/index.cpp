// Advanced indexing. Reading and adding are each other's transposes, which gives every derivative.
#include "ops/index.h"

#include "ops/index_places.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"

namespace penlight {

namespace {

Kept keep_all(const Indices& indices) {
  Kept list;
  for (const Tensor& index : indices) list.emplace_back(keep("indices", index));
  return list;
}

Indices kept_indices(Backward& b, std::size_t count) {
  Indices indices;
  for (std::size_t i = 0; i < count; ++i) indices.push_back(b.saved(i));
  return indices;
}

void put_values(const Tensor& out, const Indices& indices, const Tensor& values, bool accumulate) {
  const kernels::Join join = accumulate ? kernels::Join::add : kernels::Join::set;
  if (values.batched() || any_index_batched(indices)) [[unlikely]]
    return join_examples(out, indices, values, join);
  const Places places = places_of(out, indices);
  join_places(out, places, expand_values(values, places), join);
}

const Tensor& checked_values(const Tensor& self, const Tensor& values) {
  check(self.dtype() == values.dtype(), "Index put requires the source and destination dtypes match, got ",
        scalar_name(self.dtype()), " for the destination and ", scalar_name(values.dtype()),
        " for the source.");
  return values;
}

// Puts values into out, a fresh copy of self's values, and records that.
Tensor put_into(const Tensor& out, const Tensor& self, const Indices& indices, const Tensor& values,
                bool accumulate) {
  const Indices expanded = expand_masks(self, indices);
  put_values(out, expanded, checked_values(self, values), accumulate);
  if (needs_grad(self, values))
    record(
        "IndexPutBackward0", {self, values}, out, keep_all(expanded),
        [accumulate, count = expanded.size(), sizes = values.sizes(), dtype = values.dtype()](
            Backward& b, const Tensor& g) {
          const Indices indices = kept_indices(b, count);
          Grads grads(2);
          if (b.needs(0)) grads[0] = accumulate ? g : index_put(g, indices, zeros({}, dtype));
          if (b.needs(1)) {
            Dims trimmed = sizes;  // more leading dimensions of size 1 than the list has
            const Tensor list = index(g, indices);
            while (static_cast<int64_t>(trimmed.size()) > list.dim() && trimmed[0] == 1) trimmed.erase(0);
            grads[1] = reshape(sum_to(list, trimmed), sizes);
          }
          return grads;
        },
        [accumulate] { return Notes{{"accumulate", accumulate}}; });
  return out;
}

}  // namespace

Tensor index(const Tensor& x, const Indices& indices) {
  const Indices expanded = expand_masks(x, indices);
  Tensor y = take_all(x, expanded);
  if (needs_grad(x))
    record(linear("IndexBackward0", [&](const Tensor& t) { return index(t, expanded); }), x, y,
           keep_all(expanded), [sizes = x.sizes(), count = expanded.size()](Backward& b, const Tensor& g) {
             const Indices indices = kept_indices(b, count);
             const Tensor out = clone_values(room_for(zeros(sizes, g.dtype()), indices, g));
             return Grads{put_into(out, detach(out), indices, g, true)};
           });
  return y;
}

Tensor index_put(const Tensor& self, const Indices& indices, const Tensor& values, bool accumulate) {
  return put_into(clone_values(room_for(detach(self), indices, values)), self, indices, values, accumulate);
}

Tensor& index_put_(Tensor& self, const Indices& indices, const Tensor& values, bool accumulate) {
  check_count(self, indices.size());
  refuse_overlap(self, values, true);
  for (const Tensor& index : indices)
    if (index.defined()) refuse_overlap(self, index, true);
  if (needs_grad(self, values))
    return in_place(self, "index_put_",
                    [&](const Tensor& x) { return index_put(x, indices, values, accumulate); });
  check_inplace(self, "index_put_");
  put_values(self, expand_masks(self, indices), checked_values(self, values), accumulate);
  self.changed();
  return self;
}

Tensor take(const Tensor& x, const Tensor& index) {
  check(index.dtype() == DType::i64, "take(): Expected a long tensor for index, but got ",
        scalar_name(index.dtype()));
  const Tensor where_to = contiguous(detach(index));
  const int64_t count = x.numel();
  check<IndexError>(count > 0 || where_to.numel() == 0, "take(): tried to take from an empty tensor");
  const Tensor all = contiguous(physical(where_to));
  const int64_t bad = kernels::first_bad(all.data<int64_t>(), all.numel(), count, true);
  check<IndexError>(bad < 0, "out of range: tried to access index ", bad < 0 ? 0 : all.data<int64_t>()[bad],
                    " on a tensor of ", count, " elements.");
  const Tensor row = reshape(detach(x), {count});
  Tensor y = take_all(row, {where_to});
  if (needs_grad(x))
    record(linear("TakeBackward0", [&](const Tensor& t) { return take(t, where_to); }), x, y,
           kept(keep("index", where_to)), [sizes = x.sizes()](Backward& b, const Tensor& g) {
             const Indices indices{b.saved(0)};
             const Tensor out = clone_values(room_for(zeros({checked_numel(sizes)}, g.dtype()), indices, g));
             return Grads{reshape(put_into(out, detach(out), indices, g, true), sizes)};
           });
  return y;
}

}  // namespace penlight

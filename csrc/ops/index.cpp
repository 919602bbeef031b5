// Advanced indexing, and indexing along one dimension by a vector. Both come down to a list of blocks of a
// table (kernels::Blocks): reading makes the list, writing sets or adds its elements in the table. Reading
// and adding are each other's transposes, which gives every derivative.
#include "ops/index.h"

#include "kernels/indexing.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/unlocked.h"

namespace penlight {

namespace {

// Where indices point in a table, and the shape of the list: dimensions before the indexed ones, the indices'
// shape, and the rest.
struct Places {
  Tensor offsets;       // one for each block, in the table
  Dims index_sizes;     // the indices' shape
  int64_t before = 0;   // how many of the other dimensions come first
  Dims sizes, strides;  // of the other dimensions, in the table
  Dims list_sizes() const {
    Dims all(sizes.begin(), sizes.begin() + before);
    all.append(index_sizes.begin(), index_sizes.end());
    all.append(sizes.begin() + before, sizes.end());
    return all;
  }
  int64_t block_elements() const {
    int64_t count = 1;
    for (int64_t size : sizes) count *= size;
    return count;
  }
};

// The other dimensions of a table whose dimensions [first, first + indexed) are indexed.
void set_other_dims(Places& places, const Tensor& table, int64_t first, int64_t indexed) {
  places.before = first;
  for (int64_t d = 0; d < table.dim(); ++d) {
    if (d >= first && d < first + indexed) continue;
    places.sizes.push_back(table.size(d));
    places.strides.push_back(table.stride(d));
  }
}

Places places_along(const Tensor& table, int64_t dim, const Tensor& index) {
  Places places;
  places.index_sizes = {index.numel()};
  if (table.dim() == 0) places.index_sizes = {};  // a number has one place, and the list is a number
  set_other_dims(places, table, dim, 1);
  places.offsets = empty({index.numel()}, DType::i64);
  const int64_t* indices[1] = {index.data<int64_t>()};
  const int64_t size = table.dim() ? table.size(dim) : 1, stride = table.dim() ? table.stride(dim) : 0;
  int64_t bad_operand;
  const int64_t bad = kernels::linear_offsets(index.numel(), 1, indices, &size, &stride,
                                              places.offsets.data<int64_t>(), &bad_operand);
  check<IndexError>(bad < 0, "index ", bad < 0 ? 0 : indices[0][bad], " is out of bounds for dimension ", dim,
                    " with size ", size);
  return places;
}

void check_count(const Tensor& x, std::size_t indices) {
  check<IndexError>(static_cast<int64_t>(indices) <= x.dim(), "too many indices for tensor of dimension ",
                    x.dim());
}

// Masks become the indices of their true elements; the rest is checked.
Indices expand_masks(const Tensor& x, const Indices& indices) {
  Indices expanded;
  for (const Tensor& index : indices) {
    const auto at = static_cast<int64_t>(expanded.size());
    if (!index.defined()) {
      expanded.emplace_back();
    } else if (index.dtype() == DType::boolean || index.dtype() == DType::u8) {
      for (int64_t d = 0; d < index.dim(); ++d)
        check<IndexError>(at + d < x.dim() && index.size(d) == x.size(at + d), "The shape of the mask ",
                          index.sizes(), " at index ", d, " does not match the shape of the indexed tensor ",
                          x.sizes(), " at index ", at + d);
      const Tensor found = nonzero(detach(index));
      for (int64_t d = 0; d < index.dim(); ++d) expanded.push_back(contiguous(select(found, 1, d)));
    } else {
      expanded.push_back(
          index_values<IndexError>(index, "tensors used as indices must be long, int, byte or bool tensors"));
    }
  }
  check_count(x, expanded.size());
  return expanded;
}

// Where expanded indices point in a table.
Places places_of(const Tensor& table, const Indices& indices) {
  Places places;
  std::string shapes;
  std::vector<int64_t> dims;
  for (std::size_t d = 0; d < indices.size(); ++d) {
    if (!indices[d].defined()) continue;
    dims.push_back(static_cast<int64_t>(d));
    shapes += (shapes.empty() ? "" : ", ") + text(indices[d].sizes());
  }
  for (const int64_t d : dims) {
    const Dims& sizes = indices[static_cast<std::size_t>(d)].sizes();
    try {
      places.index_sizes = broadcast_shapes(places.index_sizes, sizes);
    } catch (const RuntimeError&) {
      fail<IndexError>("shape mismatch: indexing tensors could not be broadcast together with shapes ",
                       shapes);
    }
  }
  std::vector<Tensor> broadcast;
  std::vector<const int64_t*> pointers;
  Dims sizes, strides;
  for (const int64_t d : dims) {
    broadcast.push_back(contiguous(expand(indices[static_cast<std::size_t>(d)], places.index_sizes)));
    pointers.push_back(broadcast.back().data<int64_t>());
    sizes.push_back(table.size(d));
    strides.push_back(table.stride(d));
  }
  // Indexed dimensions next to each other keep their place, others move to the front.
  const bool together = !dims.empty() && dims.back() - dims.front() + 1 == static_cast<int64_t>(dims.size());
  if (together) {
    set_other_dims(places, table, dims.front(), static_cast<int64_t>(dims.size()));
  } else {
    for (int64_t d = 0; d < table.dim(); ++d) {
      if (d < static_cast<int64_t>(indices.size()) && indices[static_cast<std::size_t>(d)].defined())
        continue;
      places.sizes.push_back(table.size(d));
      places.strides.push_back(table.stride(d));
    }
  }
  const int64_t count = checked_numel(places.index_sizes);
  checked_numel(places.list_sizes());
  places.offsets = empty({count}, DType::i64);
  int64_t k = 0;
  const int64_t bad =
      kernels::linear_offsets(count, static_cast<int64_t>(dims.size()), pointers.data(), sizes.data(),
                              strides.data(), places.offsets.data<int64_t>(), &k);
  if (bad >= 0)
    fail<IndexError>("index ", pointers[static_cast<std::size_t>(k)][bad], " is out of bounds for dimension ",
                     dims[static_cast<std::size_t>(k)], " with size ", sizes[static_cast<std::size_t>(k)]);
  return places;
}

// ---- indices that differ between the examples of vmap

BatchDims joint_batch_of(const Tensor& table, const Indices& indices) {
  Tensors all{table};
  for (const Tensor& index : indices) all.push_back(index);
  return joint_batch(all);
}

// The places of all examples in one list, where the examples' dimensions come right before the indices' own;
// counted from the table's first example.
Places places_of_examples(const Tensor& table, const Indices& indices, const BatchDims& batch) {
  int64_t rank = 0;
  for (const Tensor& index : indices)
    if (index.defined()) rank = std::max(rank, index.dim());
  Indices all;
  for (const Tensor& index : indices) all.push_back(index.defined() ? physical(index, batch, rank) : index);
  const auto levels = batch.levels.size();
  Places places = places_of(example(table, batch, Dims(levels, 0)), all);
  int64_t* offset = places.offsets.data<int64_t>();
  const int64_t each = places.offsets.numel() / std::max<int64_t>(examples(batch), 1);
  const Dims steps = physical(table, batch).strides();
  for_examples(batch, [&](const Dims& place) {
    int64_t start = 0;
    for (std::size_t l = 0; l < levels; ++l) start += place[l] * steps[l];
    for (int64_t i = 0; i < each; ++i) *offset++ += start;
  });
  return places;
}

// A list with its dimensions [from, from + count) moved to begin at `to`.
Tensor moved(const Tensor& list, int64_t from, std::size_t count, int64_t to) {
  Dims sizes = list.sizes(), strides = list.strides();
  for (Dims* dims : {&sizes, &strides}) {
    const Dims part(dims->begin() + from, dims->begin() + from + static_cast<int64_t>(count));
    for (std::size_t i = 0; i < count; ++i) dims->erase(static_cast<std::size_t>(from));
    for (std::size_t i = 0; i < count; ++i) dims->insert(static_cast<std::size_t>(to) + i, part[i]);
  }
  return alias(list, sizes, strides, list->offset);
}

// Calls body with the kernels' form of places, for a list that is contiguous or one element for all.
template <class Body>
void with_blocks(const Places& places, bool one_element, Body body) {
  Dims list_strides(places.sizes.size());
  int64_t step = 1;
  const int64_t count = places.offsets.numel();
  int64_t list_step = 0;
  for (std::size_t d = places.sizes.size() + 1; d-- > 0;) {
    if (static_cast<int64_t>(d) == places.before) {
      list_step = step;
      step *= count;
    }
    if (d == 0) break;
    list_strides[d - 1] = step;
    step *= places.sizes[d - 1];
  }
  if (one_element) {
    list_step = 0;
    list_strides = Dims(places.sizes.size(), 0);
  }
  const kernels::Blocks blocks{count,
                               places.offsets.data<int64_t>(),
                               list_step,
                               places.before,
                               static_cast<int64_t>(places.sizes.size()),
                               places.sizes.data(),
                               places.strides.data(),
                               list_strides.data()};
  const Unlocked unlocked(count * places.block_elements());
  body(blocks);
}

// Places in a table with hidden dimensions, seen as dimensions before the others.
Places physical_places(const Places& places, const BatchDims& batch) {
  Places all = places;
  all.sizes = batch.sizes;
  all.sizes.append(places.sizes.begin(), places.sizes.end());
  all.strides = batch.strides;
  all.strides.append(places.strides.begin(), places.strides.end());
  all.before += static_cast<int64_t>(batch.levels.size());
  return all;
}

bool any_index_batched(const Indices& indices) {
  for (const Tensor& index : indices)
    if (index.batched()) return true;
  return false;
}

Tensor take_places(const Tensor& table, const Places& places) {
  if (table.batched()) [[unlikely]] {
    const BatchDims& batch = table->transforms->batch;
    return hide(take_places(physical(table), physical_places(places, batch)), batch);
  }
  Tensor list = empty(places.list_sizes(), table.dtype());
  const void* from = table.raw();
  void* to = list.raw();
  with_blocks(places, false, [&](const kernels::Blocks& blocks) {
    kernels::take_blocks(itemsize(table.dtype()), from, blocks, to);
  });
  return list;
}

// list has the places' sizes, or one element.
void join_places(const Tensor& table, const Places& places, const Tensor& list, kernels::Join join) {
  if (any_batched(table, list)) [[unlikely]] {
    const BatchDims batch = joint_batch({table});
    const Dims sizes = places.list_sizes();
    const Tensor whole =
        list.numel() == 1 ? expand(reshape(detach(list), {}), sizes) : reshape(detach(list), sizes);
    const Tensor values = contiguous(physical(whole, batch));
    if (batch.empty()) return join_places(table, places, values, join);
    return join_places(physical(table), physical_places(places, table->transforms->batch), values, join);
  }
  const bool one_element = list.numel() == 1 && table.numel() != 0;
  Tensor values = detach(list);
  if (values->storage->data() == table->storage->data()) values = clone_values(values);
  if (!one_element) values = contiguous(values);
  const void* from = values.raw();
  void* to = table.raw();
  with_blocks(places, one_element, [&](const kernels::Blocks& blocks) {
    if (join == kernels::Join::set)
      kernels::put_blocks(itemsize(table.dtype()), to, blocks, from);
    else
      kernels::join_blocks(table.dtype(), join, to, blocks, from);
  });
}

// values broadcast to the list of places; the gradient goes back by sum_to.
Tensor expand_values(const Tensor& values, const Places& places) {
  const Dims sizes = places.list_sizes();
  if (values.numel() == 1) return values;
  // Leading dimensions of size 1 are no obstacle.
  Tensor trimmed = detach(values);
  while (trimmed.dim() > static_cast<int64_t>(sizes.size()) && trimmed.size(0) == 1)
    trimmed = select(trimmed, 0, 0);
  bool fits = trimmed.dim() <= static_cast<int64_t>(sizes.size());
  for (int64_t d = 1; fits && d <= trimmed.dim(); ++d) {
    const int64_t have = trimmed.size(trimmed.dim() - d),
                  want = sizes[sizes.size() - static_cast<std::size_t>(d)];
    fits = have == want || have == 1;
  }
  check(fits, "shape mismatch: value tensor of shape ", values.sizes(),
        " cannot be broadcast to indexing result of shape ", sizes);
  return contiguous(expand(trimmed, sizes));
}

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

// Joins values, which broadcast to the indices' list, into a table that has room for what differs between
// examples.
void join_examples(const Tensor& table, const Indices& indices, const Tensor& values, kernels::Join join) {
  const BatchDims batch = joint_batch({table});
  const Places places = places_of_examples(table, indices, batch);
  const std::size_t levels = batch.levels.size();
  Places one = places;  // as one example sees them
  one.index_sizes = Dims(places.index_sizes.begin() + static_cast<int64_t>(levels), places.index_sizes.end());
  const Tensor list = values.numel() == 1 ? expand(reshape(detach(values), {}), one.list_sizes())
                                          : expand_values(values, one);
  const Tensor first = example(table, batch, Dims(levels, 0));
  if (places.offsets.numel() > 0 && first.numel() > 0)
    join_places(first, places, contiguous(moved(physical(list, batch), 0, levels, places.before)), join);
}

void put_values(const Tensor& out, const Indices& indices, const Tensor& values, bool accumulate) {
  const kernels::Join join = accumulate ? kernels::Join::add : kernels::Join::set;
  if (values.batched() || any_index_batched(indices)) [[unlikely]]
    return join_examples(out, indices, values, join);
  const Places places = places_of(out, indices);
  join_places(out, places, expand_values(values, places), join);
}

// The indices of one dimension, by a vector.
Indices along(int64_t dim, const Tensor& index) {
  Indices indices(static_cast<std::size_t>(dim));
  indices.push_back(reshape(index, {index.numel()}));
  return indices;
}

const Tensor& checked_values(const Tensor& self, const Tensor& values) {
  check(self.dtype() == values.dtype(), "Index put requires the source and destination dtypes match, got ",
        scalar_name(self.dtype()), " for the destination and ", scalar_name(values.dtype()),
        " for the source.");
  return values;
}

// Room for values that may differ between examples.
Tensor room_for(const Tensor& self, const Indices& indices, const Tensor& values) {
  Tensors all{self, values};
  for (const Tensor& index : indices) all.push_back(index);
  const BatchDims batch = joint_batch(all);
  return batch.empty() ? self : spread(self, batch);
}

// Puts values into out, a fresh copy of self's values, and records that.
Tensor put_into(const Tensor& out, const Tensor& self, const Indices& indices, const Tensor& values,
                bool accumulate) {
  const Indices expanded = expand_masks(self, indices);
  put_values(out, expanded, checked_values(self, values), accumulate);
  if (needs_grad(self, values))
    record("IndexPutBackward0", {self, values}, out, keep_all(expanded),
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
           });
  return out;
}

Tensor vector_index(const Tensor& index, const char* name) {
  check<IndexError>(index.dim() <= 1, name, "(): Index is supposed to be a vector");
  return index_values(index, name, "(): Expected dtype int32 or int64 for index");
}

void check_no_negative(const Tensor& index, int64_t size) {
  const Tensor all = contiguous(physical(index));
  check<IndexError>(kernels::first_bad(all.data<int64_t>(), all.numel(), size, false) < 0,
                    "index out of range in self");
}

int64_t size_along(const Tensor& x, int64_t dim) {
  return x.dim() ? x.size(dim) : 1;
}

void join_along(const Tensor& table, int64_t dim, const Tensor& index, const Tensor& list,
                kernels::Join join) {
  if (index.batched()) [[unlikely]] {
    if (table.dim() > 0) return join_examples(table, along(dim, index), list, join);
    const Tensor row = alias(table, {1}, {1}, table->offset);
    return join_examples(row, along(0, index), list, join);
  }
  Places places = places_along(table, dim, index);
  if (table.dim() == 0 && index.dim() > 0) places.index_sizes = {index.numel()};
  if (index.numel() > 0 && table.numel() > 0) join_places(table, places, list, join);
}

// zeros with `list` added at index along dim: the transpose of index_select.
Tensor add_to_zeros(const Dims& sizes, int64_t dim, const Tensor& index, const Tensor& list) {
  Tensor out = full_for(sizes, Scalar(0), list.dtype(), joint_batch({index, list}));
  join_along(out, dim, index, list, kernels::Join::add);
  if (needs_grad(list))
    record("IndexAddBackward0", list, out, kept(keep("index", index)),
           [dim](Backward& b, const Tensor& g) { return Grads{index_select(g, dim, b.saved(0))}; });
  return out;
}

}  // namespace

namespace {

// Unrecorded.
Tensor take_all(const Tensor& x, const Indices& indices) {
  if (!any_index_batched(indices)) [[likely]]
    return take_places(x, places_of(x, indices));
  const BatchDims batch = joint_batch_of(x, indices);
  const std::size_t levels = batch.levels.size();
  const Places places = places_of_examples(x, indices, batch);
  const Tensor list = take_places(example(x, batch, Dims(levels, 0)), places);
  return hide(moved(list, places.before, levels, 0), batch);
}

// The same along one dimension.
Tensor take_along(const Tensor& x, int64_t dim, const Tensor& index) {
  if (!index.batched()) [[likely]]
    return take_places(x, places_along(x, dim, index));
  if (x.dim() > 0) return take_all(x, along(dim, index));
  const Tensor number = take_all(alias(x, {1}, {1}, x->offset), along(0, index));
  return alias(number, {}, {}, number->offset);
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

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  dim = wrap_dim(dim, x.dim());
  const Tensor where_to = vector_index(index, "index_select");
  check(x.dim() > 0 || where_to.numel() == 1, "index_select(): Index to scalar can have only 1 value, got ",
        where_to.numel(), " value(s)");
  check(x.dim() <= 1 || size_along(x, dim) > 0 || where_to.numel() == 0,
        "index_select(): self indexing axis dim should be positive");
  check_no_negative(where_to, size_along(x, dim));
  Tensor y = take_along(x, dim, where_to);
  if (needs_grad(x))
    record(
        linear("IndexSelectBackward0", [&](const Tensor& t) { return index_select(t, dim, where_to); }), x, y,
        kept(keep("index", where_to)),
        [dim, sizes = x.sizes()](Backward& b, const Tensor& g) {
          return Grads{add_to_zeros(sizes, dim, b.saved(0), g)};
        },
        [dim] { return Notes{{"dim", dim}}; });
  return y;
}

Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha) {
  dim = wrap_dim(dim, self.dim());
  check<IndexError>(index.dim() <= 1,
                    "index_add_(): Index is supposed to be a vector, but got dim: ", index.dim(),
                    " with type: ", scalar_name(index.dtype()), " and size: ", index.sizes());
  const Tensor where_to = index_values(
      index, "index_add_(): Expected dtype int32/int64 for index but got: ", scalar_name(index.dtype()));
  check(self.dtype() == source.dtype(), "index_add_(): self (", scalar_name(self.dtype()), ") and source (",
        scalar_name(source.dtype()), ") must have the same scalar type");
  check(self.dim() == source.dim() || source.numel() == where_to.numel(),
        "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape "
        "= ",
        self.sizes(), " source.shape = ", source.sizes());
  check(where_to.numel() == (source.dim() ? size_along(source, std::min(dim, source.dim() - 1)) : 1),
        "index_add_(): Number of indices (", where_to.numel(), ") should be equal to source.size(dim): (",
        source.dim() ? size_along(source, std::min(dim, source.dim() - 1)) : 1, "), for dim: ", dim);
  for (int64_t d = 0; d < self.dim() && source.dim() == self.dim(); ++d)
    check(d == dim || self.size(d) == source.size(d),
          "source tensor shape must match self tensor shape, excluding the specified dimension. Got "
          "self.shape = ",
          self.sizes(), " source.shape = ", source.sizes());
  const Tensor all = contiguous(physical(where_to));
  const int64_t bad = kernels::first_bad(all.data<int64_t>(), all.numel(), size_along(self, dim), false);
  check(bad < 0, "index ", bad < 0 ? 0 : all.data<int64_t>()[bad], " is out of bounds for dimension ", dim,
        " with size ", size_along(self, dim));
  Tensor y = clone_values(spread_for(detach(self), where_to, source));
  const bool scaled = alpha.is_floating() || alpha.to_int() != 1;
  join_along(y, dim, where_to, scaled ? cast(mul(detach(source), alpha), y.dtype()) : source,
             kernels::Join::add);
  if (needs_grad(self, source))
    record("IndexAddBackward0", {self, source}, y, kept(keep("index", where_to)),
           [dim, alpha, scaled, sizes = source.sizes()](Backward& b, const Tensor& g) {
             Grads grads(2);
             if (b.needs(0)) grads[0] = g;
             if (b.needs(1)) {
               const Tensor list = g.dim() ? index_select(g, dim, b.saved(0)) : expand(g, sizes);
               grads[1] = reshape(scaled ? mul(list, alpha) : list, sizes);
             }
             return grads;
           });
  return y;
}

Tensor index_fill(const Tensor& self, int64_t dim, const Tensor& index, const Operand& value) {
  dim = wrap_dim(dim, self.dim());
  check<IndexError>(index.dtype() == DType::i64, "index_fill_(): Expected dtype int64 for index.");
  check(index.dim() <= 1, "Index has to be a vector/scalar");
  check(!value.is_tensor() || value.tensor().dim() == 0,
        "index_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
        value.is_tensor() ? value.tensor().dim() : 0, " dimension(s).");
  const Tensor where_to = contiguous(detach(index));
  Tensor y = clone_values(spread_for(detach(self), where_to, value.tensor()));
  const Tensor element = value.is_tensor() ? cast(detach(value.tensor()), self.dtype())
                                           : scalar_tensor(value.scalar(), self.dtype());
  join_along(y, dim, where_to, element, kernels::Join::set);
  const Tensor value_tensor = value.is_tensor() ? value.tensor() : Tensor();
  if (needs_grad(self, value_tensor))
    record(value.is_tensor() ? "IndexFillBackward1" : "IndexFillBackward0", {self, value_tensor}, y,
           kept(keep("index", where_to)), [dim](Backward& b, const Tensor& g) {
             Grads grads(2);
             const Tensor index = b.saved(0);
             if (b.needs(0)) grads[0] = index_fill(g, dim, index, 0);
             // Indices from the end: those below zero are moved up by the size.
             if (b.needs(1))
               grads[1] = sum(index_select(g, dim, remainder(index, Scalar(size_along(g, dim)))));
             return grads;
           });
  return y;
}

Tensor index_copy(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  dim = wrap_dim(dim, self.dim());
  check<IndexError>(index.dim() <= 1, "index_copy_(): Index should have dimension 1 or 0 (got ", index.dim(),
                    ")");
  check(index.dtype() == DType::i64, "index_copy_(): Expected a long tensor for index, but got ",
        scalar_name(index.dtype()));
  check(self.dtype() == source.dtype(),
        "index_copy_(): self and source expected to have the same dtype, but got (self) ",
        scalar_name(self.dtype()), " and (source) ", scalar_name(source.dtype()));
  const Tensor where_to = contiguous(detach(index));
  const int64_t lines = source.dim() ? size_along(source, std::min(dim, source.dim() - 1)) : 1;
  check<IndexError>(lines == where_to.numel(), "index_copy_(): Number of indices (", where_to.numel(),
                    ") should be equal to source.size(dim) (", lines, ")");
  bool same = source.dim() == self.dim() || source.numel() == 1;
  for (int64_t d = 0; d < self.dim() && source.dim() == self.dim(); ++d)
    same = same && (d == dim || self.size(d) == source.size(d));
  check<IndexError>(
      same, "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: ",
      self.sizes(), " at dimension ", dim, " and source slice shape: ", source.sizes(), " at dimension ", dim,
      ".");
  const Tensor all = contiguous(physical(where_to));
  const int64_t bad = kernels::first_bad(all.data<int64_t>(), all.numel(), size_along(self, dim), false);
  check<IndexError>(bad < 0, "index_copy_(): index ", bad < 0 ? 0 : all.data<int64_t>()[bad],
                    " is out of bounds for dimension ", dim, " with size ", size_along(self, dim));
  Tensor y = clone_values(spread_for(detach(self), where_to, source));
  join_along(y, dim, where_to, source, kernels::Join::set);
  if (needs_grad(self, source))
    record("IndexCopyBackward0", {self, source}, y, kept(keep("index", where_to)),
           [dim, sizes = source.sizes()](Backward& b, const Tensor& g) {
             Grads grads(2);
             if (b.needs(0)) grads[0] = index_fill(g, dim, b.saved(0), 0);
             if (b.needs(1)) grads[1] = sum_to(index_select(g, dim, b.saved(0)), sizes);
             return grads;
           });
  return y;
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

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx, bool scale_grad_by_freq) {
  check(weight.dim() == 2, "'weight' must be 2-D");
  const Tensor rows =
      index_values(indices,
                   "Expected tensor for argument #1 'indices' to have one of the following "
                   "scalar types: Long, Int; but got torch.",
                   scalar_name(indices.dtype()), "Tensor instead (while checking arguments for embedding)");
  check_no_negative(rows, weight.size(0));
  Tensor y;
  if (rows.batched() && !weight.batched()) {  // the examples' indices are more indices
    const Tensor all = physical(rows);
    y = hide(take_places(weight, places_of(weight, {all})), rows->transforms->batch);
  } else {
    y = take_all(weight, {rows});
  }
  if (needs_grad(weight))
    record(linear("EmbeddingBackward0", [&](const Tensor& t) { return embedding(t, rows, -1, false); }),
           weight, y, kept(keep("indices", rows)),
           [padding_idx, scale_grad_by_freq, sizes = weight.sizes()](Backward& b, const Tensor& g) {
             const Tensor rows = reshape(b.saved(0), {-1});
             Tensor grad = add_to_zeros(sizes, 0, rows, reshape(g, {rows.numel(), sizes[1]}));
             if (scale_grad_by_freq) {
               const Tensor ones = full({rows.numel(), 1}, 1, g.dtype());
               grad = div(grad, maximum(add_to_zeros({sizes[0], 1}, 0, rows, ones), 1));
             }
             if (padding_idx >= 0) grad = index_fill(grad, 0, scalar_tensor(padding_idx, DType::i64), 0);
             return Grads{grad};
           });
  return y;
}

}  // namespace penlight

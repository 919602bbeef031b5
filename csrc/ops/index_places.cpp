#include "ops/index_places.h"

#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/unlocked.h"

namespace penlight {

namespace {

// The other dimensions of a table whose dimensions [first, first + indexed) are indexed.
void set_other_dims(Places& places, const Tensor& table, int64_t first, int64_t indexed) {
  places.before = first;
  for (int64_t d = 0; d < table.dim(); ++d) {
    if (d >= first && d < first + indexed) continue;
    places.sizes.push_back(table.size(d));
    places.strides.push_back(table.stride(d));
  }
}

}  // namespace

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

bool any_index_batched(const Indices& indices) {
  for (const Tensor& index : indices)
    if (index.batched()) return true;
  return false;
}

namespace {

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

}  // namespace

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

Tensor take_all(const Tensor& x, const Indices& indices) {
  if (!any_index_batched(indices)) [[likely]]
    return take_places(x, places_of(x, indices));
  const BatchDims batch = joint_batch_of(x, indices);
  const std::size_t levels = batch.levels.size();
  const Places places = places_of_examples(x, indices, batch);
  const Tensor list = take_places(example(x, batch, Dims(levels, 0)), places);
  return hide(moved(list, places.before, levels, 0), batch);
}

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

Tensor room_for(const Tensor& self, const Indices& indices, const Tensor& values) {
  Tensors all{self, values};
  for (const Tensor& index : indices) all.push_back(index);
  const BatchDims batch = joint_batch(all);
  return batch.empty() ? self : spread(self, batch);
}

}  // namespace penlight

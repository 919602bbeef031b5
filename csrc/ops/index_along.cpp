// Indexing along one dimension by a vector: reading lines and adding them are each other's transposes.
#include "ops/index.h"

#include "ops/index_places.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"

namespace penlight {

namespace {

// The indices of one dimension, by a vector.
Indices along(int64_t dim, const Tensor& index) {
  Indices indices(static_cast<std::size_t>(dim));
  indices.push_back(reshape(index, {index.numel()}));
  return indices;
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

// The same along one dimension.
Tensor take_along(const Tensor& x, int64_t dim, const Tensor& index) {
  if (!index.batched()) [[likely]]
    return take_places(x, places_along(x, dim, index));
  if (x.dim() > 0) return take_all(x, along(dim, index));
  const Tensor number = take_all(alias(x, {1}, {1}, x->offset), along(0, index));
  return alias(number, {}, {}, number->offset);
}

}  // namespace

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
    record(
        "IndexAddBackward0", {self, source}, y, kept(keep("index", where_to)),
        [dim, alpha, scaled, sizes = source.sizes()](Backward& b, const Tensor& g) {
          Grads grads(2);
          if (b.needs(0)) grads[0] = g;
          if (b.needs(1)) {
            const Tensor list = g.dim() ? index_select(g, dim, b.saved(0)) : expand(g, sizes);
            grads[1] = reshape(scaled ? mul(list, alpha) : list, sizes);
          }
          return grads;
        },
        [dim, alpha] { return Notes{{"dim", dim}, {"alpha", alpha}}; });
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
    record(
        value.is_tensor() ? "IndexFillBackward1" : "IndexFillBackward0", {self, value_tensor}, y,
        kept(keep("index", where_to)),
        [dim](Backward& b, const Tensor& g) {
          Grads grads(2);
          const Tensor index = b.saved(0);
          if (b.needs(0)) grads[0] = index_fill(g, dim, index, 0);
          // Indices from the end: those below zero are moved up by the size.
          if (b.needs(1)) grads[1] = sum(index_select(g, dim, remainder(index, Scalar(size_along(g, dim)))));
          return grads;
        },
        [dim] { return Notes{{"dim", dim}}; });
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
    record(
        "IndexCopyBackward0", {self, source}, y, kept(keep("index", where_to)),
        [dim, sizes = source.sizes()](Backward& b, const Tensor& g) {
          Grads grads(2);
          if (b.needs(0)) grads[0] = index_fill(g, dim, b.saved(0), 0);
          if (b.needs(1)) grads[1] = sum_to(index_select(g, dim, b.saved(0)), sizes);
          return grads;
        },
        [dim] { return Notes{{"dim", dim}}; });
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

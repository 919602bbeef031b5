// gather and scatter: an index for each element, along a dimension.
#include "kernels/indexing.h"
#include "ops/index.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/unlocked.h"

namespace penlight {

namespace {

using kernels::Join;

// A number counts as a tensor of one dimension.
Dims at_least_1d(const Dims& dims, int64_t one) {
  return dims.empty() ? Dims{one} : dims;
}

// Calls body with the kernels' form of a gather from or scatter to table; list has at least the index's
// sizes.
template <class Body>
void with_lines(const Tensor& table, int64_t dim, const Tensor& index, const Tensor& list, Body body) {
  const auto without = [dim](Dims dims) {
    dims.erase(static_cast<std::size_t>(dim));
    return dims;
  };
  const auto at = static_cast<std::size_t>(dim);
  const Dims sizes = at_least_1d(index.sizes(), 1), index_strides = at_least_1d(index.strides(), 1),
             list_strides = at_least_1d(list.strides(), 1), table_strides = at_least_1d(table.strides(), 1);
  const Dims outer = without(sizes), a = without(index_strides), b = without(list_strides),
             c = without(table_strides);
  const kernels::Lines lines{static_cast<int64_t>(outer.size()),
                             outer.data(),
                             a.data(),
                             b.data(),
                             c.data(),
                             sizes[at],
                             index_strides[at],
                             list_strides[at],
                             table_strides[at]};
  const Unlocked unlocked(index.numel());
  body(lines);
}

void check_range(const Tensor& index, const Tensor& x, int64_t dim) {
  const int64_t size = x.dim() ? x.size(dim) : 1;
  const Tensor all = contiguous(physical(index));
  const int64_t bad = kernels::first_bad(all.data<int64_t>(), all.numel(), size, false);
  check(bad < 0, "index ", bad < 0 ? 0 : all.data<int64_t>()[bad], " is out of bounds for dimension ", dim,
        " with size ", size);
}

bool fits_apart_from(const Dims& index, const Dims& sizes, int64_t dim) {
  for (std::size_t d = 0; d < index.size(); ++d)
    if (static_cast<int64_t>(d) != dim && index[d] > sizes[d]) return false;
  return true;
}

// The index as contiguous int64, checked against self and (if given) source.
Tensor scatter_index(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  const Tensor places = index_values(index, "scatter(): Expected dtype int32/int64 for index");
  if (source.defined())
    check(self.dtype() == source.dtype(), "scatter(): Expected self.dtype to be equal to src.dtype");
  if (index.numel() == 0) return places;
  const Dims sizes = at_least_1d(index.sizes(), 1), whole = at_least_1d(self.sizes(), 1);
  check(sizes.size() == whole.size(), "Index tensor must have the same number of dimensions as self tensor");
  const bool fits_self = fits_apart_from(sizes, whole, dim);
  if (source.defined()) {
    const Dims given = at_least_1d(source.sizes(), 1);
    check(sizes.size() == given.size(), "Index tensor must have the same number of dimensions as src tensor");
    check(fits_self && fits_apart_from(sizes, given, -1), "Expected index ", index.sizes(),
          " to be no larger than self ", self.sizes(), " apart from dimension ", dim,
          " and to be no larger size than src ", source.sizes());
  } else {
    check(fits_self, "Expected index ", index.sizes(), " to be no larger than self ", self.sizes(),
          " apart from dimension ", dim);
  }
  check_range(places, self, dim);
  return places;
}

// Joins the elements of list (the index's sizes or larger, or a number) into table.
void join_lines(const Tensor& table, int64_t dim, const Tensor& index, const Operand& source, Join join) {
  if (index.numel() == 0) return;
  Tensor list = source.is_tensor() ? detach(source.tensor())
                                   : alias(scalar_tensor(source.scalar(), table.dtype()), index.sizes(),
                                           Dims(index.sizes().size(), 0), 0);
  if (any_batched(table, index, list)) [[unlikely]] {
    const BatchDims batch = joint_batch({table});  // the table has room for all
    const int64_t rank = std::max<int64_t>(table.dim(), 1);
    return join_lines(physical(table, batch, rank), dim + static_cast<int64_t>(batch.levels.size()),
                      physical(index, batch, rank), physical(list, batch, rank), join);
  }
  if (list->storage->data() == table->storage->data()) list = clone_values(list);
  void* to = table.raw();
  const void* from = list.raw();
  const int64_t* indices = index.data<int64_t>();
  with_lines(table, dim, index, list, [&](const kernels::Lines& lines) {
    kernels::scatter(table.dtype(), join, to, indices, lines, from);
  });
}

// A copy of self that hides what index and source hide too.
Tensor room_for(const Tensor& self, const Tensor& index, const Tensor& source) {
  return clone_values(spread_for(detach(self), index, source));
}

void gather_lines(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& y) {
  if (y.batched()) [[unlikely]] {
    const BatchDims& batch = y->transforms->batch;
    const int64_t rank = std::max<int64_t>(x.dim(), 1);
    return gather_lines(physical(x, batch, rank), dim + static_cast<int64_t>(batch.levels.size()),
                        physical(index, batch, rank), physical(y, batch, rank));
  }
  const void* from = x.raw();
  void* to = y.raw();
  const int64_t* indices = index.data<int64_t>();
  with_lines(x, dim, index, y, [&](const kernels::Lines& lines) {
    kernels::gather(itemsize(x.dtype()), from, indices, lines, to);
  });
}

// The gradient of a source that may be larger than the index: zero where no index stands.
Tensor gather_for(const Dims& source_sizes, const Tensor& g, int64_t dim, const Tensor& index) {
  const Tensor part = gather(g, dim, index);
  if (part.sizes() == source_sizes) return part;
  if (index.numel() == 0) return zeros(source_sizes, g.dtype());
  Dims padding;
  for (std::size_t d = source_sizes.size(); d-- > 0;) {
    padding.push_back(0);
    padding.push_back(source_sizes[d] - part.sizes()[d]);
  }
  return constant_pad(part, padding, 0);
}

// The part of a source that the index covers.
Tensor covered(const Tensor& source, const Tensor& index) {
  Tensor part = source;
  for (int64_t d = 0; d < source.dim(); ++d)
    if (part.size(d) != index.size(d)) part = narrow(part, d, 0, index.size(d));
  return part;
}

// zeros with g added at index: the transpose of gather.
Tensor add_to_zeros(const Dims& sizes, int64_t dim, const Tensor& index, const Tensor& g) {
  Tensor out = full_for(sizes, Scalar(0), g.dtype(), joint_batch({index, g}));
  join_lines(out, dim, index, g, Join::add);
  if (needs_grad(g))
    record(linear("ScatterAddBackward0", [&](const Tensor& t) { return add_to_zeros(sizes, dim, index, t); }),
           g, out, kept(keep("index", index)),
           [dim](Backward& b, const Tensor& gg) { return Grads{gather(gg, dim, b.saved(0))}; });
  return out;
}

}  // namespace

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  dim = wrap_dim(dim, x.dim());
  const Tensor places = index_values(index, "gather(): Expected dtype int32/int64 for index");
  Tensor y = empty_for(index.sizes(), x.dtype(), x, index);
  if (index.numel() > 0) {
    const Dims sizes = at_least_1d(index.sizes(), 1), whole = at_least_1d(x.sizes(), 1);
    check(sizes.size() == whole.size(),
          "Index tensor must have the same number of dimensions as input tensor");
    for (std::size_t d = 0; d < sizes.size(); ++d)
      check(static_cast<int64_t>(d) == dim || sizes[d] <= whole[d], "Size does not match at dimension ", d,
            " expected index ", index.sizes(), " to be no larger than self ", x.sizes(),
            " apart from dimension ", dim);
    check_range(places, x, dim);
    gather_lines(x, dim, places, y);
  }
  if (needs_grad(x))
    record(
        linear("GatherBackward0", [&](const Tensor& t) { return gather(t, dim, places); }), x, y,
        kept(keep("index", places)),
        [dim, sizes = x.sizes()](Backward& b, const Tensor& g) {
          return Grads{add_to_zeros(sizes, dim, b.saved(0), g)};
        },
        [dim] { return Notes{{"dim", dim}, {"sparse_grad", false}}; });
  return y;
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<int64_t> dim) {
  check(indices.dtype() == DType::i64, "torch.take_along_dim(): dtype of indices should be Long but got ",
        scalar_name(indices.dtype()));
  if (!dim) return gather(reshape(x, {-1}), 0, reshape(indices, {-1}));
  check(x.dim() == indices.dim(),
        "torch.take_along_dim(): input and indices should have the same number of dimensions, but got ",
        x.dim(), " dimensions for input, and ", indices.dim(), " dimensions for indices");
  const int64_t along = wrap_dim(*dim, x.dim());
  if (x.dim() == 0) return gather(x, 0, indices);
  Dims mine = x.sizes(), theirs = indices.sizes();
  mine[static_cast<std::size_t>(along)] = theirs[static_cast<std::size_t>(along)] = 1;
  Dims whole = broadcast_shapes(mine, theirs), picked = whole;
  whole[static_cast<std::size_t>(along)] = x.size(along);
  picked[static_cast<std::size_t>(along)] = indices.size(along);
  return gather(expand(x, whole), along, expand(indices, picked));
}

Tensor scatter(const Tensor& self, int64_t dim, const Tensor& index, const Operand& source) {
  dim = wrap_dim(dim, self.dim());
  const Tensor values = source.is_tensor() ? source.tensor() : Tensor();
  const Tensor places = scatter_index(self, dim, index, values);
  Tensor y = room_for(self, places, values);
  join_lines(y, dim, places, source, Join::set);
  if (needs_grad(self, values))
    record(
        values.defined() ? "ScatterBackward0" : "ScatterBackward1", {self, values}, y,
        kept(keep("index", places)),
        [dim, sizes = values.defined() ? values.sizes() : Dims()](Backward& b, const Tensor& g) {
          Grads grads(2);
          if (b.needs(0)) grads[0] = scatter(g, dim, b.saved(0), 0);
          if (b.needs(1)) grads[1] = gather_for(sizes, g, dim, b.saved(0));
          return grads;
        },
        [dim] { return Notes{{"dim", dim}}; });
  return y;
}

Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source) {
  dim = wrap_dim(dim, self.dim());
  const Tensor places = scatter_index(self, dim, index, source);
  Tensor y = room_for(self, places, source);
  join_lines(y, dim, places, source, Join::add);
  if (needs_grad(self, source))
    record(
        "ScatterAddBackward0", {self, source}, y, kept(keep("index", places)),
        [dim, sizes = source.sizes()](Backward& b, const Tensor& g) {
          Grads grads(2);
          if (b.needs(0)) grads[0] = g;
          if (b.needs(1)) grads[1] = gather_for(sizes, g, dim, b.saved(0));
          return grads;
        },
        [dim] { return Notes{{"dim", dim}}; });
  return y;
}

namespace {

enum class Reduce { sum, prod, mean, amax, amin };

Reduce reduce_of(const std::string& name) {
  if (name == "sum") return Reduce::sum;
  if (name == "prod") return Reduce::prod;
  if (name == "mean") return Reduce::mean;
  if (name == "amax") return Reduce::amax;
  if (name == "amin") return Reduce::amin;
  fail("reduce argument must be either sum, prod, mean, amax or amin, got ", name);
}

const char* word_of(Reduce reduce) {
  constexpr const char* words[] = {"sum", "prod", "mean", "amax", "amin"};
  return words[static_cast<int>(reduce)];
}

// What a place holds before anything has joined it.
Scalar neutral(Reduce reduce, DType dtype) {
  if (reduce == Reduce::sum || reduce == Reduce::mean) return 0;
  if (reduce == Reduce::prod) return 1;
  const bool lowest = reduce == Reduce::amax;
  if (is_floating(dtype)) return lowest ? -__builtin_inf() : __builtin_inf();
  if (dtype == DType::boolean) return !lowest;
  if (dtype == DType::u8) return lowest ? 0 : 255;
  const int64_t greatest = INT64_MAX >> (64 - 8 * itemsize(dtype));
  return lowest ? -greatest - 1 : greatest;
}

// How many values joined each place, self among them where it counts; at least 1.
Tensor joined_counts(const Tensor& self, int64_t dim, const Tensor& index, bool include_self, DType dtype) {
  Tensor counts = full_for(self.sizes(), include_self ? 1 : 0, dtype, joint_batch({self, index}));
  join_lines(counts, dim, index, 1, Join::add);
  return maximum(counts, 1);
}

// The derivative of amax and amin: shared evenly by all that equal the result.
Grads backward_of_extremum(Backward& b, const Tensor& g, int64_t dim) {
  const Tensor self = b.saved(0), source = covered(b.saved(1), b.saved(2)), index = b.saved(2),
               result = b.saved(3);
  const auto equal = [](const Tensor& x, const Tensor& y) {
    return cast(compare(kernels::CompareOp::eq, detach(x), detach(y)), x.dtype());
  };
  const Tensor self_is = equal(self, result), source_is = equal(source, gather(detach(result), dim, index));
  const Tensor share = div(g, maximum(scatter_add(self_is, dim, index, source_is), 1));
  Grads grads(2);
  if (b.needs(0)) grads[0] = mul(self_is, share);
  if (b.needs(1)) grads[1] = mul(source_is, gather(share, dim, index));
  return grads;
}

// The derivative of prod: the product of all others. Where a factor is zero it is replaced by 1 and the
// product taken anew; other factors of a zero product get 0 by dividing the result.
Grads backward_of_product(Backward& b, const Tensor& g, int64_t dim, bool include_self) {
  const Tensor self = b.saved(0), source = covered(b.saved(1), b.saved(2)), index = b.saved(2),
               result = b.saved(3);
  const auto is_zero = [](const Tensor& x) { return compare(kernels::CompareOp::eq, detach(x), 0); };
  Grads grads(2);
  if (b.needs(0)) {
    const Tensor nonzero_self = masked_fill(self, is_zero(self), 1);
    grads[0] =
        div(mul(g, scatter_reduce(nonzero_self, dim, index, source, "prod", include_self)), nonzero_self);
  }
  if (b.needs(1)) {
    const Tensor zero = is_zero(source);
    const Tensor zeros_there =
        gather(scatter_add(zeros(self.sizes(), DType::i64), dim, index, cast(zero, DType::i64)), dim, index);
    const Tensor only_zero = bitwise_and(zero, compare(kernels::CompareOp::eq, zeros_there, 1));
    const Tensor others =
        scatter_reduce(self, dim, index, masked_fill(source, only_zero, 1), "prod", include_self);
    grads[1] = where(only_zero, gather(mul(g, others), dim, index),
                     div(gather(mul(g, result), dim, index), masked_fill(source, zero, 1)));
  }
  return grads;
}

Grads backward_of_reduce(Backward& b, const Tensor& g, Reduce reduce, int64_t dim, bool include_self,
                         const Dims& source_sizes) {
  const Tensor index = b.saved(2);
  Grads grads(2);
  if (reduce == Reduce::sum || reduce == Reduce::mean) {
    const Tensor share =
        reduce == Reduce::sum ? g : div(g, joined_counts(g, dim, index, include_self, g.dtype()));
    if (b.needs(0)) grads[0] = share;
    if (b.needs(1)) grads[1] = gather(share, dim, index);
  } else if (reduce == Reduce::prod) {
    grads = backward_of_product(b, g, dim, include_self);
  } else {
    grads = backward_of_extremum(b, g, dim);
  }
  if (grads[0].defined() && !include_self) grads[0] = scatter(grads[0], dim, index, 0);
  if (grads[1].defined() && grads[1].sizes() != source_sizes) {
    Dims padding;
    for (std::size_t d = source_sizes.size(); d-- > 0;) {
      padding.push_back(0);
      padding.push_back(source_sizes[d] - grads[1].sizes()[d]);
    }
    grads[1] = constant_pad(grads[1], padding, 0);
  }
  return grads;
}

}  // namespace

Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Operand& source,
                      const std::string& reduce_name, bool include_self) {
  dim = wrap_dim(dim, self.dim());
  const Reduce reduce = reduce_of(reduce_name);
  const Tensor values = source.is_tensor() ? source.tensor() : Tensor();
  const Tensor places = scatter_index(self, dim, index, values);
  Tensor y = room_for(self, places, values);
  if (!include_self) join_lines(y, dim, places, neutral(reduce, y.dtype()), Join::set);
  const Join join = reduce == Reduce::prod   ? Join::multiply
                    : reduce == Reduce::amax ? Join::amax
                    : reduce == Reduce::amin ? Join::amin
                                             : Join::add;
  join_lines(y, dim, places, source, join);
  if (reduce == Reduce::mean) {
    const Tensor counts = joined_counts(self, dim, places, include_self, self.dtype());
    y = is_floating(y.dtype()) ? div(y, counts) : div_floor(y, counts);
  }
  if (needs_grad(self, values))
    record(
        "ScatterReduceBackward0", {self, values}, y,
        kept(keep("self", self), keep("src", values), keep("index", places), keep_output("result", y)),
        [=, sizes = values.defined() ? values.sizes() : Dims()](Backward& b, const Tensor& g) {
          return backward_of_reduce(b, g, reduce, dim, include_self, sizes);
        },
        [reduce, dim, include_self] {
          return Notes{{"reduce", {}, word_of(reduce)}, {"dim", dim}, {"include_self", include_self}};
        });
  return y;
}

}  // namespace penlight

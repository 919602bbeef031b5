// Sorting and selecting. All pick elements of x by index, so all have one derivative: the gradient goes back
// to the places the elements came from.
#include "ops/sort.h"

#include "kernels/sorting.h"
#include "ops/index.h"
#include "ops/shape.h"
#include "tensor/unlocked.h"

namespace penlight {

namespace {

kernels::RowShape rows_along(const Tensor& x, int64_t dim) {
  kernels::RowShape shape{1, x.dim() ? x.size(dim) : 1, 1};
  for (int64_t d = 0; d < x.dim(); ++d) (d < dim ? shape.outer : shape.inner) *= d == dim ? 1 : x.size(d);
  return shape;
}

// Runs a kernel (contiguous input, shape, values, indices) on x along dim; `kept` elements of each row are in
// the results, or none of the dimension for -1.
template <class Kernel>
ValuesIndices run_rows(const Tensor& x, int64_t dim, int64_t kept, Kernel kernel) {
  if (x.batched()) [[unlikely]] {
    const BatchDims& batch = x->transforms->batch;
    if (x.dim() == 0) {  // a number is a row of one
      const ValuesIndices out = run_rows(alias(x, {1}, {1}, x->offset), 0, -1, kernel);
      return {out.values, out.indices};
    }
    const ValuesIndices out =
        run_rows(physical(x), dim + static_cast<int64_t>(batch.levels.size()), kept, kernel);
    return {hide(out.values, batch), hide(out.indices, batch)};
  }
  const Tensor in = contiguous(detach(x));
  Dims sizes = x.sizes();
  if (!sizes.empty()) {
    if (kept < 0)
      sizes.erase(static_cast<std::size_t>(dim));
    else
      sizes[static_cast<std::size_t>(dim)] = kept;
  }
  const ValuesIndices out{empty(sizes, x.dtype()), empty(sizes, DType::i64)};
  const void* from = in.raw();
  void* values = out.values.raw();
  int64_t* indices = out.indices.data<int64_t>();
  const kernels::RowShape shape = rows_along(x, dim);
  const Unlocked unlocked(x.numel() * 8);
  kernel(from, shape, values, indices);
  return out;
}

// keepdim: of the selections that leave one element of a row.
void record_selection(const char* name, const Tensor& x, int64_t dim, const ValuesIndices& out,
                      std::optional<bool> keepdim = {}) {
  if (!needs_grad(x)) return;
  record(
      name, x, out.values, kept(keep("indices", out.indices)),
      [dim, dropped = keepdim == false, sizes = x.sizes()](Backward& b, const Tensor& g) {
        const Tensor index = b.saved(0);
        const Tensor none = zeros(sizes, g.dtype());
        if (dropped && !sizes.empty())
          return Grads{scatter(none, dim, unsqueeze(index, dim), unsqueeze(g, dim))};
        return Grads{scatter(none, dim, index, g)};
      },
      [dim, keepdim] { return keepdim ? Notes{{"dim", dim}, {"keepdim", *keepdim}} : Notes{{"dim", dim}}; });
}

// The selections that leave one element of a row.
template <class Kernel>
ValuesIndices select_one(const char* node, const Tensor& x, int64_t dim, bool keepdim, Kernel kernel) {
  ValuesIndices out = run_rows(x, dim, keepdim ? 1 : -1, kernel);
  record_selection(node, x, dim, out, keepdim);
  return out;
}

void check_not_empty(const Tensor& x, int64_t dim, const char* name) {
  check<IndexError>(x.dim() == 0 || x.size(dim) > 0, name, "(): Expected reduction dim ", dim,
                    " to have non-zero size.");
}

void check_not_bool(const Tensor& x, const char* name) {
  check<NotImplementedError>(x.dtype() != DType::boolean, "\"", name, "\" not implemented for 'Bool'");
}

}  // namespace

ValuesIndices sort(const Tensor& x, int64_t dim, bool descending) {
  dim = wrap_dim(dim, x.dim());
  ValuesIndices out = run_rows(x, dim, x.dim() ? x.size(dim) : 1,
                               [&](const void* in, kernels::RowShape shape, void* values, int64_t* indices) {
                                 kernels::sort_rows(x.dtype(), in, shape, descending, values, indices);
                               });
  record_selection("SortBackward0", x, dim, out);
  return out;
}

ValuesIndices topk(const Tensor& x, int64_t k, int64_t dim, bool largest) {
  dim = wrap_dim(dim, x.dim());
  check(x.dtype() != DType::boolean, "topk does not support bool dtypes on CPU");
  check(k >= 0 && k <= (x.dim() ? x.size(dim) : 1), "selected index k out of range");
  if (x.dim() == 0) k = 1;
  ValuesIndices out =
      run_rows(x, dim, k, [&](const void* in, kernels::RowShape shape, void* values, int64_t* indices) {
        kernels::topk_rows(x.dtype(), in, shape, k, largest, values, indices);
      });
  record_selection("TopkBackward0", x, dim, out);
  return out;
}

ValuesIndices kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim) {
  dim = wrap_dim(dim, x.dim());
  check_not_empty(x, dim, "kthvalue");
  check_not_bool(x, "kthvalue_cpu");
  check(k >= 1 && k <= (x.dim() ? x.size(dim) : 1),
        "kthvalue(): selected number k out of range for dimension ", dim);
  return select_one("KthvalueBackward0", x, dim, keepdim,
                    [&](const void* in, kernels::RowShape shape, void* values, int64_t* indices) {
                      kernels::kth_rows(x.dtype(), in, shape, k - 1, values, indices);
                    });
}

ValuesIndices median_dim(const Tensor& x, int64_t dim, bool keepdim, bool ignore_nan) {
  dim = wrap_dim(dim, x.dim());
  check_not_empty(x, dim, "median");
  check_not_bool(x, "median_out");
  return select_one(ignore_nan ? "NanmedianBackward1" : "MedianBackward1", x, dim, keepdim,
                    [&](const void* in, kernels::RowShape shape, void* values, int64_t* indices) {
                      kernels::median_rows(x.dtype(), in, shape, ignore_nan, values, indices);
                    });
}

ValuesIndices mode(const Tensor& x, int64_t dim, bool keepdim) {
  dim = wrap_dim(dim, x.dim());
  check_not_empty(x, dim, "mode");
  return select_one("ModeBackward0", x, dim, keepdim,
                    [&](const void* in, kernels::RowShape shape, void* values, int64_t* indices) {
                      kernels::mode_rows(x.dtype(), in, shape, values, indices);
                    });
}

Tensor median(const Tensor& x, bool ignore_nan) {
  check_not_bool(x, "median_cpu");
  if (x.numel() == 0)
    return full({}, is_floating(x.dtype()) ? Scalar(__builtin_nan("")) : Scalar(INT64_MIN), x.dtype());
  const Tensor y = median_dim(reshape(detach(x), {-1}), 0, false, ignore_nan).values;
  if (needs_grad(x))
    record(ignore_nan ? "NanmedianBackward0" : "MedianBackward0", x, y,
           kept(keep("self", x), keep_output("result", y)), [](Backward& b, const Tensor& g) {
             // Shared evenly by all elements that equal the median (all NaNs, if it is one).
             const Tensor x = detach(b.saved(0)), result = detach(b.saved(1));
             const Tensor equal =
                 bitwise_or(compare(kernels::CompareOp::eq, x, result), bitwise_and(isnan(x), isnan(result)));
             const Tensor share = cast(equal, g.dtype());
             return Grads{mul(share, div(g, sum(share)))};
           });
  return y;
}

namespace {
// The examples of vmap are rows of one search, unless all share the boundaries.
Tensor search_examples(const Tensor& boundaries, const Tensor& values, bool right, const Tensor& sorter) {
  const BatchDims batch = joint_batch({boundaries, values, sorter});
  if (!any_batched(boundaries, sorter) && boundaries.dim() == 1)
    return hide(searchsorted(boundaries, physical(values, batch), right, sorter), batch);
  const bool shared = boundaries.dim() == 1;  // by all values of an example
  const Tensor row = shared ? reshape(detach(values), {values.numel()}) : values;
  const Tensor order = sorter.defined() ? physical(sorter, batch) : sorter;
  const Tensor found =
      hide(searchsorted(physical(boundaries, batch), physical(row, batch), right, order), batch);
  return shared ? reshape(found, values.sizes()) : found;
}
}  // namespace

Tensor searchsorted(const Tensor& boundaries, const Tensor& values, bool right, const Tensor& sorter) {
  check(values.dim() > 0 || (boundaries.dim() == 1 && values.numel() == 1),
        "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but "
        "we got "
        "boundaries tensor dim(",
        boundaries.dim(), ") and input value's dim(", values.dim(), ") numel(", values.numel(), ")");
  check(boundaries.dim() > 0,
        "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension");
  bool match = boundaries.dim() == 1 || boundaries.dim() == values.dim();
  for (int64_t d = 0; match && boundaries.dim() > 1 && d + 1 < values.dim(); ++d)
    match = boundaries.size(d) == values.size(d);
  check(match,
        "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
        "boundaries "
        "tensor and input value tensor must match, but we got boundaries tensor ",
        boundaries.sizes(), " and input value tensor ", values.sizes());
  const DType dtype = promote(boundaries.dtype(), values.dtype());
  const Tensor bounds = contiguous(cast(detach(boundaries), dtype)),
               wanted = contiguous(cast(detach(values), dtype));
  const int64_t n = boundaries.size(boundaries.dim() - 1);
  Tensor order;
  if (sorter.defined()) {
    check(sorter.sizes() == boundaries.sizes(),
          "torch.searchsorted(): boundary and sorter must have the same size, but "
          "got boundary tensor ",
          boundaries.sizes(), "and got sorter tensor ", sorter.sizes());
    check(sorter.dtype() == DType::i64,
          "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype ",
          scalar_name(sorter.dtype()));
    order = contiguous(detach(sorter));
    for (int64_t i = 0; i < order.numel(); ++i)
      check(order.data<int64_t>()[i] >= 0 && order.data<int64_t>()[i] < n,
            "torch.searchsorted(): sorter index out of range");
  }
  if (any_batched(boundaries, values, order)) [[unlikely]]
    return search_examples(boundaries, values, right, sorter);
  Tensor out = empty(values.sizes(), DType::i64);
  const bool shared = boundaries.dim() == 1;
  const int64_t width = values.dim() ? values.size(values.dim() - 1) : 1;
  const int64_t rows = shared || width == 0 ? 1 : values.numel() / width;
  const kernels::SearchShape shape{rows, n, shared ? values.numel() : width, shared};
  const void *from = bounds.raw(), *what = wanted.raw();
  const int64_t* permutation = order.defined() ? order.data<int64_t>() : nullptr;
  int64_t* places = out.data<int64_t>();
  const Unlocked unlocked(values.numel() * 8);
  kernels::search_sorted(dtype, from, what, shape, right, permutation, places);
  return out;
}

Tensor bucketize(const Tensor& values, const Tensor& boundaries, bool right) {
  check(boundaries.dim() == 1, "boundaries tensor must be 1 dimension, but got dim(", boundaries.dim(), ")");
  return searchsorted(boundaries, values, right, Tensor());
}

Unique unique(const Tensor& x, std::optional<int64_t> dim, bool consecutive) {
  Tensor rows;
  int64_t along = 0;
  if (dim) {
    check<IndexError>(x.dim() > 0, "Dimension specified as ", *dim, " but tensor has no dimensions");
    along = wrap_dim(*dim, x.dim());
    for (int64_t d = 0; d < x.dim(); ++d)
      check(d == along || x.size(d) > 0,
            "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied");
    Dims order{along};  // this dimension first, the others as they are
    for (int64_t d = 0; d < x.dim(); ++d)
      if (d != along) order.push_back(d);
    rows = contiguous(permute(detach(x), order));
  } else {
    rows = contiguous(detach(x));
  }
  const int64_t count = dim ? x.size(along) : x.numel();
  const int64_t width = count ? rows.numel() / count : 1;
  const Tensor first = empty({count}, DType::i64), inverse = empty({count}, DType::i64),
               counts = empty({count}, DType::i64);
  int64_t groups;
  {
    const void* from = rows.raw();
    int64_t *a = first.data<int64_t>(), *b = inverse.data<int64_t>(), *c = counts.data<int64_t>();
    const Unlocked unlocked(x.numel() * 8);
    groups = kernels::unique_rows(x.dtype(), from, count, width, consecutive, a, b, c);
  }
  const Tensor chosen = clone_values(narrow(first, 0, 0, groups));
  return {dim ? index_select(detach(x), along, chosen) : take(rows, chosen),
          dim ? inverse : reshape(inverse, x.sizes()), clone_values(narrow(counts, 0, 0, groups))};
}

}  // namespace penlight

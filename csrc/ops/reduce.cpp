#include "ops/reduce.h"

#include <cmath>

#include "ops/elementwise.h"
#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/unlocked.h"

namespace penlight {

using kernels::ReduceOp;
using kernels::ReduceShape;
using Flags = SmallVec<bool, 8>;

Flags reduced_dims(const OptionalDims& dims, int64_t ndim) {
  Flags flags(static_cast<std::size_t>(ndim), !dims || dims->empty());
  if (!dims) return flags;
  for (int64_t dim : *dims) {
    const auto d = static_cast<std::size_t>(wrap_dim(dim, ndim));
    if (ndim == 0) continue;
    check(dims->empty() || !flags[d], "dim ", dim, " appears multiple times in the list of dims");
    flags[d] = true;
  }
  return flags;
}

namespace {

Dims kept_sizes(const Tensor& x, const Flags& reduced) {
  Dims sizes = x.sizes();
  for (std::size_t d = 0; d < reduced.size(); ++d)
    if (reduced[d]) sizes[d] = 1;
  return sizes;
}

Dims result_sizes(const Tensor& x, const Flags& reduced, bool keepdim) {
  if (keepdim) return kept_sizes(x, reduced);
  Dims sizes;
  for (std::size_t d = 0; d < reduced.size(); ++d)
    if (!reduced[d]) sizes.push_back(x.sizes()[d]);
  return sizes;
}

// x as a contiguous (outer, n, inner) array: as it lies where the reduced dimensions adjoin, otherwise copied
// with the reduced dimensions last.
struct Arranged {
  Tensor data;
  ReduceShape shape{1, 1, 1};
};
Arranged arrange(const Tensor& x, const Flags& reduced) {
  Arranged result;
  int stage = 0;  // 0 outer, 1 reduced, 2 inner
  bool adjoining = true;
  for (std::size_t d = 0; d < reduced.size(); ++d) {
    if (x.sizes()[d] == 1) continue;
    if (reduced[d]) {
      if (stage == 2) adjoining = false;
      stage = 1;
      result.shape.n *= x.sizes()[d];
    } else if (stage == 0) {
      result.shape.outer *= x.sizes()[d];
    } else {
      stage = 2;
      result.shape.inner *= x.sizes()[d];
    }
  }
  if (adjoining) {
    result.data = x.is_contiguous() ? x : [&] {
      Tensor copy = empty(x.sizes(), x.dtype());
      copy_values(copy, x);
      return copy;
    }();
    return result;
  }
  result.shape.outer *= result.shape.inner;
  result.shape.inner = 1;
  Dims sizes, strides;
  for (bool pass : {false, true})
    for (std::size_t d = 0; d < reduced.size(); ++d)
      if (reduced[d] == pass) {
        sizes.push_back(x.sizes()[d]);
        strides.push_back(x.strides()[d]);
      }
  result.data = empty(sizes, x.dtype());
  copy_values(result.data, alias(x, sizes, strides, x->offset));
  return result;
}

Tensor with_sizes(const Tensor& x, const Dims& sizes) {
  return alias(x, sizes, contiguous_strides(sizes), x->offset);
}

// A gradient of reduced sizes, laid out to be broadcast against x's.
Tensor restore_dims(const Tensor& g, const Dims& sizes, const Flags& reduced, bool keepdim) {
  if (keepdim || sizes.empty()) return g;
  Dims full = sizes;
  for (std::size_t d = 0; d < reduced.size(); ++d)
    if (reduced[d]) full[d] = 1;
  return reshape(g, full);
}

}  // namespace

namespace {
// The flags of a tensor's physical form: hidden dimensions are kept.
Flags physical_flags(const Tensor& x, const Flags& reduced) {
  Flags flags(x->transforms->batch.levels.size(), false);
  flags.append(reduced.begin(), reduced.end());
  return flags;
}
}  // namespace

Tensor run_reduce(ReduceOp op, const Tensor& x, const Flags& reduced, DType out, const char* name) {
  if (x.batched()) [[unlikely]]
    return hide(run_reduce(op, physical(x), physical_flags(x, reduced), out, name), x->transforms->batch);
  Tensor result = empty(kept_sizes(x, reduced), out);
  const Arranged a = arrange(x, reduced);
  const void* in = a.data.raw();
  void* to = result.raw();
  bool known;
  {
    Unlocked unlocked(x.numel());
    known = kernels::reduce().reduce(op, x.dtype(), a.shape, in, to);
  }
  check<NotImplementedError>(known, "\"", name, "_cpu\" not implemented for '", scalar_name(x.dtype()), "'");
  return result;
}

namespace {
// What a reduction along some dimensions was called with; of all of them there is nothing to tell.
Notes along_dims(const OptionalDims& dims, bool keepdim) {
  return dims ? Notes{{"dim", {}, nullptr, *dims}, {"keepdim", keepdim}} : Notes{};
}
// The same for reductions that tell both in any case.
Notes with_dims(const OptionalDims& dims, bool keepdim) {
  return {{"dim", {}, nullptr, dims}, {"keepdim", keepdim}};
}
}  // namespace

// ---- sums

Tensor sum(const Tensor& self, const OptionalDims& dims, bool keepdim, std::optional<DType> dtype) {
  const DType out = dtype ? *dtype : is_floating(self.dtype()) ? self.dtype() : DType::i64;
  const Tensor x = dtype && is_floating(*dtype) ? cast(self, *dtype) : self;
  const Flags reduced = reduced_dims(dims, x.dim());
  const DType natural = is_floating(x.dtype()) ? x.dtype() : DType::i64;
  Tensor y =
      with_sizes(run_reduce(ReduceOp::sum, x, reduced, natural, "sum"), result_sizes(x, reduced, keepdim));
  if (natural != out) y = cast(y, out);
  if (needs_grad(x)) {
    const bool all_dims = !dims;
    const auto again = [&](const Tensor& t) { return sum(t, dims, keepdim); };
    record(
        linear(all_dims ? "SumBackward0" : "SumBackward1", again), x, y, {},
        [sizes = x.sizes(), reduced, keepdim](Backward&, const Tensor& g) {
          return Grads{expand(restore_dims(g, sizes, reduced, keepdim), sizes)};
        },
        [dims, keepdim] { return along_dims(dims, keepdim); });
  }
  return y;
}

Tensor nansum(const Tensor& x, const OptionalDims& dims, bool keepdim, std::optional<DType> dtype) {
  if (!is_floating(x.dtype())) return sum(x, dims, keepdim, dtype);
  Tensor y;
  {
    const Unrecorded unrecorded;
    y = sum(where(isnan(x), 0, x), dims, keepdim, dtype);
  }
  if (needs_grad(x) && is_floating(y.dtype()))
    record(
        "NansumBackward0", x, y, kept(keep("self", x)),
        [reduced = reduced_dims(dims, x.dim()), keepdim](Backward& b, const Tensor& g) {
          const Tensor x = b.saved(0);
          return Grads{where(isnan(x), 0, restore_dims(g, x.sizes(), reduced, keepdim))};
        },
        [dims, keepdim] { return with_dims(dims, keepdim); });
  return y;
}

Tensor sum_to(const Tensor& g, const Dims& sizes) {
  if (g.sizes() == sizes) return g;
  const std::size_t extra = g.sizes().size() - sizes.size();
  Dims dims;
  for (std::size_t d = 0; d < g.sizes().size(); ++d)
    if (d < extra || (sizes[d - extra] == 1 && g.sizes()[d] != 1)) dims.push_back(static_cast<int64_t>(d));
  return reshape(dims.empty() ? g : sum(g, dims, true), sizes);
}

Tensor mean(const Tensor& self, const OptionalDims& dims, bool keepdim, std::optional<DType> dtype) {
  const Tensor x = dtype ? cast(self, *dtype) : self;
  check(is_floating(x.dtype()),
        "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
        "Got: ",
        scalar_name(x.dtype()));
  const Flags reduced = reduced_dims(dims, x.dim());
  int64_t count = 1;
  for (std::size_t d = 0; d < reduced.size(); ++d)
    if (reduced[d]) count *= x.sizes()[d];
  Tensor y =
      with_sizes(run_reduce(ReduceOp::sum, x, reduced, x.dtype(), "mean"), result_sizes(x, reduced, keepdim));
  const Tensor divided = [&] {
    const Unrecorded unrecorded;
    return div(y, static_cast<double>(count));
  }();
  if (needs_grad(x))
    record(
        linear(dims ? "MeanBackward1" : "MeanBackward0",
               [&](const Tensor& t) { return mean(t, dims, keepdim); }),
        x, divided, {},
        [sizes = x.sizes(), reduced, keepdim, count](Backward&, const Tensor& g) {
          return Grads{
              div(expand(restore_dims(g, sizes, reduced, keepdim), sizes), static_cast<double>(count))};
        },
        [dims, keepdim] { return along_dims(dims, keepdim); });
  return divided;
}

namespace {

// The derivative of the variance: 2 (x - mean) / (n - correction). Of too few elements there is none, and the
// variance of all of them counts as constant to a second derivative, as in PyTorch.
Tensor pull_variance(const Tensor& x, const Tensor& wide, const OptionalDims& dims, double divisor) {
  if (divisor == 0 && (!dims || x.dim() == 0))
    return mul(wide, where(compare(kernels::CompareOp::eq, x, mean(x, dims, true)), NAN, INFINITY));
  return mul(mul(wide, 2.0 / divisor), sub(x, mean(x, dims, true)));
}

double divisor_of(const Tensor& x, const Flags& reduced, double correction) {
  double count = 1;
  for (std::size_t d = 0; d < reduced.size(); ++d)
    if (reduced[d]) count *= static_cast<double>(x.sizes()[d]);
  return count - correction > 0 ? count - correction : 0;
}

}  // namespace

// The mean's square distance.
Tensor var(const Tensor& x, const OptionalDims& dims, double correction, bool keepdim) {
  check(is_floating(x.dtype()), "std and var only support floating point and complex dtypes");
  const Flags reduced = reduced_dims(dims, x.dim());
  const double divisor = divisor_of(x, reduced, correction);
  Tensor y;
  {
    const Unrecorded unrecorded;
    const Tensor center = sub(x, mean(x, dims, true));
    const Tensor squares = run_reduce(ReduceOp::sum_squares, center, reduced, x.dtype(), "var");
    y = div(with_sizes(squares, result_sizes(x, reduced, keepdim)), divisor);
  }
  if (needs_grad(x))
    record(
        "VarBackward0", x, y, kept(keep("self", x)),
        [reduced, dims, keepdim, divisor](Backward& b, const Tensor& g) {
          const Tensor x = b.saved(0);
          return Grads{pull_variance(x, restore_dims(g, x.sizes(), reduced, keepdim), dims, divisor)};
        },
        [dims, keepdim, correction] {
          Notes notes = with_dims(dims, keepdim);
          notes.push_back({"correction", correction});
          return notes;
        });
  return y;
}

// Its square root. Where it is zero there is no derivative, and the gradient is zero.
Tensor standard_deviation(const Tensor& x, const OptionalDims& dims, double correction, bool keepdim) {
  const Flags reduced = reduced_dims(dims, x.dim());
  Tensor y;
  {
    const Unrecorded unrecorded;
    y = sqrt(var(x, dims, correction, keepdim));
  }
  if (needs_grad(x))
    record(
        "StdBackward0", x, y, kept(keep("self", x), keep_output("result", y)),
        [reduced, dims, keepdim, divisor = divisor_of(x, reduced, correction)](Backward& b, const Tensor& g) {
          const Tensor x = b.saved(0), y = b.saved(1);
          const Tensor inner = where(compare(kernels::CompareOp::eq, y, 0), 0, div(g, mul(y, 2)));
          return Grads{pull_variance(x, restore_dims(inner, x.sizes(), reduced, keepdim), dims, divisor)};
        },
        [dims, keepdim, correction] {
          Notes notes = with_dims(dims, keepdim);
          notes.push_back({"correction", correction});
          return notes;
        });
  return y;
}

// ---- products

Tensor prod(const Tensor& self, std::optional<int64_t> dim, bool keepdim, std::optional<DType> dtype) {
  const Tensor x = dtype && is_floating(*dtype) ? cast(self, *dtype) : self;
  const OptionalDims dims = dim ? OptionalDims(Dims{*dim}) : OptionalDims();
  const Flags reduced = reduced_dims(dims, x.dim());
  const DType natural = is_floating(x.dtype()) ? x.dtype() : DType::i64;
  Tensor y =
      with_sizes(run_reduce(ReduceOp::prod, x, reduced, natural, "prod"), result_sizes(x, reduced, keepdim));
  if (dtype && natural != *dtype) y = cast(y, *dtype);
  if (needs_grad(x))
    record(
        dim ? "ProdBackward1" : "ProdBackward0", x, y, kept(keep("self", x), keep_output("result", y)),
        [dim, reduced, keepdim](Backward& b, const Tensor& g) {
          b.saved(1);  // as PyTorch, whose formula takes the result: a change of it is an error
          const Tensor x = b.saved(0);
          if (x.dim() == 0) return Grads{g};
          if (x.numel() == 0) return Grads{zeros(x.sizes(), x.dtype())};
          // The product of the others, left and right of each element: right also where elements are zero.
          const Tensor line = dim ? x : reshape(x, {-1});
          const int64_t d = dim ? wrap_dim(*dim, x.dim()) : 0;
          const Tensor ones = full(
              [&] {
                Dims s = line.sizes();
                s[static_cast<std::size_t>(d)] = 1;
                return s;
              }(),
              Scalar(1.0), x.dtype());
          const int64_t n = line.size(d);
          const Tensor left = cat({ones, cumprod(narrow(line, d, 0, n - 1), d)}, d);
          const Tensor flipped = flip(line, {d});
          const Tensor right = flip(cat({ones, cumprod(narrow(flipped, d, 0, n - 1), d)}, d), {d});
          const Tensor wide = restore_dims(g, x.sizes(), reduced, keepdim);
          return Grads{mul(wide, reshape(mul(left, right), x.sizes()))};
        },
        [dim, keepdim] { return dim ? Notes{{"dim", *dim}, {"keepdim", keepdim}} : Notes{}; });
  return y;
}

// ---- extremes

namespace {

void check_not_empty(const Tensor& x, const Flags& reduced, const char* name, bool all_dims) {
  for (std::size_t d = 0; d < reduced.size(); ++d)
    if (reduced[d] && x.sizes()[d] == 0) {
      if (all_dims)
        fail(name,
             "(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
             "with "
             "the 'dim' argument.");
      fail<IndexError>(name, "(): Expected reduction dim ", d, " to have non-zero size.");
    }
}

// The gradient is shared equally among the elements that are the extreme. Where that is NaN, which equals
// nothing, so is the gradient of all, unless nan_too says that NaNs share it.
Tensor pull_extreme(const Tensor& x, const Tensor& result, const Tensor& g, const Flags& reduced,
                    bool keepdim, bool nan_too) {
  const Tensor wide = restore_dims(result, x.sizes(), reduced, keepdim);
  const Tensor equal = compare(kernels::CompareOp::eq, x, wide);
  const Tensor hit = cast(nan_too ? bitwise_or(equal, bitwise_and(isnan(x), isnan(wide))) : equal, g.dtype());
  Dims dims;
  for (std::size_t d = 0; d < reduced.size(); ++d)
    if (reduced[d]) dims.push_back(static_cast<int64_t>(d));
  const Tensor count = sum(hit, dims.empty() ? OptionalDims() : OptionalDims(dims), true);
  return mul(div(restore_dims(g, x.sizes(), reduced, keepdim), count), hit);
}

Tensor extreme(ReduceOp op, const Tensor& x, const OptionalDims& dims, bool keepdim, const char* name,
               const char* node, bool nan_too = false) {
  const Flags reduced = reduced_dims(dims, x.dim());
  check_not_empty(x, reduced, name, !dims);
  Tensor y = with_sizes(run_reduce(op, x, reduced, x.dtype(), name), result_sizes(x, reduced, keepdim));
  if (needs_grad(x))
    record(
        node, x, y, kept(keep("self", x), keep_output("result", y)),
        [reduced, keepdim, nan_too](Backward& b, const Tensor& g) {
          return Grads{pull_extreme(b.saved(0), b.saved(1), g, reduced, keepdim, nan_too)};
        },
        [dims, keepdim] { return along_dims(dims, keepdim); });
  return y;
}

struct Argument {
  Tensor values, places;
};

Argument run_arg(ReduceOp op, const Tensor& x, const Flags& reduced) {
  if (x.batched()) [[unlikely]] {
    const Argument found = run_arg(op, physical(x), physical_flags(x, reduced));
    return {hide(found.values, x->transforms->batch), hide(found.places, x->transforms->batch)};
  }
  const Dims sizes = kept_sizes(x, reduced);
  Argument result{empty(sizes, x.dtype()), empty(sizes, DType::i64)};
  const Arranged a = arrange(x, reduced);
  if (result.places.numel() == 0) return result;
  Unlocked unlocked(x.numel());
  kernels::reduce().arg_reduce(op, x.dtype(), a.shape, a.data.raw(), result.values.raw(),
                               static_cast<int64_t*>(result.places.raw()));
  return result;
}

Argument run_arg(ReduceOp op, const Tensor& x, std::optional<int64_t> dim, const char* name) {
  Flags reduced(x.sizes().size(), !dim);
  if (dim && x.dim() > 0) reduced[static_cast<std::size_t>(wrap_dim(*dim, x.dim()))] = true;
  if (dim) wrap_dim(*dim, x.dim());
  check_not_empty(x, reduced, name, !dim);
  return run_arg(op, x, reduced);
}

ValuesIndices extreme_dim(ReduceOp op, const Tensor& x, int64_t dim, bool keepdim, const char* name,
                          const char* node) {
  const Argument found = run_arg(op, x, dim, name);
  const auto d = static_cast<std::size_t>(wrap_dim(dim, x.dim()));
  Dims sizes = found.values.sizes();
  if (!keepdim && !sizes.empty()) sizes.erase(d);
  ValuesIndices result{with_sizes(found.values, sizes), with_sizes(found.places, sizes)};
  if (needs_grad(x))
    record(
        node, x, {result.values, result.indices}, kept(keep("indices", result.indices)),
        [sizes = x.sizes(), dim, keepdim](Backward& b, const Grads& g) {
          if (!g[0].defined()) return Grads{Tensor()};
          if (sizes.empty()) return Grads{g[0]};
          const int64_t d = wrap_dim(dim, static_cast<int64_t>(sizes.size()));
          const Tensor places = keepdim ? b.saved(0) : unsqueeze(b.saved(0), d);
          const Tensor grad = keepdim ? g[0] : unsqueeze(g[0], d);
          // Places compared with a ramp along the dimension: the winner gets the gradient, the others
          // zero.
          const Tensor chosen = compare(kernels::CompareOp::eq, ramp_along(sizes, d), places);
          return Grads{where(chosen, grad, 0)};
        },
        [dim, keepdim] { return Notes{{"dim", dim}, {"keepdim", keepdim}}; });
  return result;
}

}  // namespace

Tensor amax(const Tensor& x, const OptionalDims& dims, bool keepdim) {
  return extreme(ReduceOp::max, x, dims, keepdim, "amax", "AmaxBackward0");
}
Tensor amin(const Tensor& x, const OptionalDims& dims, bool keepdim) {
  return extreme(ReduceOp::min, x, dims, keepdim, "amin", "AminBackward0");
}
Tensor max(const Tensor& x) {
  return extreme(ReduceOp::max, x, {}, false, "max", "MaxBackward1", true);
}
Tensor min(const Tensor& x) {
  return extreme(ReduceOp::min, x, {}, false, "min", "MinBackward1", true);
}
Extremes aminmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  const OptionalDims dims = dim ? OptionalDims(Dims{*dim}) : OptionalDims();
  const Flags reduced = reduced_dims(dims, x.dim());
  for (std::size_t d = 0; d < reduced.size(); ++d)
    check(!reduced[d] || x.sizes()[d] > 0,
          "aminmax(): cannot compute aminmax over an empty dimension as the "
          "operation has no identity.");
  Extremes found;
  {
    const Unrecorded unrecorded;
    found = {amin(x, dims, keepdim), amax(x, dims, keepdim)};
  }
  if (needs_grad(x))
    record(
        "AminmaxBackward0", x, {found.min, found.max},
        kept(keep("self", x), keep_output("min", found.min), keep_output("max", found.max)),
        [reduced, keepdim](Backward& b, const Grads& g) {
          const Tensor x = b.saved(0), results[2] = {b.saved(1), b.saved(2)};
          Tensor sum;
          for (std::size_t i = 0; i < 2; ++i) {
            if (!g[i].defined()) continue;
            const Tensor term = pull_extreme(x, results[i], g[i], reduced, keepdim, false);
            sum = sum.defined() ? add(sum, term) : term;
          }
          return Grads{sum};
        },
        [dim, keepdim] { return Notes{{"dim", dim}, {"keepdim", keepdim}}; });
  return found;
}
ValuesIndices max_dim(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme_dim(ReduceOp::max, x, dim, keepdim, "max", "MaxBackward0");
}
ValuesIndices min_dim(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme_dim(ReduceOp::min, x, dim, keepdim, "min", "MinBackward0");
}

namespace {
Tensor arg_extreme(ReduceOp op, const Tensor& x, std::optional<int64_t> dim, bool keepdim, const char* name) {
  check(x.dtype() != DType::boolean, "\"", name, "_cpu\" not implemented for 'Bool'");
  const Tensor places = run_arg(op, x, dim, name).places;
  Dims sizes = places.sizes();
  if (!keepdim) {
    if (!dim)
      sizes.clear();
    else if (!sizes.empty())
      sizes.erase(static_cast<std::size_t>(wrap_dim(*dim, x.dim())));
  }
  return with_sizes(places, sizes);
}
}  // namespace

Tensor argmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme(ReduceOp::max, x, dim, keepdim, "argmax");
}
Tensor argmin(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme(ReduceOp::min, x, dim, keepdim, "argmin");
}

namespace {
Tensor logic(ReduceOp op, const Tensor& x, const OptionalDims& dims, bool keepdim, const char* name) {
  const Flags reduced = reduced_dims(dims, x.dim());
  Tensor y = with_sizes(run_reduce(op, x, reduced, DType::boolean, name), result_sizes(x, reduced, keepdim));
  return x.dtype() == DType::u8 ? cast(y, DType::u8) : y;
}
}  // namespace

Tensor all(const Tensor& x, const OptionalDims& dims, bool keepdim) {
  return logic(ReduceOp::all, x, dims, keepdim, "all");
}
Tensor any(const Tensor& x, const OptionalDims& dims, bool keepdim) {
  return logic(ReduceOp::any, x, dims, keepdim, "any");
}

// log(sum(exp(x))), shifted by the greatest element so that nothing overflows; the derivative is softmax.
Tensor logsumexp(const Tensor& self, const Dims& dims, bool keepdim) {
  const Tensor x = is_floating(self.dtype()) ? self : cast(self, get_default_dtype());
  const Flags reduced = reduced_dims(dims, x.dim());
  Tensor y;
  {
    const Unrecorded unrecorded;
    if (x.numel() == 0) {
      y = log(sum(exp(x), dims, keepdim));
    } else {
      const Tensor top = amax(x, dims, true);
      const Tensor shift = where(isfinite(top), top, 0);
      y = add(log(sum(exp(sub(x, shift)), dims, true)), shift);
      if (!keepdim) y = with_sizes(y, result_sizes(x, reduced, false));
    }
  }
  if (needs_grad(x))
    record(
        "LogsumexpBackward0", x, y, kept(keep("self", x), keep_output("result", y)),
        [reduced, keepdim](Backward& b, const Tensor& g) {
          const Tensor x = b.saved(0);
          const Tensor wide = restore_dims(b.saved(1), x.sizes(), reduced, keepdim);
          return Grads{mul(restore_dims(g, x.sizes(), reduced, keepdim), exp(sub(x, wide)))};
        },
        [dims, keepdim] { return with_dims(dims, keepdim); });
  return y;
}

// ---- running sums and products

namespace {

Tensor run_scan(kernels::ScanOp op, const Tensor& x, int64_t dim, const char* name) {
  if (x.batched()) [[unlikely]] {
    const BatchDims& batch = x->transforms->batch;
    const auto levels = static_cast<int64_t>(batch.levels.size());
    if (x.dim() == 0) return clone_values(x);
    return hide(run_scan(op, physical(x), dim + levels, name), batch);
  }
  const Tensor in = contiguous(detach(x));
  Tensor y = empty(x.sizes(), x.dtype());
  ReduceShape shape{1, 1, 1};
  for (int64_t d = 0; d < x.dim(); ++d)
    (d < dim ? shape.outer : d == dim ? shape.n : shape.inner) *= x.size(d);
  bool known = true;
  if (x.numel() > 0) known = kernels::reduce().scan(op, x.dtype(), shape, in.raw(), y.raw());
  check<NotImplementedError>(known, "\"", name, "_cpu\" not implemented for '", scalar_name(x.dtype()), "'");
  return y;
}

DType scan_type(const Tensor& x, std::optional<DType> dtype) {
  return dtype ? *dtype : is_floating(x.dtype()) ? x.dtype() : DType::i64;
}

}  // namespace

Tensor cumsum(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  const int64_t d = wrap_dim(dim, self.dim());
  const Tensor x = cast(self, scan_type(self, dtype));
  Tensor y = run_scan(kernels::ScanOp::sum, x, d, "cumsum");
  if (needs_grad(x))
    record(
        linear("CumsumBackward0", [&](const Tensor& t) { return cumsum(t, d); }), x, y, {},
        [d](Backward&, const Tensor& g) {
          if (g.dim() == 0) return Grads{g};
          return Grads{flip(cumsum(flip(g, {d}), d), {d})};
        },
        [d] { return Notes{{"dim", d}}; });
  return y;
}

Tensor cumprod(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  const int64_t d = wrap_dim(dim, self.dim());
  const Tensor x = cast(self, scan_type(self, dtype));
  Tensor y = run_scan(kernels::ScanOp::prod, x, d, "cumprod");
  if (needs_grad(x))
    record(
        "CumprodBackward0", x, y, kept(keep("self", x), keep_output("result", y)),
        [d](Backward& b, const Tensor& g) {
          b.saved(1);  // as PyTorch, whose formula takes the result: a change of it is an error
          const Tensor x = b.saved(0);
          if (x.dim() == 0 || x.numel() == 0) return Grads{g};
          // d y_j / d x_i = product of x_k over k <= j, k != i: summed over j >= i. With the products
          // before i taken out, what is left obeys s_i = g_i + x_{i+1} s_{i+1}: right also where elements
          // are zero.
          const int64_t n = x.size(d);
          Dims first = x.sizes();
          first[static_cast<std::size_t>(d)] = 1;
          const Tensor before =
              n > 1 ? cat({full(first, Scalar(1.0), x.dtype()), cumprod(narrow(x, d, 0, n - 1), d)}, d)
                    : full(first, Scalar(1.0), x.dtype());
          std::vector<Tensor> tail(static_cast<std::size_t>(n));
          Tensor s;
          for (int64_t i = n - 1; i >= 0; --i) {
            const Tensor here = narrow(g, d, i, 1);
            s = s.defined() ? add(here, mul(narrow(x, d, i + 1, 1), s)) : here;
            tail[static_cast<std::size_t>(i)] = s;
          }
          return Grads{mul(before, cat(tail, d))};
        },
        [d] { return Notes{{"dim", d}}; });
  return y;
}

}  // namespace penlight

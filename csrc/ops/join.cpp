// Joining, repeating and rearranging by copying; tensors of regular numbers.
#include <algorithm>
#include <cmath>

#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"

namespace penlight {

Tensor cat(const std::vector<Tensor>& all, int64_t dim) {
  check<ValueError>(!all.empty(), "torch.cat(): expected a non-empty list of Tensors");
  // Empty one-dimensional tensors are left out, as PyTorch has always done.
  std::vector<Tensor> tensors;
  Promotion promotion;
  for (const Tensor& tensor : all) {
    promotion.add(tensor);
    check(tensor.dim() > 0, "zero-dimensional tensor (at position ", &tensor - all.data(),
          ") cannot be concatenated");
    if (!(tensor.dim() == 1 && tensor.numel() == 0)) tensors.push_back(tensor);
  }
  const DType dtype = promotion.result();
  if (tensors.empty()) {
    wrap_dim(dim, all[0].dim());
    tensors = all;
  }
  const auto d = static_cast<std::size_t>(wrap_dim(dim, tensors[0].dim()));
  Dims sizes = tensors[0].sizes();
  sizes[d] = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check(tensors[i].dim() == tensors[0].dim(), "Tensors must have same number of dimensions: got ",
          tensors[0].dim(), " and ", tensors[i].dim());
    for (std::size_t e = 0; e < sizes.size(); ++e)
      check(e == d || tensors[i].sizes()[e] == sizes[e], "Sizes of tensors must match except in dimension ",
            d, ". Expected size ", sizes[e], " but got size ", tensors[i].sizes()[e], " for tensor number ",
            i, " in the list.");
    sizes[d] = checked_add(sizes[d], tensors[i].sizes()[d], "the joined dimension");
  }
  Tensor y = empty_batched(sizes, dtype, joint_batch(tensors.data(), tensors.size()));
  int64_t at = 0;
  for (const Tensor& tensor : tensors) {
    copy_values(alias(y, tensor.sizes(), y.strides(), at * y.strides()[d]), tensor);
    at += tensor.sizes()[d];
  }
  if (needs_grad_any(all)) {
    Dims lengths;  // -1: left out
    for (const Tensor& tensor : all)
      lengths.push_back(tensor.dim() == 1 && tensor.numel() == 0 ? -1 : tensor.sizes()[d]);
    record(
        "CatBackward0", all, y, {},
        [lengths, d](Backward& b, const Tensor& g) {
          Grads grads(lengths.size());
          int64_t at = 0;
          for (std::size_t i = 0; i < lengths.size(); ++i) {
            const int64_t length = std::max<int64_t>(lengths[i], 0);
            if (b.needs(i))
              grads[i] =
                  lengths[i] < 0 ? zeros({0}, g.dtype()) : narrow(g, static_cast<int64_t>(d), at, length);
            at += length;
          }
          return grads;
        },
        [d] { return Notes{{"dim", static_cast<int64_t>(d)}}; });
  }
  return y;
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t dim) {
  check(!tensors.empty(), "stack expects a non-empty TensorList");
  const auto d = static_cast<std::size_t>(wrap_dim(dim, tensors[0].dim() + 1));
  Promotion promotion;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    promotion.add(tensors[i]);
    check(tensors[i].sizes() == tensors[0].sizes(), "stack expects each tensor to be equal size, but got ",
          tensors[0].sizes(), " at entry 0 and ", tensors[i].sizes(), " at entry ", i);
  }
  Dims sizes = tensors[0].sizes();
  sizes.insert(d, static_cast<int64_t>(tensors.size()));
  Tensor y = empty_batched(sizes, promotion.result(), joint_batch(tensors.data(), tensors.size()));
  Dims strides = y.strides();
  const int64_t step = strides[d];
  strides.erase(d);
  for (std::size_t i = 0; i < tensors.size(); ++i)
    copy_values(alias(y, tensors[i].sizes(), strides, static_cast<int64_t>(i) * step), tensors[i]);
  if (needs_grad_any(tensors))
    record(
        "StackBackward0", tensors, y, {},
        [d, count = tensors.size()](Backward& b, const Tensor& g) {
          Grads grads(count);
          for (std::size_t i = 0; i < count; ++i)
            if (b.needs(i)) grads[i] = select(g, static_cast<int64_t>(d), static_cast<int64_t>(i));
          return grads;
        },
        [d] { return Notes{{"dim", static_cast<int64_t>(d)}}; });
  return y;
}

Tensor flip(const Tensor& x, const Dims& dims) {
  const SmallVec<bool, 8> flags =
      dims.empty() ? SmallVec<bool, 8>(x.sizes().size(), false) : reduced_dims(dims, x.dim());
  Tensor y = empty_for(x.sizes(), x.dtype(), x);
  // Read backwards: negative strides are the loop's affair alone.
  Dims strides = x.strides();
  int64_t start = x->offset;
  for (std::size_t d = 0; d < flags.size(); ++d)
    if (flags[d] && x.sizes()[d] > 0) {
      start += (x.sizes()[d] - 1) * strides[d];
      strides[d] = -strides[d];
    }
  if (x.numel() > 0) copy_values(y, alias(x, x.sizes(), strides, start));
  if (needs_grad(x))
    record(
        linear("FlipBackward0", [&](const Tensor& t) { return flip(t, dims); }), x, y, {},
        [dims](Backward&, const Tensor& g) { return Grads{flip(g, dims)}; },
        [dims] { return Notes{{"dims", 0, nullptr, dims}}; });
  return y;
}

namespace {
Tensor roll_one(const Tensor& x, int64_t shift, int64_t dim) {
  const int64_t d = wrap_dim(dim, x.dim()), n = x.dim() == 0 ? 1 : x.size(d);
  if (n == 0 || x.dim() == 0) return clone(x);
  const int64_t s = (shift % n + n) % n;
  return s == 0 ? clone(x) : cat({narrow(x, d, n - s, s), narrow(x, d, 0, n - s)}, d);
}
}  // namespace

Tensor roll(const Tensor& x, const Dims& shifts, const Dims& dims) {
  check(!shifts.empty(), "`shifts` required");
  if (dims.empty()) {
    check(shifts.size() == 1, "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:0");
    return reshape(roll_one(reshape(x, {-1}), shifts[0], 0), x.sizes());
  }
  check(shifts.size() == dims.size(), "shifts and dimensions must align. shifts: ", shifts.size(),
        ", dims:", dims.size());
  Tensor y = x;
  {
    const Unrecorded unrecorded;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      check<IndexError>(x.dim() > 0, "Dimension specified as ", dims[i], " but tensor has no dimensions");
      y = roll_one(y, shifts[i], dims[i]);
    }
  }
  if (needs_grad(x))
    record(
        linear("RollBackward0", [&](const Tensor& t) { return roll(t, shifts, dims); }), x, y, {},
        [shifts, dims](Backward&, const Tensor& g) {
          Dims back;
          for (int64_t shift : shifts) back.push_back(-shift);
          return Grads{roll(g, back, dims)};
        },
        [shifts, dims] { return Notes{{"shifts", {}, nullptr, shifts}, {"dims", {}, nullptr, dims}}; });
  return y;
}

Tensor repeat(const Tensor& x, const Dims& repeats) {
  check(repeats.size() >= x.sizes().size(),
        "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor");
  // Every dimension becomes (times, size): expanded along times, then joined.
  const std::size_t shift = repeats.size() - x.sizes().size();
  Dims split, wide, joined;
  for (std::size_t d = 0; d < repeats.size(); ++d) {
    check(repeats[d] >= 0, "Trying to create tensor with negative dimension ", repeats[d], ": ", repeats);
    const int64_t size = d < shift ? 1 : x.sizes()[d - shift];
    split.push_back(1);
    split.push_back(size);
    wide.push_back(repeats[d]);
    wide.push_back(size);
    joined.push_back(checked_mul(repeats[d], size, "a repeated dimension"));
  }
  checked_numel(joined);
  if (2 * repeats.size() > 64) fail("repeat expects at most 32 dimensions, got ", repeats.size());
  Tensor y = empty_for(joined, x.dtype(), x);
  {
    const Unrecorded unrecorded;
    const Tensor source = expand(reshape(x, split), wide);
    copy_values(alias(y, wide, contiguous_strides(wide), 0), source);
  }
  if (needs_grad(x))
    record(
        linear("RepeatBackward0", [&](const Tensor& t) { return repeat(t, repeats); }), x, y, {},
        [wide, sizes = x.sizes()](Backward&, const Tensor& g) {
          Dims times;
          for (std::size_t d = 0; d < wide.size(); d += 2) times.push_back(static_cast<int64_t>(d));
          if (times.empty()) return Grads{reshape(g, sizes)};
          return Grads{reshape(sum(reshape(g, wide), times), sizes)};
        },
        [repeats] { return Notes{{"repeats", {}, nullptr, repeats}}; });
  return y;
}

namespace {

Tensor triangle(const Tensor& x, int64_t diagonal, bool lower, const char* node) {
  check(x.dim() >= 2, lower ? "tril" : "triu", ": input tensor must have at least 2 dimensions");
  const int64_t rows = x.size(x.dim() - 2), columns = x.size(x.dim() - 1);
  Tensor mask = empty({rows, columns}, DType::boolean);
  bool* inside = mask.data<bool>();
  for (int64_t i = 0; i < rows && columns > 0; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t distance = j - i;
      inside[i * columns + j] = lower ? distance <= diagonal : distance >= diagonal;
    }
  const Unrecorded unrecorded;
  (void)node;
  return contiguous(where(mask, x, scalar_tensor(Scalar(false), x.dtype())));
}

}  // namespace

Tensor tril(const Tensor& x, int64_t diagonal) {
  Tensor y = triangle(x, diagonal, true, "tril");
  if (needs_grad(x))
    record(
        linear("TrilBackward0", [&](const Tensor& t) { return tril(t, diagonal); }), x, y, {},
        [diagonal](Backward&, const Tensor& g) { return Grads{tril(g, diagonal)}; },
        [diagonal] { return Notes{{"diagonal", diagonal}}; });
  return y;
}
Tensor triu(const Tensor& x, int64_t diagonal) {
  Tensor y = triangle(x, diagonal, false, "triu");
  if (needs_grad(x))
    record(
        linear("TriuBackward0", [&](const Tensor& t) { return triu(t, diagonal); }), x, y, {},
        [diagonal](Backward&, const Tensor& g) { return Grads{triu(g, diagonal)}; },
        [diagonal] { return Notes{{"diagonal", diagonal}}; });
  return y;
}

Tensor constant_pad(const Tensor& x, const Dims& padding, const Scalar& value) {
  check(padding.size() % 2 == 0, "Length of pad must be even but instead it equals ", padding.size());
  check(padding.size() <= 2 * x.sizes().size(),
        "Length of pad should be no more than twice the number of dimensions of "
        "the input. Pad length is ",
        padding.size(), " while the input has ", x.dim(), " dimensions.");
  Dims sizes = x.sizes();
  int64_t from = x->offset, to = 0;
  Dims common = x.sizes(), low(sizes.size(), 0);
  for (std::size_t i = 0; i < padding.size() / 2; ++i) {
    const std::size_t d = sizes.size() - 1 - i;
    const int64_t before = padding[2 * i], after = padding[2 * i + 1];
    sizes[d] = checked_add(checked_add(sizes[d], before, "the padded size"), after, "the padded size");
    check(sizes[d] >= 0, "The input size ", x.sizes()[d], ", plus negative padding ", before, " and ", after,
          " resulted in a negative output size, which is invalid. Check dimension ", d, " of your input.");
    common[d] =
        std::max<int64_t>(x.sizes()[d] + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0), 0);
    low[d] = before;
  }
  Tensor y = full_for(sizes, value, x.dtype(), joint_batch({x}));
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    from += std::max<int64_t>(-low[d], 0) * x.strides()[d];
    to += std::max<int64_t>(low[d], 0) * y.strides()[d];
  }
  if (checked_numel(common) > 0)
    copy_values(alias(y, common, y.strides(), to), alias(x, common, x.strides(), from));
  if (needs_grad(x))
    record(
        linear("ConstantPadNdBackward0", [&](const Tensor& t) { return constant_pad(t, padding, 0); }), x, y,
        {},
        [padding](Backward&, const Tensor& g) {
          Dims back = padding;
          for (int64_t& p : back) p = -p;
          return Grads{constant_pad(g, back, Scalar(0))};
        },
        [padding] { return Notes{{"pad", {}, nullptr, padding}}; });
  return y;
}

Tensor select_scatter(const Tensor& x, const Tensor& source, int64_t dim, int64_t index) {
  Tensor y = clone(spread_for(x, source));
  Tensor window = select(y, dim, index);
  check(window.sizes() == source.sizes(),
        "expected src to have a size equal to the slice of self. src size = ", source.sizes(),
        ", slice size = ", window.sizes());
  copy_(window, source);
  return y;
}

Tensor slice_scatter(const Tensor& x, const Tensor& source, int64_t dim, int64_t start, int64_t end,
                     int64_t step) {
  Tensor y = clone(spread_for(x, source));
  Tensor window = slice(y, dim, start, end, step);
  check(window.sizes() == source.sizes(),
        "expected src to have a size equal to the slice of self. src size = ", source.sizes(),
        ", slice size = ", window.sizes());
  copy_(window, source);
  return y;
}

Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  check<IndexError>(x.dim() > 0,
                    "Dimension out of range (diag_embed expects a tensor with at least one "
                    "dimension)");
  const int64_t a = wrap_dim(dim1, x.dim() + 1), b = wrap_dim(dim2, x.dim() + 1);
  check(a != b, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  check(offset > INT64_MIN, "diag_embed: offset is out of range, got ", offset);
  const int64_t n = checked_add(x.size(x.dim() - 1), std::abs(offset), "the diagonal matrix");
  Dims sizes = x.sizes();
  sizes.pop_back();
  sizes.insert(static_cast<std::size_t>(std::min(a, b)), n);
  sizes.insert(static_cast<std::size_t>(std::max(a, b)), n);
  Tensor y = full_for(sizes, Scalar(0), x.dtype(), joint_batch({x}));
  copy_values(diagonal(alias(y), offset, a, b), x);
  if (needs_grad(x))
    record(
        "DiagEmbedBackward0", x, y, {},
        [offset, a, b](Backward&, const Tensor& g) { return Grads{diagonal(g, offset, a, b)}; },
        [offset, a, b] { return Notes{{"offset", offset}, {"dim1", a}, {"dim2", b}}; });
  return y;
}

Tensor diagonal_scatter(const Tensor& x, const Tensor& source, int64_t offset, int64_t dim1, int64_t dim2) {
  Tensor y = clone(spread_for(x, source));
  Tensor window = diagonal(y, offset, dim1, dim2);
  check(window.sizes() == source.sizes(),
        "expected src to have a size equal to the slice of self. src size = ", source.sizes(),
        ", slice size = ", window.sizes());
  copy_(window, source);
  return y;
}

Tensor trace(const Tensor& x) {
  check(x.dim() == 2, "trace: expected a matrix, but got tensor with dim ", x.dim());
  Tensor y;
  {
    const Unrecorded unrecorded;
    y = sum(diagonal(x, 0, 0, 1));
  }
  if (needs_grad(x))
    record(linear("TraceBackward0", trace), x, y, {}, [sizes = x.sizes()](Backward&, const Tensor& g) {
      const Tensor none = zeros(sizes, g.dtype());
      return Grads{diagonal_scatter(none, expand(g, diagonal(none, 0, 0, 1).sizes()), 0, 0, 1)};
    });
  return y;
}

// ---- regular numbers

Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, DType dtype) {
  const double a = start.to_double(), b = end.to_double(), s = step.to_double();
  check(s != 0, "step must be nonzero");
  check(std::isfinite(a) && std::isfinite(b), "unsupported range: ", a, " -> ", b);
  check((s > 0 && b >= a) || (s < 0 && b <= a), "upper bound and lower bound inconsistent with step sign");
  const bool whole = !start.is_floating() && !end.is_floating() && !step.is_floating();
  double count;
  if (whole) {
    const __int128 span = __int128(end.to_int()) - start.to_int();
    const __int128 by = step.to_int();
    count = static_cast<double>((span + by - (by > 0 ? 1 : -1)) / by);
  } else {
    count = std::ceil((b - a) / s);
  }
  check(count >= 0 && count <= 0x1p60, "invalid size, possible overflow?");
  Tensor y = empty({static_cast<int64_t>(count)}, dtype);
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = y.data<T>();
    for (int64_t i = 0; i < y.size(0); ++i) {
      if (whole || (!is_floating(dtype)))
        out[i] = Scalar(static_cast<int64_t>(static_cast<uint64_t>(start.to_int()) +
                                             static_cast<uint64_t>(i) * static_cast<uint64_t>(step.to_int())))
                     .template to<T>();
      else
        out[i] = Scalar(a + s * static_cast<double>(i)).template to<T>();
    }
  });
  return y;
}

Tensor linspace(double start, double end, int64_t steps, DType dtype) {
  check(steps >= 0, "number of steps must be non-negative");
  Tensor y = empty({steps}, dtype);
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = std::conditional_t<std::is_same_v<T, float>, float, double>;
    T* out = y.data<T>();
    const C a = static_cast<C>(start), b = static_cast<C>(end);
    const C step = steps > 1 ? (b - a) / static_cast<C>(steps - 1) : C(0);
    for (int64_t i = 0; i < steps; ++i)  // from both ends, so that both are exact
      out[i] =
          Scalar(static_cast<double>(i < steps / 2 || steps == 1 ? a + step * static_cast<C>(i)
                                                                 : b - step * static_cast<C>(steps - 1 - i)))
              .template to<T>();
  });
  return y;
}

Tensor eye(int64_t n, int64_t m, DType dtype) {
  check(n >= 0, "n must be greater or equal to 0, got ", n);
  check(m >= 0, "m must be greater or equal to 0, got ", m);
  Tensor y = zeros({n, m}, dtype);
  if (std::min(n, m) > 0) fill_values(alias(y, {std::min(n, m)}, {m + 1}, 0), Scalar(1));
  return y;
}

Tensor ramp_along(const Dims& sizes, int64_t dim) {
  Dims shape(sizes.size(), 1);
  shape[static_cast<std::size_t>(dim)] = sizes[static_cast<std::size_t>(dim)];
  const Tensor line = arange(Scalar(int64_t(0)), Scalar(sizes[static_cast<std::size_t>(dim)]),
                             Scalar(int64_t(1)), DType::i64);
  return alias(line, shape, contiguous_strides(shape), 0);
}

}  // namespace penlight

// Views. Those that keep every element have a view as derivative; those that leave some out transfer the
// gradient back into a tensor of zeros.
#include <algorithm>
#include <bit>

#include "ops/elementwise.h"
#include "ops/elementwise_plan.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"

namespace penlight {

namespace {

bool overlaps_itself(const Window& w) {
  SmallVec<std::size_t, 4> order;
  for (std::size_t d = 0; d < w.sizes.size(); ++d)
    if (w.sizes[d] > 1) order.push_back(d);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return w.strides[a] < w.strides[b]; });
  int64_t reach = 0;
  for (std::size_t d : order) {
    if (w.strides[d] <= reach) return true;
    reach += (w.sizes[d] - 1) * w.strides[d];
  }
  return false;
}

// One more than the last element's place.
int64_t extent(const Window& w) {
  int64_t last = w.offset;
  for (std::size_t d = 0; d < w.sizes.size(); ++d) {
    if (w.sizes[d] == 0) return w.offset;
    last += (w.sizes[d] - 1) * w.strides[d];
  }
  return last + 1;
}

// The dimensions of a window (one bit each) to be gone through place by place so that no part overlaps
// itself: of all choices that with the fewest parts.
uint64_t dims_of_parts(const Window& w) {
  const std::size_t count = w.sizes.size();
  constexpr std::size_t kFew = 12;  // of more dimensions all but the first few are taken
  uint64_t best = 0;
  double fewest = -1;
  for (uint64_t chosen = 0; chosen < uint64_t{1} << std::min(count, kFew); ++chosen) {
    Window rest;
    double parts = 1;
    uint64_t all = chosen;
    for (std::size_t d = 0; d < count; ++d) {
      if (d >= kFew) all |= uint64_t{1} << d;
      if (all >> d & 1) {
        parts *= static_cast<double>(w.sizes[d]);
      } else {
        rest.sizes.push_back(w.sizes[d]);
        rest.strides.push_back(w.strides[d]);
      }
    }
    if ((fewest < 0 || parts < fewest) && !overlaps_itself(rest)) {
      best = all;
      fewest = parts;
    }
  }
  return best;
}

Tensor part_at(const Tensor& x, std::size_t dim, int64_t i) {
  Window w = window_of(x);
  w.offset += i * w.strides[dim];
  w.sizes.erase(dim);
  w.strides.erase(dim);
  return alias(x, w.sizes, w.strides, w.offset);
}

void add_parts(const Tensor& to, const Tensor& values, uint64_t dims) {
  if (dims == 0) {
    run_binary(kernels::BinaryOp::add, to, values, to.dtype(), "as_strided", &to);
    return;
  }
  const auto last = static_cast<std::size_t>(63 - std::countl_zero(dims));
  for (int64_t i = 0; i < to.sizes()[last]; ++i)
    add_parts(part_at(to, last, i), part_at(values, last, i), dims & ~(uint64_t{1} << last));
}

// Adds values to a window that overlaps itself, always in the same order.
void add_overlapping(const Tensor& to, const Tensor& values) {
  if (to.batched()) [[unlikely]]
    return add_overlapping(physical(to), physical(values, to->transforms->batch));
  Dims repeated;  // one place in memory, again and again
  Window rest{{}, {}, to->offset};
  for (std::size_t d = 0; d < to.sizes().size(); ++d) {
    if (to.strides()[d] == 0 && to.sizes()[d] > 1) {
      repeated.push_back(static_cast<int64_t>(d));
    } else {
      rest.sizes.push_back(to.sizes()[d]);
      rest.strides.push_back(to.strides()[d]);
    }
  }
  add_parts(alias(to, rest.sizes, rest.strides, rest.offset),
            repeated.empty() ? values : sum(values, repeated), dims_of_parts(rest));
}

// A view by geometry: make gives the window on a tensor of x's sizes with given strides and offset.
template <class Make, class N = NoNotes>
Tensor window_view(const char* node, const Tensor& x, Make make, N notes = {}) {
  const Window w = make(window_of(x));
  Tensor y = alias(x, w.sizes, w.strides, w.offset);
  mark_view(y, x);
  if (needs_grad(x)) {
    const Window whole{x.sizes(), contiguous_strides(x.sizes()), 0};
    const auto again = [&](const Tensor& t) { return window_view(node, t, make); };
    record(
        linear(node, again), x, y, {},
        [whole, part = make(whole)](Backward&, const Tensor& g) { return Grads{transfer(g, part, whole)}; },
        notes);
  }
  return y;
}

// A view whose derivative is given; again makes the same view of a tangent.
template <class A, class B, class N = NoNotes>
Tensor shape_view(const char* node, const Tensor& x, Dims sizes, Dims strides, const A& again, B backward,
                  N notes = {}) {
  Tensor y = alias(x, std::move(sizes), std::move(strides), x->offset);
  mark_view(y, x);
  if (needs_grad(x)) record(linear(node, again), x, y, {}, backward, notes);
  return y;
}

// Strides of a view with other sizes over the same elements, if there are any: runs of dimensions that lie
// densely are regrouped, others stay as they are.
std::optional<Dims> view_strides(const Tensor& x, const Dims& sizes) {
  if (x.numel() == 0) return contiguous_strides(sizes);
  Dims strides(sizes.size());
  auto d = static_cast<int64_t>(sizes.size()) - 1;
  int64_t last_stride = 1, run = 1;
  if (x.dim() == 0) return contiguous_strides(sizes);
  last_stride = x.stride(x.dim() - 1);
  for (int64_t i = x.dim() - 1; i >= 0; --i) {
    run *= x.size(i);
    if (i > 0 && (x.size(i - 1) == 1 || x.stride(i - 1) == run * last_stride)) continue;
    int64_t made = 1;
    while (d >= 0 && (made < run || sizes[static_cast<std::size_t>(d)] == 1)) {
      strides[static_cast<std::size_t>(d)] = made * last_stride;
      made *= sizes[static_cast<std::size_t>(d)];
      --d;
    }
    if (made != run) return std::nullopt;
    if (i > 0) {
      run = 1;
      last_stride = x.stride(i - 1);
    }
  }
  if (d != -1) return std::nullopt;
  return strides;
}

}  // namespace

Tensor transfer(const Tensor& values, const Window& from, const Window& to) {
  const int64_t low = std::min(from.offset, to.offset);
  const int64_t size = std::max(extent(from), extent(to)) - low;
  const Tensor buffer = values.batched() ? full_for({size}, Scalar(0), values.dtype(), joint_batch({values}))
                                         : zeros({size}, values.dtype());
  const Tensor target = alias(buffer, from.sizes, from.strides, from.offset - low);
  if (overlaps_itself(from))
    add_overlapping(target, detach(values));
  else
    copy_values(target, values);
  Tensor y = alias(buffer, to.sizes, to.strides, to.offset - low);
  if (y.numel() != size || !is_dense(y)) {
    Tensor dense = empty_for(to.sizes, values.dtype(), values);
    copy_values(dense, y);
    y = dense;
  }
  if (needs_grad(values))
    record(linear("AsStridedBackward0", [&](const Tensor& t) { return transfer(t, from, to); }), values, y,
           {}, [from, to](Backward&, const Tensor& g) { return Grads{transfer(g, to, from)}; });
  return y;
}

Dims infer_sizes(const Dims& sizes, int64_t count) {
  Dims result = sizes;
  int64_t known = 1, unknown = -1;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] == -1) {
      check(unknown < 0, "only one dimension can be inferred");
      unknown = static_cast<int64_t>(d);
    } else {
      check(sizes[d] >= 0, "invalid shape dimension ", sizes[d]);
      if (__builtin_mul_overflow(known, sizes[d], &known))
        fail("shape '", sizes, "' is invalid for input of size ", count);
    }
  }
  if (unknown >= 0) {
    check(known != 0, "cannot reshape tensor of 0 elements into shape ", sizes,
          " because the unspecified dimension size -1 can be any value and is ambiguous");
    check(count % known == 0, "shape '", sizes, "' is invalid for input of size ", count);
    result[static_cast<std::size_t>(unknown)] = count / known;
  } else {
    check(known == count, "shape '", sizes, "' is invalid for input of size ", count);
  }
  return result;
}

Tensor view(const Tensor& x, const Dims& wanted) {
  const Dims sizes = infer_sizes(wanted, x.numel());
  const auto strides = view_strides(x, sizes);
  check(strides.has_value(),
        "view size is not compatible with input tensor's size and stride (at least one dimension spans "
        "across two "
        "contiguous subspaces). Use .reshape(...) instead.");
  return shape_view(
      "ViewBackward0", x, sizes, *strides, [&](const Tensor& t) { return reshape(t, sizes); },
      [sizes = x.sizes()](Backward&, const Tensor& g) { return Grads{reshape(g, sizes)}; });
}

Tensor view_as_self(const Tensor& x) {
  return shape_view("AliasBackward0", x, x.sizes(), x.strides(), view_as_self,
                    [](Backward&, const Tensor& g) { return Grads{g}; });
}

Tensor reshape(const Tensor& x, const Dims& wanted) {
  const Dims sizes = infer_sizes(wanted, x.numel());
  if (const auto strides = view_strides(x, sizes))
    return shape_view(
        "ViewBackward0", x, sizes, *strides, [&](const Tensor& t) { return reshape(t, sizes); },
        [sizes = x.sizes()](Backward&, const Tensor& g) { return Grads{reshape(g, sizes)}; });
  const Tensor dense = contiguous(x);
  Tensor y = alias(dense, sizes, contiguous_strides(sizes), dense->offset);
  if (needs_grad(dense))
    record("UnsafeViewBackward0", dense, y, {},
           [sizes = dense.sizes()](Backward&, const Tensor& g) { return Grads{reshape(g, sizes)}; });
  return y;
}

Tensor flatten(const Tensor& x, int64_t first, int64_t last) {
  const int64_t a = wrap_dim(first, x.dim()), b = wrap_dim(last, x.dim());
  check(a <= b, "flatten() has invalid args: start_dim cannot come after end_dim");
  if (x.dim() == 0) return reshape(x, {1});
  if (a == b) return x;
  Dims sizes;
  int64_t joined = 1;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d < a || d > b)
      sizes.push_back(x.size(d));
    else
      joined *= x.size(d);
    if (d == b) sizes.push_back(joined);
  }
  return reshape(x, sizes);
}

Tensor permute(const Tensor& x, const Dims& dims) {
  check(static_cast<int64_t>(dims.size()) == x.dim(),
        "permute(sparse_coo): number of dimensions in the tensor input does "
        "not match the length of the desired ordering of dimensions i.e. input.dim() = ",
        x.dim(), " is not equal to len(dims) = ", dims.size());
  Dims sizes, strides, inverse(dims.size(), -1);
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const auto d = static_cast<std::size_t>(wrap_dim(dims[i], x.dim()));
    check(inverse[d] < 0, "permute(): duplicate dims are not allowed.");
    inverse[d] = static_cast<int64_t>(i);
    sizes.push_back(x.sizes()[d]);
    strides.push_back(x.strides()[d]);
  }
  return shape_view(
      "PermuteBackward0", x, sizes, strides, [&](const Tensor& t) { return permute(t, dims); },
      [inverse](Backward&, const Tensor& g) { return Grads{permute(g, inverse)}; },
      [dims] { return Notes{{"dims", 0, nullptr, dims}}; });
}

namespace {
Tensor swap_dims(const Tensor& x, int64_t a, int64_t b, const char* node) {
  Dims sizes = x.sizes(), strides = x.strides();
  if (x.dim() > 0) {
    std::swap(sizes[static_cast<std::size_t>(a)], sizes[static_cast<std::size_t>(b)]);
    std::swap(strides[static_cast<std::size_t>(a)], strides[static_cast<std::size_t>(b)]);
  }
  return shape_view(
      node, x, sizes, strides, [=](const Tensor& t) { return transpose(t, a, b); },
      [a, b](Backward&, const Tensor& g) { return Grads{transpose(g, a, b)}; },
      [a, b] { return Notes{{"dim0", a}, {"dim1", b}}; });
}
}  // namespace

Tensor transpose(const Tensor& x, int64_t a, int64_t b) {
  return swap_dims(x, wrap_dim(a, x.dim()), wrap_dim(b, x.dim()), "TransposeBackward0");
}

Tensor t(const Tensor& x) {
  check(x.dim() <= 2, "t() expects a tensor with <= 2 dimensions, but self is ", x.dim(), "D");
  return swap_dims(x, 0, x.dim() < 2 ? 0 : 1, "TBackward0");
}

Tensor expand(const Tensor& x, const Dims& wanted) {
  check(wanted.size() >= x.sizes().size(), "expand(torch.", scalar_name(x.dtype()), "Tensor{", x.sizes(),
        "}, size=", wanted, "): the number of sizes provided (", wanted.size(),
        ") must be greater or equal to the number of dimensions in the tensor (", x.dim(), ")");
  const std::size_t shift = wanted.size() - x.sizes().size();
  Dims sizes = wanted, strides(wanted.size(), 0);
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (d < shift) {
      check(sizes[d] >= 0, "The expanded size of the tensor (", sizes[d],
            ") isn't allowed in a leading, non-existing dimension ", d);
      continue;
    }
    const int64_t size = x.sizes()[d - shift];
    if (sizes[d] == -1) sizes[d] = size;
    check(sizes[d] == size || size == 1, "The expanded size of the tensor (", sizes[d],
          ") must match the existing size (", size, ") at non-singleton dimension ", d,
          ".  Target sizes: ", wanted, ".  Tensor sizes: ", x.sizes());
    check(sizes[d] >= 0, "invalid expanded size ", sizes[d], " at dimension ", d);
    strides[d] = size == 1 && sizes[d] != 1 ? 0 : x.strides()[d - shift];
  }
  checked_numel(sizes);
  return shape_view(
      "ExpandBackward0", x, sizes, strides, [&](const Tensor& t) { return expand(t, wanted); },
      [sizes = x.sizes()](Backward&, const Tensor& g) { return Grads{sum_to(g, sizes)}; });
}

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  check<IndexError>(x.dim() > 0, "select() cannot be applied to a 0-dim tensor.");
  const auto d = static_cast<std::size_t>(wrap_dim(dim, x.dim()));
  const int64_t size = x.sizes()[d];
  check<IndexError>(index >= -size && index < size, "index ", index, " is out of bounds for dimension ", d,
                    " with size ", size);
  const int64_t at = index < 0 ? index + size : index;
  return window_view(
      "SelectBackward0", x,
      [d, at](Window w) {
        w.offset += at * w.strides[d];
        w.sizes.erase(d);
        w.strides.erase(d);
        return w;
      },
      [d, index] { return Notes{{"dim", static_cast<int64_t>(d)}, {"index", index}}; });
}

Tensor slice(const Tensor& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step) {
  check<IndexError>(x.dim() > 0, "slice() cannot be applied to a 0-dim tensor.");
  check<ValueError>(step > 0, "step must be greater than zero");
  const auto d = static_cast<std::size_t>(wrap_dim(dim, x.dim()));
  const int64_t size = x.sizes()[d];
  const auto clip = [size](int64_t i) { return i < 0 ? std::max<int64_t>(i + size, 0) : std::min(i, size); };
  const int64_t first = clip(start.value_or(0));
  const int64_t last = std::max(first, end ? clip(*end) : size);
  const int64_t count = last == first ? 0 : (last - first - 1) / step + 1;
  return window_view(
      "SliceBackward0", x,
      [d, first, count, step](Window w) {
        w.offset += first * w.strides[d];
        w.sizes[d] = count;
        int64_t stride;
        if (!__builtin_mul_overflow(w.strides[d], step, &stride))
          w.strides[d] = stride;  // else one element is left
        return w;
      },
      [d, from = start.value_or(0), to = end.value_or(INT64_MAX), step] {
        return Notes{{"dim", static_cast<int64_t>(d)}, {"start", from}, {"end", to}, {"step", step}};
      });
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  check(x.dim() > 0, "narrow() cannot be applied to a 0-dim tensor.");
  check(length >= 0, "narrow(): length must be non-negative.");
  const int64_t size = x.size(wrap_dim(dim, x.dim()));
  check<IndexError>(start >= -size && start <= size, "start out of range (expected to be in range of [",
                    -size, ", ", size, "], but got ", start, ")");
  if (start < 0) start += size;
  check(start <= size - length, "start (", start, ") + length (", length, ") exceeds dimension size (", size,
        ").");
  return slice(x, dim, start, start + length, 1);
}

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  const auto d = static_cast<std::size_t>(wrap_dim(dim, x.dim() + 1));
  Dims sizes = x.sizes(), strides = x.strides();
  strides.insert(d, d < sizes.size() ? sizes[d] * strides[d] : 1);
  sizes.insert(d, 1);
  return shape_view(
      "UnsqueezeBackward0", x, sizes, strides, [=](const Tensor& t) { return unsqueeze(t, dim); },
      [d](Backward&, const Tensor& g) { return Grads{squeeze(g, Dims{static_cast<int64_t>(d)})}; },
      [d] { return Notes{{"dim", static_cast<int64_t>(d)}}; });
}

Tensor squeeze(const Tensor& x, const std::optional<Dims>& dims) {
  SmallVec<bool, 8> drop(x.sizes().size(), !dims);
  if (dims)
    for (int64_t dim : *dims) {
      const auto d = static_cast<std::size_t>(wrap_dim(dim, x.dim()));
      if (x.dim() > 0) {
        check(!drop[d], "dim ", dim, " appears multiple times in the list of dims");
        drop[d] = true;
      }
    }
  Dims sizes, strides;
  for (std::size_t d = 0; d < drop.size(); ++d)
    if (!(drop[d] && x.sizes()[d] == 1)) {
      sizes.push_back(x.sizes()[d]);
      strides.push_back(x.strides()[d]);
    }
  return shape_view(
      !dims               ? "SqueezeBackward0"
      : dims->size() == 1 ? "SqueezeBackward1"
                          : "SqueezeBackward2",
      x, sizes, strides, [&](const Tensor& t) { return squeeze(t, dims); },
      [sizes = x.sizes()](Backward&, const Tensor& g) { return Grads{reshape(g, sizes)}; },
      [dims] {
        if (!dims) return Notes{};
        return dims->size() == 1 ? Notes{{"dim", (*dims)[0]}} : Notes{{"dim", {}, nullptr, *dims}};
      });
}

namespace {
// Could several places of a window be one in memory?
bool repeats(const Window& window) {
  int64_t reach = 1, count = 1;
  for (std::size_t d = 0; d < window.sizes.size(); ++d) {
    if (window.sizes[d] == 0) return false;
    reach += (window.sizes[d] - 1) * window.strides[d];
    count *= window.sizes[d];
  }
  return count > reach;
}
}  // namespace

Tensor as_strided(const Tensor& x, const Dims& sizes, const Dims& strides, std::optional<int64_t> offset) {
  check(sizes.size() == strides.size(), "mismatch in length of strides and shape");
  checked_numel(sizes);
  const Window part{sizes, strides, offset.value_or(x->offset)};
  check(part.offset >= 0, "Tensor: invalid storage offset ", part.offset);
  int64_t last = part.offset;
  bool empty_window = false;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    check(strides[d] >= 0,
          "as_strided: Negative strides are not supported at the moment, got strides: ", strides);
    empty_window |= sizes[d] == 0;
    if (sizes[d] > 1)
      last = checked_add(last, checked_mul(sizes[d] - 1, strides[d], "the window"), "the window");
  }
  const int64_t room = x->storage->bytes() / itemsize(x.dtype());
  check(empty_window || last < room, "setStorage: sizes ", sizes, ", strides ", strides, ", storage offset ",
        part.offset, ", and itemsize ", itemsize(x.dtype()), " requiring a storage size of ",
        last < INT64_MAX / itemsize(x.dtype()) ? (last + 1) * itemsize(x.dtype()) : INT64_MAX,
        " are out of bounds for storage of size ", x->storage->bytes());
  Tensor y = alias(x, part.sizes, part.strides, part.offset);
  mark_view(y, x);
  if (needs_grad(x))
    record(
        "AsStridedBackward0", x, y, {},
        [part, whole = window_of(x)](Backward&, const Tensor& g) {
          if (g.numel() == 0) return Grads{zeros(whole.sizes, g.dtype())};
          const Tensor pulled = transfer(g, part, whole);
          if (!repeats(whole)) return Grads{pulled};
          // Where several elements of x are one in memory, each gets its share, or together they had too
          // much.
          return Grads{div(pulled, transfer(full(whole.sizes, 1, g.dtype()), whole, whole))};
        },
        [sizes, strides, offset] {
          return Notes{
              {"size", {}, nullptr, sizes}, {"stride", {}, nullptr, strides}, {"storage_offset", offset}};
        });
  return y;
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const auto a = static_cast<std::size_t>(wrap_dim(dim1, x.dim())),
             b = static_cast<std::size_t>(wrap_dim(dim2, x.dim()));
  check(a != b, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  const int64_t rows = x.sizes()[a], columns = x.sizes()[b];
  const int64_t length =
      offset >= 0 ? std::max<int64_t>(std::min(rows, columns - std::min(offset, columns)), 0)
                  : std::max<int64_t>(std::min(rows - std::min(-std::max(offset, -rows), rows), columns), 0);
  return window_view(
      "DiagonalBackward0", x,
      [=](Window w) {
        if (length > 0) w.offset += offset >= 0 ? offset * w.strides[b] : -offset * w.strides[a];
        const int64_t stride = w.strides[a] + w.strides[b];
        w.sizes.erase(std::max(a, b));
        w.strides.erase(std::max(a, b));
        w.sizes.erase(std::min(a, b));
        w.strides.erase(std::min(a, b));
        w.sizes.push_back(length);
        w.strides.push_back(stride);
        return w;
      },
      [=] {
        return Notes{
            {"offset", offset}, {"dim1", static_cast<int64_t>(a)}, {"dim2", static_cast<int64_t>(b)}};
      });
}

Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step) {
  const auto d = static_cast<std::size_t>(wrap_dim(dim, x.dim()));
  check(step > 0, "step is ", step, " but must be > 0");
  check(size >= 0, "size is ", size, " but must be >= 0");
  const int64_t room = x.dim() == 0 ? 1 : x.sizes()[d];
  check(size <= room, "maximum size for tensor at dimension ", d, " is ", room, " but size is ", size);
  Dims made = x.sizes();
  if (x.dim() > 0) made[d] = (room - size) / step + 1;
  made.push_back(size);
  checked_numel(made);
  return window_view(
      "UnfoldBackward0", x,
      [=](Window w) {
        const int64_t stride = w.sizes.empty() ? 1 : w.strides[d];
        if (!w.sizes.empty()) {
          w.sizes[d] = (room - size) / step + 1;
          if (w.sizes[d] > 1) w.strides[d] *= step;
        }
        w.sizes.push_back(size);
        w.strides.push_back(stride);
        return w;
      },
      [=] { return Notes{{"dimension", static_cast<int64_t>(d)}, {"size", size}, {"step", step}}; });
}

// ---- several views at once

namespace {

// A tensor without memory of its own may have more parts than fit into memory.
void check_parts(int64_t count, const char* name) {
  check(count <= int64_t(1) << 26, name, " would make ", count, " tensors, at most 2^26 are possible");
}

// The parts' gradients joined again; a part nobody used counts zero.
Grads join_parts(const Grads& grads, const std::vector<Dims>& sizes, DType dtype, int64_t dim, bool stacked) {
  std::vector<Tensor> parts;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    parts.push_back(i < grads.size() && grads[i].defined() ? grads[i] : zeros(sizes[i], dtype));
  return Grads{stacked ? stack(parts, dim) : cat(parts, dim)};
}

template <class N>
void record_parts(const char* node, const Tensor& x, const std::vector<Tensor>& parts, int64_t dim,
                  bool stacked, N notes) {
  if (!needs_grad(x) || parts.empty()) return;
  std::vector<Dims> sizes;
  for (const Tensor& part : parts) sizes.push_back(part.sizes());
  record(
      node, x, parts, {},
      [sizes, dtype = x.dtype(), dim, stacked](Backward&, const Grads& grads) {
        return join_parts(grads, sizes, dtype, dim, stacked);
      },
      notes);
}

}  // namespace

std::vector<Tensor> split(const Tensor& x, const Dims& sizes, int64_t dim, std::optional<int64_t> each) {
  check(x.dim() > 0, "split expects at least a 1-dimensional tensor");
  const auto d = static_cast<std::size_t>(wrap_dim(dim, x.dim()));
  int64_t total = 0;
  for (int64_t size : sizes) {
    check(size >= 0,
          "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=", sizes);
    total = checked_add(total, size, "the sum of split_sizes");
  }
  check(total == x.sizes()[d], "split_with_sizes expects split_sizes to sum exactly to ", x.sizes()[d],
        " (input tensor's size at dimension ", dim, "), but got split_sizes=", sizes);
  std::vector<Tensor> parts;
  int64_t at = x->offset;
  for (int64_t size : sizes) {
    Dims part = x.sizes();
    part[d] = size;
    parts.push_back(alias(x, part, x.strides(), at));
    mark_view(parts.back(), x, true);
    at += size * x.strides()[d];
  }
  record_parts(each ? "SplitBackward0" : "SplitWithSizesBackward0", x, parts, static_cast<int64_t>(d), false,
               [d, each, sizes] {
                 const Note dim{"dim", static_cast<int64_t>(d)};
                 return each ? Notes{dim, {"split_size", *each}}
                             : Notes{dim, {"split_sizes", {}, nullptr, sizes}};
               });
  return parts;
}

std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim) {
  check(x.dim() > 0, "split expects at least a 1-dimensional tensor");
  check(size >= 0, "split expects split_size be non-negative, but got split_size=", size);
  const int64_t length = x.size(wrap_dim(dim, x.dim()));
  check(size > 0 || length == 0,
        "split_size can only be 0 if dimension size is 0, but got dimension size of ", length);
  if (size > 0) check_parts(length / size, "split");
  Dims sizes;
  for (int64_t rest = length; rest > 0; rest -= size) sizes.push_back(std::min(size, rest));
  if (sizes.empty()) sizes.push_back(0);
  return split(x, sizes, dim, size);
}

std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  check(x.dim() > 0, "chunk expects at least a 1-dimensional tensor");
  check(chunks > 0, "chunk expects `chunks` to be greater than 0, got: ", chunks);
  const int64_t length = x.size(wrap_dim(dim, x.dim()));
  if (length == 0) {
    check(chunks <= 1 << 20, "chunk of an empty dimension expects `chunks` of at most 2^20, got: ", chunks);
    return split(x, Dims(static_cast<std::size_t>(chunks), 0), dim);
  }
  return split(x, (length - 1) / chunks + 1, dim);
}

std::vector<Tensor> unbind(const Tensor& x, int64_t dim) {
  check<IndexError>(x.dim() > 0, "Dimension specified as ", dim, " but tensor has no dimensions");
  const auto d = static_cast<std::size_t>(wrap_dim(dim, x.dim()));
  Dims sizes = x.sizes(), strides = x.strides();
  sizes.erase(d);
  strides.erase(d);
  check_parts(x.sizes()[d], "unbind");
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < x.sizes()[d]; ++i) {
    parts.push_back(alias(x, sizes, strides, x->offset + i * x.strides()[d]));
    mark_view(parts.back(), x, true);
  }
  record_parts("UnbindBackward0", x, parts, static_cast<int64_t>(d), true,
               [d] { return Notes{{"dim", static_cast<int64_t>(d)}}; });
  return parts;
}

}  // namespace penlight

#include "ops/pool.h"

#include "kernels/pooling.h"
#include "ops/copy.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/unlocked.h"

namespace penlight {

using kernels::PoolGeometry;

namespace {

Dims as_dims(const std::vector<int64_t>& sizes) {
  return Dims(sizes.begin(), sizes.end());
}
std::vector<int64_t> as_vector(const Dims& dims) {
  return std::vector<int64_t>(dims.begin(), dims.end());
}

// x's values, contiguous and of the given type.
Tensor plain(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype && x.is_contiguous()) return x;
  Tensor copy = empty(x.sizes(), dtype);
  copy_values(copy, x);
  return copy;
}

// The type pooled in: 16-bit floats as float32.
DType compute_dtype(DType dtype) {
  return dtype == DType::f16 || dtype == DType::bf16 ? DType::f32 : dtype;
}

int64_t work_of(const PoolGeometry& g) {
  return g.planes * (g.input_plane() + g.output_plane());
}

template <class T>
const kernels::MaxPool<T>* max_kernels() {
  const kernels::PoolKernels& all = kernels::pooling();
  if constexpr (std::is_same_v<T, float>)
    return &all.max_float32;
  else if constexpr (std::is_same_v<T, double>)
    return &all.max_float64;
  else if constexpr (std::is_same_v<T, int64_t>)
    return &all.max_int64;
  else if constexpr (std::is_same_v<T, int32_t>)
    return &all.max_int32;
  else if constexpr (std::is_same_v<T, int16_t>)
    return &all.max_int16;
  else if constexpr (std::is_same_v<T, int8_t>)
    return &all.max_int8;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return &all.max_uint8;
  else
    return nullptr;
}

template <class T>
const kernels::AveragePool<T>* average_kernels() {
  const kernels::PoolKernels& all = kernels::pooling();
  if constexpr (std::is_same_v<T, float>)
    return &all.average_float32;
  else if constexpr (std::is_same_v<T, double>)
    return &all.average_float64;
  else if constexpr (std::is_same_v<T, int64_t>)
    return &all.average_int64;
  else
    return nullptr;
}

// A kernel takes any number of planes: the examples of vmap are more of them. Calls compute(geometry, tensors
// in their physical form) and hides the results' dimensions.
template <class Compute>
Tensor planes_of_examples(PoolGeometry g, std::initializer_list<Tensor> tensors, Compute compute) {
  const BatchDims batch = joint_batch(tensors);
  Tensors physicals;
  for (const Tensor& x : tensors) physicals.push_back(physical(x, batch));
  g.planes *= examples(batch);
  return hide(compute(g, physicals), batch);
}
Dims with_examples(const Dims& sizes, const Tensor& like, std::size_t rank) {
  Dims all(like.sizes().begin(), like.sizes().end() - static_cast<long>(rank));
  all.append(sizes.begin(), sizes.end());
  return all;
}

// What a function and the nodes it records are called.
struct Names {
  const char *function, *backward, *backward_backward;
};

[[noreturn]] void not_implemented(const Names& names, DType dtype) {
  fail<NotImplementedError>("\"", names.function, "\" not implemented for '", scalar_name(dtype), "'");
}

// What a pooling was called with; of an adaptive one there is nothing to tell.
Notes arguments_of(const PoolGeometry& g, bool average) {
  if (g.adaptive) return {};
  const auto axes = [&](const int64_t* values) { return Dims(values + 3 - g.dims, values + 3); };
  Notes notes{{"kernel_size", {}, nullptr, axes(g.kernel)},
              {"stride", {}, nullptr, axes(g.stride)},
              {"padding", {}, nullptr, axes(g.pad)},
              {"ceil_mode", g.ceil_mode}};
  if (average) {
    notes.push_back({"count_include_pad", g.count_include_pad});
    notes.push_back({"divisor_override", g.divisor ? std::optional<Scalar>(g.divisor) : std::nullopt});
  } else {
    notes.push_back({"dilation", {}, nullptr, axes(g.dilation)});
  }
  return notes;
}

// ---- maximum: its derivative scatters to the indices, the derivative of that gathers from them

Tensor gather_max(const PoolGeometry& g, const Names& names, const Tensor& x, const Tensor& indices);

// Unrecorded.
Tensor scattered(const PoolGeometry& g, const Dims& input_sizes, const Tensor& gy, const Tensor& indices) {
  if (any_batched(gy, indices)) [[unlikely]]
    return planes_of_examples(g, {gy, indices}, [&](const PoolGeometry& more, const Tensors& x) {
      return scattered(more, with_examples(input_sizes, x[0], input_sizes.size()), x[0], x[1]);
    });
  const Tensor from = plain(gy, compute_dtype(gy.dtype())), at = plain(indices, DType::i64);
  Tensor result = empty(input_sizes, from.dtype());
  const void* source = from.raw();
  const int64_t* where = at.data<int64_t>();
  void* to = result.raw();
  visit_dtype(from.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Unlocked unlocked(work_of(g));
    if (const auto* max = max_kernels<T>())
      max->scatter(g, static_cast<const T*>(source), where, static_cast<T*>(to));
  });
  return plain(result, gy.dtype());
}

Tensor scatter_max(const PoolGeometry& g, const Names& names, const Dims& input_sizes, const Tensor& gy,
                   const Tensor& indices) {
  Tensor result = scattered(g, input_sizes, gy, indices);
  if (needs_grad(gy))
    record(
        names.backward_backward, gy, result, kept(keep("indices", indices)),
        [g, names](Backward& b, const Tensor& ggx) { return Grads{gather_max(g, names, ggx, b.saved(0))}; });
  return result;
}

// Unrecorded.
Tensor gathered(const PoolGeometry& g, const Tensor& x, const Tensor& indices) {
  if (any_batched(x, indices)) [[unlikely]]
    return planes_of_examples(g, {x, indices}, [&](const PoolGeometry& more, const Tensors& all) {
      return gathered(more, all[0], all[1]);
    });
  const Tensor from = plain(x, compute_dtype(x.dtype())), at = plain(indices, DType::i64);
  Tensor result = empty(indices.sizes(), from.dtype());
  const void* source = from.raw();
  const int64_t* where = at.data<int64_t>();
  void* to = result.raw();
  visit_dtype(from.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Unlocked unlocked(work_of(g));
    if (const auto* max = max_kernels<T>())
      max->gather(g, static_cast<const T*>(source), where, static_cast<T*>(to));
  });
  return plain(result, x.dtype());
}

Tensor gather_max(const PoolGeometry& g, const Names& names, const Tensor& x, const Tensor& indices) {
  Tensor result = gathered(g, x, indices);
  if (needs_grad(x))
    record(names.backward_backward, x, result, kept(keep("indices", indices)),
           [g, names, sizes = x.sizes()](Backward& b, const Tensor& gy) {
             return Grads{scatter_max(g, names, sizes, gy, b.saved(0))};
           });
  return result;
}

// Unrecorded.
Pooled greatest(const PoolGeometry& g, const Names& names, const Tensor& input, bool with_indices) {
  if (input.batched()) [[unlikely]] {
    Pooled found;
    found.values = planes_of_examples(g, {input}, [&](const PoolGeometry& more, const Tensors& x) {
      found = greatest(more, names, x[0], with_indices);
      return found.values;
    });
    if (with_indices) found.indices = hide(found.indices, input->transforms->batch);
    return found;
  }
  const Tensor from = plain(input, compute_dtype(input.dtype()));
  const Dims sizes = as_dims(kernels::pool_output_sizes(g, as_vector(input.sizes())));
  Tensor values = empty(sizes, from.dtype());
  const Tensor indices = with_indices ? empty(sizes, DType::i64) : Tensor();
  const void* source = from.raw();
  void* to = values.raw();
  int64_t* where = with_indices ? indices.data<int64_t>() : nullptr;
  visit_dtype(from.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* max = max_kernels<T>();
    if (!max) not_implemented(names, from.dtype());
    const Unlocked unlocked(work_of(g));
    max->forward(g, static_cast<const T*>(source), static_cast<T*>(to), where);
  });
  return {plain(values, input.dtype()), indices};
}

Pooled maximum(const PoolGeometry& g, const Names& names, const Tensor& input, bool with_indices) {
  const bool recorded = needs_grad(input);
  const auto [values, indices] = greatest(g, names, input, with_indices || recorded);
  if (recorded)
    record(
        linear(names.backward, [&g, &names, &indices = indices](
                                   const Tensor& t) { return gather_max(g, names, t, indices); }),
        input, values, kept(keep("result1", indices)),
        [g, names, before = input.sizes()](Backward& b, const Tensor& gy) {
          return Grads{scatter_max(g, names, before, gy, b.saved(0))};
        },
        [g] { return arguments_of(g, false); });
  return {values, indices};
}

// ---- average: linear, so that its derivative's derivative is itself

Tensor spread_average(const PoolGeometry& g, const Names& names, const Dims& input_sizes, const Tensor& gy);

// Unrecorded.
Tensor averaged(const PoolGeometry& g, const Names& names, const Tensor& input) {
  if (input.batched()) [[unlikely]]
    return planes_of_examples(
        g, {input}, [&](const PoolGeometry& more, const Tensors& x) { return averaged(more, names, x[0]); });
  const Tensor from = plain(input, compute_dtype(input.dtype()));
  Tensor result = empty(as_dims(kernels::pool_output_sizes(g, as_vector(input.sizes()))), from.dtype());
  const void* source = from.raw();
  void* to = result.raw();
  visit_dtype(from.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* kernels = average_kernels<T>();
    if (!kernels) not_implemented(names, from.dtype());
    const Unlocked unlocked(work_of(g));
    kernels->forward(g, static_cast<const T*>(source), static_cast<T*>(to));
  });
  return plain(result, input.dtype());
}

Tensor average(const PoolGeometry& g, const Names& names, const Tensor& input, bool backward = false) {
  Tensor result = averaged(g, names, input);
  if (needs_grad(input))
    record(
        linear(backward ? names.backward_backward : names.backward,
               [&](const Tensor& t) { return average(g, names, t, true); }),
        input, result, {},
        [g, names, sizes = input.sizes()](Backward&, const Tensor& gy) {
          return Grads{spread_average(g, names, sizes, gy)};
        },
        [g] { return arguments_of(g, true); });
  return result;
}

// Unrecorded.
Tensor spread_out(const PoolGeometry& g, const Dims& input_sizes, const Tensor& gy) {
  if (gy.batched()) [[unlikely]]
    return planes_of_examples(g, {gy}, [&](const PoolGeometry& more, const Tensors& x) {
      return spread_out(more, with_examples(input_sizes, x[0], input_sizes.size()), x[0]);
    });
  const Tensor from = plain(gy, compute_dtype(gy.dtype()));
  Tensor result = empty(input_sizes, from.dtype());
  const void* source = from.raw();
  void* to = result.raw();
  visit_dtype(from.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Unlocked unlocked(work_of(g));
    if (const auto* kernels = average_kernels<T>())
      kernels->backward(g, static_cast<const T*>(source), static_cast<T*>(to));
  });
  return plain(result, gy.dtype());
}

Tensor spread_average(const PoolGeometry& g, const Names& names, const Dims& input_sizes, const Tensor& gy) {
  Tensor result = spread_out(g, input_sizes, gy);
  if (needs_grad(gy))
    record(names.backward_backward, gy, result, {},
           [g, names](Backward&, const Tensor& ggx) { return Grads{average(g, names, ggx, true)}; });
  return result;
}

// ---- one dimension goes as two, as in PyTorch: an axis of size 1 is put before it

Names names_of(int dims, const char* const (&functions)[3], const Names& two, const Names& three) {
  Names names = dims == 3 ? three : two;
  names.function = functions[dims - 1];
  return names;
}

Tensor without_axis(int dims, const Tensor& x) {
  return dims == 1 ? squeeze(x, Dims{-2}) : x;
}

PoolGeometry geometry_of(int dims, const char* name, const Tensor& input, const PoolOptions& options) {
  kernels::PoolArguments a;
  a.name = name, a.dims = dims, a.input = as_vector(input.sizes());
  a.kernel = as_vector(options.kernel), a.stride = as_vector(options.stride);
  a.padding = as_vector(options.padding), a.dilation = as_vector(options.dilation);
  a.ceil_mode = options.ceil_mode, a.count_include_pad = options.count_include_pad,
  a.divisor = options.divisor;
  PoolGeometry g = kernels::pool_geometry(a);
  if (dims == 1) g.dims = 2;  // the axis put before it has size 1
  return g;
}

PoolGeometry adaptive_geometry_of(int dims, const char* name, const Tensor& input, const Dims& output_size) {
  PoolGeometry g =
      kernels::adaptive_pool_geometry(name, dims, as_vector(input.sizes()), as_vector(output_size));
  if (dims == 1) g.dims = 2;
  return g;
}

Pooled run_max(int dims, const PoolGeometry& g, const Names& names, const Tensor& input, bool with_indices) {
  const Pooled pooled = maximum(g, names, dims == 1 ? unsqueeze(input, -2) : input, with_indices);
  return {without_axis(dims, pooled.values), with_indices ? without_axis(dims, pooled.indices) : Tensor()};
}

Tensor run_average(int dims, const PoolGeometry& g, const Names& names, const Tensor& input) {
  return without_axis(dims, average(g, names, dims == 1 ? unsqueeze(input, -2) : input));
}

}  // namespace

Pooled max_pool(int dims, const Tensor& input, const PoolOptions& options, bool with_indices) {
  const Names names =
      names_of(dims, {"max_pool1d", "max_pool2d", "max_pool3d"},
               {nullptr, "MaxPool2DWithIndicesBackward0", "MaxPool2DWithIndicesBackwardBackward0"},
               {nullptr, "MaxPool3DWithIndicesBackward0", "MaxPool3DWithIndicesBackwardBackward0"});
  return run_max(dims, geometry_of(dims, names.function, input, options), names, input, with_indices);
}

Tensor avg_pool(int dims, const Tensor& input, const PoolOptions& options) {
  const Names names = names_of(dims, {"avg_pool1d", "avg_pool2d", "avg_pool3d"},
                               {nullptr, "AvgPool2DBackward0", "AvgPool2DBackwardBackward0"},
                               {nullptr, "AvgPool3DBackward0", "AvgPool3DBackwardBackward0"});
  return run_average(dims, geometry_of(dims, names.function, input, options), names, input);
}

Tensor adaptive_avg_pool(int dims, const Tensor& input, const Dims& output_size) {
  const Names names = names_of(dims, {"adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"},
                               {nullptr, "AdaptiveAvgPool2DBackward0", "AdaptiveAvgPool2DBackwardBackward0"},
                               {nullptr, "AdaptiveAvgPool3DBackward0", "AdaptiveAvgPool3DBackwardBackward0"});
  const PoolGeometry g = adaptive_geometry_of(dims, names.function, input, output_size);
  if (g.output_plane() == 1 && dims > 1 && is_floating(input.dtype())) {
    Dims axes;
    for (int axis = 1; axis <= dims; ++axis) axes.push_back(-axis);
    return mean(input, axes, true);
  }
  return run_average(dims, g, names, input);
}

Pooled adaptive_max_pool(int dims, const Tensor& input, const Dims& output_size) {
  const Names names = names_of(dims, {"adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"},
                               {nullptr, "AdaptiveMaxPool2DBackward0", "AdaptiveMaxPool2DBackwardBackward0"},
                               {nullptr, "AdaptiveMaxPool3DBackward0", "AdaptiveMaxPool3DBackwardBackward0"});
  return run_max(dims, adaptive_geometry_of(dims, names.function, input, output_size), names, input, true);
}

}  // namespace penlight

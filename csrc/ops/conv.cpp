#include "ops/conv.h"

#include "kernels/conv.h"
#include "kernels/reference.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/unlocked.h"

namespace penlight {

using kernels::ConvGeometry;

namespace {

// ---- values, unrecorded

enum class Direction { forward, transposed, weight };

// The type a convolution is computed in: 16-bit floats as float32.
DType compute_dtype(DType dtype) {
  check<NotImplementedError>(dtype != DType::boolean, "\"convolution\" not implemented for 'Bool'");
  return dtype == DType::f16 || dtype == DType::bf16 ? DType::f32 : dtype;
}

// x's values, contiguous and of the given type.
Tensor plain(const Tensor& x, DType dtype) {
  if (!x.defined() || (x.dtype() == dtype && x.is_contiguous())) return x;
  Tensor copy = empty(x.sizes(), dtype);
  copy_values(copy, x);
  return copy;
}

template <class T>
void run_kernel(Direction direction, const ConvGeometry& g, const T* a, const T* b, const T* bias, T* to) {
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
    switch (direction) {
      case Direction::forward:
        return kernels::conv_forward(g, a, b, bias, to);
      case Direction::transposed:
        return kernels::conv_input_gradient(g, a, b, bias, to);
      case Direction::weight:
        return kernels::conv_weight_gradient(g, a, b, to);
    }
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    const int64_t count = direction == Direction::forward      ? g.batch * g.out_channels * g.output_plane()
                          : direction == Direction::transposed ? g.batch * g.in_channels * g.input_plane()
                                                               : g.out_channels * g.group_in() * g.taps();
    std::vector<uint64_t> sums(static_cast<std::size_t>(count));
    switch (direction) {
      case Direction::forward:
        return kernels::reference::conv_forward(g, a, b, bias, to, sums.data());
      case Direction::transposed:
        return kernels::reference::conv_input_gradient(g, a, b, bias, to, sums.data());
      case Direction::weight:
        return kernels::reference::conv_weight_gradient(g, a, b, to, sums.data());
    }
  }
}

// The number of multiplications, as far as it can be told, in units that Unlocked counts in.
int64_t work_of(const ConvGeometry& g) {
  const double products = static_cast<double>(g.batch) * static_cast<double>(g.out_channels * g.group_in()) *
                          static_cast<double>(g.taps()) * static_cast<double>(g.output_plane());
  return products > 1e15 ? INT64_MAX : static_cast<int64_t>(products / 16);
}

Tensor run(Direction direction, const ConvGeometry& g, const Tensor& a, const Tensor& b, const Tensor& bias);

// (examples, images, channels, ...) as (images, examples * channels, ...).
Tensor as_groups(const Tensor& x, const BatchDims& batch) {
  const Tensor all = fold_examples(x, batch, 0);
  Dims order;
  for (int64_t d = 0; d < all.dim(); ++d) order.push_back(d < 2 ? 1 - d : d);
  return flatten(permute(all, order), 1, 2);
}

// Where only the images differ between the examples of vmap, there are more images. Where weights differ, or
// are asked for, the examples are groups of one convolution.
Tensor run_examples(Direction direction, const ConvGeometry& g, const Tensor& a, const Tensor& b,
                    const Tensor& bias) {
  const Unrecorded unrecorded;
  const BatchDims batch = joint_batch({a, b, bias});
  const int64_t count = examples(batch);
  ConvGeometry more = g;
  Dims sizes = batch.sizes;
  if (direction != Direction::weight && !any_batched(b, bias)) {
    more.batch *= count;
    const Tensor y = run(direction, more, fold_examples(a, batch, 1), b, bias);
    sizes.push_back(g.batch);
    sizes.append(y.sizes().begin() + 1, y.sizes().end());
    return hide(alias(y, sizes, contiguous_strides(sizes), y->offset), batch);
  }
  if (count == 0)
    return empty_batched(direction == Direction::forward      ? g.output_sizes()
                         : direction == Direction::transposed ? g.input_sizes()
                                                              : g.weight_sizes(),
                         a.dtype(), batch);
  // Weights that meet the same images are more channels of one group.
  const bool shared = direction == Direction::forward && !a.batched() && g.groups == 1;
  more.out_channels *= count;
  if (!shared) more.groups *= count, more.in_channels *= count;
  if (direction == Direction::weight) {
    const Tensor w = run(direction, more, as_groups(a, batch), as_groups(b, batch), bias);
    sizes.push_back(g.out_channels);
    sizes.append(w.sizes().begin() + 1, w.sizes().end());
    return hide(alias(w, sizes, contiguous_strides(sizes), w->offset), batch);
  }
  const Tensor y = run(direction, more, shared ? a : as_groups(a, batch), fold_examples(b, batch, 1),
                       bias.defined() ? fold_examples(bias, batch, 1) : bias);
  // (images, examples * channels, ...): the examples' dimensions go to the front.
  Dims split{y.size(0)};
  split.append(sizes.begin(), sizes.end());
  split.push_back(y.size(1) / count);
  split.append(y.sizes().begin() + 2, y.sizes().end());
  Dims order;
  for (std::size_t l = 0; l < sizes.size(); ++l) order.push_back(static_cast<int64_t>(l) + 1);
  order.push_back(0);
  for (auto d = static_cast<int64_t>(sizes.size()) + 1; d < static_cast<int64_t>(split.size()); ++d)
    order.push_back(d);
  return hide(permute(reshape(y, split), order), batch);
}

Tensor run(Direction direction, const ConvGeometry& g, const Tensor& a, const Tensor& b, const Tensor& bias) {
  if (any_batched(a, b, bias)) [[unlikely]]
    return run_examples(direction, g, a, b, bias);
  const Dims sizes = direction == Direction::forward      ? g.output_sizes()
                     : direction == Direction::transposed ? g.input_sizes()
                                                          : g.weight_sizes();
  const DType dtype = a.dtype(), compute = compute_dtype(dtype);
  const Tensor left = plain(a, compute), right = plain(b, compute), extra = plain(bias, compute);
  Tensor result = empty(sizes, compute);
  const void *x = left.raw(), *y = right.raw(), *z = extra.defined() ? extra.raw() : nullptr;
  void* to = result.raw();
  {
    const Unlocked unlocked(work_of(g));
    visit_dtype(compute, [&](auto tag) {
      using T = typename decltype(tag)::type;
      run_kernel(direction, g.without_idle_steps(), static_cast<const T*>(x), static_cast<const T*>(y),
                 static_cast<const T*>(z), static_cast<T*>(to));
    });
  }
  return plain(result, dtype);
}

// The gradient of a bias: a sum over images and positions, positions first, where memory is contiguous.
Tensor sum_channels(const Tensor& g) {
  return sum(sum(flatten(g, 2, -1), Dims{2}), Dims{0});
}

// A backward that knows its geometry, and tells it as the arguments of the call.
template <class F>
struct WithGeometry {
  ConvGeometry g;
  bool transposed;
  F function;
  Grads operator()(Backward& b, const Tensor& grad) { return function(g, b, grad); }
  Notes notes() const {
    const auto axes = [&](const int64_t* values) {
      Dims list;
      for (int i = 3 - g.dims; i < 3; ++i) list.push_back(values[i]);
      return list;
    };
    int64_t more[3] = {0, 0, 0};  // what a transposed convolution makes beyond its last tap
    for (int i = 0; transposed && i < 3; ++i)
      more[i] = g.input[i] -
                ((g.output[i] - 1) * g.stride[i] - 2 * g.pad[i] + g.dilation[i] * (g.kernel[i] - 1) + 1);
    return {{"stride", {}, nullptr, axes(g.stride)},
            {"padding", {}, nullptr, axes(g.pad)},
            {"dilation", {}, nullptr, axes(g.dilation)},
            {"output_padding", {}, nullptr, axes(more)},
            {"groups", g.groups},
            {"padding_mode", {}, kernels::padding_mode_name(g.mode)},
            {"transposed", transposed}};
  }
};
template <class F>
WithGeometry<F> with_geometry(const ConvGeometry& g, bool transposed, F function) {
  return {g, transposed, std::move(function)};
}

}  // namespace

// ---- the primitives and their derivatives

namespace {

// Forward mode: the sum with one argument replaced by its tangent. f(x, w, bias).
template <class F>
auto convolution_rule(F f) {
  return [f](TensorList x, const Tensors& t) {
    const Tensor bias = t.size() > 2 ? t[2] : Tensor();
    Tensor sum;
    if (t[0].defined()) sum = f(t[0], x[1], bias);
    if (t[1].defined()) {
      const Tensor term = f(x[0], t[1], sum.defined() ? Tensor() : bias);
      sum = sum.defined() ? add(sum, term) : term;
    }
    if (sum.defined() || !bias.defined()) return sum;
    Dims sizes(x[0].sizes().size(), 1);
    sizes[1] = bias.size(0);
    return reshape(bias, sizes);
  };
}

}  // namespace

Tensor convolve(const ConvGeometry& g, const Tensor& input, const Tensor& weight, const Tensor& bias) {
  Tensor y = run(Direction::forward, g, input, weight, bias);
  if (needs_grad(input, weight, bias))
    record(pushed("ConvolutionBackward0",
                  convolution_rule([&g](const Tensor& x, const Tensor& w, const Tensor& bias) {
                    return convolve(g, x, w, bias);
                  })),
           {input, weight, bias}, y,
           kept(keep("input", needs_grad(weight) ? input : Tensor()),
                keep("weight", needs_grad(input) ? weight : Tensor())),
           with_geometry(g, false, [](const ConvGeometry& g, Backward& b, const Tensor& gy) {
             Grads grads(3);
             if (b.needs(0)) grads[0] = convolve_transposed(g, gy, b.saved(1), Tensor());
             if (b.needs(1)) grads[1] = convolve_weight(g, gy, b.saved(0));
             if (b.needs(2)) grads[2] = sum_channels(gy);
             return grads;
           }));
  return y;
}

Tensor convolve_transposed(const ConvGeometry& g, const Tensor& output, const Tensor& weight,
                           const Tensor& bias) {
  Tensor x = run(Direction::transposed, g, output, weight, bias);
  if (needs_grad(output, weight, bias))
    record(pushed("ConvolutionBackward0",
                  convolution_rule([&g](const Tensor& x, const Tensor& w, const Tensor& bias) {
                    return convolve_transposed(g, x, w, bias);
                  })),
           {output, weight, bias}, x,
           kept(keep("input", needs_grad(weight) ? output : Tensor()),
                keep("weight", needs_grad(output) ? weight : Tensor())),
           with_geometry(g, true, [](const ConvGeometry& g, Backward& b, const Tensor& gx) {
             Grads grads(3);
             if (b.needs(0)) grads[0] = convolve(g, gx, b.saved(1), Tensor());
             if (b.needs(1)) grads[1] = convolve_weight(g, b.saved(0), gx);
             if (b.needs(2)) grads[2] = sum_channels(gx);
             return grads;
           }));
  return x;
}

Tensor convolve_weight(const ConvGeometry& g, const Tensor& output, const Tensor& input) {
  Tensor w = run(Direction::weight, g, output, input, Tensor());
  if (needs_grad(output, input))
    record(pushed("ConvolutionBackwardBackward0",
                  convolution_rule([&g](const Tensor& y, const Tensor& x, const Tensor&) {
                    return convolve_weight(g, y, x);
                  })),
           {output, input}, w,
           kept(keep("grad_output", needs_grad(input) ? output : Tensor()),
                keep("input", needs_grad(output) ? input : Tensor())),
           [g](Backward& b, const Tensor& gw) {
             Grads grads(2);
             if (b.needs(0)) grads[0] = convolve(g, b.saved(1), gw, Tensor());
             if (b.needs(1)) grads[1] = convolve_transposed(g, b.saved(0), gw, Tensor());
             return grads;
           });
  return w;
}

// ---- the functions

namespace {

struct Call {
  Tensor input;  // batched
  bool batched;
  kernels::ConvArguments arguments;
};

Call prepare(const char* name, int dims, const Tensor& input, const Tensor& weight, const Tensor& bias,
             const ConvOptions& options, bool transposed) {
  check(input.dim() == dims + 1 || input.dim() == dims + 2, "Expected ", dims + 1, "D (unbatched) or ",
        dims + 2, "D (batched) input to ", name, dims, "d, but got input of size: ", input.sizes());
  check(weight.dim() == dims + 2, "Expected weight of ", name, dims, "d to have ", dims + 2,
        " dimensions, but got weight of size ", weight.sizes());
  check(input.dtype() == weight.dtype(), "Input type (torch.", scalar_name(input.dtype()),
        "Tensor) and weight type (torch.", scalar_name(weight.dtype()),
        "Tensor) should be the same or input should be a MKLDNN tensor and weight is a dense tensor");
  if (bias.defined())
    check(input.dtype() == bias.dtype(), "Input type (", scalar_name(input.dtype()), ") and bias type (",
          scalar_name(bias.dtype()), ") should be the same");
  Call call;
  call.batched = input.dim() == dims + 2;
  call.input = call.batched ? input : unsqueeze(input, 0);
  kernels::ConvArguments& a = call.arguments;
  a.input = call.input.sizes(), a.weight = weight.sizes();
  a.stride = options.stride, a.padding = options.padding;
  a.dilation = options.dilation, a.output_padding = options.output_padding;
  a.groups = options.groups;
  if (!options.padding_name.empty()) {
    check(options.padding_name == "same" || options.padding_name == "valid", "Invalid padding string: '",
          options.padding_name, "'");
    a.padding_same = options.padding_name == "same";
    a.padding = {0};
  }
  a.mode = kernels::padding_mode_from_name(options.padding_mode);
  if (bias.defined() && a.groups > 0) {
    // Checked against the weight, whose own fit is checked with the geometry.
    const int64_t channels = transposed ? checked_mul(weight.size(1), a.groups, "groups") : weight.size(0);
    kernels::check_conv_bias(a.weight, bias.sizes(), channels, transposed);
  }
  return call;
}

}  // namespace

Tensor conv(int dims, const Tensor& input, const Tensor& weight, const Tensor& bias,
            const ConvOptions& options) {
  const Call call = prepare("conv", dims, input, weight, bias, options, false);
  const Tensor y = convolve(kernels::conv_geometry(call.arguments), call.input, weight, bias);
  return call.batched ? y : squeeze(y, Dims{0});
}

Tensor conv_transpose(int dims, const Tensor& input, const Tensor& weight, const Tensor& bias,
                      const ConvOptions& options) {
  const Call call = prepare("conv_transpose", dims, input, weight, bias, options, true);
  const Tensor y =
      convolve_transposed(kernels::conv_transpose_geometry(call.arguments), call.input, weight, bias);
  return call.batched ? y : squeeze(y, Dims{0});
}

}  // namespace penlight

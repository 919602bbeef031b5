// Pooling.
#include "ops/pool.h"

#include "bindings/python.h"

namespace penlight::bindings {

namespace {

using OptionalDims = std::optional<Dims>;

constexpr const char* max_doc = R"(The largest value of each window.

Args:
    input: ``(batch, channels, ...)`` or ``(channels, ...)``.
    kernel_size: a number for all axes, or one each.
    stride: the same; the kernel's size if None.
    padding: the same; at most half the kernel. Padding is never the largest.
    dilation: the distance of a window's elements.
    ceil_mode: also windows that reach over the right end.

The gradient goes to the element taken: the first of the largest, or the last NaN.)";

constexpr const char* average_doc = R"(The mean of each window.

Args:
    input: ``(batch, channels, ...)`` or ``(channels, ...)``.
    kernel_size: a number for all axes, or one each.
    stride: the same; the kernel's size if None.
    padding: the same; at most half the kernel. Padding is zeros.
    ceil_mode: also windows that reach over the right end.
    count_include_pad: divide by the window's size with its padding, or without.
    divisor_override: divide by this number instead (two and three axes).)";

constexpr const char* adaptive_doc = R"(Pools to a given size: window i of n along an axis of s elements is
[floor(i * s / n), ceil((i + 1) * s / n)).

Args:
    input: ``(batch, channels, ...)`` or ``(channels, ...)``.
    output_size: a number for all axes, or one each.)";

template <int dims>
PoolOptions max_options(const Dims& kernel, const OptionalDims& stride, const Dims& padding,
                        const Dims& dilation, bool ceil) {
  PoolOptions options;
  options.kernel = kernel, options.padding = padding, options.dilation = dilation, options.ceil_mode = ceil;
  if (stride) options.stride = *stride;
  return options;
}

template <int dims>
void bind_dims(nb::module_& m) {
  const std::string end = std::to_string(dims) + "d", with_indices = end + "_with_indices";
  m.def(("max_pool" + end).c_str(),
        [](const Tensor& input, const Dims& kernel, const OptionalDims& stride, const Dims& padding,
           const Dims& dilation, bool ceil) {
          return max_pool(dims, input, max_options<dims>(kernel, stride, padding, dilation, ceil), false)
              .values;
        },
        "input"_a, "kernel_size"_a, "stride"_a = nb::none(), "padding"_a = 0, "dilation"_a = 1,
        "ceil_mode"_a = false, max_doc);
  m.def(("max_pool" + with_indices).c_str(),
        [](const Tensor& input, const Dims& kernel, const OptionalDims& stride, const Dims& padding,
           const Dims& dilation, bool ceil) {
          const Pooled pooled =
              max_pool(dims, input, max_options<dims>(kernel, stride, padding, dilation, ceil), true);
          return nb::make_tuple(pooled.values, pooled.indices);
        },
        "input"_a, "kernel_size"_a, "stride"_a = nb::none(), "padding"_a = 0, "dilation"_a = 1,
        "ceil_mode"_a = false, "max_pool, and where in its input plane each value lies.");

  const auto average = [](const Tensor& input, const Dims& kernel, const OptionalDims& stride,
                          const Dims& padding, bool ceil, bool count_include_pad,
                          const std::optional<Int>& divisor) {
    PoolOptions options;
    options.kernel = kernel, options.padding = padding, options.ceil_mode = ceil;
    options.count_include_pad = count_include_pad;
    if (stride) options.stride = *stride;
    if (divisor) {
      check(*divisor != 0, "divisor must be not zero");
      options.divisor = *divisor;
    }
    return avg_pool(dims, input, options);
  };
  if constexpr (dims == 1)
    m.def(
        "avg_pool1d",
        [average](const Tensor& input, const Dims& kernel, const OptionalDims& stride, const Dims& padding,
                  bool ceil, bool count_include_pad) {
          return average(input, kernel, stride, padding, ceil, count_include_pad, std::nullopt);
        },
        "input"_a, "kernel_size"_a, "stride"_a = nb::none(), "padding"_a = 0, "ceil_mode"_a = false,
        "count_include_pad"_a = true, average_doc);
  else
    m.def(("avg_pool" + end).c_str(), average, "input"_a, "kernel_size"_a, "stride"_a = nb::none(),
          "padding"_a = 0, "ceil_mode"_a = false, "count_include_pad"_a = true,
          "divisor_override"_a = nb::none(), average_doc);

  m.def(("adaptive_avg_pool" + end).c_str(),
        [](const Tensor& input, const Dims& output_size) {
          return adaptive_avg_pool(dims, input, output_size);
        },
        "input"_a, "output_size"_a, adaptive_doc);
  m.def(("adaptive_max_pool" + end).c_str(),
        [](const Tensor& input, const Dims& output_size) {
          const Pooled pooled = adaptive_max_pool(dims, input, output_size);
          return nb::make_tuple(pooled.values, pooled.indices);
        },
        "input"_a, "output_size"_a, adaptive_doc);
}

void bind(nb::module_& m, TensorClass&) {
  bind_dims<1>(m);
  bind_dims<2>(m);
  bind_dims<3>(m);
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

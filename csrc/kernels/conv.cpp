#include "kernels/conv.h"

#include <algorithm>
#include <numeric>
#include <type_traits>
#include <vector>

#include "kernels/conv_fold.h"
#include "kernels/conv_phases.h"
#include "kernels/conv_products.h"
#include "kernels/conv_select.h"
#include "kernels/fourier_plan.h"
#include "kernels/gemm.h"
#include "kernels/parallel.h"
#include "kernels/scratch.h"
#include "kernels/winograd_plan.h"

namespace penlight::kernels {

namespace {

// A padded input's gradient is made and folded for as many images at a time; an input is split into phases
// for as many, or for as many more where a sum over images would have to be made anew.
constexpr int64_t folded_bytes = 4 << 20, summed_bytes = 32 << 20;

template <class T, class Kernels>
const ProductKernels<T>& typed(const Kernels& kernels) {
  if constexpr (std::is_same_v<T, float>)
    return kernels.float32;
  else
    return kernels.float64;
}

template <class T>
const ProductKernels<T>& kernels_of(ConvKernel choice) {
  switch (choice) {
    case ConvKernel::direct:
      return typed<T>(conv_direct());
    case ConvKernel::planes:
      return typed<T>(conv_planes());
    case ConvKernel::images:
      return typed<T>(conv_images());
    case ConvKernel::grouped:
      return typed<T>(conv_grouped());
    default:
      return typed<T>(conv_implicit());
  }
}

void run_gemm(const Gemm& g, const float* a, const float* b, float* c) {
  gemm().float32(g, a, b, c);
}
void run_gemm(const Gemm& g, const double* a, const double* b, double* c) {
  gemm().float64(g, a, b, c);
}

// Every channel plane of `to` gets its bias, or zero.
template <class T>
void fill_planes(int64_t batch, int64_t channels, int64_t plane, const T* bias, T* to) {
  parallel::parallel_for(batch * channels, 1 + 16384 / (plane + 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::fill_n(to + i * plane, plane, bias ? bias[i % channels] : T(0));
  });
}

// The fast algorithm for a product, if any: at most one of the two.
struct FastPlan {
  FourierPlan fourier;
  WinogradPlan winograd;
};

FastPlan plan_fast(const TapProduct& q, bool weight_gradient) {
  FastPlan plan{plan_fourier(q, weight_gradient), plan_winograd(q, weight_gradient)};
  if (plan.fourier.n && plan.winograd.levels) {
    if (plan.fourier.cost < plan.winograd.cost)
      plan.winograd.levels = 0;
    else
      plan.fourier.n = 0;
  }
  return plan;
}

// The kernel that serves a product best.
template <class T>
void run_product(const TapProduct& q, const T* source, const T* weight, const T* bias, T* to) {
  if constexpr (std::is_same_v<T, float>) {
    const FastPlan fast = plan_fast(q, false);
    if (fast.fourier.n) return fourier().product(q, fast.fourier, source, weight, bias, to);
    if (fast.winograd.levels)
      return winograd_for(fast.winograd).product(q, fast.winograd, source, weight, bias, to);
  }
  const ConvKernel choice = choose_product(q, sizeof(T));
  kernels_of<T>(choice).product(choice == ConvKernel::implicit ? merge_axes(q) : q, source, weight, bias, to);
}

TapProduct forward_product(const ConvGeometry& g) {
  TapProduct q;
  for (int i = 0; i < 3; ++i) {
    TapAxis& axis = q.axis[i];
    axis.count = axis.to_size = g.output[i];
    axis.taps = q.weight_kernel[i] = g.kernel[i];
    axis.step = g.stride[i], axis.tap_step = g.dilation[i], axis.offset = -g.pad[i];
    axis.size = g.input[i];
  }
  q.batch = g.batch, q.groups = g.groups, q.rows = g.group_out(), q.channels = g.group_in();
  q.mode = g.mode;
  q.weight_channel = g.taps();
  q.weight_row = q.channels * q.weight_channel;
  q.weight_group = q.rows * q.weight_row;
  return q;
}

// With circular padding that keeps the sizes, outputs and inputs both go round in circles of one length:
// every input position is met by output positions taken round the circle, and none lies outside.
bool goes_round(const ConvGeometry& g) {
  bool same = g.mode == PaddingMode::circular;
  for (int i = 0; i < 3; ++i) same = same && g.stride[i] == 1 && g.output[i] == g.input[i];
  return same;
}

// The parts of one axis of the input gradient. Padded position P = y * stride + k * dilation - pad gets the
// product of output y and tap k, so the positions of one residue of P + pad by the stride meet the taps k0,
// k0 + every, ...
std::vector<TapAxis> gradient_parts(const ConvGeometry& g, int i) {
  const int64_t stride = g.stride[i], dilation = g.dilation[i], pad = g.pad[i], size = g.input[i];
  const int64_t every = stride / std::gcd(stride, dilation);
  std::vector<TapAxis> parts;
  for (int64_t tap = 0; tap < std::min(g.kernel[i], every); ++tap) {
    const int64_t residue = tap * dilation % stride, behind = pad % stride;
    const int64_t first = residue >= behind ? residue - behind : residue - behind + stride;
    if (first >= size) continue;
    TapAxis axis;
    axis.count = (size - first - 1) / stride + 1;
    axis.taps = (g.kernel[i] - 1 - tap) / every + 1;
    // Taps in the order of growing outputs, that is, last tap first.
    const int64_t last_tap = tap + (axis.taps - 1) * every;
    axis.tap_step = dilation / std::gcd(stride, dilation);
    axis.offset = (first + pad - last_tap * dilation) / stride;  // divides
    axis.size = g.output[i];
    axis.to_size = size, axis.to_first = first, axis.to_step = stride;
    axis.weight_first = last_tap, axis.weight_step = -every;
    parts.push_back(axis);
  }
  return parts;
}

// Whether every input position belongs to some residue that has a tap.
bool all_positions_met(const ConvGeometry& g) {
  for (int i = 0; i < 3; ++i)
    if (std::min(g.kernel[i], g.stride[i] / std::gcd(g.stride[i], g.dilation[i])) < g.stride[i]) return false;
  return true;
}

// The products that make up an input gradient.
template <class Body>
void each_gradient_product(const ConvGeometry& g, Body&& body) {
  TapProduct q;
  q.batch = g.batch, q.groups = g.groups, q.rows = g.group_in(), q.channels = g.group_out();
  if (goes_round(g)) q.mode = PaddingMode::circular;
  std::copy_n(g.kernel, 3, q.weight_kernel);
  q.weight_row = g.taps();
  q.weight_channel = q.rows * q.weight_row;
  q.weight_group = q.channels * q.weight_channel;
  const std::vector<TapAxis> zs = gradient_parts(g, 0), ys = gradient_parts(g, 1), xs = gradient_parts(g, 2);
  for (const TapAxis& z : zs)
    for (const TapAxis& y : ys)
      for (const TapAxis& x : xs) {
        q.axis[0] = z, q.axis[1] = y, q.axis[2] = x;
        body(static_cast<const TapProduct&>(q));
      }
}

// The convolution of the padded input, without padding, whose input gradient is folded to get that of g.
ConvGeometry on_padded_input(const ConvGeometry& g) {
  ConvGeometry padded = g;
  padded.mode = PaddingMode::zeros;
  for (int i = 0; i < 3; ++i) {
    const int64_t read = (g.output[i] - 1) * g.stride[i] + (g.kernel[i] - 1) * g.dilation[i] + 1;
    padded.pad[i] = 0;
    padded.input[i] = std::max(read, g.pad[i] + g.input[i]);
  }
  return padded;
}

bool reads_outside(const ConvGeometry& g) {
  const ConvGeometry padded = on_padded_input(g);
  return padded.input_plane() != g.input_plane();
}

// Can the parts of a strided convolution's input gradient be taken together?
bool gradient_is_grouped(const ConvGeometry& g, int64_t itemsize) {
  if (g.stride[1] == 1 && g.stride[2] == 1) return false;
  int64_t count = 0;
  bool fits = true;
  each_gradient_product(g, [&](const TapProduct& q) {
    ++count;
    fits = fits && grouped_fits(q, itemsize);
  });
  return fits && count > 0 && count <= conv_grouped().most_products;
}

void run_products(const std::vector<TapProduct>& parts, const float* source, const float* weight,
                  const float* bias, float* to) {
  conv_grouped().products_float32(parts.data(), static_cast<int64_t>(parts.size()), source, weight, bias, to);
}
void run_products(const std::vector<TapProduct>& parts, const double* source, const double* weight,
                  const double* bias, double* to) {
  conv_grouped().products_float64(parts.data(), static_cast<int64_t>(parts.size()), source, weight, bias, to);
}

// ---- strided convolutions by phases

template <class T>
const PhaseCopies<T>& phase_copies() {
  if constexpr (std::is_same_v<T, float>)
    return conv_phases().float32;
  else
    return conv_phases().float64;
}

// The convolution of stride 1 that a strided one is run as, of as many images as are split at a time (a batch
// of 0: it is not).
Phases choose_phases(const ConvGeometry& g, ConvPart part, int64_t itemsize) {
  Phases none;
  const bool strided = g.stride[0] > 1 || g.stride[1] > 1 || g.stride[2] > 1;
  if (!strided || g.batch == 0 || g.in_channels == 0 || g.out_channels == 0) return none;
  const bool gradient = part == ConvPart::input_gradient, weight = part == ConvPart::weight_gradient;
  const TapProduct given = forward_product(g);
  if (gradient ? gradient_is_grouped(g, itemsize) : grouped_fits(given, itemsize)) return none;
  Phases phases = gradient ? gradient_phases_of(g) : phases_of(g);
  ConvGeometry& its = phases.geometry;
  if (its.input_plane() <= 0 || g.output_plane() <= 0) return none;
  const int64_t image = its.in_channels * its.input_plane() * itemsize;
  const int64_t images = std::clamp<int64_t>((weight ? summed_bytes : folded_bytes) / image, 1, g.batch);
  const int64_t runs = (g.batch + images - 1) / images;
  its.batch = (g.batch + runs - 1) / runs;

  TapProduct q = forward_product(its);
  if (gradient) each_gradient_product(its, [&](const TapProduct& product) { q = product; });
  // The products of the convolution as it is given, whatever its phases' taps that count as zero.
  const double sum = static_cast<double>(its.batch) * static_cast<double>(given.positions()) *
                     static_cast<double>(given.groups * given.rows) *
                     static_cast<double>(given.channels * given.taps());
  if (itemsize == sizeof(float) && plan_winograd(q, weight, sum).levels) return phases;
  // Summed directly, the input gradient's phases share what they read; no tap may be computed in vain, as a
  // NaN would not be either.
  return gradient && phases.count() > 1 && phases.all_taps() ? phases : none;
}

// Runs body(images, first input value, first output value, scratch for the phases) for some images at a time.
template <class T, class Body>
void each_run(const ConvGeometry& g, const ConvGeometry& phases, Body&& body) {
  const int64_t input = g.in_channels * g.input_plane(), output = g.out_channels * g.output_plane();
  const Scratch memory(phases.batch * phases.in_channels * phases.input_plane(), sizeof(T));
  for (int64_t n = 0; n < g.batch; n += phases.batch)
    body(std::min(phases.batch, g.batch - n), n * input, n * output, static_cast<T*>(memory.get()));
}

template <class T>
void forward_by_phases(const ConvGeometry& g, Phases& phases, const T* input, const T* weight, const T* bias,
                       T* output) {
  ConvGeometry& its = phases.geometry;
  const Scratch weight_memory(its.out_channels * its.group_in() * its.taps(), sizeof(T));
  T* split = static_cast<T*>(weight_memory.get());
  split_weight(phases, weight, split);
  each_run<T>(g, ConvGeometry(its), [&](int64_t images, int64_t from, int64_t to, T* values) {
    its.batch = images;
    phase_copies<T>().split(phases, g.mode, images * g.in_channels, input + from, values);
    conv_forward<T>(its, values, split, bias, output + to);
  });
}

template <class T>
void input_gradient_by_phases(const ConvGeometry& g, Phases& phases, const T* output_gradient,
                              const T* weight, const T* bias, T* input_gradient) {
  ConvGeometry& its = phases.geometry;
  const Scratch weight_memory(its.out_channels * its.group_in() * its.taps(), sizeof(T));
  T* split = static_cast<T*>(weight_memory.get());
  split_weight(phases, weight, split);
  std::vector<T> biases;
  for (int64_t i = 0; bias && i < its.in_channels; ++i) biases.push_back(bias[i / phases.count()]);
  each_run<T>(g, ConvGeometry(its), [&](int64_t images, int64_t to, int64_t from, T* values) {
    its.batch = images;
    conv_input_gradient<T>(its, output_gradient + from, split, bias ? biases.data() : nullptr, values);
    phase_copies<T>().join(phases, images * g.in_channels, g.in_channels, bias, values, input_gradient + to);
  });
}

template <class T>
void weight_gradient_by_phases(const ConvGeometry& g, Phases& phases, const T* output_gradient,
                               const T* input, T* weight_gradient) {
  ConvGeometry& its = phases.geometry;
  const int64_t weights = its.out_channels * its.group_in() * its.taps();
  const Scratch sum_memory(weights, sizeof(T)), part_memory(its.batch < g.batch ? weights : 0, sizeof(T));
  T *sum = static_cast<T*>(sum_memory.get()), *part = static_cast<T*>(part_memory.get());
  each_run<T>(g, ConvGeometry(its), [&](int64_t images, int64_t from, int64_t to, T* values) {
    its.batch = images;
    phase_copies<T>().split(phases, g.mode, images * g.in_channels, input + from, values);
    conv_weight_gradient<T>(its, output_gradient + to, values, to == 0 ? sum : part);
    for (int64_t i = 0; to > 0 && i < weights; ++i) sum[i] += part[i];
  });
  join_weight(phases, sum, weight_gradient);
}

}  // namespace

template <class T>
void conv_forward(const ConvGeometry& g, const T* input, const T* weight, const T* bias, T* output) {
  if (Phases phases = choose_phases(g, ConvPart::forward, sizeof(T)); phases.geometry.batch)
    return forward_by_phases(g, phases, input, weight, bias, output);
  if (!is_pointwise(g)) return run_product(forward_product(g), input, weight, bias, output);
  const int64_t plane = g.output_plane();
  for (int64_t group = 0; group < g.groups; ++group) {
    Gemm product;
    product.m = g.group_out(), product.n = plane, product.k = g.group_in();
    product.a_row = g.group_in(), product.a_column = 1;
    product.b_row = plane, product.b_column = 1, product.b_batch = g.in_channels * plane;
    product.c_row = plane, product.c_column = 1, product.c_batch = g.out_channels * plane;
    product.batch = g.batch, product.start = bias ? bias + group * product.m : nullptr;
    run_gemm(product, weight + group * product.m * product.k, input + group * product.k * plane,
             output + group * product.m * plane);
  }
}

template <class T>
void conv_input_gradient(const ConvGeometry& g, const T* output_gradient, const T* weight, const T* bias,
                         T* input_gradient) {
  if (g.batch == 0 || g.in_channels == 0) return;
  if (is_pointwise(g)) {
    const int64_t plane = g.output_plane();
    for (int64_t group = 0; group < g.groups; ++group) {
      Gemm product;
      product.m = g.group_in(), product.n = plane, product.k = g.group_out();
      product.a_row = 1, product.a_column = g.group_in();
      product.b_row = plane, product.b_column = 1, product.b_batch = g.out_channels * plane;
      product.c_row = plane, product.c_column = 1, product.c_batch = g.in_channels * plane;
      product.batch = g.batch, product.start = bias ? bias + group * product.m : nullptr;
      run_gemm(product, weight + group * product.m * product.k, output_gradient + group * product.k * plane,
               input_gradient + group * product.m * plane);
    }
    return;
  }
  if (g.mode != PaddingMode::zeros && reads_outside(g) && !goes_round(g)) {
    ConvGeometry padded = on_padded_input(g);
    const int64_t image = g.in_channels * padded.input_plane(), given = g.out_channels * g.output_plane();
    const int64_t images = std::clamp<int64_t>(folded_bytes / (image * int64_t(sizeof(T))), 1, g.batch);
    const Scratch memory(images * image, sizeof(T));
    T* gradient = static_cast<T*>(memory.get());
    for (int64_t n = 0; n < g.batch; n += images) {
      padded.batch = std::min(images, g.batch - n);
      conv_input_gradient<T>(padded, output_gradient + n * given, weight, nullptr, gradient);
      fold_padding(g, padded.input, padded.batch * g.in_channels, gradient,
                   input_gradient + n * g.in_channels * g.input_plane());
    }
    return;
  }
  if (Phases phases = choose_phases(g, ConvPart::input_gradient, sizeof(T)); phases.geometry.batch)
    return input_gradient_by_phases(g, phases, output_gradient, weight, bias, input_gradient);
  if (!all_positions_met(g) || g.out_channels == 0)
    fill_planes(g.batch, g.in_channels, g.input_plane(), bias, input_gradient);
  std::vector<TapProduct> together;  // parts of one residue in depth
  const bool joined = gradient_is_grouped(g, sizeof(T));
  const auto run_together = [&] {
    if (!together.empty()) run_products(together, output_gradient, weight, bias, input_gradient);
    together.clear();
  };
  each_gradient_product(g, [&](const TapProduct& q) {
    if (!joined) return run_product(q, output_gradient, weight, bias, input_gradient);
    if (!together.empty() && together[0].axis[0].to_first != q.axis[0].to_first) run_together();
    together.push_back(q);
  });
  run_together();
}

template <class T>
void conv_weight_gradient(const ConvGeometry& g, const T* output_gradient, const T* input,
                          T* weight_gradient) {
  if (Phases phases = choose_phases(g, ConvPart::weight_gradient, sizeof(T)); phases.geometry.batch)
    return weight_gradient_by_phases(g, phases, output_gradient, input, weight_gradient);
  const TapProduct q = forward_product(g);
  if constexpr (std::is_same_v<T, float>) {
    const FastPlan fast = plan_fast(q, true);
    if (fast.fourier.n)
      return fourier().weight_gradient(q, fast.fourier, output_gradient, input, weight_gradient);
    if (fast.winograd.levels)
      return winograd_for(fast.winograd)
          .weight_gradient(q, fast.winograd, output_gradient, input, weight_gradient);
  }
  const ConvKernel choice = choose_weight_gradient(q, sizeof(T));
  kernels_of<T>(choice).weight_gradient(choice == ConvKernel::implicit ? merge_axes(q) : q, output_gradient,
                                        input, weight_gradient);
}

std::string conv_algorithm(const ConvGeometry& given, ConvPart part, bool in_double) {
  const bool weight = part == ConvPart::weight_gradient;
  const int64_t itemsize = in_double ? sizeof(double) : sizeof(float);
  const bool folded = part == ConvPart::input_gradient && given.mode != PaddingMode::zeros &&
                      reads_outside(given) && !goes_round(given);
  const ConvGeometry g = folded ? on_padded_input(given) : given;
  if (const Phases phases = choose_phases(g, part, itemsize); phases.geometry.batch)
    return conv_algorithm(phases.geometry, part, in_double);
  if (!weight && is_pointwise(g)) return conv_kernel_name(ConvKernel::pointwise);
  TapProduct q = forward_product(g);
  if (part == ConvPart::input_gradient) {
    q.rows = 0;
    each_gradient_product(g, [&](const TapProduct& its) {
      if (q.rows == 0) q = its;
    });
  }
  const FastPlan fast = in_double ? FastPlan() : plan_fast(q, weight);
  if (fast.fourier.n) return "fourier " + std::to_string(fast.fourier.n);
  if (fast.winograd.levels) return "winograd " + plan_text(fast.winograd);
  return conv_kernel_name(weight ? choose_weight_gradient(q, itemsize) : choose_product(q, itemsize));
}

template void conv_forward(const ConvGeometry&, const float*, const float*, const float*, float*);
template void conv_forward(const ConvGeometry&, const double*, const double*, const double*, double*);
template void conv_input_gradient(const ConvGeometry&, const float*, const float*, const float*, float*);
template void conv_input_gradient(const ConvGeometry&, const double*, const double*, const double*, double*);
template void conv_weight_gradient(const ConvGeometry&, const float*, const float*, float*);
template void conv_weight_gradient(const ConvGeometry&, const double*, const double*, double*);

}  // namespace penlight::kernels

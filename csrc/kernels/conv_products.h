// What the convolution kernels compute: sums over taps and channels, described without regard to direction.
#pragma once

#include <cstdint>

#include "kernels/conv_geometry.h"
#include "kernels/isa.h"

namespace penlight::kernels {

// One spatial axis. Position p and tap t meet source position p * step + t * tap_step + offset.
struct TapAxis {
  int64_t count = 1;  // positions computed
  int64_t taps = 1;
  int64_t step = 1, tap_step = 1, offset = 0;
  int64_t size = 1;                                // of the source
  int64_t to_size = 1, to_first = 0, to_step = 1;  // p is written at to_first + p * to_step
  int64_t weight_first = 0, weight_step = 1;       // tap t is the weight's tap weight_first + t * weight_step
};

// to[n, g, row, p] = bias[g, row] + sum over channel, t of weight[g, row, channel, t] * source[n, g, channel,
// p ~ t]
//
// A convolution forward is one such product. Its input gradient is one for every residue of the stride
// (positions that meet the same taps); where padding is not zeros, it is that of the padded input, folded.
struct TapProduct {
  TapAxis axis[3];
  int64_t batch = 0, groups = 1, rows = 0, channels = 0;  // rows and channels of one group
  PaddingMode mode = PaddingMode::zeros;                  // how the source is read outside
  int64_t weight_kernel[3] = {1, 1, 1};
  int64_t weight_group = 0, weight_row = 0, weight_channel = 0;  // strides; taps are contiguous

  // Where a tap lies among those of one weight.
  [[gnu::always_inline]] int64_t weight_tap(int64_t tz, int64_t ty, int64_t tx) const {
    const TapAxis &z = axis[0], &y = axis[1], &x = axis[2];
    return ((z.weight_first + tz * z.weight_step) * weight_kernel[1] + y.weight_first + ty * y.weight_step) *
               weight_kernel[2] +
           x.weight_first + tx * x.weight_step;
  }
  [[gnu::always_inline]] int64_t taps() const { return axis[0].taps * axis[1].taps * axis[2].taps; }
  [[gnu::always_inline]] int64_t positions() const { return axis[0].count * axis[1].count * axis[2].count; }
  [[gnu::always_inline]] int64_t source_plane() const { return axis[0].size * axis[1].size * axis[2].size; }
  [[gnu::always_inline]] int64_t to_plane() const {
    return axis[0].to_size * axis[1].to_size * axis[2].to_size;
  }
};

template <class T>
struct ProductKernels {
  // bias: a number per row of every group, or nullptr.
  void (*product)(const TapProduct&, const T* source, const T* weight, const T* bias, T* to);
  // gradient[g, row, channel, t] = sum over n, p of output[n, g, row, p] * source[n, g, channel, p ~ t]; the
  // product is a forward one, `output` and `gradient` are laid out as its result and weight.
  void (*weight_gradient)(const TapProduct&, const T* output, const T* source, T* gradient);
};

// Gathers a column of the input for every tap; serves every product.
struct ImplicitKernels {
  ProductKernels<float> float32;
  ProductKernels<double> float64;
};
PENLIGHT_DECLARE_KERNELS(ImplicitKernels, conv_implicit)

// Reads a band of the input at an offset for every tap; asks for tap steps > 0 and for direct_fits
// (conv_select.h).
struct DirectKernels {
  ProductKernels<float> float32;
  ProductKernels<double> float64;
};
PENLIGHT_DECLARE_KERNELS(DirectKernels, conv_direct)

// One output plane at a time from its input plane's band; asks for planes_fit (conv_select.h).
struct PlanesKernels {
  ProductKernels<float> float32;
  ProductKernels<double> float64;
};
PENLIGHT_DECLARE_KERNELS(PlanesKernels, conv_planes)

// A lane for each image; asks for images_fit (conv_select.h).
struct ImagesKernels {
  ProductKernels<float> float32;
  ProductKernels<double> float64;
};
PENLIGHT_DECLARE_KERNELS(ImagesKernels, conv_images)

// A lane for each group; asks for tap steps > 0 and for grouped_fits (conv_select.h).
struct GroupedKernels {
  ProductKernels<float> float32;
  ProductKernels<double> float64;
  // Several products, at most so many, that differ in rows and columns alone and together fill their result's
  // planes: the parts of the input gradient of a strided convolution.
  void (*products_float32)(const TapProduct* parts, int64_t count, const float* source, const float* weight,
                           const float* bias, float* to);
  void (*products_float64)(const TapProduct* parts, int64_t count, const double* source, const double* weight,
                           const double* bias, double* to);
  int64_t most_products;
  int64_t vector_bytes;  // of a register
};
PENLIGHT_DECLARE_KERNELS(GroupedKernels, conv_grouped)

}  // namespace penlight::kernels

// Convolution along one axis by Fourier transforms: long kernels, and few channels.
//
// A block of n inputs is transformed, multiplied by the conjugate of the kernel's transform, and transformed
// back: n - taps + 1 of the results are whole sums (overlap-save; T. G. Stockham, "High-speed convolution and
// correlation", 1966). That takes about 2 log2 n operations for an output, whatever the number of taps. Two
// real blocks make one complex one: the kernel is real, and so the real and the imaginary part never meet.
#pragma once

#include "kernels/conv_products.h"

namespace penlight::kernels {

struct FourierPlan {
  int64_t n = 0;    // points of a block; 0: another kernel is as fast
  double cost = 0;  // vector instructions, as plan_winograd counts them
  [[gnu::always_inline]] int64_t outputs(int64_t taps) const { return n - taps + 1; }
};

// Only for products whose taps lie along the last axis with step 1.
FourierPlan plan_fourier(const TapProduct& product, bool weight_gradient);

struct FourierKernels {
  // As ProductKernels, by a plan made for the product.
  void (*product)(const TapProduct&, const FourierPlan&, const float* source, const float* weight,
                  const float* bias, float* to);
  void (*weight_gradient)(const TapProduct&, const FourierPlan&, const float* output, const float* source,
                          float* gradient);
};
PENLIGHT_DECLARE_KERNELS(FourierKernels, fourier)

}  // namespace penlight::kernels

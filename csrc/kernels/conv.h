// Convolution: forward, input gradient (which is the transposed convolution) and weight gradient.
//
// All tensors are contiguous: input (batch, in, spatial), weight (out, in / groups, taps), output (batch,
// out, spatial), as the geometry says. Results are overwritten, never read. Nothing overlaps. Any axis may
// have size 0: a sum over nothing is 0 (plus the bias). Extra memory: a constant per thread and the packed
// weight. T is float or double.
#pragma once

#include "kernels/conv_geometry.h"

namespace penlight::kernels {

// bias: one number per output channel, or nullptr.
template <class T>
void conv_forward(const ConvGeometry& g, const T* input, const T* weight, const T* bias, T* output);

// The gradient of the input; `bias`, if any, has a number per *input* channel (a transposed convolution's
// bias).
template <class T>
void conv_input_gradient(const ConvGeometry& g, const T* output_gradient, const T* weight, const T* bias,
                         T* input_gradient);

template <class T>
void conv_weight_gradient(const ConvGeometry& g, const T* output_gradient, const T* input,
                          T* weight_gradient);

// The names of the kernels that serve a convolution forward and its weight gradient (conv_select.h).
struct ConvKernelNames {
  const char *forward, *weight_gradient;
};
ConvKernelNames conv_kernel_names(const ConvGeometry& g, int64_t itemsize);

}  // namespace penlight::kernels

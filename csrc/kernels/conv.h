// Convolution: forward, input gradient (which is the transposed convolution) and weight gradient.
//
// All tensors are contiguous: input (batch, in, spatial), weight (out, in / groups, taps), output (batch,
// out, spatial), as the geometry says. Results are overwritten, never read. Nothing overlaps. Any axis may
// have size 0: a sum over nothing is 0 (plus the bias). Extra memory: a constant per thread, the packed
// weight, and for strided convolutions by phases (conv_phases.h) some images' phases. T is float or double.
#pragma once

#include <string>

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

enum class ConvPart { forward, input_gradient, weight_gradient };

// The name of the kernel that computes (most of) a part, and its plan if it has one, as 'direct' or
// 'winograd F(6, 3) F(6, 3)'.
std::string conv_algorithm(const ConvGeometry& g, ConvPart part, bool in_double);

}  // namespace penlight::kernels

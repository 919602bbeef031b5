// Convolutions of one to three dimensions.
//
// Three primitives share one checked geometry and are each other's derivatives, so that every order follows:
//
//   convolve            (input, weight)            -> output
//   convolve_transposed (output-sized, weight)     -> input-sized
//   convolve_weight     (output-sized, input-sized) -> weight-sized
#pragma once

#include <string>

#include "autograd/record.h"
#include "kernels/conv_geometry.h"

namespace penlight {

struct ConvOptions {
  Dims stride{1}, padding{0}, dilation{1}, output_padding{0};  // one number for all axes, or one each
  std::string padding_name;                                    // "same", "valid", or empty: padding counts
  int64_t groups = 1;
  std::string padding_mode = "zeros";
};

// input: (batch, in, ...) or (in, ...); weight: (out, in / groups, ...); bias: (out) or none. dims names the
// function in messages.
Tensor conv(int dims, const Tensor& input, const Tensor& weight, const Tensor& bias,
            const ConvOptions& options);

// weight: (in, out / groups, ...).
Tensor conv_transpose(int dims, const Tensor& input, const Tensor& weight, const Tensor& bias,
                      const ConvOptions& options);

// The primitives, batched, sizes as the geometry says.
Tensor convolve(const kernels::ConvGeometry& g, const Tensor& input, const Tensor& weight,
                const Tensor& bias);
Tensor convolve_transposed(const kernels::ConvGeometry& g, const Tensor& output, const Tensor& weight,
                           const Tensor& bias);
Tensor convolve_weight(const kernels::ConvGeometry& g, const Tensor& output, const Tensor& input);

}  // namespace penlight

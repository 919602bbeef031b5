// Which kernel serves which convolution: the one place that chooses.
#pragma once

#include "kernels/conv_geometry.h"

namespace penlight::kernels {

enum class ConvKernel {
  pointwise,  // a plain matrix product over (channel, position): nothing to gather
  implicit,   // a matrix product whose right side is gathered as it is packed: serves everything
};

ConvKernel choose_conv_kernel(const ConvGeometry& geometry);
const char* conv_kernel_name(ConvKernel kernel);

}  // namespace penlight::kernels

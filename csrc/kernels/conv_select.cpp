#include "kernels/conv_select.h"

namespace penlight::kernels {

namespace {

// Every output position reads the one input position of the same index.
bool reads_in_place(const ConvGeometry& g) {
  for (int i = 0; i < 3; ++i)
    if (g.kernel[i] != 1 || g.stride[i] != 1 || g.pad[i] != 0 || g.input[i] != g.output[i]) return false;
  return true;
}

}  // namespace

ConvKernel choose_conv_kernel(const ConvGeometry& g) {
  // Small planes are better gathered, several images to a panel of columns.
  if (reads_in_place(g) && g.group_in() >= 8 && g.group_out() >= 8 && g.output_plane() >= 64)
    return ConvKernel::pointwise;
  return ConvKernel::implicit;
}

const char* conv_kernel_name(ConvKernel kernel) {
  switch (kernel) {
    case ConvKernel::pointwise:
      return "pointwise";
    case ConvKernel::implicit:
      return "implicit";
  }
  return "";
}

}  // namespace penlight::kernels

// Which kernel serves which convolution: the one place that chooses.
//
//   pointwise  every output position reads the one input position of its index: a plain matrix product over
//              (channel, position), nothing to gather.
//   direct     reads a band of the input at an offset for every tap (isa/conv_direct.cpp and, for weight
//              gradients with few rows or few channels, isa/conv_direct_weight.cpp): each input value is
//              copied about once, but positions between the band's rows are computed in vain.
//   implicit   computes nothing in vain and serves everything: a matrix product whose right side is gathered,
//              which copies each input value once a tap (isa/conv_implicit.cpp); weight gradients of operands
//              with their channels next to each other (isa/conv_weight.cpp).
//   planes     groups of one channel, one plane at a time (isa/conv_planes.cpp): strides of 1 and rows that
//              fill registers. Each input value is copied once and loaded once a column of taps.
//   images     a lane for each image (isa/conv_images.cpp): enough images to fill a register's lanes, planes
//   so
//              small that other kernels compute or gather much in vain.
//   grouped    a lane for each group (isa/conv_grouped.cpp): for groups of few channels, enough of them (and
//              images) to fill a register's lanes. Turning planes into lanes and back costs about as much as
//              six taps.
//   winograd   fewer multiplications than the sum has, by nested short convolutions (winograd_plan.h, which
//              chooses this one and its tiles): float32, strides of 1, enough channels to pay for the
//              transforms.
//              Strided convolutions reach it, and their input gradients plain products, by their phases
//              (conv_phases.h).
//   fourier    Fourier transforms of overlapping blocks along the last axis (fourier_plan.h): long kernels.
#pragma once

#include "kernels/conv_products.h"

namespace penlight::kernels {

enum class ConvKernel { pointwise, direct, implicit, planes, images, grouped };

bool is_pointwise(const ConvGeometry& geometry);
bool planes_fit(const TapProduct& product, int64_t itemsize);
bool images_fit(const TapProduct& product, int64_t itemsize);
bool grouped_fits(const TapProduct& product, int64_t itemsize);
ConvKernel choose_product(const TapProduct& product, int64_t itemsize);
ConvKernel choose_weight_gradient(const TapProduct& product, int64_t itemsize);

// The same product with fewer axes: where the last axis has no taps, rows follow each other as one long row,
// whose tap steps are whole rows.
TapProduct merge_axes(const TapProduct& product);

const char* conv_kernel_name(ConvKernel kernel);

}  // namespace penlight::kernels

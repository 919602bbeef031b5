// Copies between two orders of dimensions.
#pragma once

#include "kernels/strided.h"

namespace penlight::kernels {

// Copies an array of elements of itemsize (1, 2, 4 or 8) bytes; shape has the strides of the copy and of the
// original, in elements. False, and nothing done, where the two do not lie crosswise: one dimension of which
// the copy's elements are neighbours, another of which the original's are. No overlap.
bool copy_crosswise(const StridedShape<2>& shape, int64_t itemsize, void* to, const void* from);

}  // namespace penlight::kernels

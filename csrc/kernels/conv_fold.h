// The transpose of padding: sums at positions outside a tensor are added to the positions they were read
// from.
#pragma once

#include "kernels/conv_geometry.h"

namespace penlight::kernels {

// For each of `planes`: folded[p] = the sum of padded[q] over all q that read p, where q counts from -g.pad
// on and padded_size says how many there are of them along each axis. `folded` has the sizes g.input and is
// overwritten.
template <class T>
void fold_padding(const ConvGeometry& g, const int64_t (&padded_size)[3], int64_t planes, const T* padded,
                  T* folded);

}  // namespace penlight::kernels

// Pooling over contiguous planes of up to three axes (see pool_geometry.h for the windows).
//
// Results are overwritten, never read. Nothing overlaps. Every output element is computed, and every input
// gradient summed, in one fixed order.
#pragma once

#include "kernels/isa.h"
#include "kernels/pool_geometry.h"

namespace penlight::kernels {

template <class T>
struct MaxPool {
  // values and where they lie in their input plane. The last NaN of a window wins, else the first of the
  // largest; a window without any input (possible with dilation) has the lowest value and index -1. indices
  // may be null.
  void (*forward)(const PoolGeometry&, const T* input, T* output, int64_t* indices);
  // input_gradient[indices[o]] += output_gradient[o], from zero.
  void (*scatter)(const PoolGeometry&, const T* output_gradient, const int64_t* indices, T* input_gradient);
  // output[o] = input[indices[o]]: the derivative of scatter.
  void (*gather)(const PoolGeometry&, const T* input, const int64_t* indices, T* output);
};

template <class T>
struct AveragePool {
  void (*forward)(const PoolGeometry&, const T* input, T* output);
  void (*backward)(const PoolGeometry&, const T* output_gradient, T* input_gradient);
};

struct PoolKernels {
  MaxPool<float> max_float32;
  MaxPool<double> max_float64;
  MaxPool<int64_t> max_int64;
  MaxPool<int32_t> max_int32;
  MaxPool<int16_t> max_int16;
  MaxPool<int8_t> max_int8;
  MaxPool<uint8_t> max_uint8;
  AveragePool<float> average_float32;
  AveragePool<double> average_float64;
  AveragePool<int64_t> average_int64;
};
PENLIGHT_DECLARE_KERNELS(PoolKernels, pooling)

}  // namespace penlight::kernels

// The plain loops behind the matrix product and the convolution: they serve the element types that have no
// kernel of their own, and are the twins that the kernels are compared with.
//
// Sum is the type sums are formed in: float for the 16-bit floating types, uint64_t for integers (whose
// overflow then wraps), double where a comparison needs it.
#pragma once

#include "kernels/conv_geometry.h"
#include "kernels/gemm.h"
#include "kernels/parallel.h"

namespace penlight::kernels::reference {

// See gemm.h.
template <class Sum, class T>
void gemm(const Gemm& g, const T* a, const T* b, T* c) {
  const int64_t work = (g.k + 1) * g.n;
  parallel::parallel_for(g.batch * g.m, 16384 / (work + 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t batch = row / g.m, i = row % g.m;
      for (int64_t j = 0; j < g.n; ++j) {
        T& to = c[batch * g.c_batch + i * g.c_row + j * g.c_column];
        Sum sum = g.accumulate ? static_cast<Sum>(to) : Sum(0);
        for (int64_t p = 0; p < g.k; ++p)
          sum += static_cast<Sum>(a[batch * g.a_batch + i * g.a_row + p * g.a_column]) *
                 static_cast<Sum>(b[batch * g.b_batch + p * g.b_row + j * g.b_column]);
        to = static_cast<T>(sum);
      }
    }
  });
}

// Calls body(output position, input position) for every pair that tap (t0, t1, t2) joins; positions are
// offsets in a plane. Pairs whose input is a padding zero are left out.
template <class Body>
void for_tap(const ConvGeometry& g, const int64_t (&tap)[3], Body body) {
  int64_t out = 0;
  for (int64_t z = 0; z < g.output[0]; ++z)
    for (int64_t y = 0; y < g.output[1]; ++y)
      for (int64_t x = 0; x < g.output[2]; ++x, ++out) {
        const int64_t at[3] = {z, y, x};
        int64_t in = 0;
        for (int i = 0; i < 3 && in >= 0; ++i) {
          const int64_t from =
              padded_source(g.mode, at[i] * g.stride[i] + tap[i] * g.dilation[i] - g.pad[i], g.input[i]);
          in = from < 0 ? -1 : in * g.input[i] + from;
        }
        if (in >= 0) body(out, in);
      }
}

// Calls body(output offset, input offset, weight offset) for every product of the convolution.
template <class Body>
void for_products(const ConvGeometry& g, Body body) {
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t out = 0; out < g.out_channels; ++out)
      for (int64_t c = 0; c < g.group_in(); ++c) {
        const int64_t in = out / g.group_out() * g.group_in() + c;
        int64_t weight = (out * g.group_in() + c) * g.taps();
        int64_t tap[3];
        for (tap[0] = 0; tap[0] < g.kernel[0]; ++tap[0])
          for (tap[1] = 0; tap[1] < g.kernel[1]; ++tap[1])
            for (tap[2] = 0; tap[2] < g.kernel[2]; ++tap[2], ++weight)
              for_tap(g, tap, [&](int64_t to, int64_t from) {
                body((n * g.out_channels + out) * g.output_plane() + to,
                     (n * g.in_channels + in) * g.input_plane() + from, weight);
              });
      }
}

// The three of conv.h. sums is working memory of the result's size.
template <class Sum, class T>
void conv_forward(const ConvGeometry& g, const T* input, const T* weight, const T* bias, T* output,
                  Sum* sums) {
  const int64_t plane = g.output_plane(), count = g.batch * g.out_channels * plane;
  for (int64_t i = 0; i < count; ++i)
    sums[i] = bias ? static_cast<Sum>(bias[i / plane % g.out_channels]) : Sum(0);
  for_products(g, [&](int64_t to, int64_t from, int64_t w) {
    sums[to] += static_cast<Sum>(input[from]) * static_cast<Sum>(weight[w]);
  });
  for (int64_t i = 0; i < count; ++i) output[i] = static_cast<T>(sums[i]);
}

template <class Sum, class T>
void conv_input_gradient(const ConvGeometry& g, const T* output_gradient, const T* weight, const T* bias,
                         T* input_gradient, Sum* sums) {
  const int64_t plane = g.input_plane(), count = g.batch * g.in_channels * plane;
  for (int64_t i = 0; i < count; ++i)
    sums[i] = bias ? static_cast<Sum>(bias[i / plane % g.in_channels]) : Sum(0);
  for_products(g, [&](int64_t to, int64_t from, int64_t w) {
    sums[from] += static_cast<Sum>(output_gradient[to]) * static_cast<Sum>(weight[w]);
  });
  for (int64_t i = 0; i < count; ++i) input_gradient[i] = static_cast<T>(sums[i]);
}

template <class Sum, class T>
void conv_weight_gradient(const ConvGeometry& g, const T* output_gradient, const T* input, T* weight_gradient,
                          Sum* sums) {
  const int64_t count = g.out_channels * g.group_in() * g.taps();
  for (int64_t i = 0; i < count; ++i) sums[i] = Sum(0);
  for_products(g, [&](int64_t to, int64_t from, int64_t w) {
    sums[w] += static_cast<Sum>(output_gradient[to]) * static_cast<Sum>(input[from]);
  });
  for (int64_t i = 0; i < count; ++i) weight_gradient[i] = static_cast<T>(sums[i]);
}

}  // namespace penlight::kernels::reference

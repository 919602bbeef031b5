// Activations: elementwise functions with parameters, and their derivatives times a gradient.
//
// Contract: all arrays contiguous, n elements of one type, float, double or a 16-bit format (which computes
// in float). The result is overwritten; it may be the same memory as an input.
#pragma once

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace penlight::kernels {

enum class Activation {
  leaky_relu,   // a: slope below 0
  elu,          // x > 0 ? b x : a b (exp(c x) - 1): a alpha, b scale, c input scale
  gelu,         // x Phi(x)
  gelu_tanh,    // x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2
  silu,         // x sigmoid(x)
  softplus,     // log(1 + exp(a x)) / a, or x where a x > b
  hardtanh,     // x between a and b
  log_sigmoid,  // log(sigmoid(x))
  mish,         // x tanh(log(1 + exp(x)))
  hardswish,    // x (x + 3 between 0 and 6) / 6
};

struct ActivationParameters {
  double a = 0, b = 0, c = 0;
};

struct ActivationKernels {
  void (*forward)(Activation op, DType dtype, const ActivationParameters& p, int64_t n, const void* x,
                  void* y);
  // result = g * f'(x)
  void (*backward)(Activation op, DType dtype, const ActivationParameters& p, int64_t n, const void* g,
                   const void* x, void* result);
};

PENLIGHT_DECLARE_KERNELS(ActivationKernels, activation)

}  // namespace penlight::kernels

// Normalisation.
#pragma once

#include "ops/elementwise.h"

namespace penlight {

// Tensors that are not there are undefined.
struct BatchNormTensors {
  Tensor weight, bias, running_mean, running_var;
};
Tensor batch_norm(const Tensor& x, const BatchNormTensors& with, bool training, double momentum, double eps);
Tensor layer_norm(const Tensor& x, const Dims& normalized, const Tensor& weight, const Tensor& bias,
                  double eps);
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps);

}  // namespace penlight

// Activations, and softmax along a dimension.
#pragma once

#include <optional>

#include "kernels/activation.h"
#include "ops/elementwise.h"

namespace penlight {

Tensor leaky_relu(const Tensor& x, double slope);
Tensor elu(const Tensor& x, double alpha, double scale, double input_scale);
Tensor gelu(const Tensor& x, const std::string& approximate);
Tensor silu(const Tensor& x);
Tensor mish(const Tensor& x);
Tensor softplus(const Tensor& x, double beta, double threshold);
Tensor hardtanh(const Tensor& x, double low, double high);
Tensor hardswish(const Tensor& x);
Tensor logsigmoid(const Tensor& x);

Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});

}  // namespace penlight

// Losses that are not mere compositions.
#pragma once

#include <string>

#include "ops/elementwise.h"

namespace penlight {

enum class Reduction { none, mean, sum };
Reduction reduction_from(const std::string& name);

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction);
// One loss for each element.
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target);
// weight may be undefined.
Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight, Reduction reduction,
                int64_t ignore);

}  // namespace penlight

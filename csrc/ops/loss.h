// Losses that are not mere compositions.
#pragma once

#include <string>

#include "ops/elementwise.h"

namespace penlight {

enum class Reduction { none, mean, sum };
Reduction reduction_from(const std::string& name);
int64_t number_of(Reduction reduction);  // as PyTorch's nodes tell it

// Of the distance d = input - target: d^2; half of it over beta where |d| < beta, else |d| - beta / 2; and
// the same times delta.
Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction);
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, Reduction reduction, double beta);
Tensor huber_loss(const Tensor& input, const Tensor& target, Reduction reduction, double delta);

// One loss for each element.
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target);
// weight may be undefined.
Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight, Reduction reduction,
                int64_t ignore);

}  // namespace penlight

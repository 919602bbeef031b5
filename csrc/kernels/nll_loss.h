// Negative log-likelihood: picks a class's element from each of samples * positions.
#pragma once

#include "kernels/dtype.h"

namespace penlight::kernels {

// Log-probabilities are (samples, classes, positions), targets (samples, positions), all contiguous.
struct NllShape {
  int64_t samples, classes, positions;
};

// The place of the first target that is no class and not ignore, or -1.
int64_t nll_first_bad_target(const NllShape& shape, const int64_t* target, int64_t ignore);

// each[i] = -weight[t] * x[.., t, ..], 0 where ignored (each may be null); sum: of all; total: of the weights
// used. weight (one number a class) may be null: all 1. Targets have been checked.
void nll_forward(DType dtype, const NllShape& shape, const void* x, const int64_t* target, const void* weight,
                 int64_t ignore, void* each, double* sum, double* total);

// gx[.., t, ..] = -weight[t] * factor * g, everything else 0. g is one number a target, or with single one
// for all.
void nll_backward(DType dtype, const NllShape& shape, const void* g, bool single, const int64_t* target,
                  const void* weight, int64_t ignore, double factor, void* gx);

}  // namespace penlight::kernels

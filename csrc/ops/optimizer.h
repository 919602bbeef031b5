// Optimizer steps of many parameters at once, unrecorded.
#pragma once

#include <vector>

#include "autograd/record.h"
#include "kernels/optimizer.h"

namespace penlight {

// What a step changes: one entry for each parameter; a state is undefined where an optimizer keeps none.
class OptimizerStep {
 public:
  void add(const Tensor& parameter, const Tensor& gradient, const Tensor& a, const Tensor& b, const Tensor& c,
           double step);
  // Whether the kernels can do it: dense arrays of one floating type, of which no two are the same memory.
  bool fits();

  // Only where it fits.
  void sgd(const kernels::SgdOptions& options);
  void adam(const kernels::AdamOptions& options);
  void adamax(const kernels::AdamaxOptions& options);
  void rmsprop(const kernels::RmspropOptions& options);
  void adagrad(const kernels::AdagradOptions& options);
  void adadelta(const kernels::AdadeltaOptions& options);

 private:
  struct Entry {
    Tensor parameter, gradient, state[3];
    double step;
  };
  std::vector<Entry> entries_;
  DType dtype_ = DType::f32;

  template <class Kernel, class Options>
  void run(Kernel kernel, const Options& options);
};

}  // namespace penlight

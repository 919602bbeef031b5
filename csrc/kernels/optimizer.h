// Optimizer steps: every parameter, gradient and state is read once and written once.
//
// Contract: a slot's arrays are contiguous, n elements of one type, float, double or a 16-bit format (which
// computes in float). Parameters and states are overwritten; slots do not overlap. Slots are divided into
// tasks of optimizer_task elements; first_task counts those of the slots before.
#pragma once

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace penlight::kernels {

inline constexpr int64_t optimizer_task = 16384;

struct OptimizerSlot {
  int64_t n, first_task;
  void* parameter;
  const void* gradient;
  void* state[3];  // null where there is none
  double step;     // counts from 1
};
struct OptimizerSlots {
  const OptimizerSlot* data;
  int64_t count, tasks;
};

// The formulas stand beside the classes of penlight.optim.
struct SgdOptions {  // state: momentum buffer, the gradient itself at step 1
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
};
struct AdamOptions {  // state: running means of the gradient and of its square, the largest of the latter
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled, maximize;
};
struct AdamaxOptions {  // state: running mean, largest decayed gradient
  double lr, beta1, beta2, eps, weight_decay;
  bool maximize;
};
struct RmspropOptions {  // state: running mean of squares, of gradients (centered), momentum buffer
  double lr, alpha, eps, weight_decay, momentum;
  bool maximize;
};
struct AdagradOptions {  // state: sum of squares
  double lr, lr_decay, eps, weight_decay;
  bool maximize;
};
struct AdadeltaOptions {  // state: running means of squared gradients and of squared steps
  double lr, rho, eps, weight_decay;
  bool maximize;
};

struct OptimizerKernels {
  void (*sgd)(DType dtype, const OptimizerSlots& slots, const SgdOptions& options);
  void (*adam)(DType dtype, const OptimizerSlots& slots, const AdamOptions& options);
  void (*adamax)(DType dtype, const OptimizerSlots& slots, const AdamaxOptions& options);
  void (*rmsprop)(DType dtype, const OptimizerSlots& slots, const RmspropOptions& options);
  void (*adagrad)(DType dtype, const OptimizerSlots& slots, const AdagradOptions& options);
  void (*adadelta)(DType dtype, const OptimizerSlots& slots, const AdadeltaOptions& options);
};

PENLIGHT_DECLARE_KERNELS(OptimizerKernels, optimizer)

}  // namespace penlight::kernels

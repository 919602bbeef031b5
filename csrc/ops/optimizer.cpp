#include "ops/optimizer.h"

#include <algorithm>
#include <functional>

#include "autograd/view.h"
#include "tensor/unlocked.h"

namespace penlight {

void OptimizerStep::add(const Tensor& parameter, const Tensor& gradient, const Tensor& a, const Tensor& b,
                        const Tensor& c, double step) {
  entries_.push_back({parameter, gradient, {a, b, c}, step});
}

bool OptimizerStep::fits() {
  if (entries_.empty()) return true;
  dtype_ = entries_[0].parameter.dtype();
  if (!is_floating(dtype_)) return false;
  const auto like = [&](const Tensor& x, const Dims& sizes) {
    return x.dtype() == dtype_ && x.is_contiguous() && x.sizes() == sizes;
  };
  std::vector<std::pair<const char*, const char*>> written;
  for (const Entry& entry : entries_) {
    const Dims& sizes = entry.parameter.sizes();
    if (!like(entry.parameter, sizes) || !like(entry.gradient, sizes)) return false;
    for (const Tensor* x : {&entry.parameter, &entry.state[0], &entry.state[1], &entry.state[2]}) {
      if (!x->defined()) continue;
      if (!like(*x, sizes)) return false;
      const char* begin = static_cast<const char*>(x->raw());
      if (x->numel() > 0) written.emplace_back(begin, begin + x->numel() * itemsize(dtype_));
    }
  }
  std::sort(written.begin(), written.end());
  for (std::size_t i = 1; i < written.size(); ++i)
    if (std::less<const char*>()(written[i].first, written[i - 1].second)) return false;
  return true;
}

template <class Kernel, class Options>
void OptimizerStep::run(Kernel kernel, const Options& options) {
  std::vector<kernels::OptimizerSlot> slots;
  slots.reserve(entries_.size());
  int64_t tasks = 0, total = 0;
  for (const Entry& entry : entries_) {
    const int64_t n = entry.parameter.numel();
    kernels::OptimizerSlot slot{n, tasks, entry.parameter.raw(), entry.gradient.raw(), {}, entry.step};
    for (int i = 0; i < 3; ++i)
      if (entry.state[i].defined()) slot.state[i] = entry.state[i].raw();
    if (n == 0) continue;
    slots.push_back(slot);
    tasks += (n + kernels::optimizer_task - 1) / kernels::optimizer_task;
    total += n;
  }
  if (tasks > 0) {
    Unlocked unlocked(total);
    kernel(dtype_, {slots.data(), static_cast<int64_t>(slots.size()), tasks}, options);
  }
  for (const Entry& entry : entries_) {
    entry.parameter.changed();
    for (const Tensor& state : entry.state)
      if (state.defined()) state.changed();
  }
}

void OptimizerStep::sgd(const kernels::SgdOptions& options) {
  run(kernels::optimizer().sgd, options);
}
void OptimizerStep::adam(const kernels::AdamOptions& options) {
  run(kernels::optimizer().adam, options);
}
void OptimizerStep::adamax(const kernels::AdamaxOptions& options) {
  run(kernels::optimizer().adamax, options);
}
void OptimizerStep::rmsprop(const kernels::RmspropOptions& options) {
  run(kernels::optimizer().rmsprop, options);
}
void OptimizerStep::adagrad(const kernels::AdagradOptions& options) {
  run(kernels::optimizer().adagrad, options);
}
void OptimizerStep::adadelta(const kernels::AdadeltaOptions& options) {
  run(kernels::optimizer().adadelta, options);
}

}  // namespace penlight

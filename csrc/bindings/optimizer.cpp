// Optimizer steps over lists of parameters. Each gives false, and does nothing, where the kernels do not fit:
// penlight.optim then goes through the parameters one by one.
#include "ops/optimizer.h"

#include "bindings/python.h"

namespace penlight::bindings {

namespace {

std::vector<Tensor> list_of(nb::handle list, std::size_t count, const char* what) {
  std::vector<Tensor> tensors = tensors_from(list, what);
  check(tensors.size() == count, "expected ", count, " tensors in ", what, ", but got ", tensors.size());
  return tensors;
}

// Puts a step together: lists of parameters and gradients, and of each state and the step counts (float32
// numbers, which are raised) or None where there are none. False where the kernels do not fit.
bool gather(OptimizerStep& step, nb::handle parameters, nb::handle gradients,
            std::initializer_list<nb::handle> states, nb::handle steps) {
  const std::vector<Tensor> p = tensors_from(parameters, "parameters"),
                            g = list_of(gradients, p.size(), "gradients");
  std::vector<Tensor> of_state[3], counts;
  std::size_t used = 0;
  for (nb::handle list : states) {
    if (!list.is_none()) of_state[used] = list_of(list, p.size(), "states");
    ++used;
  }
  if (!steps.is_none()) counts = list_of(steps, p.size(), "steps");
  for (const Tensor& count : counts)
    if (count.dtype() != DType::f32 || count.numel() != 1) return false;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto state = [&](int k) { return of_state[k].empty() ? Tensor() : of_state[k][i]; };
    const double number = counts.empty() ? 2 : static_cast<double>(*counts[i].data<float>()) + 1;
    step.add(p[i], g[i], state(0), state(1), state(2), number);
  }
  if (!step.fits()) return false;
  for (const Tensor& count : counts) {
    *count.data<float>() += 1;
    count.changed();
  }
  return true;
}

// buffers: the momentum buffers of the parameters, None where a parameter has none yet. The result is the
// list of them, new ones included; None where nothing was done.
nb::object sgd_step(nb::handle parameters, nb::handle gradients, nb::handle buffers, double lr,
                    double momentum, double dampening, double weight_decay, bool nesterov, bool maximize) {
  const std::vector<Tensor> p = tensors_from(parameters, "parameters"),
                            g = list_of(gradients, p.size(), "gradients");
  OptimizerStep step;
  nb::list result;
  for (std::size_t i = 0; i < p.size(); ++i) {
    Tensor buffer;
    bool first = false;
    if (momentum != 0) {
      const nb::object given = buffers[i];
      first = given.is_none();
      buffer = first ? empty(p[i].sizes(), p[i].dtype()) : tensor_of(given);
      result.append(first ? to_python(buffer) : given);
    }
    step.add(p[i], g[i], buffer, {}, {}, first ? 1 : 2);
  }
  if (!step.fits()) return nb::none();
  step.sgd({lr, momentum, dampening, weight_decay, nesterov, maximize});
  return result;
}

void bind(nb::module_& m, TensorClass&) {
  m.def("_sgd_step", sgd_step);
  m.def(
      "_adam_step",
      [](nb::handle parameters, nb::handle gradients, nb::handle means, nb::handle squares,
         nb::handle largest, nb::handle steps, double lr, double beta1, double beta2, double eps,
         double weight_decay, bool decoupled, bool maximize) {
        OptimizerStep step;
        if (!gather(step, parameters, gradients, {means, squares, largest}, steps)) return false;
        step.adam({lr, beta1, beta2, eps, weight_decay, decoupled, maximize});
        return true;
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg(),
      nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg());
  m.def("_adamax_step", [](nb::handle parameters, nb::handle gradients, nb::handle means, nb::handle largest,
                           nb::handle steps, double lr, double beta1, double beta2, double eps,
                           double weight_decay, bool maximize) {
    OptimizerStep step;
    if (!gather(step, parameters, gradients, {means, largest}, steps)) return false;
    step.adamax({lr, beta1, beta2, eps, weight_decay, maximize});
    return true;
  });
  m.def(
      "_rmsprop_step",
      [](nb::handle parameters, nb::handle gradients, nb::handle squares, nb::handle means,
         nb::handle buffers, nb::handle steps, double lr, double alpha, double eps, double weight_decay,
         double momentum, bool maximize) {
        OptimizerStep step;
        if (!gather(step, parameters, gradients, {squares, means, buffers}, steps)) return false;
        step.rmsprop({lr, alpha, eps, weight_decay, momentum, maximize});
        return true;
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg(),
      nb::arg(), nb::arg(), nb::arg(), nb::arg());
  m.def("_adagrad_step", [](nb::handle parameters, nb::handle gradients, nb::handle sums, nb::handle steps,
                            double lr, double lr_decay, double eps, double weight_decay, bool maximize) {
    OptimizerStep step;
    if (!gather(step, parameters, gradients, {sums}, steps)) return false;
    step.adagrad({lr, lr_decay, eps, weight_decay, maximize});
    return true;
  });
  m.def("_adadelta_step",
        [](nb::handle parameters, nb::handle gradients, nb::handle squares, nb::handle steps_taken,
           nb::handle steps, double lr, double rho, double eps, double weight_decay, bool maximize) {
          OptimizerStep step;
          if (!gather(step, parameters, gradients, {squares, steps_taken}, steps)) return false;
          step.adadelta({lr, rho, eps, weight_decay, maximize});
          return true;
        });
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

// Activations, softmax, losses and normalisation.
#include "bindings/python.h"
#include "ops/activation.h"
#include "ops/loss.h"
#include "ops/norm.h"

namespace penlight::bindings {

namespace {

using MaybeTensor = std::optional<Tensor>;
using MaybeDType = std::optional<DType>;

Tensor or_none(const MaybeTensor& tensor) {
  return tensor ? *tensor : Tensor();
}

void bind_activations(nb::module_& m, TensorClass& tensor) {
  m.def("leaky_relu", leaky_relu, "input"_a, "negative_slope"_a = 0.01,
        "x where positive, else negative_slope * x.");
  m.def("elu", elu, "input"_a, "alpha"_a = 1.0, "scale"_a = 1.0, "input_scale"_a = 1.0,
        "scale * x where positive, else scale * alpha * (exp(input_scale * x) - 1).");
  m.def(
      "gelu", gelu, "input"_a, nb::kw_only(), "approximate"_a = "none",
      "x times the share of a normal distribution below x; approximate='tanh' for its usual approximation.");
  m.def("silu", silu, "input"_a, "x * sigmoid(x).");
  m.def("mish", mish, "input"_a, "x * tanh(softplus(x)).");
  m.def("softplus", softplus, "input"_a, "beta"_a = 1.0, "threshold"_a = 20.0,
        "log(1 + exp(beta * x)) / beta; x itself where beta * x is above threshold.");
  m.def("hardtanh", hardtanh, "input"_a, "min_val"_a = -1.0, "max_val"_a = 1.0,
        "x held between two numbers.");
  m.def("hardswish", hardswish, "input"_a, "x * (x + 3 held between 0 and 6) / 6.");
  m.def("logsigmoid", logsigmoid, "input"_a, "log(sigmoid(x)), without overflow.");
  const auto soft = [](Tensor (*f)(const Tensor&, int64_t, std::optional<DType>)) {
    return [f](const Tensor& x, Int dim, MaybeDType dtype) { return f(x, dim, dtype); };
  };
  both(m, tensor, "softmax", soft(softmax), "dim"_a, "dtype"_a = nb::none(),
       "exp(x) / sum(exp(x)) along a dimension.");
  both(m, tensor, "log_softmax", soft(log_softmax), "dim"_a, "dtype"_a = nb::none(),
       "log(softmax(x)) along a dimension, without overflow.");
}

void bind_losses(nb::module_& m) {
  m.def(
      "mse_loss",
      [](const Tensor& x, const Tensor& t, const std::string& reduction) {
        return mse_loss(x, t, reduction_from(reduction));
      },
      "input"_a, "target"_a, "reduction"_a = "mean", "The squared difference.");
  m.def(
      "_smooth_l1_loss",
      [](const Tensor& x, const Tensor& t, const std::string& reduction, double beta) {
        return smooth_l1_loss(x, t, reduction_from(reduction), beta);
      },
      "input"_a, "target"_a, "reduction"_a, "beta"_a,
      "Half the square over beta where the difference is smaller than beta, else its size less half beta.");
  m.def(
      "_huber_loss",
      [](const Tensor& x, const Tensor& t, const std::string& reduction, double delta) {
        return huber_loss(x, t, reduction_from(reduction), delta);
      },
      "input"_a, "target"_a, "reduction"_a, "delta"_a,
      "Half the square where the difference is not larger than delta, else linear with slope delta.");
  m.def("binary_cross_entropy", binary_cross_entropy, "input"_a, "target"_a,
        "The cross entropy of a probability and a true/false label, for each element.");
  m.def(
      "nll_loss",
      [](const Tensor& x, const Tensor& target, const MaybeTensor& weight, const std::string& reduction,
         Int ignore) { return nll_loss(x, target, or_none(weight), reduction_from(reduction), ignore); },
      "input"_a, "target"_a, "weight"_a = nb::none(), "reduction"_a = "mean", "ignore_index"_a = Int{-100},
      "Minus the log-probability of the target's class.");
}

void bind_norms(nb::module_& m) {
  m.def(
      "batch_norm",
      [](const Tensor& x, const MaybeTensor& weight, const MaybeTensor& bias, const MaybeTensor& mean,
         const MaybeTensor& var, bool training, double momentum, double eps, bool) {
        return batch_norm(x, {or_none(weight), or_none(bias), or_none(mean), or_none(var)}, training,
                          momentum, eps);
      },
      "input"_a, "weight"_a.none(), "bias"_a.none(), "running_mean"_a.none(), "running_var"_a.none(),
      "training"_a, "momentum"_a, "eps"_a, "cudnn_enabled"_a = false,
      "Normalises each channel over the batch.");
  m.def(
      "layer_norm",
      [](const Tensor& x, const Dims& normalized, const MaybeTensor& weight, const MaybeTensor& bias,
         double eps, bool) { return layer_norm(x, normalized, or_none(weight), or_none(bias), eps); },
      "input"_a, "normalized_shape"_a, "weight"_a = nb::none(), "bias"_a = nb::none(), "eps"_a = 1e-5,
      "cudnn_enable"_a = false, "Normalises over the last dimensions.");
  m.def(
      "group_norm",
      [](const Tensor& x, Int groups, const MaybeTensor& weight, const MaybeTensor& bias, double eps, bool) {
        return group_norm(x, groups, or_none(weight), or_none(bias), eps);
      },
      "input"_a, "num_groups"_a, "weight"_a = nb::none(), "bias"_a = nb::none(), "eps"_a = 1e-5,
      "cudnn_enabled"_a = false, "Normalises over groups of channels.");
}

void bind(nb::module_& m, TensorClass& tensor) {
  bind_activations(m, tensor);
  bind_losses(m);
  bind_norms(m);
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

// Activations. Each has a fused forward and a fused derivative in the kernels; where the derivative is itself
// recorded, it is written in other operations, so that it can be differentiated again.
#include "ops/activation.h"

#include <cmath>

#include "tensor/unlocked.h"

namespace penlight {

using kernels::Activation;
using kernels::ActivationParameters;
using kernels::CompareOp;

namespace {

// The fused g * f'(x); memory in order.
Tensor gradient(Activation op, const ActivationParameters& p, const Tensor& g, const Tensor& x) {
  if (any_batched(g, x)) [[unlikely]] {
    const BatchDims batch = joint_batch({g, x});
    const Tensor at = physical(x, batch);
    return hide(gradient(op, p, physical(g, batch), at), batch);
  }
  const Tensor from = ordered(cast(g, x.dtype())), at = ordered(x);
  Tensor result = empty(x.sizes(), x.dtype());
  const int64_t n = x.numel();
  const void *gp = from.raw(), *xp = at.raw();
  void* to = result.raw();
  Unlocked unlocked(n);
  kernels::activation().backward(op, x.dtype(), p, n, gp, xp, to);
  return result;
}

// f(x), unrecorded.
Tensor values(Activation op, const ActivationParameters& p, const Tensor& x) {
  if (x.batched()) [[unlikely]]
    return hide(values(op, p, physical(x)), x->transforms->batch);
  Tensor y = empty(x.sizes(), x.dtype());
  const Tensor from = ordered(x);
  const int64_t n = x.numel();
  const void* xp = from.raw();
  void* to = y.raw();
  Unlocked unlocked(n);
  kernels::activation().forward(op, x.dtype(), p, n, xp, to);
  return y;
}

// The parameters by the names of the Python functions' arguments.
Notes notes_of(Activation op, const ActivationParameters& p) {
  switch (op) {
    case Activation::leaky_relu:
      return {{"negative_slope", p.a}};
    case Activation::elu:
      return {{"alpha", p.a}, {"scale", p.b}, {"input_scale", p.c}};
    case Activation::gelu:
    case Activation::gelu_tanh:
      return {{"approximate", Scalar(0), op == Activation::gelu ? "none" : "tanh"}};
    case Activation::softplus:
      return {{"beta", p.a}, {"threshold", p.b}};
    case Activation::hardtanh:
      return {{"min_val", p.a}, {"max_val", p.b}};
    default:
      return {};
  }
}

// y = f(x); recorded(g, x) is g * f'(x) in other operations.
template <class Recorded>
Tensor activation(Activation op, const char* name, const char* node, const ActivationParameters& p,
                  const Tensor& x, Recorded recorded) {
  check<NotImplementedError>(is_floating(x.dtype()), "\"", name, "\" not implemented for '",
                             scalar_name(x.dtype()), "'");
  Tensor y = values(op, p, x);
  if (needs_grad(x))
    record(
        elementwise(node), x, y, kept(keep("self", x)),
        [op, p, recorded](Backward& b, const Tensor& g) {
          const Tensor x = b.saved(0);
          return Grads{needs_grad(g, x) ? recorded(g, x) : gradient(op, p, g, x)};
        },
        [op, p] { return notes_of(op, p); });
  return y;
}

Tensor above(const Tensor& x, double limit) {
  return compare(CompareOp::gt, x, limit);
}

}  // namespace

Tensor leaky_relu(const Tensor& x, double slope) {
  return activation(
      Activation::leaky_relu, "leaky_relu_cpu", "LeakyReluBackward0", {slope, 0, 0}, x,
      [slope](const Tensor& g, const Tensor& x) { return where(above(x, 0), g, mul(g, slope)); });
}

Tensor elu(const Tensor& x, double alpha, double scale, double input_scale) {
  return activation(Activation::elu, "elu_cpu", "EluBackward0", {alpha, scale, input_scale}, x,
                    [=](const Tensor& g, const Tensor& x) {
                      // Held at 0, so that the branch not taken is finite.
                      const Tensor below = exp(minimum(mul(x, input_scale), 0.0));
                      return mul(g, where(above(x, 0), scale, mul(below, alpha * scale * input_scale)));
                    });
}

Tensor gelu(const Tensor& x, const std::string& approximate) {
  if (approximate == "tanh")
    return activation(Activation::gelu_tanh, "GeluKernelImpl", "GeluBackward0", {}, x,
                      [](const Tensor& g, const Tensor& x) {
                        const double scale = M_2_SQRTPI * M_SQRT1_2, cubic = 0.044715;
                        const Tensor xx = mul(x, x);
                        const Tensor t = tanh(mul(mul(x, add(mul(xx, cubic), 1)), scale));
                        const Tensor inner = mul(add(mul(xx, 3 * cubic), 1), scale);
                        const Tensor side = mul(mul(x, sub(1, mul(t, t))), inner);
                        return mul(g, mul(add(add(t, side), 1), 0.5));
                      });
  check(approximate == "none", "approximate argument must be either none or tanh.");
  return activation(Activation::gelu, "GeluKernelImpl", "GeluBackward0", {}, x,
                    [](const Tensor& g, const Tensor& x) {
                      const Tensor below = mul(add(erf(mul(x, M_SQRT1_2)), 1), 0.5);
                      const Tensor density = mul(exp(mul(mul(x, x), -0.5)), 0.5 * M_2_SQRTPI * M_SQRT1_2);
                      return mul(g, add(below, mul(x, density)));
                    });
}

Tensor silu(const Tensor& x) {
  return activation(Activation::silu, "silu_cpu", "SiluBackward0", {}, x,
                    [](const Tensor& g, const Tensor& x) {
                      const Tensor s = sigmoid(x);
                      return mul(g, mul(s, add(mul(x, sub(1, s)), 1)));
                    });
}

Tensor mish(const Tensor& x) {
  return activation(Activation::mish, "mish_cpu", "MishBackward0", {}, x,
                    [](const Tensor& g, const Tensor& x) {
                      const Tensor t = tanh(softplus(x, 1, 20));
                      return mul(g, add(t, mul(mul(x, sigmoid(x)), sub(1, mul(t, t)))));
                    });
}

Tensor softplus(const Tensor& x, double beta, double threshold) {
  return activation(Activation::softplus, "softplus_cpu", "SoftplusBackward0", {beta, threshold, 0}, x,
                    [=](const Tensor& g, const Tensor& x) {
                      const Tensor z = mul(x, beta);
                      return where(above(z, threshold), g, mul(g, sigmoid(z)));
                    });
}

Tensor hardtanh(const Tensor& x, double low, double high) {
  if (is_integral(x.dtype())) {
    const Operand from(Scalar(static_cast<int64_t>(low))), to(Scalar(static_cast<int64_t>(high)));
    return clamp(x, &from, &to);
  }
  return activation(Activation::hardtanh, "hardtanh_cpu", "HardtanhBackward0", {low, high, 0}, x,
                    [=](const Tensor& g, const Tensor& x) {
                      const Tensor closed = compare(CompareOp::logical_or, compare(CompareOp::le, x, low),
                                                    compare(CompareOp::ge, x, high));
                      return where(closed, 0, g);
                    });
}

Tensor hardswish(const Tensor& x) {
  return activation(Activation::hardswish, "hardswish_cpu", "HardswishBackward0", {}, x,
                    [](const Tensor& g, const Tensor& x) {
                      const Tensor inside = mul(g, add(mul(x, 1. / 3), 0.5));
                      const Tensor open = where(compare(CompareOp::lt, x, 3), inside, g);
                      return where(compare(CompareOp::le, x, -3), 0, open);
                    });
}

Tensor logsigmoid(const Tensor& x) {
  return activation(Activation::log_sigmoid, "log_sigmoid_cpu", "LogSigmoidBackward0", {}, x,
                    [](const Tensor& g, const Tensor& x) { return mul(g, sigmoid(neg(x))); });
}

}  // namespace penlight

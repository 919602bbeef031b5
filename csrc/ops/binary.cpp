// Elementwise functions of two and three operands. Gradients of broadcast operands are summed, and cast to
// the operand's type, by the engine.
#include <cmath>

#include "ops/elementwise_plan.h"
#include "ops/reduce.h"

namespace penlight {

using kernels::BinaryOp;
using kernels::CompareOp;

namespace {

bool needs(const Operand& a, const Operand& b) {
  return (grad_mode.enabled || grad_mode.forward) && (a.requires_grad() || b.requires_grad());
}

SavedTensor keep_operand(const char* name, const Operand& operand, bool wanted) {
  return keep(name, wanted && operand.is_tensor() ? operand.tensor() : Tensor());
}

// The value of an operand in backward: the tensor kept, or the number.
Operand value(Backward& b, std::size_t i, const Scalar& number) {
  Tensor tensor = b.saved(i);
  return tensor.defined() ? Operand(tensor) : Operand(number);
}

// The numbers among an operation's operands, and its factor, as the node's notes.
class Numbers {
 public:
  Numbers(const Operand& self, const Operand& other, const Scalar& alpha = Scalar(1))
      : self_(self.scalar()),
        other_(other.scalar()),
        alpha_(alpha),
        left_(!self.is_tensor()),
        right_(!other.is_tensor()) {}
  Notes operator()() const {
    Notes notes;
    if (left_) notes.push_back({"self", self_});
    if (right_) notes.push_back({"other", other_});
    if (alpha_.to_double() != 1) notes.push_back({"alpha", alpha_});
    return notes;
  }

 private:
  Scalar self_, other_, alpha_;
  bool left_, right_;
};

DType real_result(const Operand& a, const Operand& b) {
  return real_type(result_type(a, b));
}

void check_no_bool_sub(const Operand& a, const Operand& b) {
  const bool x = a.dtype() == DType::boolean, y = b.dtype() == DType::boolean;
  check(
      !(x && y),
      "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
      "operator instead.");
  check(!(x || y),
        "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
        "mask, use "
        "the `~` or `logical_not()` operator instead.");
}

void check_divisor(const Operand& b, DType dtype) {
  if (is_floating(dtype)) return;
  const bool zero =
      b.is_tensor() ? b.tensor().numel() > 0 && any_true(logical_not(b.tensor())) : !b.scalar().to_bool();
  check(!zero, "ZeroDivisionError");
}

Operand scaled(const Operand& b, const Scalar& alpha, DType dtype) {
  if (!alpha.is_floating() && alpha.to_int() == 1) return b;
  check(is_floating(dtype) || !alpha.is_floating(),
        "For integral input tensors, argument alpha must not be a floating point number.");
  check(alpha.kind() != Scalar::Kind::boolean || dtype == DType::boolean,
        "Boolean alpha only supported for Boolean results.");
  const Operand plain = b.is_tensor() ? Operand(detach(b.tensor())) : b;
  return run_binary(BinaryOp::mul, plain, alpha, dtype, "mul");
}

Grads scale_grad(Backward& b, const Tensor& g, double factor) {
  Grads grads(2);
  if (b.needs(0)) grads[0] = g;
  if (b.needs(1)) grads[1] = factor == 1 ? g : mul(g, factor);
  return grads;
}

}  // namespace

Tensor add(const Operand& a, const Operand& b, const Scalar& alpha) {
  const DType dtype = result_type(a, b);
  Tensor y = run_binary(BinaryOp::add, a, scaled(b, alpha, dtype), dtype, "add");
  if (needs(a, b))
    record(
        elementwise("AddBackward0"), {a.tensor(), b.tensor()}, y, {},
        [factor = alpha.to_double()](Backward& b, const Tensor& g) { return scale_grad(b, g, factor); },
        Numbers(a, b, alpha));
  return y;
}

Tensor sub(const Operand& a, const Operand& b, const Scalar& alpha) {
  check_no_bool_sub(a, b);
  const DType dtype = result_type(a, b);
  Tensor y = run_binary(BinaryOp::sub, a, scaled(b, alpha, dtype), dtype, "sub");
  if (needs(a, b)) {
    if (a.is_tensor())
      record(
          elementwise("SubBackward0"), {a.tensor(), b.tensor()}, y, {},
          [factor = -alpha.to_double()](Backward& b, const Tensor& g) { return scale_grad(b, g, factor); },
          Numbers(a, b, alpha));
    else
      record(
          elementwise("RsubBackward1"), b.tensor(), y, {},
          [](Backward&, const Tensor& g) { return Grads{neg(g)}; }, Numbers(b, a, alpha));
  }
  return y;
}

Tensor mul(const Operand& a, const Operand& b) {
  Tensor y = run_binary(BinaryOp::mul, a, b, result_type(a, b), "mul");
  if (needs(a, b))
    record(
        elementwise("MulBackward0"), {a.tensor(), b.tensor()}, y,
        kept(keep_operand("self", a, b.requires_grad()), keep_operand("other", b, a.requires_grad())),
        [x = a.scalar(), z = b.scalar()](Backward& b, const Tensor& g) {
          Grads grads(2);
          if (b.needs(0)) grads[0] = mul(g, value(b, 1, z));
          if (b.needs(1)) grads[1] = mul(g, value(b, 0, x));
          return grads;
        },
        Numbers(a, b));
  return y;
}

Tensor div(const Operand& a, const Operand& b) {
  Tensor y = run_binary(BinaryOp::div, a, b, real_result(a, b), "div");
  if (needs(a, b))
    record(
        elementwise("DivBackward0"), {a.tensor(), b.tensor()}, y,
        kept(keep_operand("self", a, b.requires_grad()), keep_operand("other", b, true)),
        [x = a.scalar(), z = b.scalar()](Backward& b, const Tensor& g) {
          Grads grads(2);
          const Operand other = value(b, 1, z);
          if (b.needs(0)) grads[0] = div(g, other);
          if (b.needs(1)) grads[1] = mul(neg(g), div(div(value(b, 0, x), other), other));
          return grads;
        },
        Numbers(a, b));
  return y;
}

namespace {

// a / b rounded to an integer, or a function with the same derivatives: none.
Tensor stepwise(BinaryOp op, const Operand& a, const Operand& b, const char* name, const char* node) {
  const DType dtype = result_type(a, b);
  check_divisor(b, dtype);
  Tensor y = run_binary(op, a, b, dtype, name);
  if (needs(a, b))
    record(elementwise(node), {a.tensor(), b.tensor()}, y, {}, [](Backward& b, const Tensor& g) {
      const Tensor none = zeros(b.output_sizes(0), g.dtype());
      return Grads{none, none};
    });
  return y;
}

// a minus a multiple of b: da = 1, db = minus that multiple.
Tensor modulus(BinaryOp op, const Operand& a, const Operand& b, const char* name, const char* node,
               Tensor (*quotient)(const Operand&, const Operand&)) {
  const DType dtype = result_type(a, b);
  check_divisor(b, dtype);
  Tensor y = run_binary(op, a, b, dtype, name);
  if (needs(a, b))
    record(
        elementwise(node), {a.tensor(), b.tensor()}, y,
        kept(keep_operand("self", a, b.requires_grad()), keep_operand("other", b, b.requires_grad())),
        [x = a.scalar(), z = b.scalar(), quotient](Backward& b, const Tensor& g) {
          Grads grads(2);
          if (b.needs(0)) grads[0] = g;
          if (b.needs(1)) grads[1] = neg(mul(g, quotient(value(b, 0, x), value(b, 1, z))));
          return grads;
        },
        Numbers(a, b));
  return y;
}

}  // namespace

Tensor div_floor(const Operand& a, const Operand& b) {
  return stepwise(BinaryOp::floor_div, a, b, "div_floor", "DivBackward1");
}
Tensor div_trunc(const Operand& a, const Operand& b) {
  return stepwise(BinaryOp::trunc_div, a, b, "div_trunc", "DivBackward1");
}
Tensor remainder(const Operand& a, const Operand& b) {
  return modulus(BinaryOp::remainder, a, b, "remainder", "RemainderBackward0", div_floor);
}
Tensor fmod(const Operand& a, const Operand& b) {
  return modulus(BinaryOp::fmod, a, b, "fmod", "FmodBackward0", div_trunc);
}

namespace {

// x^p for a number p. Small whole powers are products, which are exact where the library's pow is not.
Tensor power_values(const Tensor& x, double p) {
  if (is_floating(x.dtype())) {
    if (p == 2) return run_unary(kernels::UnaryOp::square, x, "pow");
    if (p == 0.5) return run_unary(kernels::UnaryOp::sqrt, x, "pow");
    if (p == -1) return run_unary(kernels::UnaryOp::reciprocal, x, "pow");
    if (p == 3) {
      const Tensor squared = run_unary(kernels::UnaryOp::square, x, "pow");
      return run_binary(BinaryOp::mul, squared, x, x.dtype(), "pow");
    }
  }
  return Tensor();
}

}  // namespace

Tensor pow(const Operand& a, const Operand& b) {
  const DType dtype = result_type(a, b);
  if (a.is_tensor() && !b.is_tensor()) {
    const double p = b.scalar().to_double();
    check(is_floating(dtype) || p >= 0, "Integers to negative integer powers are not allowed.");
    const Tensor x = cast(a.tensor(), dtype);
    Tensor y = power_values(detach(x), p);
    if (!y.defined()) y = run_binary(BinaryOp::pow, detach(x), b, dtype, "pow");
    if (needs_grad(x))
      record(
          elementwise("PowBackward0"), x, y, kept(keep("self", x)),
          [p](Backward& b, const Tensor& g) {
            if (p == 0) return Grads{zeros(b.output_sizes(0), g.dtype())};
            if (p == 1) return Grads{g};
            if (p == 2) return Grads{mul(g, mul(b.saved(0), 2.0))};
            return Grads{mul(g, mul(pow(b.saved(0), p - 1), p))};
          },
          [number = b.scalar()] { return Notes{{"exponent", number}}; });
    return y;
  }
  Tensor y = run_binary(BinaryOp::pow, a, b, dtype, "pow");
  if (needs(a, b))
    record(
        elementwise("PowBackward1"), {a.tensor(), b.tensor()}, y,
        kept(keep_operand("self", a, true), keep_operand("exponent", b, true), keep_output("result", y)),
        [x = a.scalar(), z = b.scalar()](Backward& b, const Tensor& g) {
          Grads grads(2);
          const Operand base = value(b, 0, x), exponent = value(b, 1, z);
          // d/dbase is 0 at exponent 0, whatever the base; d/dexponent is 0 at base 0 (where its limit
          // exists).
          if (b.needs(0))
            grads[0] = where(compare(CompareOp::eq, exponent, 0), 0,
                             mul(g, mul(exponent, pow(base, sub(exponent, 1)))));
          if (b.needs(1)) {
            const Tensor result = b.saved(2);
            const Tensor base_tensor =
                base.is_tensor() ? base.tensor() : scalar_tensor(base.scalar(), result.dtype());
            const Tensor at_zero =
                bitwise_and(compare(CompareOp::eq, base_tensor, 0), compare(CompareOp::ge, exponent, 0));
            grads[1] = mul(g, where(at_zero, 0, mul(result, log(where(at_zero, 1, base_tensor)))));
          }
          return grads;
        },
        Numbers(a, b));
  return y;
}

Tensor atan2(const Operand& a, const Operand& b) {
  Tensor y = run_binary(BinaryOp::atan2, a, b, real_result(a, b), "atan2");
  if (needs(a, b))
    record(elementwise("Atan2Backward0"), {a.tensor(), b.tensor()}, y,
           kept(keep("self", a.tensor()), keep("other", b.tensor())), [](Backward& b, const Tensor& g) {
             Grads grads(2);
             const Tensor y = b.saved(0), x = b.saved(1);
             const Tensor square = add(mul(x, x), mul(y, y));
             // At the origin, where there is no derivative, the first ones are 0 and the second ones NaN.
             const Tensor origin = compare(kernels::CompareOp::eq, square, 0);
             const Tensor scaled = mul(g, where(origin, 0, reciprocal(square)));
             if (b.needs(0)) grads[0] = mul(scaled, x);
             if (b.needs(1)) grads[1] = neg(mul(scaled, y));
             return grads;
           });
  return y;
}

Tensor hypot(const Operand& a, const Operand& b) {
  Tensor y = run_binary(BinaryOp::hypot, a, b, result_type(a, b), "hypot");
  if (needs(a, b))
    record(elementwise("HypotBackward0"), {a.tensor(), b.tensor()}, y,
           kept(keep("self", a.tensor()), keep("other", b.tensor()), keep_output("result", y)),
           [](Backward& b, const Tensor& g) {
             Grads grads(2);
             const Tensor scaled = div(g, b.saved(2));
             if (b.needs(0)) grads[0] = mul(scaled, b.saved(0));
             if (b.needs(1)) grads[1] = mul(scaled, b.saved(1));
             return grads;
           });
  return y;
}

Tensor copysign(const Operand& a, const Operand& b) {
  Tensor y = run_binary(BinaryOp::copysign, a, b, real_result(a, b), "copysign");
  if (needs(a, b))
    record(elementwise(b.is_tensor() ? "CopysignBackward0" : "CopysignBackward1"), {a.tensor(), b.tensor()},
           y, kept(keep("self", a.tensor()), keep_output("result", y)), [](Backward& b, const Tensor& g) {
             Grads grads(2);
             if (b.needs(0) && b.saved(0).defined())
               grads[0] = mul(g, mul(sign(b.saved(0)), sign(b.saved(1))));
             if (b.needs(1)) grads[1] = zeros(b.output_sizes(0), g.dtype());
             return grads;
           });
  return y;
}

namespace {

// The greater or the smaller of two: the gradient goes to the chosen one, half to each where they are equal.
Tensor choose(BinaryOp op, const Operand& a, const Operand& b, const char* name, const char* node,
              CompareOp wins) {
  const DType dtype = result_type(a, b);
  Tensor y = run_binary(op, a, b, dtype, name);
  if (needs(a, b))
    record(
        elementwise(node), {a.tensor(), b.tensor()}, y,
        kept(keep_operand("self", a, true), keep_operand("other", b, true)),
        [x = a.scalar(), z = b.scalar(), wins](Backward& b, const Tensor& g) {
          Grads grads(2);
          const Operand self = value(b, 0, x), other = value(b, 1, z);
          const Tensor half = div(g, 2), equal = compare(CompareOp::eq, self, other);
          const Tensor shared = where(equal, half, g);
          if (b.needs(0)) grads[0] = where(compare(wins, other, self), 0, shared);
          if (b.needs(1)) grads[1] = where(compare(wins, self, other), 0, shared);
          return grads;
        },
        Numbers(a, b));
  return y;
}

}  // namespace

Tensor maximum(const Operand& a, const Operand& b) {
  return choose(BinaryOp::maximum, a, b, "maximum", "MaximumBackward0", CompareOp::gt);
}
Tensor minimum(const Operand& a, const Operand& b) {
  return choose(BinaryOp::minimum, a, b, "minimum", "MinimumBackward0", CompareOp::lt);
}

namespace {

// As choose, but NaN loses: the other one gets the gradient, and of equals the first.
Tensor choose_number(BinaryOp op, const Operand& a, const Operand& b, const char* name, const char* node,
                     CompareOp wins_or_equal) {
  Tensor y = run_binary(op, a, b, result_type(a, b), name);
  if (needs(a, b))
    record(
        elementwise(node), {a.tensor(), b.tensor()}, y,
        kept(keep_operand("self", a, true), keep_operand("other", b, true)),
        [x = a.scalar(), z = b.scalar(), wins_or_equal](Backward& b, const Tensor& g) {
          Grads grads(2);
          const Operand self = value(b, 0, x), other = value(b, 1, z);
          const Tensor nan = compare(CompareOp::ne, other, other);
          const Tensor first = bitwise_or(compare(wins_or_equal, self, other), nan);
          if (b.needs(0)) grads[0] = where(first, g, 0);
          if (b.needs(1)) grads[1] = where(first, 0, g);
          return grads;
        },
        Numbers(a, b));
  return y;
}

}  // namespace

Tensor fmax(const Operand& a, const Operand& b) {
  return choose_number(BinaryOp::fmax, a, b, "fmax", "FmaxBackward0", CompareOp::ge);
}
Tensor fmin(const Operand& a, const Operand& b) {
  return choose_number(BinaryOp::fmin, a, b, "fmin", "FminBackward0", CompareOp::le);
}

Tensor bitwise_and(const Operand& a, const Operand& b) {
  return run_binary(BinaryOp::bitwise_and, a, b, result_type(a, b), "bitwise_and");
}
Tensor bitwise_or(const Operand& a, const Operand& b) {
  return run_binary(BinaryOp::bitwise_or, a, b, result_type(a, b), "bitwise_or");
}
Tensor bitwise_xor(const Operand& a, const Operand& b) {
  return run_binary(BinaryOp::bitwise_xor, a, b, result_type(a, b), "bitwise_xor");
}
Tensor shift_left(const Operand& a, const Operand& b) {
  return run_binary(BinaryOp::shift_left, a, b, result_type(a, b), "lshift");
}
Tensor shift_right(const Operand& a, const Operand& b) {
  return run_binary(BinaryOp::shift_right, a, b, result_type(a, b), "rshift");
}

}  // namespace penlight

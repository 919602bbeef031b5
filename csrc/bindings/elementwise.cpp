// Elementwise operations: functions, methods, operators and their in-place forms.
#include "bindings/python.h"

namespace penlight::bindings {

namespace {

using kernels::BinaryOp;
using kernels::CompareOp;

void bind_unary(nb::module_& m, TensorClass& tensor, const char* name, UnaryFunction f, const char* doc) {
  m.def(name, [f](const Tensor& x) { return f(x); }, "input"_a, doc);
  tensor.def(name, [f](const Tensor& x) { return f(x); }, doc);
  const std::string in_place_name = std::string(name) + "_";
  const auto in_place_form = [f, in_place_name](Tensor x) {
    return unary_in_place(x, in_place_name.c_str(), f);
  };
  m.def(in_place_name.c_str(), in_place_form, "input"_a, "The same, in place.");
  tensor.def(in_place_name.c_str(), in_place_form, "The same, in place.");
}

void bind_test(nb::module_& m, TensorClass& tensor, const char* name, UnaryFunction f, const char* doc) {
  both(m, tensor, name, [f](const Tensor& x) { return f(x); }, doc);
}

// op: the kernel that serves in place without a record.
void bind_binary(nb::module_& m, TensorClass& tensor, const char* name, BinaryFunction f, BinaryOp op,
                 const char* doc) {
  m.def(name, [f](const Operand& x, const Operand& y) { return f(x, y); }, "input"_a, "other"_a, doc);
  tensor.def(name, [f](const Tensor& x, const Operand& y) { return f(x, y); }, "other"_a, doc);
  const std::string in_place_name = std::string(name) + "_";
  tensor.def(
      in_place_name.c_str(),
      [f, op, in_place_name](Tensor x, const Operand& y) {
        return binary_in_place(x, in_place_name.c_str(), op, f, y);
      },
      "other"_a, "The same, in place.");
}

void bind_operator(TensorClass& tensor, const char* name, const char* reflected, const char* in_place_name,
                   BinaryFunction f, BinaryOp op, BinaryFunction reflect = nullptr) {
  tensor.def(name, [f](const Tensor& x, const Operand& y) { return f(x, y); }, nb::is_operator());
  // 2 * x is recorded as x * 2, as PyTorch does: reflect takes the tensor first.
  if (reflect)
    tensor.def(
        reflected, [reflect](const Tensor& x, const Operand& y) { return reflect(x, y); }, nb::is_operator());
  else
    tensor.def(reflected, [f](const Tensor& x, const Operand& y) { return f(y, x); }, nb::is_operator());
  tensor.def(
      in_place_name,
      [f, op, in_place_name](Tensor x, const Operand& y) {
        return binary_in_place(x, in_place_name, op, f, y);
      },
      nb::is_operator());
}

Tensor logical_or_bitwise(const char* name, BinaryFunction f, const Operand& a, const Operand& b) {
  check(!is_floating(result_type(a, b)), "\"", name, "_cpu\" not implemented for '",
        scalar_name(result_type(a, b)), "'");
  return f(a, b);
}

void bind_compare(nb::module_& m, TensorClass& tensor, CompareOp op, std::initializer_list<const char*> names,
                  const char* operator_name) {
  const auto f = [op](const Tensor& x, const Operand& y) { return compare(op, x, y); };
  for (const char* name : names) {
    both(m, tensor, name, f, "other"_a, "Compares element by element: bool.");
    const std::string in_place_name = std::string(name) + "_";
    tensor.def(
        in_place_name.c_str(),
        [op, in_place_name](Tensor x, const Operand& y) {
          return in_place(x, in_place_name.c_str(), [&](const Tensor& self) { return compare(op, self, y); });
        },
        "other"_a, "The same, in place.");
  }
  if (operator_name) tensor.def(operator_name, f, nb::is_operator());
}

Tensor divide(const Operand& x, const Operand& y, const std::optional<std::string>& rounding) {
  if (!rounding) return div(x, y);
  if (*rounding == "floor") return div_floor(x, y);
  if (*rounding == "trunc") return div_trunc(x, y);
  fail("div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '", *rounding, "'");
}

Tensor round_decimals(const Tensor& x, Int decimals) {
  if (decimals == 0) return round(x);
  const double scale = std::pow(10.0, static_cast<double>(decimals));
  return div(round(mul(x, scale)), scale);
}

using OptionalOperand = std::optional<Operand>;
const Operand* pointer(const OptionalOperand& operand) {
  return operand ? &*operand : nullptr;
}

Tensor nan_to_num(const Tensor& x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
  if (!is_floating(x.dtype())) return clone(x);
  double largest = 0;
  switch (x.dtype()) {
    case DType::f16:
      largest = 65504;
      break;
    case DType::bf16:
      largest = 3.3895313892515355e38;
      break;
    case DType::f32:
      largest = 3.4028234663852886e38;
      break;
    default:
      largest = 1.7976931348623157e308;
  }
  const Tensor infinite = isinf(x), positive = compare(CompareOp::gt, x, 0);
  const Tensor finite =
      where(infinite, where(positive, posinf.value_or(largest), neginf.value_or(-largest)), x);
  return where(isnan(x), nan, cast(finite, x.dtype()));
}

void bind(nb::module_& m, TensorClass& tensor) {
  bind_unary(m, tensor, "abs", abs, "The absolute value.");
  bind_unary(m, tensor, "absolute", abs, "The absolute value.");
  bind_unary(m, tensor, "neg", neg, "The negative.");
  bind_unary(m, tensor, "negative", neg, "The negative.");
  bind_unary(m, tensor, "sign", sign, "-1, 0 or 1.");
  bind_unary(m, tensor, "sgn", sign, "-1, 0 or 1.");
  bind_unary(m, tensor, "square", square, "x * x.");
  bind_unary(m, tensor, "reciprocal", reciprocal, "1 / x.");
  bind_unary(m, tensor, "exp", exp, "e to the power x.");
  bind_unary(m, tensor, "exp2", exp2, "2 to the power x.");
  bind_unary(m, tensor, "expm1", expm1, "exp(x) - 1, exact near 0.");
  bind_unary(m, tensor, "log", log, "The natural logarithm.");
  bind_unary(m, tensor, "log2", log2, "The logarithm to base 2.");
  bind_unary(m, tensor, "log10", log10, "The logarithm to base 10.");
  bind_unary(m, tensor, "log1p", log1p, "log(1 + x), exact near 0.");
  bind_unary(m, tensor, "sqrt", sqrt, "The square root.");
  bind_unary(m, tensor, "rsqrt", rsqrt, "1 / sqrt(x).");
  bind_unary(m, tensor, "sin", sin, "The sine of an angle in radians.");
  bind_unary(m, tensor, "cos", cos, "The cosine of an angle in radians.");
  bind_unary(m, tensor, "tan", tan, "The tangent of an angle in radians.");
  bind_unary(m, tensor, "asin", asin, "The angle, in radians, with this sine.");
  bind_unary(m, tensor, "acos", acos, "The angle, in radians, with this cosine.");
  bind_unary(m, tensor, "atan", atan, "The angle, in radians, with this tangent.");
  bind_unary(m, tensor, "arcsin", asin, "The angle, in radians, with this sine.");
  bind_unary(m, tensor, "arccos", acos, "The angle, in radians, with this cosine.");
  bind_unary(m, tensor, "arctan", atan, "The angle, in radians, with this tangent.");
  bind_unary(m, tensor, "sinh", sinh, "The hyperbolic sine.");
  bind_unary(m, tensor, "cosh", cosh, "The hyperbolic cosine.");
  bind_unary(m, tensor, "tanh", tanh, "The hyperbolic tangent.");
  bind_unary(m, tensor, "asinh", asinh, "The inverse hyperbolic sine.");
  bind_unary(m, tensor, "acosh", acosh, "The inverse hyperbolic cosine.");
  bind_unary(m, tensor, "atanh", atanh, "The inverse hyperbolic tangent.");
  bind_unary(m, tensor, "sigmoid", sigmoid, "1 / (1 + exp(-x)).");
  bind_unary(m, tensor, "erf", erf, "The error function.");
  bind_unary(m, tensor, "erfc", erfc, "1 - erf(x), exact for large x.");
  bind_unary(m, tensor, "erfinv", erfinv, "The inverse of erf.");
  bind_unary(m, tensor, "lgamma", lgamma, "The logarithm of the absolute value of the gamma function.");
  bind_unary(m, tensor, "digamma", digamma, "The derivative of lgamma.");
  bind_unary(m, tensor, "floor", floor, "The largest whole number not above x.");
  bind_unary(m, tensor, "ceil", ceil, "The smallest whole number not below x.");
  bind_unary(m, tensor, "trunc", trunc, "x without its fraction.");
  bind_unary(m, tensor, "fix", trunc, "x without its fraction.");
  bind_unary(m, tensor, "frac", frac, "The fraction of x, with its sign.");
  bind_unary(m, tensor, "relu", relu, "max(x, 0).");
  bind_unary(m, tensor, "bitwise_not", bitwise_not, "Every bit (or truth value) inverted.");
  both(m, tensor, "round", round_decimals, nb::kw_only(), "decimals"_a = 0,
       "The nearest number with so many decimals, halves to even.");
  tensor.def("round_", [](Tensor x) { return unary_in_place(x, "round_", round); }, "The same, in place.");

  bind_test(m, tensor, "isnan", isnan, "Is it not a number?");
  bind_test(m, tensor, "isinf", isinf, "Is it infinite?");
  bind_test(m, tensor, "isfinite", isfinite, "Is it neither infinite nor NaN?");
  bind_test(m, tensor, "signbit", signbit, "Is its sign bit set?");
  bind_unary(m, tensor, "logical_not", logical_not, "Is it zero?");

  m.def(
      "add", [](const Operand& x, const Operand& y, const Scalar& alpha) { return add(x, y, alpha); },
      "input"_a, "other"_a, nb::kw_only(), "alpha"_a = 1, "input + alpha * other.");
  tensor.def(
      "add", [](const Tensor& x, const Operand& y, const Scalar& alpha) { return add(x, y, alpha); },
      "other"_a, nb::kw_only(), "alpha"_a = 1, "self + alpha * other.");
  m.def(
      "sub", [](const Operand& x, const Operand& y, const Scalar& alpha) { return sub(x, y, alpha); },
      "input"_a, "other"_a, nb::kw_only(), "alpha"_a = 1, "input - alpha * other.");
  tensor.def(
      "sub", [](const Tensor& x, const Operand& y, const Scalar& alpha) { return sub(x, y, alpha); },
      "other"_a, nb::kw_only(), "alpha"_a = 1, "self - alpha * other.");
  m.attr("subtract") = m.attr("sub");
  tensor.attr("subtract") = tensor.attr("sub");
  const auto is_one = [](const Scalar& alpha) { return !alpha.is_floating() && alpha.to_int() == 1; };
  tensor.def(
      "add_",
      [is_one](Tensor x, const Operand& y, const Scalar& alpha) {
        if (is_one(alpha))
          return binary_in_place(
              x, "add_", BinaryOp::add, [](const Operand& a, const Operand& b) { return add(a, b); }, y);
        return in_place(x, "add_", [&](const Tensor& self) { return add(self, y, alpha); });
      },
      "other"_a, nb::kw_only(), "alpha"_a = 1, "self += alpha * other.");
  tensor.def(
      "sub_",
      [is_one](Tensor x, const Operand& y, const Scalar& alpha) {
        if (is_one(alpha))
          return binary_in_place(
              x, "sub_", BinaryOp::sub, [](const Operand& a, const Operand& b) { return sub(a, b); }, y);
        return in_place(x, "sub_", [&](const Tensor& self) { return sub(self, y, alpha); });
      },
      "other"_a, nb::kw_only(), "alpha"_a = 1, "self -= alpha * other.");
  m.def(
      "rsub", [](const Tensor& x, const Operand& y, const Scalar& alpha) { return sub(y, x, alpha); },
      "input"_a, "other"_a, nb::kw_only(), "alpha"_a = 1, "other - alpha * input.");

  bind_binary(m, tensor, "mul", mul, BinaryOp::mul, "The product.");
  bind_binary(m, tensor, "multiply", mul, BinaryOp::mul, "The product.");
  bind_binary(m, tensor, "true_divide", div, BinaryOp::div, "The quotient.");
  bind_binary(m, tensor, "floor_divide", div_floor, BinaryOp::floor_div, "The quotient rounded down.");
  bind_binary(m, tensor, "remainder", remainder, BinaryOp::remainder, "Python's %: the sign of the divisor.");
  bind_binary(m, tensor, "fmod", fmod, BinaryOp::fmod, "C's fmod: the sign of the dividend.");
  bind_binary(m, tensor, "atan2", atan2, BinaryOp::atan2,
              "The angle of the point (other, input), in radians.");
  bind_binary(m, tensor, "arctan2", atan2, BinaryOp::atan2,
              "The angle of the point (other, input), in radians.");
  bind_binary(m, tensor, "hypot", hypot, BinaryOp::hypot, "sqrt(input^2 + other^2).");
  bind_binary(m, tensor, "copysign", copysign, BinaryOp::copysign, "input's magnitude with other's sign.");
  bind_binary(m, tensor, "maximum", maximum, BinaryOp::maximum, "The greater; NaN where either is.");
  bind_binary(m, tensor, "minimum", minimum, BinaryOp::minimum, "The smaller; NaN where either is.");
  bind_binary(m, tensor, "fmax", fmax, BinaryOp::fmax, "The greater; a number wins over NaN.");
  bind_binary(m, tensor, "fmin", fmin, BinaryOp::fmin, "The smaller; a number wins over NaN.");
  for (const char* name : {"div", "divide"}) {
    m.def(name, divide, "input"_a, "other"_a, nb::kw_only(), "rounding_mode"_a = nb::none(),
          "The quotient, or its whole part ('floor', 'trunc').");
    tensor.def(
        name,
        [](const Tensor& x, const Operand& y, const std::optional<std::string>& mode) {
          return divide(x, y, mode);
        },
        "other"_a, nb::kw_only(), "rounding_mode"_a = nb::none(),
        "The quotient, or its whole part ('floor', 'trunc').");
  }
  tensor.def(
      "div_",
      [](Tensor x, const Operand& y, const std::optional<std::string>& mode) {
        if (!mode) return binary_in_place(x, "div_", BinaryOp::div, div, y);
        return in_place(x, "div_", [&](const Tensor& self) { return divide(self, y, mode); });
      },
      "other"_a, nb::kw_only(), "rounding_mode"_a = nb::none(), "self /= other.");

  m.def(
      "pow", [](const Operand& x, const Operand& y) { return pow(x, y); }, "input"_a, "exponent"_a,
      "input to the power exponent.");
  tensor.def(
      "pow", [](const Tensor& x, const Operand& y) { return pow(x, y); }, "exponent"_a,
      "self to the power exponent.");
  tensor.def(
      "pow_",
      [](Tensor x, const Operand& y) {
        return in_place(x, "pow_", [&](const Tensor& self) { return pow(self, y); });
      },
      "exponent"_a, "The same, in place.");

  const BinaryFunction plus = [](const Operand& a, const Operand& b) { return add(a, b); };
  const BinaryFunction minus = [](const Operand& a, const Operand& b) { return sub(a, b); };
  bind_operator(tensor, "__add__", "__radd__", "__iadd__", plus, BinaryOp::add, plus);
  bind_operator(tensor, "__sub__", "__rsub__", "__isub__", minus, BinaryOp::sub);
  bind_operator(tensor, "__mul__", "__rmul__", "__imul__", mul, BinaryOp::mul, mul);
  const BinaryFunction reciprocal_times = [](const Operand& x, const Operand& number) {
    return mul(reciprocal(x.tensor()), number);
  };
  bind_operator(tensor, "__truediv__", "__rtruediv__", "__itruediv__", div, BinaryOp::div, reciprocal_times);
  bind_operator(tensor, "__floordiv__", "__rfloordiv__", "__ifloordiv__", div_floor, BinaryOp::floor_div);
  bind_operator(tensor, "__mod__", "__rmod__", "__imod__", remainder, BinaryOp::remainder);
  bind_operator(tensor, "__pow__", "__rpow__", "__ipow__", pow, BinaryOp::pow);
  tensor.def("__neg__", [](const Tensor& x) { return neg(x); });
  tensor.def("__pos__", [](const Tensor& x) { return x; });
  m.def("positive", [](const Tensor& x) { return x; }, "input"_a, "The tensor itself.");
  tensor.def("__abs__", [](const Tensor& x) { return abs(x); });
  tensor.def("__invert__", [](const Tensor& x) {
    check<TypeError>(!is_floating(x.dtype()),
                     "~ (operator.invert) is only implemented on integer and Boolean-type tensors");
    return bitwise_not(x);
  });

  const BinaryFunction bit_and = [](const Operand& a, const Operand& b) {
    return logical_or_bitwise("bitwise_and", bitwise_and, a, b);
  };
  const BinaryFunction bit_or = [](const Operand& a, const Operand& b) {
    return logical_or_bitwise("bitwise_or", bitwise_or, a, b);
  };
  const BinaryFunction bit_xor = [](const Operand& a, const Operand& b) {
    return logical_or_bitwise("bitwise_xor", bitwise_xor, a, b);
  };
  const BinaryFunction left = [](const Operand& a, const Operand& b) {
    return logical_or_bitwise("lshift", shift_left, a, b);
  };
  const BinaryFunction right = [](const Operand& a, const Operand& b) {
    return logical_or_bitwise("rshift", shift_right, a, b);
  };
  bind_binary(m, tensor, "bitwise_and", bit_and, BinaryOp::bitwise_and, "Bit by bit and.");
  bind_binary(m, tensor, "bitwise_or", bit_or, BinaryOp::bitwise_or, "Bit by bit or.");
  bind_binary(m, tensor, "bitwise_xor", bit_xor, BinaryOp::bitwise_xor, "Bit by bit exclusive or.");
  bind_binary(m, tensor, "bitwise_left_shift", left, BinaryOp::shift_left, "Bits moved up.");
  bind_binary(m, tensor, "bitwise_right_shift", right, BinaryOp::shift_right, "Bits moved down.");
  bind_operator(tensor, "__and__", "__rand__", "__iand__", bit_and, BinaryOp::bitwise_and);
  bind_operator(tensor, "__or__", "__ror__", "__ior__", bit_or, BinaryOp::bitwise_or);
  bind_operator(tensor, "__xor__", "__rxor__", "__ixor__", bit_xor, BinaryOp::bitwise_xor);
  bind_operator(tensor, "__lshift__", "__rlshift__", "__ilshift__", left, BinaryOp::shift_left);
  bind_operator(tensor, "__rshift__", "__rrshift__", "__irshift__", right, BinaryOp::shift_right);

  bind_compare(m, tensor, CompareOp::eq, {"eq"}, "__eq__");
  bind_compare(m, tensor, CompareOp::ne, {"ne", "not_equal"}, "__ne__");
  bind_compare(m, tensor, CompareOp::lt, {"lt", "less"}, "__lt__");
  bind_compare(m, tensor, CompareOp::le, {"le", "less_equal"}, "__le__");
  bind_compare(m, tensor, CompareOp::gt, {"gt", "greater"}, "__gt__");
  bind_compare(m, tensor, CompareOp::ge, {"ge", "greater_equal"}, "__ge__");
  bind_compare(m, tensor, CompareOp::logical_and, {"logical_and"}, nullptr);
  bind_compare(m, tensor, CompareOp::logical_or, {"logical_or"}, nullptr);
  bind_compare(m, tensor, CompareOp::logical_xor, {"logical_xor"}, nullptr);
  tensor.def("__hash__", [](nb::handle self) { return reinterpret_cast<Py_hash_t>(self.ptr()); });

  m.def(
      "where", [](const Tensor& c, const Operand& a, const Operand& b) { return where(c, a, b); },
      "condition"_a, "input"_a, "other"_a, "input where the condition holds, other elsewhere.");
  m.def(
      "where", [](const Tensor& c) { return package("_functions", "where_indices")(c); }, "condition"_a,
      "The places where the condition holds: nonzero(condition, as_tuple=True).");
  tensor.def(
      "where", [](const Tensor& a, const Tensor& c, const Operand& b) { return where(c, a, b); },
      "condition"_a, "other"_a, "self where the condition holds, other elsewhere.");
  for (const char* name : {"clamp", "clip"}) {
    both(
        m, tensor, name,
        [](const Tensor& x, const OptionalOperand& low, const OptionalOperand& high) {
          return clamp(x, pointer(low), pointer(high));
        },
        "min"_a = nb::none(), "max"_a = nb::none(), "Moved into [min, max].");
    tensor.def((std::string(name) + "_").c_str(),
               [](Tensor x, const OptionalOperand& low, const OptionalOperand& high) {
                 return in_place(x, "clamp_", [&](const Tensor& self) {
                   return clamp(self, pointer(low), pointer(high));
                 });
               },
               "min"_a = nb::none(), "max"_a = nb::none(), "The same, in place.");
  }
  both(
      m, tensor, "clamp_min", [](const Tensor& x, const Operand& low) { return clamp(x, &low, nullptr); },
      "min"_a, "max(x, min).");
  both(
      m, tensor, "clamp_max", [](const Tensor& x, const Operand& high) { return clamp(x, nullptr, &high); },
      "max"_a, "min(x, max).");
  tensor.def(
      "clamp_min_",
      [](Tensor x, const Operand& low) {
        return in_place(x, "clamp_min_", [&](const Tensor& self) { return clamp(self, &low, nullptr); });
      },
      "min"_a, "The same, in place.");
  tensor.def(
      "clamp_max_",
      [](Tensor x, const Operand& high) {
        return in_place(x, "clamp_max_", [&](const Tensor& self) { return clamp(self, nullptr, &high); });
      },
      "max"_a, "The same, in place.");
  tensor.def(
      "nan_to_num_",
      [](Tensor x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
        return in_place(x, "nan_to_num_",
                        [&](const Tensor& self) { return nan_to_num(self, nan, posinf, neginf); });
      },
      "nan"_a = 0.0, "posinf"_a = nb::none(), "neginf"_a = nb::none(), "The same, in place.");
  both(m, tensor, "addcmul", addcmul, "tensor1"_a, "tensor2"_a, nb::kw_only(), "value"_a = 1,
       "input + value * tensor1 * tensor2.");
  both(m, tensor, "addcdiv", addcdiv, "tensor1"_a, "tensor2"_a, nb::kw_only(), "value"_a = 1,
       "input + value * tensor1 / tensor2.");
  both(m, tensor, "lerp", lerp, "end"_a, "weight"_a, "input + weight * (end - input).");
  tensor.def(
      "addcmul_",
      [](Tensor x, const Tensor& a, const Tensor& b, const Scalar& value) {
        refuse_overlap(x, a);
        refuse_overlap(x, b);
        return in_place(x, "addcmul_", [&](const Tensor& self) { return addcmul(self, a, b, value); });
      },
      "tensor1"_a, "tensor2"_a, nb::kw_only(), "value"_a = 1);
  tensor.def(
      "addcdiv_",
      [](Tensor x, const Tensor& a, const Tensor& b, const Scalar& value) {
        refuse_overlap(x, a);
        refuse_overlap(x, b);
        return in_place(x, "addcdiv_", [&](const Tensor& self) { return addcdiv(self, a, b, value); });
      },
      "tensor1"_a, "tensor2"_a, nb::kw_only(), "value"_a = 1);
  tensor.def(
      "lerp_",
      [](Tensor x, const Tensor& end, const Operand& weight) {
        refuse_overlap(x, end);
        if (weight.is_tensor()) refuse_overlap(x, weight.tensor());
        return in_place(x, "lerp_", [&](const Tensor& self) { return lerp(self, end, weight); });
      },
      "end"_a, "weight"_a);
  both(m, tensor, "nan_to_num", nan_to_num, "nan"_a = 0.0, "posinf"_a = nb::none(), "neginf"_a = nb::none(),
       "NaN and the infinities replaced by numbers.");
  m.def(
      "result_type", [](const Operand& a, const Operand& b) { return result_type(a, b); }, "tensor1"_a,
      "tensor2"_a, "The type in which two operands meet.");
  m.def(
      "promote_types", [](DType a, DType b) { return promote(a, b); }, "type1"_a, "type2"_a,
      "The smallest type that holds both.");
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

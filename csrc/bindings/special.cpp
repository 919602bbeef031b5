// Special functions.
#include "ops/special.h"
#include "bindings/python.h"

namespace penlight::bindings {

namespace {

void bind_one(nb::module_& m, TensorClass& tensor, const char* name, UnaryFunction f, const char* doc) {
  both(m, tensor, name, [f](const Tensor& x) { return f(x); }, doc);
  const std::string in_place_name = std::string(name) + "_";
  both(
      m, tensor, in_place_name.c_str(),
      [f, in_place_name](Tensor x) { return unary_in_place(x, in_place_name.c_str(), f); },
      "The same, in place.");
}

void bind_two(nb::module_& m, TensorClass& tensor, const char* name,
              Tensor (*f)(const Tensor&, const Tensor&), const char* argument, const char* doc) {
  both(m, tensor, name, [f](const Tensor& a, const Tensor& b) { return f(a, b); }, nb::arg(argument), doc);
}

void bind(nb::module_& m, TensorClass& tensor) {
  bind_one(m, tensor, "deg2rad", deg2rad, "Degrees to radians.");
  bind_one(m, tensor, "rad2deg", rad2deg, "Radians to degrees.");
  bind_one(m, tensor, "sinc", sinc, "sin(pi x) / (pi x), 1 at 0.");
  both(m, tensor, "logit", logit, "eps"_a = nb::none(), "log(x / (1 - x)), x clamped to [eps, 1 - eps].");
  both(
      m, tensor, "logit_",
      [](Tensor x, std::optional<double> eps) {
        return in_place(x, "logit_", [&](const Tensor& self) { return logit(self, eps); });
      },
      "eps"_a = nb::none(), "The same, in place.");
  bind_two(m, tensor, "logaddexp", logaddexp, "other", "log(exp(input) + exp(other)), without overflow.");
  bind_two(m, tensor, "logaddexp2", logaddexp2, "other", "log2(2**input + 2**other), without overflow.");
  bind_two(m, tensor, "heaviside", heaviside, "values",
           "0 below zero, 1 above, `values` at zero. Without a gradient.");
  m.def(
      "polygamma", [](Int n, const Tensor& x) { return polygamma(n, x); }, "n"_a, "input"_a,
      "The n-th derivative of digamma, by Hurwitz's zeta function.");
  tensor.def(
      "polygamma", [](const Tensor& x, Int n) { return polygamma(n, x); }, "n"_a,
      "The n-th derivative of digamma, by Hurwitz's zeta function.");
  tensor.def(
      "polygamma_",
      [](Tensor x, Int n) {
        return in_place(x, "polygamma_", [&](const Tensor& self) { return polygamma(n, self); });
      },
      "n"_a, "The same, in place.");
  tensor.def(
      "heaviside_",
      [](Tensor x, const Tensor& values) {
        return in_place(x, "heaviside_", [&](const Tensor& self) { return heaviside(self, values); });
      },
      "values"_a, "The same, in place.");
  m.def(
      "xlogy", [](const Operand& a, const Operand& b) { return xlogy(a, b); }, "input"_a, "other"_a,
      "input * log(other), 0 where input is 0.");
  tensor.def(
      "xlogy", [](const Tensor& a, const Operand& b) { return xlogy(a, b); }, "other"_a,
      "self * log(other), 0 where self is 0.");
  both(
      m, tensor, "xlogy_",
      [](Tensor x, const Operand& b) {
        return in_place(x, "xlogy_", [&](const Tensor& self) { return xlogy(self, b); });
      },
      "other"_a, "The same, in place.");
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

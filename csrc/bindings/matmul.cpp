// Matrix products.
#include "ops/matmul.h"

#include "bindings/python.h"

namespace penlight::bindings {

namespace {

using Blend = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const Scalar&, const Scalar&);

// beta * input + alpha * product, and its form in place.
void bind_blend(nb::module_& m, TensorClass& tensor, const char* name, const char* first, const char* second,
                Blend f, const char* doc) {
  both(m, tensor, name, f, nb::arg(first), nb::arg(second), nb::kw_only(), "beta"_a = 1, "alpha"_a = 1, doc);
  const std::string in_place_name = std::string(name) + "_";
  tensor.def(
      in_place_name.c_str(),
      [f, in_place_name](Tensor x, const Tensor& a, const Tensor& b, const Scalar& beta,
                         const Scalar& alpha) {
        return in_place(x, in_place_name.c_str(),
                        [&](const Tensor& self) { return f(self, a, b, beta, alpha); });
      },
      nb::arg(first), nb::arg(second), nb::kw_only(), "beta"_a = 1, "alpha"_a = 1, "The same, in place.");
}

void bind(nb::module_& m, TensorClass& tensor) {
  both(m, tensor, "mm", mm, "mat2"_a, "The product of two matrices: (m, k) and (k, n) give (m, n).");
  both(m, tensor, "mv", mv, "vec"_a, "A matrix times a vector: (m, k) and (k) give (m).");
  both(m, tensor, "dot", dot, "tensor"_a, "The sum of the products of two vectors' elements.");
  both(m, tensor, "vdot", dot, "other"_a, "The sum of the products of two (real) vectors' elements.");
  both(m, tensor, "bmm", bmm, "mat2"_a,
       "Products of matrices, one by one: (b, m, k) and (b, k, n) give (b, m, n).");
  both(m, tensor, "matmul", matmul, "other"_a,
       "The product of vectors, matrices or batches of matrices, whose batch dimensions are broadcast.");
  tensor.def("__matmul__", [](const Tensor& a, const Tensor& b) { return matmul(a, b); }, nb::is_operator());
  tensor.def("__rmatmul__", [](const Tensor& a, const Tensor& b) { return matmul(b, a); }, nb::is_operator());
  both(m, tensor, "outer", outer, "vec2"_a,
       "All products of two vectors' elements: (m) and (n) give (m, n).");
  both(m, tensor, "ger", outer, "vec2"_a, "All products of two vectors' elements: (m) and (n) give (m, n).");
  both(m, tensor, "inner", inner, "other"_a, "Sums of products over the last dimension of both.");
  m.def(
      "linear",
      [](const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias) {
        return linear(input, weight, bias.value_or(Tensor()));
      },
      "input"_a, "weight"_a, "bias"_a = nb::none(),
      "input · weightᵀ + bias: (..., in), (out, in) and (out) give (..., out).");
  bind_blend(m, tensor, "addmm", "mat1", "mat2", addmm, "beta * input + alpha * mat1 @ mat2.");
  bind_blend(m, tensor, "baddbmm", "batch1", "batch2", baddbmm, "beta * input + alpha * batch1 @ batch2.");
  bind_blend(m, tensor, "addmv", "mat", "vec", addmv, "beta * input + alpha * mat @ vec.");
  bind_blend(m, tensor, "addr", "vec1", "vec2", addr, "beta * input + alpha * outer(vec1, vec2).");
  bind_blend(m, tensor, "addbmm", "batch1", "batch2", addbmm,
             "beta * input + alpha * the sum of batch1 @ batch2.");
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

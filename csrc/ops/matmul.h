// Matrix products.
#pragma once

#include <vector>

#include "ops/elementwise.h"

namespace penlight {

Tensor mm(const Tensor& self, const Tensor& mat2);     // (m, k) · (k, n)
Tensor mv(const Tensor& self, const Tensor& vec);      // (m, k) · (k)
Tensor dot(const Tensor& self, const Tensor& tensor);  // (k) · (k)
Tensor bmm(const Tensor& self, const Tensor& mat2);    // (b, m, k) · (b, k, n)
Tensor matmul(const Tensor& self, const Tensor& other);
Tensor linear(const Tensor& input, const Tensor& weight,
              const Tensor& bias);  // input · weightᵀ + bias; bias may be none
Tensor outer(const Tensor& self, const Tensor& vec2);
Tensor inner(const Tensor& self, const Tensor& other);

// beta * input + alpha * product; with beta = 0 the input's values are not read.
Tensor addmm(const Tensor& input, const Tensor& mat1, const Tensor& mat2, const Scalar& beta,
             const Scalar& alpha);
Tensor baddbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, const Scalar& beta,
               const Scalar& alpha);
Tensor addmv(const Tensor& input, const Tensor& mat, const Tensor& vec, const Scalar& beta,
             const Scalar& alpha);
Tensor addr(const Tensor& input, const Tensor& vec1, const Tensor& vec2, const Scalar& beta,
            const Scalar& alpha);
Tensor addbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, const Scalar& beta,
              const Scalar& alpha);

}  // namespace penlight

#include "ops/matmul.h"

#include "kernels/gemm.h"
#include "kernels/reference.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/unlocked.h"

namespace penlight {

namespace {

// C's name of a type, as PyTorch's message has it.
const char* c_name(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return "unsigned char";
    case DType::i8:
      return "signed char";
    case DType::i16:
      return "short int";
    case DType::i32:
      return "int";
    case DType::i64:
      return "long int";
    case DType::f16:
      return "c10::Half";
    case DType::bf16:
      return "c10::BFloat16";
    case DType::f32:
      return "float";
    case DType::f64:
      return "double";
    default:
      return "bool";
  }
}

void check_same_dtype(const Tensor& a, const Tensor& b) {
  check(a.dtype() == b.dtype(), "expected m1 and m2 to have the same dtype, but got: ", c_name(a.dtype()),
        " != ", c_name(b.dtype()));
}

void multiply(const Tensor& a, const Tensor& b, const Tensor& out, bool accumulate, const char* name);

// The same for tensors with hidden dimensions. Where only the left factor of a plain product differs between
// the examples, they are more rows of one product; otherwise there is a product for each.
void multiply_examples(const Tensor& a, const Tensor& b, const Tensor& out, bool accumulate,
                       const char* name) {
  const BatchDims& batch = out->transforms->batch;
  const bool rows = out.dim() == 2 && !b.batched();
  const int64_t folded = rows ? 1 : out.dim() - 2;
  const Tensor to = fold_examples(out, batch, folded);
  const Tensor right = rows ? b : fold_examples(b, batch, folded);
  const bool in_place = to->storage == out->storage;
  multiply(fold_examples(a, batch, folded), right, to, accumulate, name);
  if (!in_place)
    copy_values(physical(out),
                alias(to, physical(out).sizes(), contiguous_strides(physical(out).sizes()), 0));
}

// Unrecorded: out = or += a · b for matrices, or batches of them, of one type. `name` is for the message.
void multiply(const Tensor& a, const Tensor& b, const Tensor& out, bool accumulate, const char* name) {
  if (out.batched()) [[unlikely]]
    return multiply_examples(a, b, out, accumulate, name);
  const DType dtype = out.dtype();
  check<NotImplementedError>(dtype != DType::boolean, "\"", name, "\" not implemented for 'Bool'");
  const bool batched = out.dim() == 3;
  const int64_t row = batched ? 1 : 0, column = row + 1;
  kernels::Gemm g;
  g.m = out.size(row), g.n = out.size(column), g.k = a.size(column);
  g.a_row = a.stride(row), g.a_column = a.stride(column);
  g.b_row = b.stride(row), g.b_column = b.stride(column);
  g.c_row = out.stride(row), g.c_column = out.stride(column);
  g.accumulate = accumulate;
  if (batched) {
    g.batch = out.size(0);
    g.a_batch = a.stride(0), g.b_batch = b.stride(0), g.c_batch = out.stride(0);
  }
  const void *left = a.raw(), *right = b.raw();
  void* to = out.raw();
  const Unlocked unlocked(g.batch * g.m * g.n * (g.k / 16 + 1));
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T *x = static_cast<const T*>(left), *y = static_cast<const T*>(right);
    T* z = static_cast<T*>(to);
    if constexpr (std::is_same_v<T, float>)
      kernels::gemm().float32(g, x, y, z);
    else if constexpr (std::is_same_v<T, double>)
      kernels::gemm().float64(g, x, y, z);
    else if constexpr (std::is_integral_v<T>)
      kernels::reference::gemm<uint64_t>(g, x, y, z);
    else
      kernels::reference::gemm<float>(g, x, y, z);
  });
}

// x as if it had other sizes, recorded as PyTorch records the end of a matmul.
Tensor unsafe_view(const Tensor& x, const Dims& sizes) {
  Tensor y = alias(x, sizes, contiguous_strides(sizes), x->offset);
  if (needs_grad(x))
    record(linear("UnsafeViewBackward0", [&](const Tensor& t) { return reshape(t, sizes); }), x, y, {},
           [before = x.sizes()](Backward&, const Tensor& g) { return Grads{reshape(g, before)}; });
  return y;
}

Tensor transposed(const Tensor& x) {
  return transpose(x, -2, -1);
}

Tensor product(const Tensor& a, const Tensor& b) {
  return a.dim() == 3 ? bmm(a, b) : mm(a, b);
}

// Is a matrix stored column after column, as a transposed weight is?
bool by_columns(const Tensor& x) {
  const int64_t rows = x.dim() - 2;
  return x.stride(rows) == 1 && x.stride(rows + 1) > 1;
}

// The gradient of a product's right factor, laid out as the factor is: a weight that was used transposed gets
// its gradient without a copy.
Tensor right_gradient(const Tensor& left, const Tensor& g, bool columns) {
  return columns ? transposed(product(transposed(g), left)) : product(transposed(left), g);
}

// Forward mode of a product: the sum of products with one factor replaced by its tangent.
template <class F>
auto product_rule(F f) {
  return [f](TensorList x, const Tensors& t) {
    const Tensor a = t[0].defined() ? f(t[0], x[1]) : Tensor(), b = t[1].defined() ? f(x[0], t[1]) : Tensor();
    return a.defined() && b.defined() ? add(a, b) : a.defined() ? a : b;
  };
}

Tensor scaled(const Tensor& x, const Scalar& factor) {
  const bool one = factor.is_floating() ? factor.to_double() == 1 : factor.to_int() == 1;
  return one ? x : mul(x, factor);
}

bool is_one(const Scalar& s) {
  return s.to_double() == 1;
}
bool is_zero(const Scalar& s) {
  return s.to_double() == 0;
}

// beta * input + alpha * a · b, recorded; sizes are those of the product and checked.
Tensor add_product(const char* node, const char* kernel, const char* first, const char* second,
                   const Tensor& input, const Tensor& a, const Tensor& b, const Dims& sizes,
                   const Scalar& beta, const Scalar& alpha) {
  check(input.dim() <= static_cast<int64_t>(sizes.size()), "expand(torch.", scalar_name(input.dtype()),
        "Tensor{", input.sizes(), "}, size=", sizes, "): the number of sizes provided (", sizes.size(),
        ") must be greater or equal to the number of dimensions in the tensor (", input.dim(), ")");
  for (int64_t d = input.dim() - 1, e = static_cast<int64_t>(sizes.size()) - 1; d >= 0; --d, --e)
    check(input.size(d) == 1 || input.size(d) == sizes[static_cast<std::size_t>(e)],
          "The expanded size of the tensor (", sizes[static_cast<std::size_t>(e)],
          ") must match the existing size (", input.size(d), ") at non-singleton dimension ", e,
          ".  Target sizes: ", sizes, ".  Tensor sizes: ", input.sizes());
  Tensor y = empty_for(sizes, input.dtype(), input, a, b);
  if (is_one(alpha) && is_one(beta)) {
    copy_values(y, input);
    multiply(a, b, y, true, kernel);
  } else {
    multiply(a, b, y, false, kernel);
    const Unrecorded unrecorded;
    y = scaled(y, alpha);
    if (!is_zero(beta)) y = add(y, scaled(input, beta));
    if (y.dtype() != input.dtype()) y = cast(y, input.dtype());
  }
  const auto tangent = [&](TensorList x, const Tensors& t) {
    Tensor sum = t[0].defined() ? scaled(expand(t[0], sizes), beta) : Tensor();
    for (int i : {1, 2})
      if (t[i].defined()) {
        const Tensor term = scaled(i == 1 ? product(t[1], x[2]) : product(x[1], t[2]), alpha);
        sum = sum.defined() ? add(sum, term) : term;
      }
    return sum;
  };
  if (needs_grad(input, a, b))
    record(
        pushed(node, tangent), {input, a, b}, y,
        kept(keep(first, needs_grad(b) ? a : Tensor()), keep(second, needs_grad(a) ? b : Tensor())),
        [alpha, beta, sizes = input.sizes(), columns = by_columns(b)](Backward& back, const Tensor& g) {
          Grads grads(3);
          if (back.needs(0)) grads[0] = scaled(sum_to(g, sizes), beta);
          if (back.needs(1)) grads[1] = scaled(product(g, transposed(back.saved(1))), alpha);
          if (back.needs(2)) grads[2] = scaled(right_gradient(back.saved(0), g, columns), alpha);
          return grads;
        },
        [alpha, beta] { return Notes{{"alpha", alpha}, {"beta", beta}}; });
  return y;
}

void check_matrices(const Tensor& a, const Tensor& b) {
  check(a.size(1) == b.size(0), "mat1 and mat2 shapes cannot be multiplied (", a.size(0), "x", a.size(1),
        " and ", b.size(0), "x", b.size(1), ")");
}

void check_batches(const Tensor& a, const Tensor& b) {
  check(a.dim() == 3, "batch1 must be a 3D tensor");
  check(b.dim() == 3, "batch2 must be a 3D tensor");
  check(a.size(0) == b.size(0) && a.size(2) == b.size(1),
        "Expected size for first two dimensions of batch2 tensor to be: [", a.size(0), ", ", a.size(2),
        "] but got: [", b.size(0), ", ", b.size(1), "].");
  check(a.dtype() == b.dtype(), "expected scalar type ", scalar_name(a.dtype()), " but found ",
        scalar_name(b.dtype()));
}

}  // namespace

Tensor mm(const Tensor& self, const Tensor& mat2) {
  check(self.dim() == 2, "self must be a matrix");
  check(mat2.dim() == 2, "mat2 must be a matrix");
  check_matrices(self, mat2);
  check_same_dtype(self, mat2);
  Tensor y = empty_for({self.size(0), mat2.size(1)}, self.dtype(), self, mat2);
  multiply(self, mat2, y, false, "addmm_impl_cpu_");
  if (needs_grad(self, mat2))
    record(pushed("MmBackward0", product_rule(mm)), {self, mat2}, y,
           kept(keep("self", needs_grad(mat2) ? self : Tensor()),
                keep("mat2", needs_grad(self) ? mat2 : Tensor())),
           [columns = by_columns(mat2)](Backward& b, const Tensor& g) {
             Grads grads(2);
             if (b.needs(0)) grads[0] = mm(g, t(b.saved(1)));
             if (b.needs(1)) grads[1] = right_gradient(b.saved(0), g, columns);
             return grads;
           });
  return y;
}

Tensor mv(const Tensor& self, const Tensor& vec) {
  check(self.dim() == 2 && vec.dim() == 1, "vector + matrix @ vector expected, got 1, ", self.dim(), ", ",
        vec.dim());
  check(self.size(1) == vec.size(0), "size mismatch, got input (", self.size(0), "), mat (", self.size(0),
        "x", self.size(1), "), vec (", vec.size(0), ")");
  check(self.dtype() == vec.dtype(), "addmv input tensors must have the same dtype, but got ",
        scalar_name(vec.dtype()), ", ", scalar_name(self.dtype()), ", and ", scalar_name(vec.dtype()));
  Tensor y = empty_for({self.size(0)}, self.dtype(), self, vec);
  multiply(self, alias(vec, {vec.size(0), 1}, {vec.stride(0), 1}, vec->offset),
           alias(y, {y.size(0), 1}, {1, 1}, y->offset), false, "addmv_impl_cpu");
  if (needs_grad(self, vec))
    record(
        pushed("MvBackward0", product_rule(mv)), {self, vec}, y,
        kept(keep("self", needs_grad(vec) ? self : Tensor()), keep("vec", needs_grad(self) ? vec : Tensor())),
        [](Backward& b, const Tensor& g) {
          Grads grads(2);
          if (b.needs(0)) grads[0] = outer(g, b.saved(1));
          if (b.needs(1)) grads[1] = mv(t(b.saved(0)), g);
          return grads;
        });
  return y;
}

Tensor dot(const Tensor& self, const Tensor& tensor) {
  check(self.dim() == 1 && tensor.dim() == 1, "1D tensors expected, but got ", self.dim(), "D and ",
        tensor.dim(), "D tensors");
  check(self.dtype() == tensor.dtype(), "dot : expected both vectors to have same dtype, but found ",
        scalar_name(self.dtype()), " and ", scalar_name(tensor.dtype()));
  check(self.size(0) == tensor.size(0), "inconsistent tensor size, expected tensor ", self.sizes(),
        " and src ", tensor.sizes(), " to have the same number of elements, but got ", self.size(0), " and ",
        tensor.size(0), " elements respectively");
  Tensor y = empty_for({}, self.dtype(), self, tensor);
  multiply(alias(self, {1, self.size(0)}, {1, self.stride(0)}, self->offset),
           alias(tensor, {tensor.size(0), 1}, {tensor.stride(0), 1}, tensor->offset),
           alias(y, {1, 1}, {1, 1}, y->offset), false, "dot");
  if (needs_grad(self, tensor))
    record(pushed("DotBackward0", product_rule(dot)), {self, tensor}, y,
           kept(keep("self", needs_grad(tensor) ? self : Tensor()),
                keep("tensor", needs_grad(self) ? tensor : Tensor())),
           [](Backward& b, const Tensor& g) {
             Grads grads(2);
             if (b.needs(0)) grads[0] = mul(g, b.saved(1));
             if (b.needs(1)) grads[1] = mul(g, b.saved(0));
             return grads;
           });
  return y;
}

Tensor bmm(const Tensor& self, const Tensor& mat2) {
  check_batches(self, mat2);
  Tensor y = empty_for({self.size(0), self.size(1), mat2.size(2)}, self.dtype(), self, mat2);
  multiply(self, mat2, y, false, "bmm");
  if (needs_grad(self, mat2))
    record(pushed("BmmBackward0", product_rule(bmm)), {self, mat2}, y,
           kept(keep("self", needs_grad(mat2) ? self : Tensor()),
                keep("mat2", needs_grad(self) ? mat2 : Tensor())),
           [](Backward& b, const Tensor& g) {
             Grads grads(2);
             if (b.needs(0)) grads[0] = bmm(g, transposed(b.saved(1)));
             if (b.needs(1)) grads[1] = bmm(transposed(b.saved(0)), g);
             return grads;
           });
  return y;
}

Tensor matmul(const Tensor& self, const Tensor& other) {
  const int64_t left = self.dim(), right = other.dim();
  check(left >= 1 && right >= 1, "both arguments to matmul need to be at least 1D, but they are ", left,
        "D and ", right, "D");
  if (left == 1 && right == 1) return dot(self, other);
  if (left == 2 && right == 1) return mv(self, other);
  if (left == 1 && right == 2) return squeeze(mm(unsqueeze(self, 0), other), Dims{0});
  if (left == 2 && right == 2) return mm(self, other);
  if (right <= 2) {
    // All but the last dimension of self are rows of one matrix.
    Dims sizes(self.sizes().begin(), self.sizes().end() - 1);
    int64_t rows = 1;
    for (int64_t size : sizes) rows *= size;
    const Tensor folded = reshape(self, {rows, self.size(left - 1)});
    if (right == 2) sizes.push_back(other.size(1));
    return unsafe_view(right == 2 ? mm(folded, other) : mv(folded, other), sizes);
  }
  check_same_dtype(self, other);
  const Tensor a = left == 1 ? unsqueeze(self, 0) : self;
  const Dims batch = broadcast_shapes(Dims(a.sizes().begin(), a.sizes().end() - 2),
                                      Dims(other.sizes().begin(), other.sizes().end() - 2));
  int64_t count = 1;
  for (int64_t size : batch) count *= size;
  const auto as_batch = [&](const Tensor& x) {
    Dims sizes = batch;
    sizes.push_back(x.size(x.dim() - 2));
    sizes.push_back(x.size(x.dim() - 1));
    return reshape(expand(x, sizes), {count, x.size(x.dim() - 2), x.size(x.dim() - 1)});
  };
  Dims sizes = batch;
  if (left > 1) sizes.push_back(a.size(a.dim() - 2));
  sizes.push_back(other.size(right - 1));
  return unsafe_view(bmm(as_batch(a), as_batch(other)), sizes);
}

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  check(input.dim() >= 1 && weight.dim() >= 1,
        "both arguments to linear need to be at least 1D, but they are ", input.dim(), "D and ", weight.dim(),
        "D");
  if (!bias.defined()) return matmul(input, weight.dim() == 1 ? weight : t(weight));
  check(weight.dim() == 2, "mat2 must be a matrix, got ", weight.dim(), "-D tensor");
  if (input.dim() == 2) return addmm(bias, input, t(weight), 1, 1);
  Dims sizes = input.sizes();
  int64_t rows = 1;
  for (std::size_t d = 0; d + 1 < sizes.size(); ++d) rows *= sizes[d];
  const Tensor folded = reshape(input, {rows, sizes.back()});
  sizes.back() = weight.size(0);
  return view(addmm(bias, folded, t(weight), 1, 1), sizes);
}

Tensor outer(const Tensor& self, const Tensor& vec2) {
  check(self.dim() == 1, "outer: Expected 1-D argument self, but got ", self.dim(), "-D");
  check(vec2.dim() == 1, "outer: Expected 1-D argument vec2, but got ", vec2.dim(), "-D");
  return mul(reshape(self, {self.size(0), 1}), vec2);
}

Tensor inner(const Tensor& self, const Tensor& other) {
  if (self.dim() == 0 || other.dim() == 0) return mul(self, other);
  check(self.size(self.dim() - 1) == other.size(other.dim() - 1),
        "inner() the last dimension must match on both input tensors but got shapes ", self.sizes(), " and ",
        other.sizes());
  const auto fold = [](const Tensor& x, Dims& sizes) {
    int64_t rows = 1;
    for (int64_t d = 0; d + 1 < x.dim(); ++d) rows *= x.size(d), sizes.push_back(x.size(d));
    return reshape(x, {rows, x.size(x.dim() - 1)});
  };
  Dims sizes;
  const Tensor a = fold(self, sizes), b = fold(other, sizes);
  return reshape(mm(a, t(b)), sizes);
}

Tensor addmm(const Tensor& input, const Tensor& mat1, const Tensor& mat2, const Scalar& beta,
             const Scalar& alpha) {
  check(mat1.dim() == 2, "mat1 must be a matrix, got ", mat1.dim(), "-D tensor");
  check(mat2.dim() == 2, "mat2 must be a matrix, got ", mat2.dim(), "-D tensor");
  check_matrices(mat1, mat2);
  check_same_dtype(mat1, mat2);
  check(input.dtype() == mat2.dtype(), "self and mat2 must have the same dtype, but got ",
        scalar_name(input.dtype()), " and ", scalar_name(mat2.dtype()));
  return add_product("AddmmBackward0", "addmm_impl_cpu_", "mat1", "mat2", input, mat1, mat2,
                     {mat1.size(0), mat2.size(1)}, beta, alpha);
}

Tensor baddbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, const Scalar& beta,
               const Scalar& alpha) {
  check_batches(batch1, batch2);
  check(input.dtype() == batch1.dtype(), "Input dtypes must be the same, got: input ",
        scalar_name(input.dtype()), ", batch1: ", scalar_name(batch1.dtype()),
        ", batch2: ", scalar_name(batch2.dtype()));
  return add_product("BaddbmmBackward0", "baddbmm", "batch1", "batch2", input, batch1, batch2,
                     {batch1.size(0), batch1.size(1), batch2.size(2)}, beta, alpha);
}

namespace {

// beta * input + alpha * product, of operations; input is not read where beta is 0.
Tensor blend(const Tensor& input, const Tensor& product, const Scalar& beta, const Scalar& alpha) {
  const Tensor right = scaled(product, alpha);
  if (is_zero(beta)) {
    if (!needs_grad(input)) return right;
    // The input's gradient is zero, not missing.
    Tensor y = alias(right);
    record("AddBackward0", {right, input}, y, {}, [sizes = input.sizes()](Backward& b, const Tensor& g) {
      Grads grads{g, Tensor()};
      if (b.needs(1)) grads[1] = zeros(sizes, g.dtype());
      return grads;
    });
    return y;
  }
  const Tensor y = add(scaled(input, beta), right);
  check(y.sizes() == product.sizes(), "input of size ", input.sizes(),
        " is not broadcastable to the product's size ", product.sizes());
  return y;
}

}  // namespace

Tensor addmv(const Tensor& input, const Tensor& mat, const Tensor& vec, const Scalar& beta,
             const Scalar& alpha) {
  return blend(input, mv(mat, vec), beta, alpha);
}

Tensor addr(const Tensor& input, const Tensor& vec1, const Tensor& vec2, const Scalar& beta,
            const Scalar& alpha) {
  return blend(input, outer(vec1, vec2), beta, alpha);
}

Tensor addbmm(const Tensor& input, const Tensor& batch1, const Tensor& batch2, const Scalar& beta,
              const Scalar& alpha) {
  return blend(input, sum(bmm(batch1, batch2), Dims{0}), beta, alpha);
}

}  // namespace penlight

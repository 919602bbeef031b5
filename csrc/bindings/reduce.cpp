// Reductions.
#include "bindings/python.h"
#include "ops/cumulative.h"
#include "ops/vector_norm.h"

namespace penlight::bindings {

namespace {

using OptionalInt = std::optional<Int>;
using OptionalDType = std::optional<DType>;

std::optional<int64_t> number(const OptionalInt& value) {
  return value ? std::optional<int64_t>(*value) : std::nullopt;
}

// penlight.return_types.max(values=..., indices=...) and its kin.
nb::object named(const char* name, const ValuesIndices& pair) {
  return package("return_types", name)(pair.values, pair.indices);
}

void bind_extreme(nb::module_& m, TensorClass& tensor, const char* name, Tensor (*whole)(const Tensor&),
                  ValuesIndices (*along)(const Tensor&, int64_t, bool), BinaryFunction elementwise) {
  const auto all = [whole](const Tensor& x) { return whole(x); };
  const auto dim = [along, name](const Tensor& x, Int d, bool keepdim) {
    return named(name, along(x, d, keepdim));
  };
  const auto other = [elementwise](const Tensor& x, const Tensor& y) { return elementwise(x, y); };
  both(m, tensor, name, all, "The extreme element.");
  both(m, tensor, name, dim, "dim"_a, "keepdim"_a = false,
       "The extreme elements along a dimension, and their places.");
  both(m, tensor, name, other, "other"_a, "Element by element of two tensors.");
}

double correction_of(std::optional<bool> unbiased, nb::handle correction) {
  check<TypeError>(!(unbiased && !correction.is_none()),
                   "var() got both unbiased and correction; give one of them");
  if (unbiased) return *unbiased ? 1 : 0;
  return correction.is_none() ? 1 : nb::cast<double>(nb::float_(nb::borrow(correction)));
}

void bind_logic(nb::module_& m, TensorClass& tensor, const char* name,
                Tensor (*f)(const Tensor&, const OptionalDims&, bool)) {
  both(
      m, tensor, name,
      [f](const Tensor& x, const OptionalDims& dims, bool keepdim) { return f(x, dims, keepdim); },
      "dim"_a = nb::none(), "keepdim"_a = false, "Are all (any) elements true?");
}

void bind(nb::module_& m, TensorClass& tensor) {
  const auto dims_first = [](Tensor (*f)(const Tensor&, const OptionalDims&, bool, std::optional<DType>)) {
    return [f](const Tensor& x, const OptionalDims& dims, bool keepdim, OptionalDType dtype) {
      return f(x, dims, keepdim, dtype);
    };
  };
  both(m, tensor, "sum", dims_first(sum), "dim"_a = nb::none(), "keepdim"_a = false, nb::kw_only(),
       "dtype"_a = nb::none(), "The sum of all elements, or along dimensions.");
  both(m, tensor, "mean", dims_first(mean), "dim"_a = nb::none(), "keepdim"_a = false, nb::kw_only(),
       "dtype"_a = nb::none(), "The mean of all elements, or along dimensions.");
  both(
      m, tensor, "prod",
      [](const Tensor& x, OptionalInt dim, bool keepdim, OptionalDType dtype) {
        return prod(x, number(dim), keepdim, dtype);
      },
      "dim"_a = nb::none(), "keepdim"_a = false, nb::kw_only(), "dtype"_a = nb::none(),
      "The product of all elements, or along a dimension.");
  both(
      m, tensor, "amax",
      [](const Tensor& x, const OptionalDims& d, bool k) { return amax(x, d ? d : OptionalDims(Dims{}), k); },
      "dim"_a = Dims{}, "keepdim"_a = false, "The greatest elements; equal ones share the gradient.");
  both(
      m, tensor, "amin",
      [](const Tensor& x, const OptionalDims& d, bool k) { return amin(x, d ? d : OptionalDims(Dims{}), k); },
      "dim"_a = Dims{}, "keepdim"_a = false, "The smallest elements; equal ones share the gradient.");
  bind_extreme(m, tensor, "max", max, max_dim, maximum);
  bind_extreme(m, tensor, "min", min, min_dim, minimum);
  both(
      m, tensor, "argmax", [](const Tensor& x, OptionalInt d, bool k) { return argmax(x, number(d), k); },
      "dim"_a = nb::none(), "keepdim"_a = false, "The place of the first greatest element.");
  both(
      m, tensor, "argmin", [](const Tensor& x, OptionalInt d, bool k) { return argmin(x, number(d), k); },
      "dim"_a = nb::none(), "keepdim"_a = false, "The place of the first smallest element.");
  bind_logic(m, tensor, "all", all);
  bind_logic(m, tensor, "any", any);
  const auto variance = [](const Tensor& x, const OptionalDims& dims, std::optional<bool> unbiased,
                           nb::object correction, bool keepdim) {
    return var(x, dims, correction_of(unbiased, correction), keepdim);
  };
  const auto deviation = [](const Tensor& x, const OptionalDims& dims, std::optional<bool> unbiased,
                            nb::object correction, bool keepdim) {
    return standard_deviation(x, dims, correction_of(unbiased, correction), keepdim);
  };
  const auto whole_var = [](const Tensor& x, bool unbiased) { return var(x, {}, unbiased ? 1 : 0, false); };
  const auto whole_std = [](const Tensor& x, bool unbiased) {
    return standard_deviation(x, {}, unbiased ? 1 : 0, false);
  };
  for (const bool is_std : {false, true}) {
    const char* name = is_std ? "std" : "var";
    const char* doc = is_std ? "The standard deviation (n - correction in the divisor)."
                             : "The variance (n - correction in the divisor).";
    // A lone bool is `unbiased`, as PyTorch's first overload has it.
    const auto lone = [=](const Tensor& x, bool unbiased) {
      return is_std ? whole_std(x, unbiased) : whole_var(x, unbiased);
    };
    m.def(name, lone, "input"_a, nb::arg("unbiased").noconvert());
    tensor.def(name, lone, nb::arg("unbiased").noconvert());
    const auto full = [=](const Tensor& x, const OptionalDims& d, std::optional<bool> unbiased, bool keepdim,
                          nb::object correction) {
      return is_std ? deviation(x, d, unbiased, correction, keepdim)
                    : variance(x, d, unbiased, correction, keepdim);
    };
    both(m, tensor, name, full, "dim"_a = nb::none(), "unbiased"_a = nb::none(), "keepdim"_a = false,
         nb::kw_only(), "correction"_a = nb::none(), doc);
  }
  both(
      m, tensor, "logcumsumexp", [](const Tensor& x, Int dim) { return logcumsumexp(x, dim); }, "dim"_a,
      "log(exp(x_0) + ... + exp(x_k)) for every k along a dimension, without overflow.");
  both(m, tensor, "logsumexp", logsumexp, "dim"_a, "keepdim"_a = false,
       "log(sum(exp(x))) along dimensions, without overflow.");
  both(
      m, tensor, "cumsum",
      [](const Tensor& x, Int dim, OptionalDType dtype) { return cumsum(x, dim, dtype); }, "dim"_a,
      nb::kw_only(), "dtype"_a = nb::none(), "Running sums along a dimension.");
  both(
      m, tensor, "cumprod",
      [](const Tensor& x, Int dim, OptionalDType dtype) { return cumprod(x, dim, dtype); }, "dim"_a,
      nb::kw_only(), "dtype"_a = nb::none(), "Running products along a dimension.");
  both(
      m, tensor, "cummax", [](const Tensor& x, Int dim) { return named("cummax", cummax(x, dim)); }, "dim"_a,
      "The greatest elements so far along a dimension, and their places.");
  both(
      m, tensor, "cummin", [](const Tensor& x, Int dim) { return named("cummin", cummin(x, dim)); }, "dim"_a,
      "The smallest elements so far along a dimension, and their places.");
  tensor.def(
      "cumsum_",
      [](Tensor x, Int dim, OptionalDType dtype) {
        return in_place(x, "cumsum_", [&](const Tensor& self) { return cumsum(self, dim, dtype); });
      },
      "dim"_a, nb::kw_only(), "dtype"_a = nb::none(), "The same, in place.");
  tensor.def(
      "cumprod_",
      [](Tensor x, Int dim, OptionalDType dtype) {
        return in_place(x, "cumprod_", [&](const Tensor& self) { return cumprod(self, dim, dtype); });
      },
      "dim"_a, nb::kw_only(), "dtype"_a = nb::none(), "The same, in place.");
  both(m, tensor, "nansum", dims_first(nansum), "dim"_a = nb::none(), "keepdim"_a = false, nb::kw_only(),
       "dtype"_a = nb::none(), "The sum, NaN counted as zero.");
  both(
      m, tensor, "nanmean",
      [](const Tensor& x, const OptionalDims& dims, bool keepdim, OptionalDType dtype) {
        const Tensor counted = cast(logical_not(isnan(x)), DType::i64);
        return div(nansum(x, dims, keepdim, dtype), sum(counted, dims, keepdim));
      },
      "dim"_a = nb::none(), "keepdim"_a = false, nb::kw_only(), "dtype"_a = nb::none(),
      "The mean of what is not NaN.");
  m.def("_vector_norm", vector_norm, "x"_a, "p"_a, "dim"_a.none(), "keepdim"_a);
  both(
      m, tensor, "aminmax",
      [](const Tensor& x, OptionalInt dim, bool keepdim) {
        const Extremes found = aminmax(x, dim, keepdim);
        return package("return_types", "aminmax")(found.min, found.max);
      },
      nb::kw_only(), "dim"_a = nb::none(), "keepdim"_a = false, "The smallest and the greatest elements.");
  tensor.def("sum_to_size", [](const Tensor& x, const nb::args& args) {
    const Dims sizes = dims_from_args(args, "sum_to_size");
    check(broadcast_shapes(sizes, x.sizes()) == x.sizes(), "size {", sizes, "} is not expandable to size {",
          x.sizes(), "}.");
    return sum_to(x, sizes);
  });
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

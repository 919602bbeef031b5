// Reading and writing by tensors of indices and by masks. x[...] itself is in indexing.cpp.
#include "ops/index.h"
#include "bindings/in_place.h"
#include "ops/shape.h"

namespace penlight::bindings {

namespace {

using OptionalInt = std::optional<Int>;

// A list of tensors and Nones.
Indices indices_from(nb::handle sequence) {
  nb::object items = nb::steal(PySequence_Fast(sequence.ptr(), ""));
  if (!items.is_valid() || is_tensor(sequence)) {
    PyErr_Clear();
    fail<TypeError>("index_put_(): argument 'indices' (position 1) must be tuple of Tensors, not ",
                    Py_TYPE(sequence.ptr())->tp_name);
  }
  Indices indices;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); ++i) {
    nb::handle item = PySequence_Fast_GET_ITEM(items.ptr(), i);
    check<TypeError>(item.is_none() || is_tensor(item), "expected Tensor as element ", i,
                     " in indices, but got ", Py_TYPE(item.ptr())->tp_name);
    indices.push_back(item.is_none() ? Tensor() : tensor_of(item));
  }
  return indices;
}

// scatter with its older keyword `reduce`.
Tensor scatter_with(const Tensor& x, int64_t dim, const Tensor& index, const Operand& source,
                    const std::optional<std::string>& reduce) {
  if (!reduce) return scatter(x, dim, index, source);
  check(*reduce == "add" || *reduce == "multiply", "reduce argument must be either add or multiply.");
  return scatter_reduce(x, dim, index, source, *reduce == "add" ? "sum" : "prod", true);
}

template <class Source>
void bind_scatter(nb::module_& m, TensorClass& tensor, const char* source_name) {
  using Reduce = std::optional<std::string>;
  const auto run = [](const Tensor& x, Int dim, const Tensor& index, const Source& source,
                      const Reduce& reduce) { return scatter_with(x, dim, index, source, reduce); };
  both(m, tensor, "scatter", run, "dim"_a, "index"_a, nb::arg(source_name), nb::kw_only(),
       "reduce"_a = nb::none(),
       "A copy in which element [..., index[..., j], ...] along dim is the source's [..., j, ...].");
  tensor.def(
      "scatter_",
      [run](Tensor self, Int dim, const Tensor& index, const Source& source, const Reduce& reduce) {
        return in_place(self, "scatter_",
                        [&](const Tensor& x) { return run(x, dim, index, source, reduce); });
      },
      "dim"_a, "index"_a, nb::arg(source_name), nb::kw_only(), "reduce"_a = nb::none());
}

nb::object nonzero_of(const Tensor& x, bool as_tuple) {
  if (!as_tuple) return nb::cast(nonzero(x));
  nb::list columns;
  const Tensor found = nonzero(x.dim() ? x : unsqueeze(detach(x), 0));
  for (int64_t d = 0; d < found.size(1); ++d) columns.append(contiguous(select(found, 1, d)));
  return nb::tuple(columns);
}

void bind(nb::module_& m, TensorClass& tensor) {
  m.def("_index", [](const Tensor& x, nb::handle indices) { return index(x, indices_from(indices)); });
  m.def(
      "index_put",
      [](const Tensor& x, nb::handle indices, const Tensor& values, bool accumulate) {
        return index_put(x, indices_from(indices), values, accumulate);
      },
      "input"_a, "indices"_a, "values"_a, "accumulate"_a = false,
      "A copy with values set or added at indices.");
  tensor.def(
      "index_put",
      [](const Tensor& x, nb::handle indices, const Tensor& values, bool accumulate) {
        return index_put(x, indices_from(indices), values, accumulate);
      },
      "indices"_a, "values"_a, "accumulate"_a = false, "A copy with values set or added at indices.");
  both(
      m, tensor, "index_put_",
      [](Tensor self, nb::handle indices, const Tensor& values, bool accumulate) {
        return index_put_(self, indices_from(indices), values, accumulate);
      },
      "indices"_a, "values"_a, "accumulate"_a = false, "Sets or adds values at indices.");

  both(
      m, tensor, "index_select",
      [](const Tensor& x, Int dim, const Tensor& index) { return index_select(x, dim, index); }, "dim"_a,
      "index"_a, "The slices of a dimension with the given numbers.");
  with_in_place(m, tensor, "index_add", index_add, "dim"_a, "index"_a, "source"_a, nb::kw_only(),
                nb::arg("alpha") = 1,
                "A copy with alpha times the source's slices added to those of the given numbers.");
  with_in_place(m, tensor, "index_copy", index_copy, "dim"_a, "index"_a, "source"_a,
                "A copy with the slices of the given numbers replaced by the source's.");
  with_in_place(m, tensor, "index_fill", index_fill, "dim"_a, "index"_a, "value"_a,
                "A copy with the slices of the given numbers filled with a value.");
  both(m, tensor, "take", take, "index"_a,
       "The elements with the given numbers, the tensor read as one row.");
  both(
      m, tensor, "take_along_dim",
      [](const Tensor& x, const Tensor& indices, OptionalInt dim) {
        return take_along_dim(x, indices, dim ? std::optional<int64_t>(*dim) : std::nullopt);
      },
      "indices"_a, "dim"_a = nb::none(), "gather, with the shapes broadcast; over one row without dim.");
  m.def(
      "_embedding",
      [](const Tensor& weight, const Tensor& indices, Int padding_idx, bool scale_grad_by_freq) {
        return embedding(weight, indices, padding_idx, scale_grad_by_freq);
      },
      "weight"_a, "indices"_a, "padding_idx"_a = -1, "scale_grad_by_freq"_a = false);

  both(
      m, tensor, "gather",
      [](const Tensor& x, Int dim, const Tensor& index, bool) { return gather(x, dim, index); }, "dim"_a,
      "index"_a, nb::kw_only(), "sparse_grad"_a = false,
      "Of each line along dim the elements with the given numbers.");
  bind_scatter<Tensor>(m, tensor, "src");
  bind_scatter<Scalar>(m, tensor, "value");
  with_in_place(m, tensor, "scatter_add", scatter_add, "dim"_a, "index"_a, "src"_a,
                "A copy with the source's elements added at the given numbers along dim.");
  const auto reduce = [](const Tensor& x, Int dim, const Tensor& index, const Tensor& src,
                         const std::string& how,
                         bool include_self) { return scatter_reduce(x, dim, index, src, how, include_self); };
  both(m, tensor, "scatter_reduce", reduce, "dim"_a, "index"_a, "src"_a, "reduce"_a, nb::kw_only(),
       "include_self"_a = true, "A copy with the source's elements joined by sum, prod, mean, amax or amin.");
  tensor.def(
      "scatter_reduce_",
      [reduce](Tensor self, Int dim, const Tensor& index, const Tensor& src, const std::string& how,
               bool include_self) {
        return in_place(self, "scatter_reduce_",
                        [&](const Tensor& x) { return reduce(x, dim, index, src, how, include_self); });
      },
      "dim"_a, "index"_a, "src"_a, "reduce"_a, nb::kw_only(), "include_self"_a = true);

  with_in_place(m, tensor, "masked_fill", masked_fill, "mask"_a, "value"_a,
                "A copy with a value where the mask is true.");
  with_in_place(m, tensor, "masked_scatter", masked_scatter, "mask"_a, "source"_a,
                "A copy with the source's first elements, in order, where the mask is true.");
  both(m, tensor, "masked_select", masked_select, "mask"_a,
       "The elements where the mask is true, as one row.");
  both(m, tensor, "nonzero", nonzero_of, nb::kw_only(), "as_tuple"_a = false,
       "The places of elements that are not zero, one a row; as_tuple: a tensor for each dimension.");
  both(m, tensor, "argwhere", nonzero, "The places of elements that are not zero, one a row.");
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

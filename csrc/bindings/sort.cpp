// Sorting, selecting, searching.
#include "ops/sort.h"
#include "bindings/python.h"

namespace penlight::bindings {

namespace {

using OptionalInt = std::optional<Int>;

nb::object named(const char* name, const ValuesIndices& pair) {
  return package("return_types", name)(pair.values, pair.indices);
}

Tensor search(const Tensor& boundaries, const Tensor& values, bool out_int32, bool right,
              const std::optional<std::string>& side, const std::optional<Tensor>& sorter) {
  if (side) {
    check(*side == "left" || *side == "right",
          "torch.searchsorted(): side can only be 'left' or 'right' but got ", *side);
    check(!(right && *side == "left"),
          "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was "
          "True");
    right = *side == "right";
  }
  const Tensor places = searchsorted(boundaries, values, right, sorter.value_or(Tensor()));
  return out_int32 ? cast(places, DType::i32) : places;
}

// A number to look up, in the type of the boundaries or the default one.
Tensor wanted(const Scalar& value) {
  return scalar_tensor(value, value.is_floating() ? get_default_dtype() : DType::i64);
}

nb::object unique_of(const Tensor& x, bool consecutive, bool inverse, bool counts, OptionalInt dim) {
  const Unique found = unique(x, dim ? std::optional<int64_t>(*dim) : std::nullopt, consecutive);
  if (!inverse && !counts) return nb::cast(found.values);
  nb::list parts;
  parts.append(found.values);
  if (inverse) parts.append(found.inverse);
  if (counts) parts.append(found.counts);
  return nb::tuple(parts);
}

void bind_medians(nb::module_& m, TensorClass& tensor, const char* name, bool ignore_nan) {
  both(
      m, tensor, name, [ignore_nan](const Tensor& x) { return median(x, ignore_nan); },
      "The lower of the middle elements.");
  both(
      m, tensor, name,
      [ignore_nan](const Tensor& x, Int dim, bool keepdim) {
        return named(ignore_nan ? "nanmedian" : "median", median_dim(x, dim, keepdim, ignore_nan));
      },
      "dim"_a, "keepdim"_a = false, "The lower of the middle elements along a dimension, and its place.");
}

void bind(nb::module_& m, TensorClass& tensor) {
  both(
      m, tensor, "sort",
      [](const Tensor& x, Int dim, bool descending, std::optional<bool>) {
        return named("sort", sort(x, dim, descending));
      },
      "dim"_a = -1, "descending"_a = false, "stable"_a = nb::none(),
      "The elements in order along a dimension, and where they came from. Equal ones keep their order.");
  both(
      m, tensor, "argsort",
      [](const Tensor& x, Int dim, bool descending, bool) {
        return sort(detach(x), dim, descending).indices;
      },
      "dim"_a = -1, "descending"_a = false, "stable"_a = false, "The indices that sort a dimension.");
  both(
      m, tensor, "msort", [](const Tensor& x) { return sort(x, 0, false).values; },
      "Sorted along dimension 0.");
  both(
      m, tensor, "topk",
      [](const Tensor& x, Int k, Int dim, bool largest, bool) {
        return named("topk", topk(x, k, dim, largest));
      },
      "k"_a, "dim"_a = -1, "largest"_a = true, "sorted"_a = true,
      "The k largest (smallest) elements along a dimension in order, and their places.");
  both(
      m, tensor, "kthvalue",
      [](const Tensor& x, Int k, Int dim, bool keepdim) {
        return named("kthvalue", kthvalue(x, k, dim, keepdim));
      },
      "k"_a, "dim"_a = -1, "keepdim"_a = false,
      "The k-th smallest element along a dimension (from 1), and its place.");
  both(
      m, tensor, "mode",
      [](const Tensor& x, Int dim, bool keepdim) { return named("mode", mode(x, dim, keepdim)); },
      "dim"_a = -1, "keepdim"_a = false,
      "The most frequent element along a dimension, and where it stands last.");
  bind_medians(m, tensor, "median", false);
  bind_medians(m, tensor, "nanmedian", true);

  m.def("searchsorted", search, "sorted_sequence"_a, "input"_a, nb::kw_only(), "out_int32"_a = false,
        "right"_a = false, "side"_a = nb::none(), "sorter"_a = nb::none(),
        "Where values would go in sorted sequences: before equal elements, with right after them.");
  m.def(
      "searchsorted",
      [](const Tensor& boundaries, const Scalar& value, bool out_int32, bool right,
         const std::optional<std::string>& side, const std::optional<Tensor>& sorter) {
        return search(boundaries, wanted(value), out_int32, right, side, sorter);
      },
      "sorted_sequence"_a, "input"_a, nb::kw_only(), "out_int32"_a = false, "right"_a = false,
      "side"_a = nb::none(), "sorter"_a = nb::none());
  m.def(
      "bucketize",
      [](const Operand& values, const Tensor& boundaries, bool out_int32, bool right) {
        const Tensor places =
            bucketize(values.is_tensor() ? values.tensor() : wanted(values.scalar()), boundaries, right);
        return out_int32 ? cast(places, DType::i32) : places;
      },
      "input"_a, "boundaries"_a, nb::kw_only(), "out_int32"_a = false, "right"_a = false,
      "The number of the interval between boundaries that each value lies in.");

  both(
      m, tensor, "unique",
      [](const Tensor& x, bool, bool inverse, bool counts, OptionalInt dim) {
        return unique_of(x, false, inverse, counts, dim);
      },
      "sorted"_a = true, "return_inverse"_a = false, "return_counts"_a = false, "dim"_a = nb::none(),
      "The different elements (with dim: slices) in order; which of them each is; how often each occurs.");
  both(
      m, tensor, "unique_consecutive",
      [](const Tensor& x, bool inverse, bool counts, OptionalInt dim) {
        return unique_of(x, true, inverse, counts, dim);
      },
      "return_inverse"_a = false, "return_counts"_a = false, "dim"_a = nb::none(),
      "The elements (slices) without repetitions of a neighbour.");
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

// Shapes, views, joining and cutting.
#include "ops/shape.h"
#include "bindings/python.h"
#include "ops/reduce.h"

namespace penlight::bindings {

namespace {

using OptionalInt = std::optional<Int>;

std::optional<int64_t> number(const OptionalInt& value) {
  return value ? std::optional<int64_t>(*value) : std::nullopt;
}

nb::tuple tuple_of(const std::vector<Tensor>& tensors) {
  nb::list list;
  for (const Tensor& tensor : tensors) list.append(tensor);
  return nb::tuple(list);
}

nb::tuple split_any(const Tensor& x, nb::handle sizes, Int dim) {
  Dims list;
  check<TypeError>(dims_from(sizes, &list),
                   "split(): argument 'split_size_or_sections' must be int or list of ints, got ",
                   Py_TYPE(sizes.ptr())->tp_name);
  if (PyIndex_Check(sizes.ptr())) return tuple_of(split(x, list[0], dim));
  return tuple_of(split(x, list, dim));
}

// Methods called with sizes or dimensions as separate numbers or as one sequence.
template <class F>
void bind_dims_method(TensorClass& tensor, const char* name, F f, const char* doc) {
  tensor.def(
      name, [f, name](const Tensor& x, const nb::args& args) { return f(x, dims_from_args(args, name)); },
      doc);
}

Tensor movedim(const Tensor& x, const Dims& source, const Dims& destination) {
  check(source.size() == destination.size(), "movedim: Invalid source or destination dims: source (", source,
        " dims) should contain the same number of dims as destination (", destination, " dims)");
  const auto n = static_cast<std::size_t>(x.dim());
  Dims order(n, -1);
  SmallVec<bool, 8> taken(n, false);
  for (std::size_t i = 0; i < source.size(); ++i) {
    const auto from = static_cast<std::size_t>(wrap_dim(source[i], x.dim())),
               to = static_cast<std::size_t>(wrap_dim(destination[i], x.dim()));
    if (n == 0) return view_as_self(x);
    check(!taken[from], "movedim: repeated dim in `source` (", source, ")");
    check(order[to] < 0, "movedim: repeated dim in `destination` (", destination, ")");
    taken[from] = true;
    order[to] = static_cast<int64_t>(from);
  }
  std::size_t next = 0;
  for (std::size_t i = 0; i < n; ++i)
    if (order[i] < 0) {
      while (taken[next]) ++next;
      order[i] = static_cast<int64_t>(next++);
    }
  return permute(x, order);
}

Tensor unflatten(const Tensor& x, Int dim, const Dims& sizes) {
  const auto d = static_cast<std::size_t>(wrap_dim(dim, x.dim()));
  check(!sizes.empty(), "unflatten: sizes must be non-empty");
  check(x.dim() > 0, "unflatten: expected a tensor with dimensions");
  const Dims inner = infer_sizes(sizes, x.sizes()[d]);
  Dims wanted;
  for (std::size_t i = 0; i < d; ++i) wanted.push_back(x.sizes()[i]);
  for (int64_t size : inner) wanted.push_back(size);
  for (std::size_t i = d + 1; i < x.sizes().size(); ++i) wanted.push_back(x.sizes()[i]);
  return reshape(x, wanted);
}

// A tensor becomes a view of itself: other sizes and strides over its own memory. node: PyTorch's name of the
// node of this form of the operation.
template <class View>
Tensor view_in_place(Tensor x, const char* name, const char* node_name, View view) {
  check_inplace(x, name);
  const Tensor y = view(shadow(x));
  const bool recorded = grad_mode.enabled && y.requires_grad();
  const Ref<Node> node = recorded ? grad_fn(y) : Ref<Node>();  // asked for before the change
  x->sizes = y.sizes();
  x->strides = y.strides();
  x.changed();
  if (!recorded) return x;
  node->rename(node_name);
  set_history(x, node, grad_meta(y).output_nr);
  return x;
}

void bind_in_place(TensorClass& tensor) {
  tensor.def(
      "tril_",
      [](Tensor x, Int k) { return in_place(x, "tril_", [&](const Tensor& self) { return tril(self, k); }); },
      "diagonal"_a = 0, "The same, in place.");
  tensor.def(
      "triu_",
      [](Tensor x, Int k) { return in_place(x, "triu_", [&](const Tensor& self) { return triu(self, k); }); },
      "diagonal"_a = 0, "The same, in place.");
  tensor.def(
      "squeeze_",
      [](const Tensor& x, const std::optional<Dims>& dims) {
        return view_in_place(x, "squeeze_",
                             !dims               ? "SqueezeBackward3"
                             : dims->size() == 1 ? "SqueezeBackward4"
                                                 : "SqueezeBackward5",
                             [&](const Tensor& self) { return squeeze(self, dims); });
      },
      "dim"_a = nb::none(), "The same, in place.");
  tensor.def(
      "unsqueeze_",
      [](const Tensor& x, Int dim) {
        return view_in_place(x, "unsqueeze_", "UnsqueezeBackward1",
                             [&](const Tensor& self) { return unsqueeze(self, dim); });
      },
      "dim"_a, "The same, in place.");
  tensor.def(
      "t_", [](const Tensor& x) { return view_in_place(x, "t_", "TBackward1", t); }, "The same, in place.");
  for (const char* name : {"transpose_", "swapaxes_", "swapdims_"})
    tensor.def(
        name,
        [](const Tensor& x, Int a, Int b) {
          return view_in_place(x, "transpose_", "TransposeBackward1",
                               [&](const Tensor& self) { return transpose(self, a, b); });
        },
        "dim0"_a, "dim1"_a, "The same, in place.");
}

void bind(nb::module_& m, TensorClass& tensor) {
  bind_in_place(tensor);
  both(m, tensor, "trace", trace, "The sum of the diagonal.");
  both(
      m, tensor, "diag_embed",
      [](const Tensor& x, Int offset, Int a, Int b) { return diag_embed(x, offset, a, b); }, "offset"_a = 0,
      "dim1"_a = -2, "dim2"_a = -1, "Matrices of zeros with the last dimension as diagonal.");
  both(
      m, tensor, "diagonal_scatter",
      [](const Tensor& x, const Tensor& source, Int offset, Int a, Int b) {
        return diagonal_scatter(x, source, offset, a, b);
      },
      "src"_a, "offset"_a = 0, "dim1"_a = 0, "dim2"_a = 1, "A copy with the diagonal replaced.");
  tensor.def(
      "view",
      [](const Tensor& x, const nb::args& args) {
        DType dtype;
        if (args.size() == 1 && dtype_from(args[0], &dtype) && !PyType_Check(nb::handle(args[0]).ptr())) {
          check(itemsize(dtype) == itemsize(x.dtype()),
                "view(dtype) to a type of another size is not supported: ", scalar_name(x.dtype()), " to ",
                scalar_name(dtype));
          Tensor y = alias(x);
          y->dtype = dtype;
          return y;
        }
        return view(x, dims_from_args(args, "view"));
      },
      "The same memory with other sizes (one may be -1).");
  bind_dims_method(tensor, "reshape", reshape,
                   "Other sizes (one may be -1): a view where possible, else a copy.");
  bind_dims_method(tensor, "permute", permute, "The dimensions in another order.");
  bind_dims_method(tensor, "expand", expand, "Dimensions of size 1 stretched without copying.");
  bind_dims_method(tensor, "repeat", repeat, "Copies side by side.");
  bind_dims_method(
      tensor, "tile",
      [](const Tensor& x, Dims repeats) {
        while (repeats.size() < x.sizes().size()) repeats.insert(0, 1);
        return repeat(x, repeats);
      },
      "Copies side by side, as NumPy's tile.");
  bind_dims_method(tensor, "flip", flip, "The order along dimensions reversed.");
  tensor.def(
      "view_as", [](const Tensor& x, const Tensor& other) { return view(x, other.sizes()); }, "other"_a);
  tensor.def(
      "reshape_as", [](const Tensor& x, const Tensor& other) { return reshape(x, other.sizes()); },
      "other"_a);
  tensor.def(
      "expand_as", [](const Tensor& x, const Tensor& other) { return expand(x, other.sizes()); }, "other"_a);
  m.def("reshape", reshape, "input"_a, "shape"_a,
        "Other sizes (one may be -1): a view where possible, else a copy.");
  m.def("permute", permute, "input"_a, "dims"_a, "The dimensions in another order.");
  m.def("flip", flip, "input"_a, "dims"_a, "The order along dimensions reversed.");
  both(m, tensor, "fliplr", [](const Tensor& x) {
    check(x.dim() >= 2, "Input must be >= 2-d.");
    return flip(x, {1});
  });
  both(m, tensor, "flipud", [](const Tensor& x) {
    check(x.dim() >= 1, "Input must be >= 1-d.");
    return flip(x, {0});
  });
  m.def(
      "tile",
      [](const Tensor& x, Dims repeats) {
        while (repeats.size() < x.sizes().size()) repeats.insert(0, 1);
        return repeat(x, repeats);
      },
      "input"_a, "dims"_a, "Copies side by side, as NumPy's tile.");
  m.def("broadcast_to", expand, "input"_a, "size"_a, "Dimensions of size 1 stretched without copying.");
  tensor.def("broadcast_to", expand, "size"_a);
  for (const char* name : {"transpose", "swapaxes", "swapdims"})
    both(
        m, tensor, name, [](const Tensor& x, Int a, Int b) { return transpose(x, a, b); }, "dim0"_a, "dim1"_a,
        "Two dimensions exchanged.");
  both(m, tensor, "t", t, "A matrix transposed.");
  tensor.def_prop_ro(
      "T",
      [](const Tensor& x) {
        Dims order;
        for (int64_t d = x.dim(); d-- > 0;) order.push_back(d);
        return permute(x, order);
      },
      "The dimensions in reverse order.");
  tensor.def_prop_ro(
      "mT",
      [](const Tensor& x) {
        check(x.dim() >= 2, "tensor.mT is only supported on matrices or batches of matrices. Got ", x.dim(),
              "-D tensor.");
        return transpose(x, -2, -1);
      },
      "The last two dimensions exchanged.");
  both(m, tensor, "adjoint", [](const Tensor& x) { return transpose(x, -2, -1); });
  for (const char* name : {"movedim", "moveaxis"})
    both(m, tensor, name, movedim, "source"_a, "destination"_a, "Dimensions moved to other places.");
  both(
      m, tensor, "flatten", [](const Tensor& x, Int a, Int b) { return flatten(x, a, b); }, "start_dim"_a = 0,
      "end_dim"_a = -1, "Adjoining dimensions joined into one.");
  both(m, tensor, "ravel", [](const Tensor& x) { return reshape(contiguous(x), {-1}); }, "One dimension.");
  both(m, tensor, "unflatten", unflatten, "dim"_a, "sizes"_a, "One dimension split into several.");
  both(m, tensor, "squeeze", squeeze, "dim"_a = nb::none(), "Dimensions of size 1 dropped.");
  both(
      m, tensor, "unsqueeze", [](const Tensor& x, Int dim) { return unsqueeze(x, dim); }, "dim"_a,
      "A dimension of size 1 put in.");
  both(
      m, tensor, "select", [](const Tensor& x, Int dim, Int index) { return select(x, dim, index); }, "dim"_a,
      "index"_a, "One place along a dimension.");
  both(
      m, tensor, "narrow",
      [](const Tensor& x, Int dim, Int start, Int length) { return narrow(x, dim, start, length); }, "dim"_a,
      "start"_a, "length"_a, "A stretch of a dimension.");
  m.def(
      "_slice",
      [](const Tensor& x, Int dim, OptionalInt start, OptionalInt end, Int step) {
        return slice(x, dim, number(start), number(end), step);
      },
      "input"_a, "dim"_a, "start"_a = nb::none(), "end"_a = nb::none(), "step"_a = 1);
  both(
      m, tensor, "as_strided",
      [](const Tensor& x, const Dims& size, const Dims& stride, OptionalInt offset) {
        return as_strided(x, size, stride, number(offset));
      },
      "size"_a, "stride"_a, "storage_offset"_a = nb::none(),
      "A window on the memory with given sizes and strides.");
  both(
      m, tensor, "diagonal",
      [](const Tensor& x, Int offset, Int a, Int b) { return diagonal(x, offset, a, b); }, "offset"_a = 0,
      "dim1"_a = 0, "dim2"_a = 1, "The diagonal as a view.");
  both(
      m, tensor, "diag",
      [](const Tensor& x, Int k) {
        if (x.dim() == 2) return diagonal(x, k, 0, 1);
        check(x.dim() == 1, "diag(): Supports 1D or 2D tensors. Got ", x.dim(), "D");
        // The vector written along a diagonal of zeros: the transpose of reading it.
        const int64_t n = checked_add(x.size(0), std::abs(k.value), "the diagonal matrix");
        checked_numel({n, n});
        const Window whole{{n, n}, {n, 1}, 0};
        const Window line{{x.size(0)}, {n + 1}, k.value >= 0 ? k.value : -k.value * n};
        return transfer(x, line, whole);
      },
      "diagonal"_a = 0, "The diagonal of a matrix, or a matrix with this diagonal.");
  tensor.def(
      "unfold", [](const Tensor& x, Int dim, Int size, Int step) { return unfold(x, dim, size, step); },
      "dimension"_a, "size"_a, "step"_a, "Windows of a size along a dimension, as a view.");
  both(m, tensor, "split", split_any, "split_size_or_sections"_a, "dim"_a = 0,
       "Pieces of a size, or of given sizes, as views.");
  m.def("split", split_any, "tensor"_a, "split_size_or_sections"_a, "dim"_a = 0);
  both(
      m, tensor, "split_with_sizes",
      [](const Tensor& x, const Dims& sizes, Int dim) { return tuple_of(split(x, sizes, dim)); },
      "split_sizes"_a, "dim"_a = 0);
  both(
      m, tensor, "chunk",
      [](const Tensor& x, Int chunks, Int dim) { return tuple_of(chunk(x, chunks, dim)); }, "chunks"_a,
      "dim"_a = 0, "So many pieces, as views.");
  both(
      m, tensor, "unbind", [](const Tensor& x, Int dim) { return tuple_of(unbind(x, dim)); }, "dim"_a = 0,
      "The slices along a dimension, as views.");
  both(
      m, tensor, "roll",
      [](const Tensor& x, const Dims& shifts, const std::optional<Dims>& dims) {
        return roll(x, shifts, dims.value_or(Dims{}));
      },
      "shifts"_a, "dims"_a = nb::none(), "Elements moved around the corner.");
  both(
      m, tensor, "tril", [](const Tensor& x, Int k) { return tril(x, k); }, "diagonal"_a = 0,
      "The lower triangle, zeros above.");
  both(
      m, tensor, "triu", [](const Tensor& x, Int k) { return triu(x, k); }, "diagonal"_a = 0,
      "The upper triangle, zeros below.");
  both(
      m, tensor, "select_scatter",
      [](const Tensor& x, const Tensor& source, Int dim, Int index) {
        return select_scatter(x, source, dim, index);
      },
      "src"_a, "dim"_a, "index"_a, "A copy with one place along a dimension replaced.");
  both(
      m, tensor, "slice_scatter",
      [](const Tensor& x, const Tensor& source, Int dim, OptionalInt start, OptionalInt end, Int step) {
        return slice_scatter(x, source, dim, start ? *start : Int{0}, end ? *end : Int{INT64_MAX}, step);
      },
      "src"_a, "dim"_a = 0, "start"_a = nb::none(), "end"_a = nb::none(), "step"_a = 1,
      "A copy with a stretch of a dimension replaced.");
  m.def("constant_pad_nd", constant_pad, "input"_a, "pad"_a, "value"_a = 0,
        "Padded with a constant, the last dimension first.");

  for (const char* name : {"cat", "concat", "concatenate"})
    m.def(
        name, [](nb::handle tensors, Int dim) { return cat(tensors_from(tensors, "tensors"), dim); },
        "tensors"_a, "dim"_a = 0, "Joined along a dimension that exists.");
  m.def(
      "stack", [](nb::handle tensors, Int dim) { return stack(tensors_from(tensors, "tensors"), dim); },
      "tensors"_a, "dim"_a = 0, "Joined along a new dimension.");
  m.def("_broadcast_shapes",
        [](const Dims& a, const Dims& b) { return size_object(broadcast_shapes(a, b)); });
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

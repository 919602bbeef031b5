// The tensor as an object: what it is made of, its place in the graph, conversions and copies.
#include "bindings/python.h"
#include "ops/copy.h"
#include "ops/shape.h"

namespace penlight::bindings {

namespace {

nb::object item(const Tensor& x) {
  check(x.numel() == 1, "a Tensor with ", x.numel(), " elements cannot be converted to Scalar");
  return visit_dtype(x.dtype(), [&](auto tag) -> nb::object {
    using T = typename decltype(tag)::type;
    const T value = *x.data<T>();
    if constexpr (std::is_same_v<T, bool>)
      return nb::bool_(value);
    else if constexpr (std::is_integral_v<T>)
      return nb::int_(static_cast<int64_t>(value));
    else
      return nb::float_(static_cast<double>(value));
  });
}

constexpr int64_t kLongestList = int64_t(1) << 36;

// Nested lists of Python numbers.
nb::object to_list(const Tensor& x, int64_t dim, const char* at) {
  if (dim == x.dim())
    return visit_dtype(x.dtype(), [&](auto tag) -> nb::object {
      using T = typename decltype(tag)::type;
      const T value = *reinterpret_cast<const T*>(at);
      if constexpr (std::is_same_v<T, bool>)
        return nb::bool_(value);
      else if constexpr (std::is_integral_v<T>)
        return nb::int_(static_cast<int64_t>(value));
      else
        return nb::float_(static_cast<double>(value));
    });
  PyObject* list = PyList_New(static_cast<Py_ssize_t>(x.size(dim)));
  if (!list) throw nb::python_error();
  nb::object result = nb::steal(list);
  for (int64_t i = 0; i < x.size(dim); ++i)
    PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i),
                    to_list(x, dim + 1, at + i * x.stride(dim) * itemsize(x.dtype())).release().ptr());
  return result;
}

void set_grad(const Tensor& x, nb::handle value) {
  if (value.is_none()) {
    if (GradMeta* meta = grad_meta_or_null(x)) meta->grad = Tensor();
    return;
  }
  check<TypeError>(is_tensor(value), "assigned grad expected to be a Tensor or None but got grad of type '",
                   Py_TYPE(value.ptr())->tp_name, "'");
  const Tensor grad = tensor_of(value);
  check(!grad.same(x), "can't assign Variable as its own grad");
  check(grad.dtype() == x.dtype(), "attempting to assign a gradient with dtype '",
        dtype_name(grad.dtype()) + 6, "' to a tensor with dtype '", dtype_name(x.dtype()) + 6,
        "'. Please ensure that the gradient and the tensor "
        "have the same dtype.");
  check(grad.sizes() == x.sizes(), "attempting to assign a gradient of size '", grad.sizes(),
        "' to a tensor of size '", x.sizes(),
        "'. Please ensure that the gradient and the tensor are the same size.");
  grad_meta(x).grad = grad;
}

Tensor get_data(const Tensor& x) {
  Tensor y = alias(x);
  y->storage = Storage::alias(x->storage);
  return y;
}

void set_data(const Tensor& x, const Tensor& source) {
  check(x.dtype() == source.dtype() || !x.requires_grad() || is_floating(source.dtype()),
        "data set to a tensor that requires gradients must be floating point or complex dtype");
  // Tensor and source share memory from now on; how often each was changed stays its own.
  replace_storage(x->storage, Storage::alias(source->storage, x->storage->version()));
  x->base = nullptr;  // no window on its base's memory any more
  x->offset = source->offset;
  x->sizes = source.sizes();
  x->strides = source.strides();
  x->dtype = source.dtype();
  if (GradMeta* meta = grad_meta_or_null(x); meta && meta->accumulator) {
    meta->accumulator->output_sizes[0] = x.sizes();
    meta->accumulator->output_dtypes[0] = x.dtype();
  }
}

// x.set_(source): set_data as a change in place, which has no derivative.
Tensor set_memory(Tensor x, const Tensor& source) {
  const bool recorded = grad_mode.enabled && x.requires_grad();
  check_inplace(x, "set_");
  x.changed();  // to views of the memory before, and to what is kept of it
  set_data(x, source);
  if (!recorded) return x;
  const auto refuse = [](Backward&, const Tensor&) -> Grads {
    fail("derivative for aten::set_ is not implemented");
  };
  const Ref<Node> node(new FunctionNode<decltype(refuse)>("NotImplemented", refuse));
  detail::connect(*node, x);
  node->add_output(x);
  rebase_history(x, node);
  return x;
}

// A new tensor object of a Python subclass over the same memory, a leaf.
nb::object make_subclass(nb::handle type, const Tensor& data, bool requires_grad) {
  check<TypeError>(PyType_Check(type.ptr()) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type.ptr()),
                                                                Py_TYPE(to_python(data).ptr())),
                   "cls must be a class derived from Tensor");
  auto* impl = new TensorImpl;
  nb::object object = wrap(reinterpret_cast<PyTypeObject*>(type.ptr()), impl);
  impl->storage = data->storage;
  impl->offset = data->offset;
  impl->sizes = data.sizes();
  impl->strides = data.strides();
  impl->dtype = data.dtype();
  if (requires_grad) set_requires_grad(Tensor(impl), true);
  return object;
}

// The layouts beside the plain one are made of permutations, in Python.
nb::object clone_as(const Tensor& x, nb::handle format) {
  return format.is_none() ? nb::cast(clone(x)) : package("_layout", "clone")(x, format);
}

bool is_leaf(const Tensor& x) {
  // The grad_fn of a view made under no_grad may raise.
  const GradMeta* meta = grad_meta_or_null(x);
  return x->no_grad_view ? !meta || !meta->grad_fn : !grad_fn(x);
}

void bind(nb::module_& m, TensorClass& tensor) {
  // ---- what it is
  tensor
      .def_prop_ro(
          "shape", [](const Tensor& x) { return size_object(x.sizes()); }, "The size of each dimension.")
      .def(
          "size",
          [](const Tensor& x, std::optional<Int> dim) -> nb::object {
            if (!dim) return size_object(x.sizes());
            check<IndexError>(x.dim() > 0, "Dimension specified as ", dim->value,
                              " but tensor has no dimensions");
            return nb::int_(x.size(wrap_dim(*dim, x.dim())));
          },
          "dim"_a = nb::none(), "All sizes, or that of one dimension.")
      .def(
          "stride",
          [](const Tensor& x, std::optional<Int> dim) -> nb::object {
            if (!dim) return int_tuple(x.strides());
            check<IndexError>(x.dim() > 0, "Dimension specified as ", dim->value,
                              " but tensor has no dimensions");
            return nb::int_(x.stride(wrap_dim(*dim, x.dim())));
          },
          "dim"_a = nb::none(), "The steps between neighbours, in elements.")
      .def_prop_ro(
          "dtype", [](const Tensor& x) { return x.dtype(); }, "The type of the elements.")
      .def_prop_ro(
          "ndim", [](const Tensor& x) { return x.dim(); }, "The number of dimensions.")
      .def(
          "dim", [](const Tensor& x) { return x.dim(); }, "The number of dimensions.")
      .def(
          "ndimension", [](const Tensor& x) { return x.dim(); }, "The number of dimensions.")
      .def(
          "numel", [](const Tensor& x) { return x.numel(); }, "The number of elements.")
      .def(
          "nelement", [](const Tensor& x) { return x.numel(); }, "The number of elements.")
      .def_prop_ro(
          "itemsize", [](const Tensor& x) { return itemsize(x.dtype()); }, "Bytes an element.")
      .def(
          "element_size", [](const Tensor& x) { return itemsize(x.dtype()); }, "Bytes an element.")
      .def_prop_ro(
          "nbytes", [](const Tensor& x) { return x.numel() * itemsize(x.dtype()); }, "Bytes of all elements.")
      .def(
          "storage_offset", [](const Tensor& x) { return x->offset; },
          "Where it begins in its memory, in elements.")
      .def(
          "data_ptr", [](const Tensor& x) { return reinterpret_cast<uintptr_t>(x.raw()); },
          "The address of the first element.")
      .def("_storage_ptr", [](const Tensor& x) { return reinterpret_cast<uintptr_t>(x->storage->data()); })
      .def("_storage_nbytes", [](const Tensor& x) { return x->storage->bytes(); })
      .def(
          "is_contiguous",
          [](const Tensor& x, nb::handle format) {
            return format.is_none() ? x.is_contiguous()
                                    : nb::cast<bool>(package("_layout", "is_contiguous")(x, format));
          },
          "memory_format"_a = nb::none(), "Do the elements lie in row-major order without gaps?")
      .def(
          "is_floating_point", [](const Tensor& x) { return is_floating(x.dtype()); },
          "Is the type a floating one?")
      .def("is_complex", [](const Tensor&) { return false; })
      .def("is_signed", [](const Tensor& x) { return x.dtype() != DType::u8 && x.dtype() != DType::boolean; })
      .def("is_inference", [](const Tensor& x) { return x->inference; })
      .def("_is_view", [](const Tensor& x) { return static_cast<bool>(x->base); })
      .def_prop_ro(
          "_base", [](const Tensor& x) { return Tensor(x->base); },
          "For a view: the tensor that owns the memory.")
      .def_prop_ro(
          "_version", [](const Tensor& x) { return x->storage->version(); },
          "How often the memory was changed in place.");

  // ---- its place in the graph
  tensor
      .def_prop_rw(
          "requires_grad", [](const Tensor& x) { return x.requires_grad(); },
          [](const Tensor& x, bool value) { set_requires_grad(x, value); }, "Are operations on it recorded?")
      .def(
          "requires_grad_",
          [](Tensor x, bool value) {
            set_requires_grad(x, value);
            return x;
          },
          "requires_grad"_a = true, "Switches recording on or off.")
      .def_prop_rw(
          "grad",
          [](const Tensor& x) {
            const GradMeta* meta = grad_meta_or_null(x);
            return meta ? meta->grad : Tensor();
          },
          set_grad, nb::arg().none(), "The gradient that backward has accumulated, or None.")
      .def_prop_ro(
          "grad_fn", [](const Tensor& x) { return grad_fn(x); },
          "The operation that made it, or None for a leaf.")
      .def_prop_ro("is_leaf", is_leaf, "Was it made by the user rather than by a recorded operation?")
      .def_prop_ro("output_nr",
                   [](const Tensor& x) {
                     const GradMeta* meta = grad_meta_or_null(x);
                     return meta ? meta->output_nr : 0;
                   })
      .def_prop_ro("retains_grad",
                   [](const Tensor& x) {
                     const GradMeta* meta = grad_meta_or_null(x);
                     return meta && meta->retains_grad;
                   })
      .def(
          "retain_grad",
          [](const Tensor& x) {
            check(x.requires_grad(), "can't retain_grad on Tensor that has requires_grad=False");
            if (is_leaf(x)) return;
            const Ref<Node> node = grad_fn(x);
            GradMeta& meta = grad_meta(x);
            if (meta.retains_grad) return;
            meta.retains_grad = true;
            node->extra().retained.emplace_back(meta.output_nr, Ref<TensorImpl>(x.impl()));
          },
          "Keeps .grad though it is no leaf.")
      .def_prop_rw("data", get_data, set_data, "The values, outside the graph.")
      .def(
          "detach", [](const Tensor& x) { return detach(x); }, "The same memory, outside the graph.")
      .def(
          "detach_",
          [](Tensor x) {
            check_own(x, "detach_");
            check(!x->base, "Can't detach views in-place. Use detach() instead.");
            if (GradMeta* meta = grad_meta_or_null(x)) {
              meta->grad_fn = nullptr;
              meta->output_nr = 0;
            }
            x->requires_grad = false;
            x->base = nullptr;
            return x;
          },
          "Takes it out of the graph.");
  m.def("_make_subclass", make_subclass, "cls"_a, "data"_a, "requires_grad"_a = false);

  // ---- values
  tensor.def("item", item, "The one element as a Python number.")
      .def(
          "tolist",
          [](const Tensor& x) {
            int64_t lists = 1;  // of one dimension, or the elements of all
            for (const int64_t size : x.sizes()) {
              lists *= size;
              check(lists <= kLongestList, "tolist(): a tensor of sizes ", x.sizes(),
                    " makes more lists and numbers than memory holds");
            }
            return to_list(x, 0, static_cast<const char*>(x.raw()));
          },
          "The values as nested lists of Python numbers.")
      .def("clone", clone_as, nb::kw_only(), "memory_format"_a = nb::none(),
           "A copy in memory of its own; gradients pass.")
      .def(
          "contiguous",
          [](const Tensor& x, nb::handle format) -> nb::object {
            return format.is_none() ? nb::cast(contiguous(x)) : package("_layout", "contiguous")(x, format);
          },
          "memory_format"_a = nb::none(), "Itself, or a copy in row-major order.")
      .def(
          "_cast", [](const Tensor& x, DType dtype) { return cast(x, dtype); }, "dtype"_a)
      .def(
          "copy_",
          [](Tensor x, const Operand& source, bool) {
            return source.is_tensor() ? copy_(x, source.tensor()) : fill_(x, source.scalar());
          },
          "src"_a, "non_blocking"_a = false, "Takes over the values of another tensor, broadcast and cast.")
      .def(
          "fill_",
          [](Tensor x, const Operand& value) {
            return value.is_tensor() ? fill_(x, value.tensor()) : fill_(x, value.scalar());
          },
          "value"_a, "Sets every element.")
      .def(
          "zero_", [](Tensor x) { return zero_(x); }, "Sets every element to 0.")
      .def("set_", set_memory, "source"_a, "Takes over another tensor's memory.");
  m.def("_clone_in_order", clone_in_order, "x"_a, "order"_a);
  both(m, tensor, "_clone", [](const Tensor& x) { return clone(x); });
  m.def("clone", clone_as, "input"_a, nb::kw_only(), "memory_format"_a = nb::none(),
        "A copy in memory of its own; gradients pass.");
  m.def(
      "detach", [](const Tensor& x) { return detach(x); }, "input"_a, "The same memory, outside the graph.");
  m.def("numel", [](const Tensor& x) { return x.numel(); }, "input"_a, "The number of elements.");
  m.def("is_floating_point", [](const Tensor& x) { return is_floating(x.dtype()); }, "input"_a);
  m.def("get_default_dtype", get_default_dtype, "The type of floating tensors made without one.");
  m.def("_set_default_dtype", set_default_dtype, "dtype"_a);
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

// x[...] with numbers, slices, None and Ellipsis: views. What needs gathering goes to penlight/_indexing.py.
#include "bindings/python.h"
#include "ops/copy.h"
#include "ops/shape.h"

namespace penlight::bindings {

namespace {

bool is_basic(nb::handle item) {
  PyObject* o = item.ptr();
  if (o == Py_None || o == Py_Ellipsis || PySlice_Check(o)) return true;
  if (PyBool_Check(o) || is_tensor(item) || PyList_Check(o) || PyTuple_Check(o)) return false;
  return PyIndex_Check(o) && !nb::hasattr(item, "__array_interface__");
}

std::optional<int64_t> bound(PyObject* value) {
  if (value == Py_None) return std::nullopt;
  const Py_ssize_t number =
      PyNumber_AsSsize_t(value, nullptr);  // clipped to the range, as Python's slices are
  if (number == -1 && PyErr_Occurred()) throw nb::python_error();
  return number;
}

int64_t consumed(nb::handle item) {
  return item.is_none() || item.ptr() == Py_Ellipsis ? 0 : 1;
}

// The view x[items], or nothing where an item is not basic.
std::optional<Tensor> basic_view(const Tensor& x, nb::handle index) {
  const bool many = PyTuple_Check(index.ptr());
  const Py_ssize_t count = many ? PyTuple_GET_SIZE(index.ptr()) : 1;
  const auto item_at = [&](Py_ssize_t i) {
    return many ? nb::handle(PyTuple_GET_ITEM(index.ptr(), i)) : index;
  };
  int64_t used = 0;
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!is_basic(item_at(i))) return std::nullopt;
    used += consumed(item_at(i));
  }
  check<IndexError>(x.dim() > 0 || used == 0 || many,
                    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                    "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number");
  check<IndexError>(used <= x.dim(), "too many indices for tensor of dimension ", x.dim());
  Tensor y = x;
  int64_t dim = 0;
  bool ellipsis = false;
  for (Py_ssize_t i = 0; i < count; ++i) {
    nb::handle item = item_at(i);
    if (item.is_none()) {
      y = unsqueeze(y, dim++);
    } else if (item.ptr() == Py_Ellipsis) {
      if (!ellipsis) dim += x.dim() - used;
      ellipsis = true;
    } else if (PySlice_Check(item.ptr())) {
      auto* s = reinterpret_cast<PySliceObject*>(item.ptr());
      const auto start = bound(s->start), stop = bound(s->stop), step = bound(s->step);
      check<ValueError>(step.value_or(1) != 0, "slice step cannot be zero");
      check<ValueError>(step.value_or(1) > 0, "step must be greater than zero");
      if (start || stop || step.value_or(1) != 1) y = slice(y, dim, start, stop, step.value_or(1));
      ++dim;
    } else {
      const Py_ssize_t number = PyNumber_AsSsize_t(item.ptr(), PyExc_IndexError);
      if (number == -1 && PyErr_Occurred()) throw nb::python_error();
      y = select(y, dim, number);
    }
  }
  return y.same(x) ? view_as_self(x) : y;
}

void bind(nb::module_&, TensorClass& tensor) {
  tensor.def(
      "__getitem__",
      [](const Tensor& x, nb::handle index) -> nb::object {
        if (auto view = basic_view(x, index)) return to_python(*view);
        return package("_indexing", "getitem")(to_python(x), index);
      },
      "index"_a.none());
  tensor.def(
      "__setitem__",
      [](const Tensor& x, nb::handle index, nb::handle value) {
        std::optional<Tensor> view;
        {
          // The window itself is no recorded operation: what is written through it is.
          GradModeGuard recording(grad_mode.enabled);
          view = basic_view(x, index);
        }
        if (!view) {
          package("_indexing", "setitem")(to_python(x), index, value);
          return;
        }
        if (is_tensor(value)) {
          Tensor source = tensor_of(value);
          // Leading dimensions of size 1 of the source may be dropped.
          while (source.dim() > view->dim() && source.size(0) == 1) source = select(source, 0, 0);
          copy_(*view, source);
          return;
        }
        std::optional<Scalar> scalar;
        if (scalar_from(value, &scalar)) {
          fill_(*view, *scalar);
          return;
        }
        copy_(*view,
              nb::cast<Tensor>(package("_functions", "as_tensor")(value, "dtype"_a = to_python(x.dtype()))));
      },
      "index"_a.none(), "value"_a.none());
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

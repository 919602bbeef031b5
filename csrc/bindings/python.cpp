#include "bindings/python.h"

#include <structmember.h>

#include <chrono>
#include <thread>
#include <vector>

namespace penlight::bindings {

namespace {

std::vector<Family::Bind>& families() {
  static std::vector<Family::Bind> list;
  return list;
}

struct DTypeObject {
  DType dtype;
};
PyObject* dtype_objects[kDTypeCount];
PyTypeObject* tensor_type = nullptr;
PyTypeObject* node_type = nullptr;
PyTypeObject* size_type = nullptr;

// ---- reference counts held by Python

std::vector<PyObject*> pending;
bool dropping = false;

// Drops the last reference only when no other drop is under way, so that long chains do not recurse.
void drop_reference(void* pointer) noexcept {
  auto* object = static_cast<PyObject*>(pointer);
  if (Py_REFCNT(object) > 1) {
    Py_DECREF(object);
    return;
  }
  pending.push_back(object);
  if (dropping) return;
  dropping = true;
  while (!pending.empty()) {
    PyObject* next = pending.back();
    pending.pop_back();
    Py_DECREF(next);
  }
  dropping = false;
}

std::string line_in_user_code() {
  PyFrameObject* frame = PyEval_GetFrame();
  Py_XINCREF(frame);
  std::string place;
  while (frame) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    const char* file = PyUnicode_AsUTF8(code->co_filename);
    place = text(file ? file : "?", ":", PyFrame_GetLineNumber(frame));
    const bool own = file && std::strstr(file, "/penlight/") && !std::strstr(file, "/tests/");
    Py_DECREF(code);
    PyFrameObject* back = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = back;
    if (!own) break;
  }
  Py_XDECREF(frame);
  PyErr_Clear();
  return place;
}

void install_hooks() {
  python::incref = [](void* object) noexcept { Py_INCREF(static_cast<PyObject*>(object)); };
  python::decref = drop_reference;
  python::release_lock = []() noexcept -> void* {
    return PyGILState_Check() ? PyEval_SaveThread() : nullptr;
  };
  python::alive = [](void* object) noexcept { return Py_REFCNT(static_cast<PyObject*>(object)) > 0; };
  python::acquire_lock = [](void* state) noexcept {
    // Once the interpreter ends, Python would end this (daemon) thread by unwinding it, through functions
    // that cannot be unwound. It waits instead for the process to end.
    try {
      PyEval_RestoreThread(static_cast<PyThreadState*>(state));
    } catch (...) {
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
  };
  current_line = line_in_user_code;
}

void translate(const std::exception_ptr& exception, void*) {
  try {
    std::rethrow_exception(exception);
  } catch (const TypeError& error) {
    PyErr_SetString(PyExc_TypeError, error.what());
  } catch (const NotImplementedError& error) {
    PyErr_SetString(PyExc_NotImplementedError, error.what());
  }
}

// Tensor(...) and the call of a subclass of Tensor.
PyObject* new_tensor(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  try {
    const nb::object make = package("_legacy_types", "tensor_of_class");
    const nb::object first = nb::make_tuple(nb::handle(reinterpret_cast<PyObject*>(type)));
    const nb::object all = nb::steal(PySequence_Concat(first.ptr(), args));
    return PyObject_Call(make.ptr(), all.ptr(), kwargs);
  } catch (nb::python_error& error) {
    error.restore();
    return nullptr;
  }
}
int initialised_already(PyObject*, PyObject*, PyObject*) {
  return 0;
}

// A Python object only refers to ours; ours goes with it. (nanobind would free a node itself, but knows
// nothing of the pool.)
destructor plain_dealloc = nullptr;

void dealloc_node(PyObject* self) {
  Node* node = nb::inst_ready(self) ? nb::inst_ptr<Node>(self) : nullptr;
  if (node) node->leave_python();
  plain_dealloc(self);
  delete node;
}

void dealloc_tensor(PyObject* self) {
  PyObject_GC_UnTrack(self);
  auto* object = reinterpret_cast<TensorObject*>(self);
  if (object->weak_references) PyObject_ClearWeakRefs(self);
  Py_CLEAR(object->attributes);
  TensorImpl* impl = object->impl;
  if (impl) impl->leave_python();
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
  delete impl;
}

PyMemberDef tensor_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(TensorObject, attributes), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef tensor_computed[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

constexpr const char* kTensorDoc =
    "A multi-dimensional array of one type that records operations for differentiation.";

PyType_Slot tensor_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc_tensor)},
                              {Py_tp_doc, const_cast<char*>(kTensorDoc)},
                              {Py_tp_members, tensor_members},
                              {Py_tp_getset, tensor_computed},
                              {Py_tp_new, reinterpret_cast<void*>(new_tensor)},
                              {Py_tp_init, reinterpret_cast<void*>(initialised_already)},
                              {Py_tp_traverse, reinterpret_cast<void*>(traverse_tensor)},
                              {Py_tp_clear, reinterpret_cast<void*>(clear_tensor)},
                              {0, nullptr}};

PyType_Spec tensor_spec = {"penlight._C.Tensor", sizeof(TensorObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, tensor_slots};

}  // namespace

TensorClass::TensorClass(nb::module_& m) : nb::object(nb::steal(PyType_FromSpec(&tensor_spec))) {
  // Messages of the interpreter name a type by tp_name, which would come with the module's name before it.
  reinterpret_cast<PyTypeObject*>(ptr())->tp_name = "Tensor";
  attr("__module__") = m.attr("__name__");
  m.attr("Tensor") = *this;
}

TensorClass& TensorClass::property(const char* name, const nb::object& get, const nb::object& set,
                                   const std::string& documentation) {
  const nb::object words = documentation.empty() ? nb::none() : nb::object(nb::str(documentation.c_str()));
  attr(name) = nb::handle(reinterpret_cast<PyObject*>(&PyProperty_Type))(get, set, nb::none(), words);
  return *this;
}

Family::Family(Bind bind) {
  families().push_back(bind);
}

// ---- tensors and nodes

bool is_tensor(nb::handle object) {
  return Py_TYPE(object.ptr()) == tensor_type || PyType_IsSubtype(Py_TYPE(object.ptr()), tensor_type);
}

Tensor tensor_of(nb::handle object) {
  return Tensor(reinterpret_cast<TensorObject*>(object.ptr())->impl);
}

nb::object to_python(const Tensor& tensor) {
  if (!tensor.defined()) return nb::none();
  TensorImpl* impl = tensor.impl();
  if (void* object = impl->python_object()) return nb::borrow(static_cast<PyObject*>(object));
  return wrap(tensor_type, impl);
}

nb::object wrap(PyTypeObject* type, TensorImpl* impl) {
  PyObject* object = type->tp_alloc(type, 0);
  if (!object) throw nb::python_error();
  reinterpret_cast<TensorObject*>(object)->impl = impl;
  impl->move_count_to(object);
  return nb::steal(object);
}

// Every name has a Python type of its own, so that type(fn).__name__ reads as in PyTorch.
nb::object to_python(const Ref<Node>& node) {
  if (!node) return nb::none();
  if (void* object = node->python_object()) return nb::borrow(static_cast<PyObject*>(object));
  static PyObject* const types = PyDict_New();  // lives to the end of the process
  const std::string name = node->name();
  nb::object key = nb::steal(PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size())));
  PyObject* type = PyDict_GetItem(types, key.ptr());
  nb::object made;
  if (!type) {
    nb::dict contents;
    contents["__module__"] = "torch.autograd.function";
    made = nb::handle(reinterpret_cast<PyObject*>(&PyType_Type))(
        key, nb::make_tuple(nb::handle(reinterpret_cast<PyObject*>(node_type))), contents);
    PyDict_SetItem(types, key.ptr(), made.ptr());
    type = made.ptr();
  }
  nb::object object = nb::inst_reference(nb::handle(type), node.get());
  node->move_count_to(object.ptr());
  return object;
}

// ---- dtypes, numbers, sizes

nb::object to_python(DType dtype) {
  return nb::borrow(dtype_objects[static_cast<int>(dtype)]);
}

bool dtype_from(nb::handle object, DType* dtype) {
  for (int i = 0; i < kDTypeCount; ++i)
    if (object.ptr() == dtype_objects[i]) {
      *dtype = static_cast<DType>(i);
      return true;
    }
  if (object.ptr() == reinterpret_cast<PyObject*>(&PyFloat_Type))
    *dtype = DType::f64;
  else if (object.ptr() == reinterpret_cast<PyObject*>(&PyLong_Type))
    *dtype = DType::i64;
  else if (object.ptr() == reinterpret_cast<PyObject*>(&PyBool_Type))
    *dtype = DType::boolean;
  else
    return false;
  return true;
}

bool scalar_from(nb::handle object, std::optional<Scalar>* scalar) {
  PyObject* o = object.ptr();
  if (PyFloat_Check(o)) {
    scalar->emplace(PyFloat_AS_DOUBLE(o));
    return true;
  }
  if (PyBool_Check(o)) {
    scalar->emplace(o == Py_True);
    return true;
  }
  if (PyLong_Check(o)) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow) return false;
    scalar->emplace(static_cast<int64_t>(value));
    return true;
  }
  // Numbers of other libraries (NumPy's scalars), but no arrays, strings or complex numbers.
  if (is_tensor(object) || PyUnicode_Check(o) || PySequence_Check(o) || PyComplex_Check(o)) return false;
  const char* type = Py_TYPE(o)->tp_name;
  if (std::strcmp(type, "numpy.bool") == 0 || std::strcmp(type, "numpy.bool_") == 0) {
    scalar->emplace(PyObject_IsTrue(o) == 1);
    return true;
  }
  if (PyIndex_Check(o)) {
    nb::object number = nb::steal(PyNumber_Index(o));
    if (number.is_valid()) return scalar_from(number, scalar);
  } else if (Py_TYPE(o)->tp_as_number && Py_TYPE(o)->tp_as_number->nb_float) {
    nb::object number = nb::steal(PyNumber_Float(o));
    if (number.is_valid()) return scalar_from(number, scalar);
  }
  PyErr_Clear();
  return false;
}

bool dims_from(nb::handle object, Dims* dims) {
  PyObject* o = object.ptr();
  const auto add = [dims](PyObject* item) {
    if (PyBool_Check(item) || !PyIndex_Check(item)) return false;
    const Py_ssize_t value = PyNumber_AsSsize_t(item, PyExc_OverflowError);
    if (value == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      return false;
    }
    dims->push_back(value);
    return true;
  };
  dims->clear();
  if (PyTuple_Check(o) || PyList_Check(o)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {  // __index__ may change the list
      const nb::object item = nb::borrow(PySequence_Fast_GET_ITEM(o, i));
      if (!add(item.ptr())) return false;
    }
    return true;
  }
  if (PyIndex_Check(o)) return add(o);
  if (PyUnicode_Check(o) || is_tensor(object) || !PySequence_Check(o)) return false;
  nb::object list = nb::steal(PySequence_List(o));
  if (list.is_valid()) return dims_from(list, dims);
  PyErr_Clear();
  return false;
}

nb::object int_tuple(const Dims& values) {
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), PyLong_FromLongLong(values[i]));
  return nb::steal(tuple);
}

nb::object size_object(const Dims& sizes) {
  if (!size_type) size_type = reinterpret_cast<PyTypeObject*>(package("_size", "Size").release().ptr());
  const nb::object values = int_tuple(sizes);
  const nb::object arguments = nb::make_tuple(values);
  PyObject* made = PyTuple_Type.tp_new(size_type, arguments.ptr(), nullptr);
  if (!made) throw nb::python_error();
  return nb::steal(made);
}

Dims dims_from_args(const nb::args& args, const char* function, std::size_t from) {
  Dims dims;
  if (args.size() == from + 1 && dims_from(args[from], &dims)) return dims;
  dims.clear();
  for (std::size_t i = from; i < args.size(); ++i) {
    Dims one;
    const bool fine = PyIndex_Check(args[i].ptr()) && dims_from(args[i], &one) && one.size() == 1;
    check<TypeError>(fine, function, "(): argument 'size' (position ", i - from + 1,
                     ") must be tuple of ints, not ", Py_TYPE(args[i].ptr())->tp_name);
    dims.push_back(one[0]);
  }
  return dims;
}

std::vector<Tensor> tensors_from(nb::handle sequence, const char* what) {
  nb::object items;
  if (!is_tensor(sequence)) items = nb::steal(PySequence_Fast(sequence.ptr(), ""));
  if (!items.is_valid()) {
    PyErr_Clear();
    fail<TypeError>(what, " must be tuple of Tensors, not ", Py_TYPE(sequence.ptr())->tp_name);
  }
  std::vector<Tensor> tensors;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(items.ptr());
  for (Py_ssize_t i = 0; i < count; ++i) {
    nb::handle item = PySequence_Fast_GET_ITEM(items.ptr(), i);
    check<TypeError>(is_tensor(item), "expected Tensor as element ", i, " in ", what, ", but got ",
                     Py_TYPE(item.ptr())->tp_name);
    tensors.push_back(tensor_of(item));
  }
  return tensors;
}

nb::object package(const char* module, const char* name) {
  return nb::module_::import_((std::string("penlight.") + module).c_str()).attr(name);
}

}  // namespace penlight::bindings

NB_MODULE(_C, m) {
  using namespace penlight;
  using namespace penlight::bindings;
  m.doc() = "penlight's compiled core.";
  nb::set_leak_warnings(false);
  install_hooks();
  nb::register_exception_translator(translate);

  nb::class_<DTypeObject> dtype(m, "dtype", "The type of a tensor's elements.");
  dtype.def_prop_ro("itemsize", [](const DTypeObject& d) { return itemsize(d.dtype); })
      .def_prop_ro("is_floating_point", [](const DTypeObject& d) { return is_floating(d.dtype); })
      .def_prop_ro("is_complex", [](const DTypeObject&) { return false; })
      .def_prop_ro("is_signed",
                   [](const DTypeObject& d) { return d.dtype != DType::u8 && d.dtype != DType::boolean; })
      .def("__repr__", [](const DTypeObject& d) { return dtype_name(d.dtype); })
      .def("__reduce__",
           [](const DTypeObject& d) {
             return nb::make_tuple(package("_typeinfo", "dtype_named"),
                                   nb::make_tuple(dtype_name(d.dtype) + 6));
           })
      .def("to_real", [](nb::handle self) { return nb::borrow(self); });
  const auto add_dtype = [&](DType value, std::initializer_list<const char*> names) {
    nb::object object = nb::inst_alloc(dtype);
    new (nb::inst_ptr<DTypeObject>(object)) DTypeObject{value};
    nb::inst_mark_ready(object);
    dtype_objects[static_cast<int>(value)] = object.inc_ref().ptr();
    for (const char* name : names) m.attr(name) = object;
  };
  add_dtype(DType::u8, {"uint8"});
  add_dtype(DType::i8, {"int8"});
  add_dtype(DType::i16, {"int16", "short"});
  add_dtype(DType::i32, {"int32", "int"});
  add_dtype(DType::i64, {"int64", "long"});
  add_dtype(DType::f16, {"float16", "half"});
  add_dtype(DType::bf16, {"bfloat16"});
  add_dtype(DType::f32, {"float32", "float"});
  add_dtype(DType::f64, {"float64", "double"});
  add_dtype(DType::boolean, {"bool"});

  TensorClass tensor(m);
  tensor_type = reinterpret_cast<PyTypeObject*>(tensor.ptr());
  nb::class_<Node> node(m, "Node", nb::dynamic_attr(), nb::is_weak_referenceable(),
                        nb::type_slots(node_slots), "An operation in the graph behind a tensor.");
  node_type = reinterpret_cast<PyTypeObject*>(node.ptr());
  m.attr("_Node") = node;
  plain_dealloc = node_type->tp_dealloc;
  node_type->tp_dealloc = dealloc_node;

  for (Family::Bind bind : families()) bind(m, tensor);
}

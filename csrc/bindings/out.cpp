// out=: functions that may be told where to put their result.
//
// WithOut is a callable around a function. A call without the keyword goes straight on, at the cost of a look
// at the keywords' names; one with it goes to a Python function (penlight/_out.py), which is given the
// function and the arguments.
#include "bindings/python.h"

#include <structmember.h>

namespace penlight::bindings {

namespace {

struct WithOut {
  PyObject_HEAD PyObject* function;
  PyObject* call_into;
  vectorcallfunc vectorcall;
};

PyObject* call(PyObject* self, PyObject* const* args, std::size_t flags, PyObject* keywords) {
  static PyObject* const out = PyUnicode_InternFromString("out");
  const auto* callable = reinterpret_cast<WithOut*>(self);
  bool asked = false;
  for (Py_ssize_t i = 0; keywords && i < PyTuple_GET_SIZE(keywords) && !asked; ++i) {
    PyObject* name = PyTuple_GET_ITEM(keywords, i);
    asked = name == out || (!PyUnicode_CHECK_INTERNED(name) && PyUnicode_Compare(name, out) == 0);
  }
  if (!asked) return PyObject_Vectorcall(callable->function, args, flags, keywords);
  const Py_ssize_t count = PyVectorcall_NARGS(flags) + PyTuple_GET_SIZE(keywords);
  std::vector<PyObject*> all{callable->function};
  all.insert(all.end(), args, args + count);
  return PyObject_Vectorcall(callable->call_into, all.data(),
                             static_cast<std::size_t>(PyVectorcall_NARGS(flags) + 1), keywords);
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject *function, *call_into;
  if (!PyArg_ParseTuple(args, "OO", &function, &call_into)) return nullptr;
  auto* self = reinterpret_cast<WithOut*>(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  self->function = Py_NewRef(function);
  self->call_into = Py_NewRef(call_into);
  self->vectorcall = call;
  return reinterpret_cast<PyObject*>(self);
}

void destroy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_DECREF(reinterpret_cast<WithOut*>(self)->function);
  Py_DECREF(reinterpret_cast<WithOut*>(self)->call_into);
  type->tp_free(self);
  Py_DECREF(type);
}

// What is asked of a function (its name, its documentation, its signature) is the wrapped function's.
PyObject* attribute(PyObject* self, PyObject* name) {
  if (PyUnicode_CompareWithASCIIString(name, "__module__") == 0) return PyUnicode_FromString("penlight");
  PyObject* found = PyObject_GenericGetAttr(self, name);
  if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
  PyErr_Clear();
  return PyObject_GetAttr(reinterpret_cast<WithOut*>(self)->function, name);
}

PyObject* documentation(PyObject* self, void*) {
  return PyObject_GetAttrString(reinterpret_cast<WithOut*>(self)->function, "__doc__");
}

PyObject* print(PyObject* self) {
  const nb::object name = nb::steal(PyObject_GetAttrString(self, "__name__"));
  return name.is_valid() ? PyUnicode_FromFormat("<function penlight.%U>", name.ptr()) : nullptr;
}

// As an attribute of a class it is not bound: functions of a module are not methods. (To have this at all
// makes it a routine to help().)
PyObject* itself(PyObject* self, PyObject*, PyObject*) {
  return Py_NewRef(self);
}

// Pickled and copied by name, as functions are.
PyObject* reduce(PyObject* self, PyObject*) {
  return PyObject_GetAttrString(reinterpret_cast<WithOut*>(self)->function, "__name__");
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(WithOut, vectorcall), READONLY, nullptr},
    {"__wrapped__", T_OBJECT, offsetof(WithOut, function), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef computed[] = {
    {"__doc__", documentation, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_getattro, reinterpret_cast<void*>(attribute)},
    {Py_tp_descr_get, reinterpret_cast<void*>(itself)},
    {Py_tp_repr, reinterpret_cast<void*>(print)},
    {Py_tp_members, members},
    {Py_tp_getset, computed},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"penlight._C.WithOut", sizeof(WithOut), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL, slots};

const Family family{
    [](nb::module_& m, TensorClass&) { m.attr("WithOut") = nb::steal(PyType_FromSpec(&spec)); }};

}  // namespace

}  // namespace penlight::bindings

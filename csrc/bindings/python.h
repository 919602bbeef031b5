// Conversions between Python objects and the core's types, and how the files of this folder register
// themselves.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "autograd/engine.h"
#include "autograd/view.h"
#include "ops/elementwise.h"
#include "tensor/promotion.h"
#include "tensor/tensor.h"
#include "tensor/unlocked.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace penlight::bindings {

// A tensor as a Python object: it refers to ours, and has room for attributes and weak references. The type
// is our own rather than one of nanobind's, whose objects hold room for a TensorImpl and stand in a table
// besides.
struct TensorObject {
  PyObject_HEAD TensorImpl* impl;
  PyObject *attributes, *weak_references;
};

// The Python type Tensor while it is given its methods, as nanobind's class_ does it.
class TensorClass : public nb::object {
 public:
  explicit TensorClass(nb::module_& m);

  template <class F, class... Extra>
  TensorClass& def(const char* name, F&& f, const Extra&... extra) {
    nb::cpp_function_def(std::forward<F>(f), nb::scope(*this), nb::name(name), nb::is_method(), extra...);
    return *this;
  }
  template <class Getter, class... Extra>
  TensorClass& def_prop_ro(const char* name, Getter&& getter, const Extra&... extra) {
    const nb::object get =
        nb::cpp_function(std::forward<Getter>(getter), nb::is_method(), nb::is_getter(), extra...);
    return property(name, get, nb::none(), (documentation(extra) + ... + std::string()));
  }
  template <class Getter, class Setter, class... Extra>
  TensorClass& def_prop_rw(const char* name, Getter&& getter, Setter&& setter, const Extra&... extra) {
    const nb::object get =
        nb::cpp_function(std::forward<Getter>(getter), nb::is_method(), nb::is_getter(), extra...);
    const nb::object set = nb::cpp_function(std::forward<Setter>(setter), nb::is_method(), extra...);
    return property(name, get, set, (documentation(extra) + ... + std::string()));
  }

 private:
  static std::string documentation(const char* words) { return words; }
  template <class T>
  static std::string documentation(const T&) {
    return {};
  }
  TensorClass& property(const char* name, const nb::object& get, const nb::object& set,
                        const std::string& documentation);
};

// A file of bindings: static const Family family{[](nb::module_& m, TensorClass& tensor) { ... }};
struct Family {
  using Bind = void (*)(nb::module_&, TensorClass&);
  explicit Family(Bind bind);
};

// A function of the module and a method of Tensor.
template <class F, class... Extra>
void both(nb::module_& m, TensorClass& tensor, const char* name, F f, const Extra&... extra) {
  m.def(name, f, "input"_a, extra...);
  tensor.def(name, f, extra...);
}

// ---- objects

nb::object to_python(const Tensor& tensor);             // None where undefined
nb::object wrap(PyTypeObject* type, TensorImpl* impl);  // a new object of Tensor or a subclass
nb::object to_python(const Ref<Node>& node);
nb::object to_python(DType dtype);
bool is_tensor(nb::handle object);
Tensor tensor_of(nb::handle object);  // of a Tensor
bool dtype_from(nb::handle object, DType* dtype);
bool scalar_from(nb::handle object, std::optional<Scalar>* scalar);
bool dims_from(nb::handle object, Dims* dims);  // an int or a sequence of ints
nb::object size_object(const Dims& sizes);      // penlight.Size
nb::object int_tuple(const Dims& values);
// Sizes given as separate numbers or as one sequence: f(2, 3) or f((2, 3)).
Dims dims_from_args(const nb::args& args, const char* function, std::size_t from = 0);
std::vector<Tensor> tensors_from(nb::handle sequence, const char* what);

// Attribute of a module of the package, imported at first use.
nb::object package(const char* module, const char* name);

// What Python's cycle collector sees of tensors and nodes (garbage.cpp); the last holds Node's.
int traverse_tensor(PyObject* self, visitproc visit, void* arg);
int clear_tensor(PyObject* self);
extern PyType_Slot node_slots[];

// A hook that calls a Python function.
struct PythonHook final : Hook {
  nb::object function;
  explicit PythonHook(nb::object f) : function(std::move(f)) {}
  Tensor on_tensor(const Tensor& grad) override;
  void on_node(Grads& grads) override;
  void after_node(Grads& inputs, const Grads& outputs) override;
  void on_accumulated(const Tensor& variable) override;
};

// What a pair of Python functions made of a saved tensor.
struct PythonPacked final : Packed {
  nb::object pack_hook, unpack_hook, value;
  PythonPacked(nb::object pack, nb::object unpack_by, const Tensor& tensor);
  Tensor unpack() override;
  Ref<Packed> again(const Tensor& other) override;
};

// A size, dimension or number of elements: int or anything with __index__.
struct Int {
  int64_t value = 0;
  operator int64_t() const { return value; }
};

}  // namespace penlight::bindings

namespace nanobind::detail {

template <>
struct type_caster<penlight::Tensor> {
  NB_TYPE_CASTER(penlight::Tensor, const_name("Tensor"))
  bool from_python(handle source, uint8_t, cleanup_list*) noexcept {
    if (!penlight::bindings::is_tensor(source)) return false;
    value = penlight::bindings::tensor_of(source);
    return true;
  }
  static handle from_cpp(const penlight::Tensor& tensor, rv_policy, cleanup_list*) noexcept {
    return penlight::bindings::to_python(tensor).release();
  }
};

template <>
struct type_caster<penlight::Ref<penlight::Node>> {
  NB_TYPE_CASTER(penlight::Ref<penlight::Node>, const_name("Node"))
  bool from_python(handle source, uint8_t, cleanup_list*) noexcept {
    penlight::Node* node;
    if (!nb::try_cast<penlight::Node*>(source, node) || !node) return false;
    value = penlight::Ref<penlight::Node>(node);
    return true;
  }
  static handle from_cpp(const penlight::Ref<penlight::Node>& node, rv_policy, cleanup_list*) noexcept {
    return penlight::bindings::to_python(node).release();
  }
};

template <>
struct type_caster<penlight::DType> {
  NB_TYPE_CASTER(penlight::DType, const_name("dtype"))
  bool from_python(handle source, uint8_t, cleanup_list*) noexcept {
    return penlight::bindings::dtype_from(source, &value);
  }
  static handle from_cpp(penlight::DType dtype, rv_policy, cleanup_list*) noexcept {
    return penlight::bindings::to_python(dtype).release();
  }
};

template <>
struct type_caster<penlight::Scalar> {
  using Value = penlight::Scalar;
  static constexpr auto Name = const_name("float | int | bool");
  template <typename T_>
  using Cast = movable_cast_t<T_>;
  template <typename T_>
  static constexpr bool can_cast() {
    return true;
  }
  std::optional<penlight::Scalar> value;
  bool from_python(handle source, uint8_t, cleanup_list*) noexcept {
    return penlight::bindings::scalar_from(source, &value);
  }
  static handle from_cpp(const penlight::Scalar& scalar, rv_policy, cleanup_list*) noexcept {
    using Kind = penlight::Scalar::Kind;
    switch (scalar.kind()) {
      case Kind::boolean:
        return PyBool_FromLong(scalar.to_bool());
      case Kind::integer:
        return PyLong_FromLongLong(scalar.to_int());
      default:
        return PyFloat_FromDouble(scalar.to_double());
    }
  }
  explicit operator penlight::Scalar*() { return &*value; }
  explicit operator penlight::Scalar&() { return *value; }
  explicit operator penlight::Scalar&&() { return std::move(*value); }
};

template <>
struct type_caster<penlight::Operand> {
  using Value = penlight::Operand;
  static constexpr auto Name = const_name("Tensor | float | int | bool");
  template <typename T_>
  using Cast = movable_cast_t<T_>;
  template <typename T_>
  static constexpr bool can_cast() {
    return true;
  }
  std::optional<penlight::Operand> value;
  bool from_python(handle source, uint8_t, cleanup_list*) noexcept {
    if (penlight::bindings::is_tensor(source)) {
      value.emplace(penlight::bindings::tensor_of(source));
      return true;
    }
    std::optional<penlight::Scalar> scalar;
    if (!penlight::bindings::scalar_from(source, &scalar)) return false;
    value.emplace(*scalar);
    return true;
  }
  explicit operator penlight::Operand*() { return &*value; }
  explicit operator penlight::Operand&() { return *value; }
  explicit operator penlight::Operand&&() { return std::move(*value); }
};

template <>
struct type_caster<penlight::Dims> {
  NB_TYPE_CASTER(penlight::Dims, const_name("int | collections.abc.Sequence[int]"))
  bool from_python(handle source, uint8_t, cleanup_list*) noexcept {
    return penlight::bindings::dims_from(source, &value);
  }
  static handle from_cpp(const penlight::Dims& dims, rv_policy, cleanup_list*) noexcept {
    return penlight::bindings::int_tuple(dims).release();
  }
};

template <>
struct type_caster<penlight::bindings::Int> {
  NB_TYPE_CASTER(penlight::bindings::Int, const_name("int"))
  bool from_python(handle source, uint8_t, cleanup_list*) noexcept {
    if (PyBool_Check(source.ptr()) || !PyIndex_Check(source.ptr())) return false;
    const Py_ssize_t number = PyNumber_AsSsize_t(source.ptr(), PyExc_OverflowError);
    if (number == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      return false;
    }
    value.value = number;
    return true;
  }
  static handle from_cpp(penlight::bindings::Int number, rv_policy, cleanup_list*) noexcept {
    return PyLong_FromLongLong(number.value);
  }
};

}  // namespace nanobind::detail

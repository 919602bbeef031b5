// Hooks that pack the tensors kept for backward: autograd.graph.saved_tensors_hooks, and register_hooks on
// one of them.
#include "bindings/python.h"

namespace penlight::bindings {

PythonPacked::PythonPacked(nb::object pack, nb::object unpack_by, const Tensor& tensor)
    : pack_hook(std::move(pack)), unpack_hook(std::move(unpack_by)), value(pack_hook(to_python(tensor))) {}

Tensor PythonPacked::unpack() {
  const nb::object tensor = unpack_hook(value);
  check<TypeError>(is_tensor(tensor),
                   "Output of saved tensor unpack_hook expected to be a Tensor but got result of type ",
                   Py_TYPE(tensor.ptr())->tp_name);
  return tensor_of(tensor);
}

Ref<Packed> PythonPacked::again(const Tensor& other) {
  return make_ref<PythonPacked>(pack_hook, unpack_hook, other);
}

namespace {

// The pair in force on this thread is Python's affair.
Ref<Packed> pack_by_current_hooks(const Tensor& tensor) {
  const nb::tuple hooks = nb::cast<nb::tuple>(package("autograd.graph", "_hooks_in_force")());
  return make_ref<PythonPacked>(hooks[0], hooks[1], tensor);
}

// One of the tensors a node keeps, not yet unpacked: grad_fn._raw_saved_<name>.
struct RawSaved {
  Ref<Node> node;
  std::size_t index;

  SavedTensor& saved() const {
    check_not_released(*node);
    return node->saved()[index];
  }
  void register_hooks(nb::object pack, nb::object unpack) const {
    SavedTensor& one = saved();
    check(!one.packed(),
          "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair "
          "of hooks is allowed at a time.");
    check(one.raw().defined(), "Calling register_hooks on a saved tensor with value None is forbidden");
    check<TypeError>(PyCallable_Check(pack.ptr()) && PyCallable_Check(unpack.ptr()),
                     "register_hooks: pack_hook and unpack_hook should be callable, got ",
                     Py_TYPE(pack.ptr())->tp_name, " and ", Py_TYPE(unpack.ptr())->tp_name);
    one.pack([&](const Tensor& tensor) { return make_ref<PythonPacked>(pack, unpack, tensor); });
  }
  nb::object data() const {
    const SavedTensor& one = saved();
    if (const auto* packed = static_cast<const PythonPacked*>(one.packed())) return packed->value;
    return one.raw().defined() ? to_python(one.raw()) : nb::none();
  }
  nb::object unpack_hook() const {
    const auto* packed = static_cast<const PythonPacked*>(saved().packed());
    return packed ? packed->unpack_hook : nb::none();
  }
};

nb::object raw_saved(const Ref<Node>& node, const std::string& name) {
  check_not_released(*node);
  for (std::size_t i = 0; i < node->saved().size(); ++i)
    if (name == node->saved()[i].name()) return nb::cast(RawSaved{node, i});
  return nb::none();
}

void bind(nb::module_& m, TensorClass&) {
  pack_by_hooks = pack_by_current_hooks;
  nb::class_<RawSaved>(m, "SavedTensor", "A tensor that an operation keeps for backward, as it is kept.")
      .def("register_hooks", &RawSaved::register_hooks, "pack_hook"_a, "unpack_hook"_a,
           "Keeps pack_hook(tensor) instead of the tensor; backward asks unpack_hook(packed) for it again.")
      .def_prop_ro("data", &RawSaved::data, "What is kept: the tensor, or what the pack hook made of it.")
      .def_prop_ro("unpack_hook", &RawSaved::unpack_hook, "What makes the tensor of it; None without hooks.");
  m.def("_raw_saved", raw_saved, "node"_a, "name"_a);
  m.def(
      "_raw_saved_at", [](const Ref<Node>& node, std::size_t i) { return RawSaved{node, i}; }, "node"_a,
      "index"_a);
  m.def("_set_packs_saved", [](bool value) { grad_mode.packs_saved = value; }, "value"_a);
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

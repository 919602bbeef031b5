// What Python's cycle collector sees of tensors and nodes: cycles that pass through the core, as of a hook
// whose function knows the tensor, or a custom Function that keeps its result, are found and freed.
//
// An object reports the Python objects it refers to. Parts that Python never saw belong to their only owner
// and are looked through; where such a part has several owners, none can speak for it, and what lies behind
// it is held to be in use.
#include "bindings/python.h"

namespace penlight::bindings {

namespace {

// A graph behind an object may be long. Looking at less of it is safe: what is not reported is held to be in
// use.
constexpr int kMostParts = 10000;

class Traversal {
 public:
  Traversal(visitproc visit, void* arg) : visit_(visit), arg_(arg) {}

  void parts_of(const TensorImpl& tensor) {
    see(tensor.base.get());
    const auto* meta = static_cast<const GradMeta*>(tensor.grad_meta.get());
    if (!meta) return;
    see(meta->grad.impl());
    see(meta->grad_fn.get());
    see(meta->leaf_hooks);
    see(meta->accumulate_hooks);
  }

  void parts_of(Node& node) {
    for (const Edge& edge : node.edges) see(edge.node.get());
    for (const SavedTensor& saved : node.saved()) {
      see(saved.raw().impl());
      see(saved.packed());
    }
    see(node.variable());
    if (!node.extras) return;
    see(node.extras->tensor_hooks);
    see(node.extras->pre_hooks);
    see(node.extras->post_hooks);
    for (const auto& [number, tensor] : node.extras->retained) see(tensor.get());
    see(node.extras->parent.get());
  }

  // Looks through the parts met on the way, without recursion.
  int finish() {
    for (int seen = 0; stopped_ == 0 && seen < kMostParts; ++seen) {
      if (!nodes_.empty()) {
        Node* node = nodes_.back();
        nodes_.pop_back();
        parts_of(*node);
      } else if (!tensors_.empty()) {
        TensorImpl* tensor = tensors_.back();
        tensors_.pop_back();
        parts_of(*tensor);
      } else {
        break;
      }
    }
    return stopped_;
  }

 private:
  void visit(void* object) {
    if (stopped_ == 0) stopped_ = visit_(static_cast<PyObject*>(object), arg_);
  }
  template <class T>
  void see_part(T* part, std::vector<T*>& later) {
    if (!part) return;
    if (part->python_object())
      visit(part->python_object());
    else if (part->unique())
      later.push_back(part);
  }
  void see(TensorImpl* tensor) { see_part(tensor, tensors_); }
  void see(Node* node) { see_part(node, nodes_); }
  void see(Packed* packed) {
    if (!packed || !packed->unique()) return;
    const auto& python = static_cast<PythonPacked&>(*packed);
    for (const nb::object& object : {python.pack_hook, python.unpack_hook, python.value}) visit(object.ptr());
    see(packed->edge.node.get());
  }
  void see(const std::vector<HookEntry>& hooks) {
    for (const HookEntry& entry : hooks)
      if (entry.hook->unique()) visit(static_cast<PythonHook&>(*entry.hook).function.ptr());
  }

  visitproc visit_;
  void* arg_;
  int stopped_ = 0;
  std::vector<Node*> nodes_;
  std::vector<TensorImpl*> tensors_;
};

int traverse_node(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  if (PyObject** dict = _PyObject_GetDictPtr(self)) Py_VISIT(*dict);
  if (!nb::inst_ready(self)) return 0;
  Traversal traversal(visit, arg);
  traversal.parts_of(*nb::inst_ptr<Node>(self));
  return traversal.finish();
}

int clear_node(PyObject* self) {
  if (PyObject** dict = _PyObject_GetDictPtr(self)) Py_CLEAR(*dict);
  if (!nb::inst_ready(self)) return 0;
  Node& node = *nb::inst_ptr<Node>(self);
  const auto edges = std::move(node.edges);
  const auto extras = std::move(node.extras);
  node.release_saved();
  return 0;
}

}  // namespace

int traverse_tensor(PyObject* self, visitproc visit, void* arg) {
  auto* object = reinterpret_cast<TensorObject*>(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(object->attributes);
  if (!object->impl) return 0;
  Traversal traversal(visit, arg);
  traversal.parts_of(*object->impl);
  return traversal.finish();
}

int clear_tensor(PyObject* self) {
  auto* object = reinterpret_cast<TensorObject*>(self);
  Py_CLEAR(object->attributes);
  if (!object->impl) return 0;
  TensorImpl& tensor = *object->impl;
  const auto base = std::move(tensor.base);
  if (auto* meta = static_cast<GradMeta*>(tensor.grad_meta.get())) {
    const auto leaf_hooks = std::move(meta->leaf_hooks), accumulate_hooks = std::move(meta->accumulate_hooks);
    const auto grad = std::move(meta->grad);
    const auto grad_fn = std::move(meta->grad_fn);
  }
  return 0;
}

PyType_Slot node_slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse_node)},
                            {Py_tp_clear, reinterpret_cast<void*>(clear_node)},
                            {0, nullptr}};

}  // namespace penlight::bindings

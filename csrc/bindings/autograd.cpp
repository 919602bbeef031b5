// Graph and engine: nodes, hooks, backward, grad mode, and the node behind a Python autograd.Function.
#include "bindings/python.h"
#include "ops/copy.h"
#include "ops/reduce.h"

namespace penlight::bindings {

namespace {

// ---- hooks

Tensor optional_tensor(nb::handle object, const char* what) {
  if (object.is_none()) return Tensor();
  check<TypeError>(is_tensor(object), what, " hook should return a Tensor or None, got ",
                   Py_TYPE(object.ptr())->tp_name);
  return tensor_of(object);
}

nb::tuple as_tuple(const Grads& grads) {
  nb::list list;
  for (const Tensor& grad : grads) list.append(to_python(grad));
  return nb::tuple(list);
}

void take(nb::handle result, Grads& grads, const char* what) {
  if (result.is_none()) return;
  if (is_tensor(result) && grads.size() == 1) {
    grads[0] = tensor_of(result);
    return;
  }
  check<TypeError>(PyTuple_Check(result.ptr()), what, " hook should return None or a tuple of gradients");
  const auto count = static_cast<std::size_t>(PyTuple_GET_SIZE(result.ptr()));
  check(count == grads.size(), what, " hook returned ", count, " gradients, expected ", grads.size());
  for (std::size_t i = 0; i < count; ++i)
    grads[i] = optional_tensor(PyTuple_GET_ITEM(result.ptr(), static_cast<Py_ssize_t>(i)), what);
}

}  // namespace

Tensor PythonHook::on_tensor(const Tensor& grad) {
  Tensor changed = optional_tensor(function(to_python(grad)), "tensor");
  if (changed.defined())
    check(changed.sizes() == grad.sizes(), "hook '",
          nb::cast<std::string>(nb::str(nb::getattr(function, "__name__", nb::str("hook")))),
          "' has changed the size of value");
  return changed;
}
void PythonHook::on_node(Grads& grads) {
  take(function(as_tuple(grads)), grads, "pre");
}
void PythonHook::after_node(Grads& inputs, const Grads& outputs) {
  take(function(as_tuple(inputs), as_tuple(outputs)), inputs, "post");
}
void PythonHook::on_accumulated(const Tensor& variable) {
  const nb::object result = function(to_python(variable));
  check(result.is_none(), "Tensor post accumulate grad hooks should return None.");
}

namespace {

void erase(std::vector<HookEntry>& list, uint64_t id) {
  for (std::size_t i = 0; i < list.size(); ++i)
    if (list[i].id == id) {
      const Ref<Hook> last = list[i].hook;  // its function may run code when it goes
      list.erase(list.begin() + static_cast<long>(i));
      return;
    }
}

// The handle of a hook of a tensor or node. It does not keep its owner.
nb::object handle(nb::object owner, uint64_t id) {
  return package("autograd._handle", "HookHandle")(owner, id);
}

void remove_hook(nb::handle owner, uint64_t id) {
  if (is_tensor(owner)) {
    GradMeta& meta = grad_meta(tensor_of(owner));
    erase(meta.leaf_hooks, id);
    erase(meta.accumulate_hooks, id);
  } else if (const auto node = nb::cast<Ref<Node>>(owner); node->extras) {
    erase(node->extras->tensor_hooks, id);
    erase(node->extras->pre_hooks, id);
    erase(node->extras->post_hooks, id);
  }
}

nb::object add_node_hook(const Ref<Node>& node, std::vector<HookEntry> NodeExtras::* list,
                         nb::object function, uint32_t output_nr = 0) {
  const uint64_t id = next_hook_id();
  (node->extra().*list).push_back({id, make_ref<PythonHook>(std::move(function)), output_nr});
  return handle(to_python(node), id);
}

nb::object register_tensor_hook(const Tensor& x, nb::object function) {
  check(x.requires_grad(), "cannot register a hook on a tensor that doesn't require gradient");
  if (const Ref<Node> node = grad_fn(x))
    return add_node_hook(node, &NodeExtras::tensor_hooks, function, grad_meta(x).output_nr);
  const uint64_t id = next_hook_id();
  grad_meta(x).leaf_hooks.push_back({id, make_ref<PythonHook>(std::move(function))});
  return handle(to_python(x), id);
}

nb::object register_accumulate_hook(const Tensor& x, nb::object function) {
  check(x.requires_grad(), "cannot register a hook on a tensor that doesn't require gradient");
  check(!grad_fn(x), "post accumulate grad hooks cannot be registered on non-leaf tensors");
  const uint64_t id = next_hook_id();
  grad_meta(x).accumulate_hooks.push_back({id, make_ref<PythonHook>(std::move(function))});
  return handle(to_python(x), id);
}

// ---- the node of a Python Function: forward and backward stand in penlight/autograd/function.py

struct FunctionNode final : Node {
  std::string function_name;

  std::string name() const override { return function_name; }
  Grads apply(const Grads& grads) override {
    nb::handle self(static_cast<PyObject*>(python_object()));
    nb::list list;
    for (const Tensor& grad : grads) list.append(to_python(grad));
    const nb::object result = self.attr("_run_backward")(list);
    Grads results;
    for (nb::handle item : nb::cast<nb::list>(result))
      results.push_back(item.is_none() ? Tensor() : tensor_of(item));
    return results;
  }
};

FunctionNode& function_node(nb::handle object) {
  return *static_cast<FunctionNode*>(nb::inst_ptr<Node>(object));
}

// Connects the node to its tensor inputs.
void connect_function(nb::handle self, nb::handle inputs) {
  FunctionNode& node = function_node(self);
  node.edges.clear();
  detail::connect(node, tensors_from(inputs, "inputs"));
}

// Gives an output its place in the graph. A changed input is carried over as any in-place operation's.
void attach_function_output(nb::handle self, const Tensor& output, bool differentiable, bool dirty) {
  const Ref<Node> node(&function_node(self));
  const uint32_t number = node->outputs();
  node->add_output(output);
  if (!differentiable || !is_floating(output.dtype())) return;
  if (dirty) {
    rebase_history(output, node);
    grad_meta(output).output_nr = number;
  } else {
    set_history(output, node, number);
  }
}

void save_in_function(nb::handle self, nb::handle tensors, nb::handle outputs) {
  FunctionNode& node = function_node(self);
  node.saved().clear();
  for (nb::handle item : nb::cast<nb::sequence>(tensors)) {
    if (item.is_none()) {
      node.saved().emplace_back("saved", Tensor());
      continue;
    }
    int64_t at = -1, i = 0;
    for (nb::handle output : nb::cast<nb::sequence>(outputs)) {
      if (output.is(item)) at = i;
      ++i;
    }
    node.saved().emplace_back("saved", tensor_of(item), at >= 0);
    if (at >= 0) node.saved().back().set_output_nr(static_cast<uint32_t>(at));
    if (grad_mode.packs_saved) node.saved().back().pack(pack_by_hooks);
  }
}

nb::tuple saved_of(const Ref<Node>& node) {
  nb::list list;
  check_not_released(*node);
  for (SavedTensor& saved : node->saved()) list.append(to_python(saved.unpack(*node)));
  return nb::tuple(list);
}

// ---- nodes as Python sees them

nb::tuple next_functions(const Ref<Node>& node) {
  nb::list list;
  for (const Edge& edge : node->edges) list.append(nb::make_tuple(to_python(edge.node), edge.input_nr));
  return nb::tuple(list);
}

nb::object note_value(const Note& note) {
  if (note.list) return int_tuple(*note.list);
  if (note.word) return nb::str(note.word);
  return note.number ? nb::cast(*note.number) : nb::object(nb::none());
}

// What a node keeps of one name: a tensor, or, of a list of indices, all of them.
nb::object saved_named(const Ref<Node>& node, const std::string& wanted) {
  nb::list indices;
  for (SavedTensor& saved : node->saved()) {
    if (wanted != saved.name()) continue;
    const nb::object value = to_python(saved.unpack(*node));
    if (node->name() != "IndexBackward0" && node->name() != "IndexPutBackward0") return value;
    indices.append(value);
  }
  return nb::len(indices) ? nb::object(nb::tuple(indices)) : nb::object(nb::none());
}

// Which input of a node a name of PyTorch's stands for, or -1.
int64_t input_named(const Node& node, const std::string& name) {
  if (name == "self" || (name == "mat1" && node.edges.size() == 2)) return 0;
  if (name == "mat1" || name == "source" || name == "weight") return 1;
  if (name == "mat2") return node.edges.size() == 3 ? 2 : 1;
  return name == "bias" ? 2 : -1;
}

// What follows from a node's tensors and inputs: their sizes, and numbers that were left at their defaults.
// Undefined for other names.
nb::object derived_attribute(const Ref<Node>& node, const std::string& wanted) {
  const auto ends_with = [&](const char* end) {
    return wanted.size() > std::strlen(end) && wanted.ends_with(end);
  };
  const auto before = [&](const char* end) { return wanted.substr(0, wanted.size() - std::strlen(end)); };
  const auto sizes_of = [&](const std::string& name) -> std::optional<Dims> {
    const int64_t at = input_named(*node, name);
    const auto i = static_cast<std::size_t>(at);
    if (at >= 0 && i < node->edges.size() && node->edges[i].valid())
      return node->edges[i].node->output_sizes[node->edges[i].input_nr];
    for (SavedTensor& saved : node->saved())
      if (name == saved.name() && saved.raw().defined()) return saved.raw().sizes();
    return std::nullopt;
  };
  if (ends_with("_sym_sizes")) {
    if (const auto sizes = sizes_of(before("_sym_sizes"))) return int_tuple(*sizes);
  } else if (ends_with("_sym_sizes_opt")) {
    const auto sizes = sizes_of(before("_sym_sizes_opt"));
    return sizes ? int_tuple(*sizes) : nb::object(nb::none());
  } else if (ends_with("_sym_strides")) {
    for (SavedTensor& saved : node->saved())
      if (before("_sym_strides") == saved.name() && saved.raw().defined())
        return int_tuple(saved.raw().strides());
  } else if (ends_with("_sym_numel")) {
    if (const auto sizes = sizes_of(before("_sym_numel"))) return nb::cast(checked_numel(*sizes));
  } else if (wanted == "source_dim") {
    if (const auto sizes = sizes_of("source")) return nb::cast(sizes->size());
  } else if (wanted == "alpha") {
    const std::string name = node->name();
    if (name == "AddBackward0" || name == "SubBackward0" || name == "RsubBackward1") return nb::cast(1);
  }
  return {};
}

nb::object saved_attribute(const Ref<Node>& node, const std::string& name) {
  if (name.rfind("_raw_saved_", 0) == 0) {
    const nb::object raw =
        nb::module_::import_("penlight._C").attr("_raw_saved")(to_python(node), name.substr(11));
    if (!raw.is_none()) return raw;
  }
  if (name.rfind("_saved_", 0) == 0) {
    const std::string wanted = name.substr(7);
    bool kept = false, known = false;
    for (SavedTensor& saved : node->saved()) {
      kept |= wanted == saved.name() && (saved.raw().defined() || saved.packed());
      known |= wanted == saved.name();
    }
    if (kept) return saved_named(node, wanted);
    for (const Note& note : node->notes())
      if (wanted == note.name) return note_value(note);
    if (known) return nb::none();
    if (const nb::object found = derived_attribute(node, wanted); found.is_valid()) return found;
    if (node->released()) return saved_of(node);  // raises
  }
  PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%s'", node->name().c_str(), name.c_str());
  throw nb::python_error();
}

nb::dict notes_of(const Ref<Node>& node) {
  nb::dict result;
  for (const Note& note : node->notes()) result[note.name] = note_value(note);
  return result;
}

// Of the attributes those that tools look for: what is kept, under PyTorch's names.
nb::list attributes_of(nb::handle self) {
  const auto node = nb::cast<Ref<Node>>(self);
  nb::set names;
  for (nb::handle name : nb::module_::import_("builtins").attr("object").attr("__dir__")(self))
    if (nb::cast<std::string>(name).rfind("_saved_", 0) != 0) names.add(name);
  for (SavedTensor& saved : node->saved()) {
    names.add("_saved_" + std::string(saved.name()));
    names.add("_raw_saved_" + std::string(saved.name()));
  }
  for (const Note& note : node->notes()) names.add("_saved_" + std::string(note.name));
  return nb::list(nb::module_::import_("builtins").attr("sorted")(names));
}

// node(*grads): the gradients of its inputs from those of its outputs, of this one node.
nb::object call_node(const Ref<Node>& node, const nb::args& args) {
  check<TypeError>(args.size() == node->outputs(), node->name(), " takes ", node->outputs(),
                   " gradients, one for each of its outputs, got ", args.size());
  check(!node->variable(), "AccumulateGrad has no inputs to give gradients to: call backward() instead");
  Grads grads;
  for (std::size_t i = 0; i < args.size(); ++i) {
    Tensor grad = optional_tensor(args[i], "node:");
    if (grad.defined())
      check(grad.sizes() == node->output_sizes[i], node->name(), ": gradient ", i, " has sizes ",
            grad.sizes(), ", expected ", node->output_sizes[i]);
    grads.push_back(std::move(grad));
  }
  const Grads results = apply_node(*node, grads);
  return results.size() == 1 ? to_python(results[0]) : nb::object(as_tuple(results));
}

// ---- the observer: a Python function told of every operation as it is recorded

nb::object& observing() {
  static nb::object* function = new nb::object();  // never destroyed: Python may be gone before it
  return *function;
}

void tell(const Ref<Node>& node, TensorList inputs, TensorList outputs) {
  const nb::object function = observing();
  nb::list from, to;
  for (const Tensor& tensor : inputs) from.append(to_python(tensor));
  for (const Tensor& tensor : outputs) to.append(to_python(tensor));
  function(to_python(node), from, to);
}

void set_observer(nb::object function) {
  observer = function.is_none() ? nullptr : tell;
  observing() = std::move(function);
}

// ---- backward

// A tensor's place in the graph, or the place itself (a GradientEdge: node and output number).
Edge edge_from(nb::handle object, const char* what) {
  if (is_tensor(object)) return gradient_edge(tensor_of(object));
  Edge edge;
  const bool pair = PyTuple_Check(object.ptr()) && PyTuple_GET_SIZE(object.ptr()) == 2;
  check<TypeError>(pair && nb::try_cast(object[0], edge.node) && nb::try_cast(object[1], edge.input_nr), what,
                   " can be either Tensors or GradientEdges, but got ", Py_TYPE(object.ptr())->tp_name);
  check<ValueError>(edge.input_nr < edge.node->outputs(), what, ": ", edge.node->name(), " has ",
                    edge.node->outputs(), " outputs, got a GradientEdge to output ", edge.input_nr);
  return edge;
}

Tensor first_gradient(const Edge& root, nb::handle gradient) {
  const Dims& sizes = root.node->output_sizes[root.input_nr];
  const DType dtype = root.node->output_dtypes[root.input_nr];
  if (gradient.is_none()) {
    check(checked_numel(sizes) == 1, "grad can be implicitly created only for scalar outputs");
    check(is_floating(dtype), "grad can be implicitly created only for real scalar outputs but got ",
          dtype_name(dtype));
    return full(sizes, Scalar(1.0), dtype);
  }
  check<TypeError>(is_tensor(gradient), "gradients can be either Tensors, Python scalars, or None, but got ",
                   Py_TYPE(gradient.ptr())->tp_name);
  const Tensor grad = tensor_of(gradient);
  check(grad.sizes() == sizes, "Mismatch in shape: grad_output[0] has a shape of ",
        nb::cast<std::string>(nb::repr(size_object(grad.sizes()))), " and output[0] has a shape of ",
        nb::cast<std::string>(nb::repr(size_object(sizes))), ".");
  return grad.dtype() == dtype ? grad : cast(grad, dtype);
}

nb::list backward(nb::handle tensors, nb::handle gradients, nb::handle inputs, bool keep_graph,
                  bool create_graph, bool accumulate) {
  std::vector<Edge> roots, wanted;
  std::vector<Tensor> grads;
  const nb::sequence given = nb::cast<nb::sequence>(gradients);
  for (nb::handle output : nb::cast<nb::sequence>(tensors)) {
    const std::size_t i = roots.size();
    const Edge edge = edge_from(output, "tensors");
    check(edge.valid(), "element ", i, " of tensors does not require grad and does not have a grad_fn");
    roots.push_back(edge);
    grads.push_back(first_gradient(edge, given[i]));
  }
  if (!inputs.is_none())
    for (nb::handle input : nb::cast<nb::sequence>(inputs)) {
      wanted.push_back(edge_from(input, "inputs"));
      check(wanted.back().valid() || (is_tensor(input) && tensor_of(input).requires_grad()),
            "One of the differentiated Tensors does not require grad");
    }
  BackwardOptions options;
  options.keep_graph = keep_graph;
  options.create_graph = create_graph;
  options.accumulate = accumulate;
  nb::list result;
  for (const Tensor& grad : run_backward(roots, grads, wanted, options)) result.append(to_python(grad));
  return result;
}

// The common case, straight.
void tensor_backward(const Tensor& x, nb::object gradient, std::optional<bool> retain_graph,
                     bool create_graph, nb::object inputs) {
  if (!inputs.is_none()) {
    if (is_tensor(inputs) || nb::hasattr(inputs, "output_nr")) inputs = nb::make_tuple(inputs);
    check(nb::len(inputs) > 0, "`inputs` argument to `backward` cannot be empty.");
    backward(nb::make_tuple(x), nb::make_tuple(gradient), inputs, retain_graph.value_or(create_graph),
             create_graph, true);
    return;
  }
  const Edge edge = gradient_edge(x);
  check(edge.valid(), "element 0 of tensors does not require grad and does not have a grad_fn");
  BackwardOptions options;
  options.keep_graph = retain_graph.value_or(create_graph);
  options.create_graph = create_graph;
  const Tensor first = first_gradient(edge, gradient);
  run_backward({&edge, 1}, {&first, 1}, {}, options);
}

std::string python_traceback() {
  try {
    return nb::cast<std::string>(
        nb::str("").attr("join")(nb::module_::import_("traceback").attr("format_stack")()));
  } catch (nb::python_error&) {
    return {};
  }
}

void python_warning(const std::string& message) {
  if (PyErr_WarnEx(PyExc_UserWarning, message.c_str(), 1) != 0) throw nb::python_error();
}

void bind(nb::module_& m, TensorClass& tensor) {
  current_traceback = python_traceback;
  warn = python_warning;

  nb::object node_object = m.attr("_Node");
  auto node = nb::borrow<nb::class_<Node>>(node_object);
  node.def(
          "name",
          [](const Ref<Node>& n) {
            // PyTorch tells the namespace of nodes that are written by hand.
            const std::string name = n->name();
            const bool by_hand = name == "AccumulateGrad" || name == "CopySlices" ||
                                 name == "CopyBackwards" || name == "NotImplemented";
            return by_hand ? "torch::autograd::" + name : name;
          },
          "The operation's name.")
      .def_prop_ro("next_functions", next_functions,
                   "Where the gradients of the inputs go: (node, number of its output) for each.")
      .def_prop_ro(
          "variable",
          [](const Ref<Node>& n) -> nb::object {
            if (TensorImpl* impl = n->variable()) return to_python(Tensor(impl));
            PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute 'variable'", n->name().c_str());
            throw nb::python_error();
          },
          "The leaf an AccumulateGrad node adds to.")
      .def(
          "_sequence_nr", [](const Ref<Node>& n) { return n->sequence_nr; },
          "The number of the node among all that were recorded, in their order.")
      .def_prop_ro(
          "_input_metadata",
          [](const Ref<Node>& n) {
            nb::list list;
            for (std::size_t i = 0; i < n->outputs(); ++i)
              list.append(nb::make_tuple(size_object(n->output_sizes[i]), to_python(n->output_dtypes[i])));
            return nb::tuple(list);
          })
      .def_prop_ro("_traceback",
                   [](const Ref<Node>& n) { return n->extras ? n->extras->traceback : std::string(); })
      .def_prop_ro("_notes", notes_of, "The numbers the operation was called with.")
      .def_prop_ro("_released", [](const Ref<Node>& n) { return n->released(); })
      .def_prop_ro("_saved_raw",
                   [](const Ref<Node>& n) {
                     nb::list list;
                     for (SavedTensor& saved : n->saved())
                       list.append(nb::make_tuple(saved.name(), to_python(saved.raw()), saved.is_output()));
                     return list;
                   })
      .def_prop_ro("_retained",
                   [](const Ref<Node>& n) {
                     nb::list list;
                     if (n->extras)
                       for (const auto& [output, impl] : n->extras->retained)
                         list.append(nb::make_tuple(output, to_python(Tensor(impl))));
                     return list;
                   })
      .def("__call__", call_node, "grads"_a,
           "The gradients of the operation's inputs from those of its outputs: this node alone.")
      .def_prop_ro("_saved_names",
                   [](const Ref<Node>& n) {
                     nb::list list;
                     for (SavedTensor& saved : n->saved()) list.append(nb::str(saved.name()));
                     return nb::tuple(list);
                   })
      .def_prop_ro(
          "metadata",
          [](nb::handle self) {
            if (!nb::hasattr(self, "_metadata")) self.attr("_metadata") = nb::dict();
            return nb::object(self.attr("_metadata"));
          },
          "A dictionary for whatever one wants to note on the node.")
      .def(
          "register_hook",
          [](const Ref<Node>& n, nb::object f) { return add_node_hook(n, &NodeExtras::post_hooks, f); },
          "fn"_a, "Calls fn(grad_inputs, grad_outputs) after the node ran.")
      .def(
          "register_prehook",
          [](const Ref<Node>& n, nb::object f) { return add_node_hook(n, &NodeExtras::pre_hooks, f); },
          "fn"_a, "Calls fn(grad_outputs) before the node runs.")
      .def("__getattr__", saved_attribute)
      .def("__dir__", attributes_of)
      .def("__repr__", [](const Ref<Node>& n) {
        std::ostringstream out;
        out << '<' << n->name() << " object at 0x" << std::hex
            << reinterpret_cast<uintptr_t>(n->python_object()) << '>';
        return out.str();
      });

  nb::class_<FunctionNode, Node>(m, "_FunctionNode", nb::dynamic_attr(), nb::is_weak_referenceable(),
                                 nb::type_slots(node_slots))
      .def("__init__",
           [](nb::pointer_and_handle<FunctionNode> self, const std::string& name) {
             ::new (self.p) FunctionNode;
             self.p->move_count_to(self.h.ptr());
             self.p->function_name = name;
           })
      .def("_connect", connect_function)
      .def("_attach_output", attach_function_output)
      .def("_save", save_in_function)
      .def_prop_ro("saved_tensors", saved_of, "What save_for_backward kept.")
      .def_prop_ro(
          "_raw_saved_tensors",
          [](const Ref<Node>& n) {
            const nb::object one = nb::module_::import_("penlight._C").attr("_raw_saved_at");
            nb::list list;
            check_not_released(*n);
            for (std::size_t i = 0; i < n->saved().size(); ++i) list.append(one(to_python(n), i));
            return nb::tuple(list);
          },
          "The same, not yet unpacked.")
      .def("_output_zeros", [](nb::handle self, std::size_t i) {
        FunctionNode& n = function_node(self);
        return zeros(n.output_sizes[i], n.output_dtypes[i]);
      });

  tensor
      .def("register_hook", register_tensor_hook, "hook"_a,
           "Calls hook(grad) whenever the tensor's gradient is computed; what it returns takes the "
           "gradient's place.")
      .def("register_post_accumulate_grad_hook", register_accumulate_hook, "hook"_a,
           "Calls hook(tensor) after a leaf's grad was added to.")
      .def("backward", tensor_backward, "gradient"_a = nb::none(), "retain_graph"_a = nb::none(),
           "create_graph"_a = false, "inputs"_a = nb::none(),
           "Computes the gradient of this tensor with respect to the graph's leaves and adds it to their "
           "grad.");
  m.def("_run_backward", backward, "tensors"_a, "gradients"_a, "inputs"_a.none(), "keep_graph"_a,
        "create_graph"_a, "accumulate"_a);
  m.def(
      "_gradient_edge",
      [](const Tensor& x) {
        const Edge edge = gradient_edge(x);
        return nb::make_tuple(to_python(edge.node), edge.input_nr);
      },
      "tensor"_a);
  m.def("_current_run", current_run_number);
  m.def("_takes_part", [](const Ref<Node>& node) { return takes_part(*node); }, "node"_a);
  m.def("_increment_version", [](const Tensor& x) { x.changed(); }, "tensor"_a);
  m.def("_remove_hook", remove_hook, "owner"_a, "id"_a);
  m.def("_set_observer", set_observer, "function"_a.none());
  m.def("_observe", [](const Ref<Node>& node, nb::handle inputs, nb::handle outputs) {
    if (observer) observer(node, tensors_from(inputs, "inputs"), tensors_from(outputs, "outputs"));
  });
  m.def("_same_edge_as_alias", [](const Tensor& x) { return shadow(x); });
  m.def("_view_alias", [](const Tensor& x) { return alias(x); });

  m.def("is_grad_enabled", [] { return grad_mode.enabled; }, "Are operations recorded on this thread?");
  m.def("_set_grad_enabled", [](bool value) { grad_mode.enabled = value; });
  m.def("is_inference_mode_enabled", [] { return grad_mode.inference; });
  m.def("_set_inference_mode", [](bool value) { grad_mode.inference = made_under.inference = value; });
  m.def("is_anomaly_enabled", [] { return anomaly_enabled; });
  m.def("is_anomaly_check_nan_enabled", [] { return anomaly_check_nan; });
  m.def("_set_anomaly", [](bool enabled, bool check_nan) {
    anomaly_enabled = enabled;
    anomaly_check_nan = check_nan;
  });
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

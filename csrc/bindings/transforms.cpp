// What the function transforms of penlight/func/ and penlight/autograd/forward_ad.py are made of: levels of
// forward mode and of vmap, dual numbers, hidden dimensions.
#include <algorithm>
#include <unordered_set>

#include "bindings/python.h"
#include "ops/shape.h"
#include "ops/vmap.h"

namespace penlight::bindings {

namespace {

// ---- forward mode

Tensor make_dual(const Tensor& x, const Tensor& t, uint64_t level) {
  check(is_floating(x.dtype()),
        "Expected primal to be floating point or complex, but got: ", scalar_name(x.dtype()));
  check(x.sizes() == t.sizes(), "Expected tangent to have the same sizes as the primal ", x.sizes(),
        ", but got ", t.sizes());
  check(x.dtype() == t.dtype(), "Expected tangent to have the same dtype as the primal ",
        scalar_name(x.dtype()), ", but got ", scalar_name(t.dtype()));
  check(!tangent(x, level).defined(),
        "Expected the primal to have no tangent of this level yet, but it is a dual tensor already.");
  // A view of what is outside of forward mode has no part in its changes: the dual tensor owns the memory, so
  // that its own views find its tangent. Only where the graph is to see changes it is a view.
  Tensor dual = x.requires_grad() ? view_as_self(x) : alias(x);
  if (!x.requires_grad()) copy_tangents(dual, x);
  set_tangent(dual, level, t);
  return dual;
}

// ---- whose function a tensor belongs to

// Begins a transform; gives which one ran before, for its end.
uint32_t begin_transform() {
  static uint32_t last = 0;
  return std::exchange(made_under.transform, ++last);
}

// Hands a tensor to the function that is being transformed.
Tensor own(const Tensor& x) {
  x->transform = made_under.transform;
  return x;
}

nb::object tangent_of(const Tensor& x, uint64_t level) {
  return to_python(tangent(x, level));
}

// ---- vmap

uint64_t begin_vmap(int64_t size, const std::string& randomness) {
  check(randomness == "error" || randomness == "different" || randomness == "same",
        "Only allowed values for randomness are 'error', 'different', or 'same'. Got ", randomness);
  const uint64_t id = Node::next_sequence_nr++;
  vmap_levels.push_back({id, size,
                         randomness == "error"       ? Randomness::error
                         : randomness == "different" ? Randomness::different
                                                     : Randomness::same});
  return id;
}

void end_vmap(uint64_t level) {
  for (std::size_t i = 0; i < vmap_levels.size(); ++i)
    if (vmap_levels[i].id == level) return vmap_levels.erase(i);
}

// Was the tensor's graph begun before a transform was, or does it lead to other leaves than the given ones?
// Then the derivative that is about to be taken is itself to be recorded.
bool leads_outside(nb::handle outputs, nb::handle leaves, uint64_t since) {
  std::vector<const TensorImpl*> own;
  for (const Tensor& leaf : tensors_from(leaves, "leaves")) own.push_back(leaf.impl());
  std::vector<Node*> open;
  std::unordered_set<Node*> seen;
  std::vector<Ref<Node>> kept;
  const auto visit = [&](const Ref<Node>& node) {
    if (node && seen.insert(node.get()).second) open.push_back(node.get());
  };
  for (const Tensor& output : tensors_from(outputs, "outputs"))
    if (output.requires_grad()) {
      kept.push_back(gradient_edge(output).node);
      visit(kept.back());
    }
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    if (const TensorImpl* leaf = node->variable()) {
      if (std::find(own.begin(), own.end(), leaf) == own.end()) return true;
      continue;
    }
    if (node->sequence_nr < since) return true;
    for (const Edge& edge : node->edges) visit(edge.node);
  }
  return false;
}

void bind(nb::module_& m, TensorClass&) {
  m.def("_begin_dual_level", begin_dual_level);
  m.def("_end_dual_level", end_dual_level, "level"_a);
  m.def("_innermost_dual_level", innermost_dual_level);
  m.def("_make_dual", make_dual, "primal"_a, "tangent"_a, "level"_a);
  m.def("_tangent", tangent_of, "tensor"_a, "level"_a);
  m.def("_primal", primal, "tensor"_a, "level"_a);
  // The same values and tangents, and no place in the graph.
  m.def("_fresh", [](const Tensor& x) {
    const Tensor y = alias(x);
    copy_tangents(y, x);
    return own(y);
  });
  m.def("_begin_transform", begin_transform);
  m.def("_end_transform", [](uint32_t before) { made_under.transform = before; }, "before"_a);
  m.def("_own", own, "tensor"_a);
  m.def("_has_tangent", [](const Tensor& x) { return has_tangent(x); });
  m.def(
      "_carry_tangents", [](bool value) { return std::exchange(grad_mode.forward, value); }, "value"_a,
      "Switches forward mode on this thread; gives how it was.");
  m.def("_carries_tangents", [] { return grad_mode.forward; });
  m.def(
      "_push_levels",
      [](nb::handle inputs, nb::handle outputs, nb::callable push) {
        const std::vector<Tensor> from = tensors_from(inputs, "inputs"),
                                  to = tensors_from(outputs, "outputs");
        push_levels(from, to, nullptr, [&](const Tensors& tangents) {
          nb::list list;
          for (const Tensor& t : tangents) list.append(to_python(t));
          Tensors found;
          for (nb::handle item : nb::cast<nb::sequence>(push(list)))
            found.push_back(item.is_none() ? Tensor() : tensor_of(item));
          return found;
        });
      },
      "inputs"_a, "outputs"_a, "push"_a);
  m.def("_begin_vmap", begin_vmap, "size"_a, "randomness"_a);
  m.def("_end_vmap", end_vmap, "level"_a);
  m.def("_vmap_randomness", [](uint64_t level) {
    for (const VmapLevel& running : vmap_levels)
      if (running.id == level)
        return running.randomness == Randomness::error       ? "error"
               : running.randomness == Randomness::different ? "different"
                                                             : "same";
    return "error";
  });
  m.def("_vmap_running", [] { return !vmap_levels.empty(); });
  m.def("_hide_dim", hide_dim, "tensor"_a, "dim"_a, "level"_a);
  m.def("_show_dim", show_dim, "tensor"_a, "dim"_a, "level"_a, "size"_a);
  m.def(
      "_hides",
      [](const Tensor& x, uint64_t level) {
        if (x.batched())
          for (uint64_t own : x->transforms->batch.levels)
            if (own == level) return true;
        return false;
      },
      "tensor"_a, "level"_a);
  m.def("_batched", [](const Tensor& x) { return x.batched(); });
  m.def("_hidden", [](const Tensor& x) {
    nb::list list;
    if (x.batched())
      for (std::size_t i = 0; i < x->transforms->batch.levels.size(); ++i)
        list.append(nb::make_tuple(x->transforms->batch.levels[i], x->transforms->batch.sizes[i]));
    return list;
  });
  m.def("_next_sequence_nr", [] { return Node::next_sequence_nr; });
  m.def("_leads_outside", leads_outside, "outputs"_a, "leaves"_a, "since"_a);
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings

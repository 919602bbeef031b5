#include "autograd/forward.h"

#include <unordered_map>
#include <unordered_set>

#include "autograd/engine.h"
#include "autograd/view.h"
#include "tensor/batch.h"

namespace penlight {

namespace {

// The levels whose tangents are seen on this thread, outermost first.
thread_local SmallVec<uint64_t, 4> running;
uint64_t last_level = 0;

// Which tensors have a tangent of a level, so that its end finds them.
std::unordered_map<uint64_t, std::unordered_set<TensorImpl*>> holders;

struct Tangent {
  uint64_t level;
  Tensor value;
  uint32_t version;      // the storage's, when it was set
  uint32_t written = 0;  // for a base: the storage's version when a view or it was last changed in place
};

struct Tangents final : GradMetaBase {
  TensorImpl* owner;
  SmallVec<Tangent, 1> entries;
  explicit Tangents(TensorImpl* tensor) : owner(tensor) {}
  ~Tangents() override {
    for (const Tangent& entry : entries)
      if (const auto found = holders.find(entry.level); found != holders.end()) found->second.erase(owner);
  }
};

Tangents* tangents_or_null(const TensorImpl* x) {
  return x->transforms ? static_cast<Tangents*>(x->transforms->tangents.get()) : nullptr;
}

Tangent* entry_of(const TensorImpl* x, uint64_t level) {
  if (Tangents* all = tangents_or_null(x))
    for (Tangent& entry : all->entries)
      if (entry.level == level) return &entry;
  return nullptr;
}

bool is_running(uint64_t level) {
  for (uint64_t other : running)
    if (other == level) return true;
  return false;
}

bool holds_running(const TensorImpl* x) {
  if (const Tangents* all = tangents_or_null(x))
    for (const Tangent& entry : all->entries)
      if (is_running(entry.level)) return true;
  return false;
}

Tensor zeros_like(const Tensor& x) {
  Tensor zero = empty_for(x.sizes(), x.dtype(), x);
  if (zero->storage->bytes() > 0)
    std::memset(zero->storage->data(), 0, static_cast<std::size_t>(zero->storage->bytes()));
  return zero;
}

// The tangent in the sizes and type of the tensor it belongs to.
Tensor fitted(const Tensor& value, const Tensor& x) {
  Tensor t = value.dtype() == x.dtype() ? value : engine_operations.cast(value, x.dtype());
  return t.sizes() == x.sizes() ? t : engine_operations.expand(t, x.sizes());
}

}  // namespace

// ---- levels

uint64_t begin_dual_level() {
  running.push_back(++last_level);
  holders[last_level];
  grad_mode.forward = true;
  return last_level;
}

void end_dual_level(uint64_t level) {
  SmallVec<uint64_t, 4> rest;
  for (uint64_t other : running)
    if (other != level) rest.push_back(other);
  running = rest;
  grad_mode.forward = !running.empty();
  const auto found = holders.find(level);
  if (found == holders.end()) return;
  const std::unordered_set<TensorImpl*> tensors = std::move(found->second);
  holders.erase(found);
  std::vector<Tensor> last;  // destroyed when no tensor is looked at any more
  for (TensorImpl* tensor : tensors) {
    Tangents* all = tangents_or_null(tensor);
    for (std::size_t i = 0; i < all->entries.size(); ++i)
      if (all->entries[i].level == level) {
        last.push_back(std::move(all->entries[i].value));
        all->entries.erase(i);
        break;
      }
  }
}

uint64_t innermost_dual_level() {
  return running.empty() ? 0 : running.back();
}

OuterLevels::OuterLevels(uint64_t level) : before_(running), forward_(grad_mode.forward) {
  while (!running.empty() && running.back() >= level) running.pop_back();
  grad_mode.forward = !running.empty();
}
OuterLevels::~OuterLevels() {
  running = before_;
  grad_mode.forward = forward_;
}

// ---- tangents

bool has_tangent(const Tensor& x) {
  return holds_running(x.impl()) || (x->base && holds_running(x->base.get()));
}

Tensor tangent(const Tensor& x, uint64_t level) {
  Tangent* own = entry_of(x.impl(), level);
  if (x->base) {
    // A view whose base's tangent was changed in place since reads it anew.
    const Tangent* base = entry_of(x->base.get(), level);
    if (base && base->written > (own ? own->version : 0)) {
      const OuterLevels outside(level);
      const Tensor owner{x->base};
      const Part part = part_of(x, owner);
      Tensor fresh = view_operations.inside(base->value, window_of(owner), part.window);
      if (!part.hidden.empty()) fresh = view_operations.hide(fresh, part.hidden);
      set_tangent(x, level, fresh);
      return fresh;
    }
  }
  return own ? own->value : Tensor();
}

void set_tangent(const Tensor& x, uint64_t level, const Tensor& value) {
  const auto found = holders.find(level);
  if (found == holders.end() || !is_floating(x.dtype())) return;  // a level that has ended
  const uint32_t version = x->storage->version();
  if (Tangent* entry = entry_of(x.impl(), level)) {
    entry->value = value;
    entry->version = version;
    return;
  }
  if (!x->transforms) x->transforms = std::make_unique<Transforms>();
  if (!x->transforms->tangents) x->transforms->tangents = std::make_unique<Tangents>(x.impl());
  tangents_or_null(x.impl())->entries.push_back({level, value, version});
  found->second.insert(x.impl());
}

void copy_tangents(const Tensor& to, const Tensor& from) {
  if (!grad_mode.forward || !has_tangent(from)) return;
  for (uint64_t level : SmallVec<uint64_t, 4>(running))
    if (const Tensor value = tangent(from, level); value.defined()) set_tangent(to, level, value);
}

void assign_tangents(const Tensor& tensor, const Tensor& result) {
  for (uint64_t level : SmallVec<uint64_t, 4>(running)) {
    Tensor value = tangent(result, level);
    if (!value.defined() && !tangent(tensor, level).defined()) continue;
    if (!value.defined()) value = zeros_like(tensor);
    if (tensor->base) {
      const OuterLevels outside(level);
      const Tensor base{tensor->base};
      const Window whole = window_of(base);
      const Part part = part_of(tensor, base);
      const Tensor before = tangent(base, level);
      Tensor change = fitted(value, tensor);
      if (!part.hidden.empty()) change = view_operations.show(change, part.hidden);
      const Tensor inner = view_operations.inside(change, part.window, whole);
      const Tensor outer = before.defined() ? view_operations.outside(before, whole, part.window) : Tensor();
      set_tangent(base, level, outer.defined() ? engine_operations.add(outer, inner) : inner);
    }
    set_tangent(tensor, level, value);
    const Tensor owner = tensor->base ? Tensor(tensor->base) : tensor;
    entry_of(owner.impl(), level)->written = owner->storage->version();
  }
}

Tensor primal(const Tensor& x, uint64_t level) {
  Tensor bare = shadow(x);
  if (const Tangents* all = tangents_or_null(bare.impl()); all && entry_of(bare.impl(), level)) {
    bare->transforms->tangents = nullptr;
    for (uint64_t other : SmallVec<uint64_t, 4>(running))
      if (other != level)
        if (const Tensor value = tangent(x, other); value.defined()) set_tangent(bare, other, value);
  }
  return bare;
}

// ---- rules

namespace {

// Calls backward for some of the inputs alone.
Grads call_backward(Node& node, const SmallVec<bool, 8>& wanted, const Grads& grads) {
  struct Restore {
    const Node* node;
    const SmallVec<bool, 8>* inputs;
    ~Restore() { Node::pushed = node, Node::pushed_inputs = inputs; }
  } restore{std::exchange(Node::pushed, &node), std::exchange(Node::pushed_inputs, &wanted)};
  return node.apply(grads);
}

// J is diagonal: backward multiplies the tangent by the same local derivative as a gradient.
Tensors push_elementwise(Node& node, const Tensor& output, const Tensors& tangents) {
  Tensor sum;
  for (std::size_t i = 0; i < tangents.size(); ++i) {
    if (!tangents[i].defined()) continue;
    SmallVec<bool, 8> wanted(tangents.size(), false);
    wanted[i] = true;
    const Grads found = call_backward(node, wanted, Grads{fitted(tangents[i], output)});
    if (i >= found.size() || !found[i].defined()) continue;
    const Tensor term = fitted(found[i], output);
    sum = sum.defined() ? engine_operations.add(sum, term) : term;
  }
  return {sum};
}

// A gradient of zeros that takes no memory but one number's.
Tensor trial_gradient(const Dims& sizes, DType dtype, const Tensor& output) {
  const BatchDims batch = joint_batch({output});
  Tensor g = zeros_like(empty({}, dtype));
  Dims all = batch.sizes;
  all.append(sizes.begin(), sizes.end());
  g = alias(g, all, Dims(all.size(), 0), 0);
  if (!batch.empty()) g = hide(g, batch);
  set_requires_grad(g, true);
  return g;
}

// Backward is linear in the gradient; recorded on a trial gradient, its own backward is its transpose.
Tensors push_by_transpose(Node& node, TensorList inputs, TensorList outputs, const Tensors& tangents) {
  const bool recorded = grad_mode.enabled;
  GradModeGuard recording(true);
  Grads trials;
  for (const Tensor& output : outputs)
    trials.push_back(output.defined() && is_floating(output.dtype())
                         ? trial_gradient(output.sizes(), output.dtype(), output)
                         : Tensor());
  SmallVec<bool, 8> wanted;
  for (const Tensor& t : tangents) wanted.push_back(t.defined());
  const Grads pulled = call_backward(node, wanted, trials);
  std::vector<Edge> roots, leaves;
  std::vector<Tensor> weights;
  for (std::size_t i = 0; i < tangents.size() && i < pulled.size(); ++i) {
    if (!tangents[i].defined() || !pulled[i].defined()) continue;
    Tensor g = pulled[i];
    if (!(g.sizes() == inputs[i].sizes())) g = engine_operations.sum_to(g, inputs[i].sizes());
    if (g.dtype() != inputs[i].dtype()) g = engine_operations.cast(g, inputs[i].dtype());
    if (!g.requires_grad()) continue;
    roots.push_back(gradient_edge(g));
    Tensor weight = fitted(tangents[i], g);
    if (!same_batch(weight, g)) weight = engine_operations.spread(weight, joint_batch({weight, g}));
    weights.push_back(weight);
  }
  Tensors found(outputs.size);
  if (roots.empty()) return found;
  for (const Tensor& trial : trials) leaves.push_back(trial.defined() ? gradient_edge(trial) : Edge());
  BackwardOptions options;
  options.accumulate = false;
  options.create_graph = options.keep_graph = recorded;
  const std::vector<Tensor> results = run_backward(roots, weights, leaves, options);
  for (std::size_t i = 0; i < results.size(); ++i) found[i] = results[i];
  return found;
}

}  // namespace

void push_levels(TensorList inputs, TensorList outputs, Kept* saved,
                 const std::function<Tensors(const Tensors&)>& push) {
  for (uint64_t level : SmallVec<uint64_t, 4>(running)) {
    Tensors tangents;
    bool any = false;
    for (const Tensor& input : inputs) {
      tangents.push_back(input.defined() ? tangent(input, level) : Tensor());
      any |= tangents.back().defined();
    }
    if (!any) continue;
    Tensors found;
    {
      const OuterLevels outside(level);
      found = push(tangents);
      for (std::size_t i = 0; i < found.size() && i < outputs.size; ++i)
        if (found[i].defined()) found[i] = fitted(found[i], outputs[i]);
    }
    for (std::size_t i = 0; i < found.size() && i < outputs.size; ++i) {
      if (!found[i].defined() || !outputs[i].defined()) continue;
      set_tangent(outputs[i], level, found[i]);
      // What was kept of an output stands for it.
      if (saved)
        for (SavedTensor& entry : *saved)
          if (entry.is_output() && entry.raw().defined() && entry.raw()->storage == outputs[i]->storage)
            set_tangent(entry.raw(), level, found[i]);
    }
  }
}

namespace detail {

void record_forward(const Ref<Node>& node, TensorList inputs, TensorList outputs, Kept&& saved,
                    const ForwardRule& rule) {
  bool backward = false;
  if (grad_mode.enabled)
    for (const Tensor& input : inputs) backward |= input.defined() && input.requires_grad();
  if (backward) {
    connect(*node, inputs);
    for (const Tensor& output : outputs) attach_output(node, output);
    finish(node, inputs, outputs, std::move(saved));
  } else {
    for (const Tensor& output : outputs) node->add_output(output);
    node->saved() = std::move(saved);
  }
  push_levels(inputs, outputs, &node->saved(), [&](const Tensors& tangents) {
    switch (rule.kind) {
      case ForwardRule::elementwise:
        return push_elementwise(*node, outputs[0], tangents);
      case ForwardRule::given:
        return rule.push(inputs, tangents);
      default:
        return push_by_transpose(*node, inputs, outputs, tangents);
    }
  });
}

}  // namespace detail

}  // namespace penlight

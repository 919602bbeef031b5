#include "autograd/engine.h"

#include <algorithm>
#include <unordered_map>

#include "tensor/batch.h"
#include "tensor/unlocked.h"

namespace penlight {

EngineOperations engine_operations;
void (*warn)(const std::string&) = +[](const std::string&) {};

namespace {
thread_local Node* running = nullptr;
thread_local const void* current_run = nullptr;  // the innermost on this thread
}  // namespace
Node* running_node() {
  return running;
}

// ---- what a run keeps for a node; a node taking part in several runs at a time has several, chained

struct EngineState : FromPool {
  const void* run = nullptr;
  EngineState* next = nullptr;
  Ref<Node> node;
  uint32_t waiting = 0;  // how many consumers have not delivered yet
  bool needed = true;    // leads to an asked-for input
  bool queued = false;
  int capture = -1;  // first entry of the run's captures, or -1
  Grads grads;       // what arrived so far, per output
};

bool Node::needs(std::size_t i) const {
  if (pushed == this) [[unlikely]]
    return i < pushed_inputs->size() && (*pushed_inputs)[i];
  if (i >= edges.size() || !edges[i].valid()) return false;
  const EngineState* state = edges[i].node->engine_state;
  while (state && state->run != current_run) state = state->next;
  return !state || state->needed;
}

bool takes_part(const Node& node) {
  const EngineState* state = node.engine_state;
  while (state && state->run != current_run) state = state->next;
  return state && state->needed;
}

// ---- leaves

AccumulateGrad::AccumulateGrad(const Tensor& variable) : variable_(variable) {
  sequence_nr = UINT64_MAX;  // as soon as it can
  output_sizes.emplace_back(variable.sizes());
  output_dtypes.emplace_back(variable.dtype());
  GradMeta& meta = grad_meta(variable);
  meta.accumulator = this;
}

AccumulateGrad::~AccumulateGrad() {
  GradMeta& meta = grad_meta(variable_);
  if (meta.accumulator == this) meta.accumulator = nullptr;
}

namespace {

// A gradient that only the engine holds is taken as it is, also where it is a view of something that nobody
// else sees; undefined where it must be copied.
Tensor taken(const Tensor& grad) {
  if (grad.batched()) return {};
  const bool whole = grad.numel() * itemsize(grad.dtype()) == grad->storage->bytes();
  if (grad_enabled() || !whole || !grad.impl()->unique() || !grad.is_contiguous()) return {};
  if (!grad->base) return grad->storage->unique() ? grad : Tensor();
  return grad->base->unique() && grad->storage->references() == 2 ? alias(grad) : Tensor();
}

}  // namespace

Grads AccumulateGrad::apply(const Grads& grads) {
  const Tensor& grad = grads[0];
  if (!grad.defined() || !variable_->requires_grad) return {};
  check(grad.sizes() == variable_.sizes() && grad.dtype() == variable_.dtype(),
        "a leaf's sizes or type changed during backward: its gradient is ", dtype_name(grad.dtype()),
        " of sizes ", grad.sizes(), ", it is now ", dtype_name(variable_.dtype()), " of sizes ",
        variable_.sizes());
  GradMeta& meta = grad_meta(variable_);
  {
    KeepLocked whole;  // threads that train the same net add one after the other
    const Tensor before = meta.grad;
    if (!before.defined()) {
      meta.grad = taken(grad);
      if (!meta.grad.defined()) meta.grad = engine_operations.clone(grad);
    } else {
      check(before.sizes() == grad.sizes() && before.dtype() == grad.dtype(),
            "a leaf's grad does not fit it any more: its data was replaced since. grad is ",
            dtype_name(before.dtype()), " of sizes ", before.sizes(), ", the leaf is now ",
            dtype_name(grad.dtype()), " of sizes ", grad.sizes(), ". Set grad to None first.");
      if (!grad_enabled() && !before.requires_grad() && !grad_mode.forward && same_batch(before, grad))
        engine_operations.add_in_place(before, grad);
      else
        meta.grad = engine_operations.add(before, grad);
    }
  }
  const auto hooks = meta.accumulate_hooks;
  for (const HookEntry& entry : hooks) entry.hook->on_accumulated(variable_);
  return {};
}

// ---- the run

namespace {

// What vmap hides of an output of a node, or of a leaf; null where nothing.
const BatchDims* hidden_of(const Node& node, uint32_t output) {
  if (node.extras && output < node.extras->output_batch.size()) return &node.extras->output_batch[output];
  const TensorImpl* leaf = node.variable();
  return leaf && leaf->transforms ? &leaf->transforms->batch : nullptr;
}

// A gradient that differs between the examples of a vmap, on its way to a tensor that was the same for all of
// them, is summed over them; one that is the same for all, on its way to a tensor that differs, is each
// example's. While that vmap runs, every example goes its own way and there is nothing to do.
Tensor fit_examples(Tensor grad, const BatchDims* target) {
  SmallVec<uint64_t, 2> gone;
  if (grad.batched())
    for (uint64_t level : grad->transforms->batch.levels) {
      bool stays = vmap_running(level);
      if (target)
        for (uint64_t own : target->levels) stays |= own == level;
      if (!stays) gone.push_back(level);
    }
  if (!gone.empty()) grad = engine_operations.sum_examples(grad, gone);
  if (!target || target->empty()) return grad;
  BatchDims wanted = joint_batch({grad});
  const std::size_t count = wanted.levels.size();
  for (std::size_t i = 0; i < target->levels.size(); ++i) {
    if (vmap_running(target->levels[i])) continue;
    std::size_t at = 0;
    while (at < wanted.levels.size() && wanted.levels[at] < target->levels[i]) ++at;
    if (at < wanted.levels.size() && wanted.levels[at] == target->levels[i]) continue;
    wanted.levels.insert(at, target->levels[i]);
    wanted.sizes.insert(at, target->sizes[i]);
    wanted.strides.insert(at, 0);
  }
  return wanted.levels.size() == count ? grad : engine_operations.spread(grad, wanted);
}

// Gradients fit the inputs they belong to: broadcast inputs get sums, dtypes are the inputs' own.
void validate(Node& node, Grads& results) {
  check(results.size() <= node.edges.size(), "Function ", node.name(),
        " returned an incorrect number of gradients (expected ", node.edges.size(), ", got ", results.size(),
        ")");
  for (std::size_t i = 0; i < results.size(); ++i) {
    Tensor& grad = results[i];
    const Edge& edge = node.edges[i];
    if (!grad.defined() || !edge.valid()) continue;
    const Dims& sizes = edge.node->output_sizes[edge.input_nr];
    if (!(grad.sizes() == sizes)) {
      bool expandable = grad.sizes().size() >= sizes.size();
      for (std::size_t d = 0; expandable && d < sizes.size(); ++d) {
        const int64_t got = grad.sizes()[grad.sizes().size() - sizes.size() + d];
        expandable = sizes[d] == got || sizes[d] == 1;
      }
      check(expandable, "Function ", node.name(), " returned an invalid gradient at index ", i, " - got ",
            grad.sizes(), " but expected shape compatible with ", sizes);
      grad = engine_operations.sum_to(grad, sizes);
    }
    const DType dtype = edge.node->output_dtypes[edge.input_nr];
    if (grad.dtype() != dtype) grad = engine_operations.cast(grad, dtype);
    const BatchDims* hidden = hidden_of(*edge.node, edge.input_nr);
    if (hidden || grad.batched()) [[unlikely]]
      grad = fit_examples(std::move(grad), hidden);
  }
}

class Run {
 public:
  explicit Run(const BackwardOptions& options) : options_(options) {}
  const uint64_t number = ++last_number;
  ~Run() {
    for (EngineState* state : states_) {
      EngineState** link = &state->node->engine_state;
      while (*link != state) link = &(*link)->next;
      *link = state->next;
    }
    // Nodes go only now, when none refers to a state any more.
    for (EngineState* state : states_) delete state;
  }

  std::vector<Tensor> run(std::span<const Edge> roots, std::span<const Tensor> grads,
                          std::span<const Edge> inputs) {
    for (const Edge& root : roots) visit(root.node.get());
    explore();
    if (!inputs.empty()) mark_needed(inputs);
    for (std::size_t i = 0; i < roots.size(); ++i)
      deliver(*state_of(roots[i].node.get()), roots[i].input_nr, Tensor(grads[i]));
    for (const Edge& root : roots) {
      EngineState* state = state_of(root.node.get());
      if (state->waiting == 0 && !state->queued) push(state);
    }
    GradModeGuard recording(options_.create_graph);
    struct Current {
      const void* before;
      ~Current() { current_run = before; }
    } current{std::exchange(current_run, this)};
    while (!ready_.empty()) {
      std::pop_heap(ready_.begin(), ready_.end(), later);
      EngineState* state = ready_.back();
      ready_.pop_back();
      step(*state);
    }
    return std::move(captured_);
  }

 private:
  static bool later(const EngineState* a, const EngineState* b) {
    return a->node->sequence_nr < b->node->sequence_nr;
  }

  EngineState* state_of(Node* node) const {
    EngineState* state = node->engine_state;
    while (state && state->run != this) state = state->next;
    return state;
  }
  // The node's state, first in its chain while this run looks at it.
  EngineState* visit(Node* node) {
    if (EngineState* state = state_of(node)) return state;
    EngineState* state = new EngineState;
    state->run = this;
    state->next = node->engine_state;
    state->node = Ref<Node>(node);
    states_.push_back(state);
    node->engine_state = state;
    to_explore_.push_back(state);
    return state;
  }
  void explore() {
    while (!to_explore_.empty()) {
      EngineState* state = to_explore_.back();
      to_explore_.pop_back();
      for (const Edge& edge : state->node->edges)
        if (edge.valid()) ++visit(edge.node.get())->waiting;
    }
  }

  // Which nodes lead to an input: parents were made after children, so ascending order settles children
  // first.
  void mark_needed(std::span<const Edge> inputs) {
    for (EngineState* state : states_) state->needed = false;
    captured_.resize(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      EngineState* state = inputs[i].node ? state_of(inputs[i].node.get()) : nullptr;
      if (!state) continue;
      captures_.push_back({static_cast<int>(i), inputs[i].input_nr, state->capture});
      state->capture = static_cast<int>(captures_.size()) - 1;
      state->needed = true;
    }
    // Consumers of a needed node are needed: walk the edges backwards from the inputs.
    std::unordered_map<Node*, std::vector<EngineState*>> consumers;
    for (EngineState* state : states_)
      for (const Edge& edge : state->node->edges)
        if (edge.valid()) consumers[edge.node.get()].push_back(state);
    std::vector<Node*> open;
    for (EngineState* state : states_)
      if (state->needed) open.push_back(state->node.get());
    while (!open.empty()) {
      Node* node = open.back();
      open.pop_back();
      for (EngineState* consumer : consumers[node])
        if (!consumer->needed) {
          consumer->needed = true;
          open.push_back(consumer->node.get());
        }
    }
    restricted_ = true;
  }

  void push(EngineState* state) {
    state->queued = true;
    ready_.push_back(state);
    std::push_heap(ready_.begin(), ready_.end(), later);
  }

  void deliver(EngineState& state, uint32_t output, Tensor grad) {
    if (!grad.defined() || !state.needed) return;
    if (state.grads.size() <= output) state.grads.resize(output + 1);
    Tensor& slot = state.grads[output];
    if (!slot.defined()) {
      slot = std::move(grad);
    } else if (!options_.create_graph && slot.impl()->unique() && slot->storage->unique() &&
               slot.is_contiguous() && slot.sizes() == grad.sizes() && slot.dtype() == grad.dtype() &&
               !grad_mode.forward && !any_batched(slot, grad)) {
      engine_operations.add_in_place(slot, grad);
    } else {
      slot = engine_operations.add(slot, grad);
    }
  }

  void step(EngineState& state) {
    Node& node = *state.node;
    Grads results;
    if (state.needed) {
      Node* const before = std::exchange(running, &node);
      struct Restore {
        Node* node;
        ~Restore() { running = node; }
      } restore{before};
      Grads grads = std::move(state.grads);
      grads.resize(node.outputs());
      run_hooks(node, grads);
      bool any = false;
      for (const Tensor& grad : grads) any |= grad.defined();
      for (int c = state.capture; c >= 0; c = captures_[static_cast<std::size_t>(c)].next)
        capture(captures_[static_cast<std::size_t>(c)], grads);
      const bool leaf = node.variable() != nullptr;
      if (any && (leaf ? accumulates(state) : leads_on(state))) {
        results = call(node, grads);
      }
    }
    for (std::size_t i = 0; i < node.edges.size(); ++i) {
      const Edge& edge = node.edges[i];
      if (!edge.valid()) continue;
      EngineState& next = *state_of(edge.node.get());
      if (i < results.size()) {
        deliver(next, edge.input_nr, std::move(results[i]));
      }
      if (--next.waiting == 0) push(&next);
    }
  }

  bool accumulates(const EngineState& state) const {
    return options_.accumulate && (!restricted_ || state.capture >= 0);
  }
  bool leads_on(const EngineState& state) const {
    if (!restricted_) return true;
    for (const Edge& edge : state.node->edges)
      if (edge.valid() && state_of(edge.node.get())->needed) return true;
    return false;
  }

  void run_hooks(Node& node, Grads& grads) {
    const auto call_all = [&](const std::vector<HookEntry> hooks) {  // a copy: a hook may remove itself
      for (const HookEntry& entry : hooks) {
        Tensor& grad = grads[entry.output_nr];
        if (!grad.defined()) continue;
        Tensor changed = entry.hook->on_tensor(grad);
        if (changed.defined()) grad = std::move(changed);
      }
      if (!hooks.empty()) validate_outputs(node, grads);
    };
    if (TensorImpl* leaf = node.variable())
      if (const GradMeta& meta = grad_meta(Tensor(leaf)); !meta.leaf_hooks.empty()) call_all(meta.leaf_hooks);
    if (!node.extras) return;
    const auto keep = Ref<Node>(&node);
    call_all(node.extras->tensor_hooks);
    const auto retained = node.extras->retained;
    for (const auto& [output, impl] : retained) {
      if (!grads[output].defined()) continue;
      GradMeta& meta = grad_meta(Tensor(impl));
      if (!meta.grad.defined())
        meta.grad = engine_operations.clone(grads[output]);
      else
        meta.grad = engine_operations.add(meta.grad, grads[output]);
    }
    const auto pre_hooks = node.extras->pre_hooks;
    for (const HookEntry& entry : pre_hooks) entry.hook->on_node(grads);
    if (!pre_hooks.empty()) validate_outputs(node, grads);
  }

  // Gradients given back by hooks fit the node's outputs, as those that come from its consumers do.
  void validate_outputs(Node& node, Grads& grads) {
    for (std::size_t i = 0; i < grads.size(); ++i) {
      if (!grads[i].defined()) continue;
      check(grads[i].sizes() == node.output_sizes[i], "a hook of ", node.name(),
            " returned an invalid gradient at index ", i, " - got ", grads[i].sizes(), " but expected shape ",
            node.output_sizes[i]);
      if (grads[i].dtype() != node.output_dtypes[i])
        grads[i] = engine_operations.cast(grads[i], node.output_dtypes[i]);
    }
  }

  struct Capture {
    int input;
    uint32_t output_nr;
    int next;
  };
  void capture(const Capture& capture, const Grads& grads) {
    if (options_.accumulate) return;
    if (capture.output_nr < grads.size())
      captured_[static_cast<std::size_t>(capture.input)] = grads[capture.output_nr];
  }

  Grads call(Node& node, Grads& grads) {
    Grads results;
    const int64_t begin = node_timer.now ? node_timer.now() : 0;
    try {
      // A node with one output and no gradient for it is skipped by the caller; several may be partly
      // undefined.
      results = node.apply(grads);
    } catch (const std::runtime_error& error) {
      if (!node.extras || node.extras->traceback.empty()) throw;
      warn(text("Error detected in ", node.name(), ". Traceback of forward call that caused the error:\n",
                node.extras->traceback));
      throw;
    }
    validate(node, results);
    if (begin && node_timer.ran) node_timer.ran(node, begin);
    if (anomaly_enabled && anomaly_check_nan) look_for_nan(node, results);
    if (node.extras && !node.extras->post_hooks.empty()) {
      const auto hooks = node.extras->post_hooks;
      for (const HookEntry& entry : hooks) entry.hook->after_node(results, grads);
      validate(node, results);
    }
    if (!options_.keep_graph && !node.variable()) node.release_saved();
    return results;
  }

  void look_for_nan(Node& node, const Grads& results) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i].defined() || !engine_operations.has_nan(results[i])) continue;
      std::string message;
      for (const Node* at = &node; at && at->extras; at = at->extras->parent.get())
        message += text("Error detected in ", at->name(),
                        ". Traceback of forward call that caused the error:\n", at->extras->traceback);
      warn(message);
      fail("Function '", node.name(), "' returned nan values in its ", i, "th output.");
    }
  }

  static inline uint64_t last_number = 0;
  const BackwardOptions& options_;
  SmallVec<EngineState*, 32> states_, to_explore_, ready_;
  std::vector<Capture> captures_;
  std::vector<Tensor> captured_;
  bool restricted_ = false;
};

}  // namespace

uint64_t current_run_number() {
  return current_run ? static_cast<const Run*>(current_run)->number : 0;
}

Grads apply_node(Node& node, const Grads& grads) {
  Grads results = node.apply(grads);
  validate(node, results);
  return results;
}

std::vector<Tensor> run_backward(std::span<const Edge> roots, std::span<const Tensor> grads,
                                 std::span<const Edge> inputs, const BackwardOptions& options) {
  Run run(options);
  return run.run(roots, grads, inputs);
}

}  // namespace penlight

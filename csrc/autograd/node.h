// The recorded graph: a node for each operation, an edge for each of its inputs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace penlight {

class Node;
class Backward;
using Grads = SmallVec<Tensor, 3>;

// Where the gradient of an operation's input goes: to a node, as the gradient of its input_nr-th output.
struct Edge {
  Ref<Node> node;
  uint32_t input_nr = 0;
  bool valid() const { return static_cast<bool>(node); }
};

// What a pair of hooks made of a tensor kept for backward (autograd.graph.saved_tensors_hooks).
struct Packed : RefCounted {
  virtual Tensor unpack() = 0;
  virtual Ref<Packed> again(const Tensor& other) = 0;  // packs another tensor by the same hooks
  Edge edge;                                           // where the gradient of a kept input goes
  const Storage* storage = nullptr;                    // the memory it was in: to be compared, not followed
};

// Packs by the hooks in force on this thread; asked where grad_mode.packs_saved says so. Set by the bindings.
extern Ref<Packed> (*pack_by_hooks)(const Tensor& tensor);

// Where a node is while it lives, for those who must not keep it alive.
struct NodePlace : RefCounted {
  Node* node = nullptr;
};

// A tensor kept for backward. Reading it checks that it was not changed in place since.
class SavedTensor {
 public:
  // is_output: a result of the node that keeps it; kept without its node, or the two would keep each other.
  SavedTensor(const char* name, const Tensor& tensor, bool is_output = false);
  SavedTensor(SavedTensor&& other) noexcept;
  SavedTensor& operator=(SavedTensor&& other) noexcept;
  ~SavedTensor();

  const char* name() const { return name_; }
  bool is_output() const { return is_output_; }
  const Tensor& raw() const { return tensor_; }
  Tensor unpack(Node& owner) const;
  // Keeps another tensor in its place (after the operation was carried over into an in-place one).
  void replace(const Tensor& tensor);
  // Gives the tensor to hooks, and keeps what they made of it instead.
  void pack(const std::function<Ref<Packed>(const Tensor& tensor)>& by);
  // The same for an input whose memory is about to change, and a copy of it.
  void repack(const Tensor& copy);
  Packed* packed() const { return packed_.get(); }
  void set_output_nr(uint32_t number) { output_nr_ = number; }
  // The place in the graph of an output that was carried over into a view; known while that node lives.
  void belongs_to(const Ref<Node>& node, uint32_t output_nr);

 private:
  const char* name_ = nullptr;
  Tensor tensor_;
  Ref<Storage> storage_;  // the tensor's when it was kept
  Ref<Packed> packed_;
  Ref<NodePlace> place_;
  uint32_t version_ = 0;
  uint32_t output_nr_ = 0, place_output_nr_ = 0;
  bool is_output_ = false;
  bool recorded_ = false;  // an input that is the result of an operation, and must stay it
};

inline SavedTensor keep(const char* name, const Tensor& tensor) {
  return SavedTensor(name, tensor);
}
inline SavedTensor keep_output(const char* name, const Tensor& tensor) {
  return SavedTensor(name, tensor, true);
}

using Kept = SmallVec<SavedTensor, 2>;

// A function called by the engine. The bindings make them from Python callables.
struct Hook : RefCounted {
  virtual Tensor on_tensor(const Tensor& grad) = 0;                  // may return undefined: keep
  virtual void on_node(Grads& grads) = 0;                            // before a node
  virtual void after_node(Grads& inputs, const Grads& outputs) = 0;  // inputs: results, may change
  virtual void on_accumulated(const Tensor& variable) = 0;
};

struct HookEntry {
  uint64_t id;
  Ref<Hook> hook;
  uint32_t output_nr = 0;
};

// What few nodes have.
struct NodeExtras {
  std::vector<HookEntry> tensor_hooks;  // on one of the node's outputs, first to last
  std::vector<HookEntry> pre_hooks;
  std::vector<HookEntry> post_hooks;
  std::vector<std::pair<uint32_t, Ref<TensorImpl>>>
      retained;                         // output number and the tensor that wants its grad
  std::string traceback;                // where the operation was called (anomaly mode)
  Ref<Node> parent;                     // the backward node in whose run this node was made (anomaly mode)
  std::vector<BatchDims> output_batch;  // what vmap hides of each output
  Ref<NodePlace> place;
  ~NodeExtras() {
    if (place) place->node = nullptr;
  }
};

// A number an operation was called with, by its argument's name.
struct Note {
  const char* name;
  std::optional<Scalar> number = {};  // None to Python where there is none, nor a word or list
  const char* word = nullptr;         // in the number's place
  std::optional<Dims> list = {};      // the same
};
using Notes = std::vector<Note>;

struct EngineState;

class Node : public RefCounted, public FromPool {
 public:
  Node() : sequence_nr(next_sequence_nr++) {}

  virtual std::string name() const = 0;
  virtual void rename(const char*) {}  // for the form in place of a view, which has a name of its own
  // The gradients of the inputs from those of the outputs; some of either may be undefined (zero).
  virtual Grads apply(const Grads& grads) = 0;
  // The numbers the operation was called with, for those who want to show it.
  virtual Notes notes() const { return {}; }
  virtual void release_saved() {
    saved_.clear();
    released_ = true;
  }
  // The leaf this node accumulates into, or null.
  virtual TensorImpl* variable() const { return nullptr; }

  SmallVec<Edge, 2> edges;         // one for each input
  SmallVec<Dims, 1> output_sizes;  // of each output, to check and to make zeros
  SmallVec<DType, 4> output_dtypes;
  uint64_t sequence_nr;
  EngineState* engine_state = nullptr;
  std::unique_ptr<NodeExtras> extras;

  // Notes the sizes, type and hidden dimensions of the next output (none where it is undefined).
  void add_output(const Tensor& output);
  uint32_t outputs() const { return static_cast<uint32_t>(output_sizes.size()); }
  // Is the gradient of input i wanted, in this graph and this run?
  bool needs(std::size_t i) const;
  // While forward mode calls backward for a rule of its own, the inputs it is for (one bit each).
  static inline thread_local const Node* pushed = nullptr;
  static inline thread_local const SmallVec<bool, 8>* pushed_inputs = nullptr;
  SmallVec<SavedTensor, 2>& saved() { return saved_; }
  bool released() const { return released_; }
  NodeExtras& extra() {
    if (!extras) extras = std::make_unique<NodeExtras>();
    return *extras;
  }

  static inline uint64_t next_sequence_nr = 0;

 protected:
  void destroy() noexcept override { destroy_later(this); }
  SmallVec<SavedTensor, 2> saved_;
  bool released_ = false;
};

// Raises where the tensors kept by a node were freed by a backward pass.
void check_not_released(const Node& node);

// What a backward function sees: the tensors kept for it, and which gradients are wanted.
class Backward {
 public:
  explicit Backward(Node& node) : node_(node) {}
  bool needs(std::size_t i) const { return node_.needs(i); }
  Tensor saved(std::size_t i) const {
    check_not_released(node_);
    return node_.saved()[i].unpack(node_);
  }
  const Dims& output_sizes(std::size_t i) const { return node_.output_sizes[i]; }
  DType output_dtype(std::size_t i) const { return node_.output_dtypes[i]; }
  Node& node() const { return node_; }

 private:
  Node& node_;
};

// What autograd keeps with a tensor.
struct GradMeta final : GradMetaBase {
  Tensor grad;
  Ref<Node> grad_fn;  // null for a leaf
  uint32_t output_nr = 0;
  Node* accumulator = nullptr;              // the leaf's AccumulateGrad, while some graph holds it
  std::vector<HookEntry> leaf_hooks;        // a leaf's; they run before accumulation
  std::vector<HookEntry> accumulate_hooks;  // after accumulation
  bool retains_grad = false;
};

GradMeta& grad_meta(const Tensor& tensor);
inline GradMeta* grad_meta_or_null(const Tensor& tensor) {
  return static_cast<GradMeta*>(tensor->grad_meta.get());
}

// The node and output a tensor's gradient flows to: its grad_fn, a leaf's accumulator, or none.
Edge gradient_edge(const Tensor& tensor);
// The tensor's grad_fn, rebuilt for a view whose base was changed in place since; null for a leaf.
Ref<Node> grad_fn(const Tensor& tensor);
void set_history(const Tensor& tensor, Ref<Node> node, uint32_t output_nr);
void set_requires_grad(const Tensor& tensor, bool value);

// A tensor over the same memory, version count and place in the graph, but another object.
Tensor shadow(const Tensor& tensor);

uint64_t next_hook_id();

}  // namespace penlight

// Running the recorded graph backward.
#pragma once

#include <span>

#include "autograd/record.h"

namespace penlight {

// Adds what arrives to a leaf's grad.
class AccumulateGrad final : public Node {
 public:
  explicit AccumulateGrad(const Tensor& variable);
  ~AccumulateGrad() override;
  std::string name() const override { return "AccumulateGrad"; }
  Grads apply(const Grads& grads) override;
  TensorImpl* variable() const override { return variable_.impl(); }

 private:
  Tensor variable_;
};

struct BackwardOptions {
  bool keep_graph = false;
  bool create_graph = false;
  bool accumulate = true;  // into leaves' grad; otherwise the gradients of `inputs` are returned
};

// Runs backward from roots with the given gradients (one for each root). Where inputs are given, only what
// leads to them is computed: their gradients are returned (undefined where they do not belong to the graph),
// or, with accumulate, added to their grad.
std::vector<Tensor> run_backward(std::span<const Edge> roots, std::span<const Tensor> grads,
                                 std::span<const Edge> inputs, const BackwardOptions& options);

// One node's backward alone: its results fit the inputs they belong to, as in a run.
Grads apply_node(Node& node, const Grads& grads);

// The node whose backward is running on this thread, or null.
Node* running_node();
// A number of its own for each backward pass, of the innermost on this thread; 0 outside.
uint64_t current_run_number();
// Will the innermost pass on this thread run the node?
bool takes_part(const Node& node);

// Asked for the time before a node runs and told after it, where somebody measures; otherwise null.
struct NodeTimer {
  int64_t (*now)() = nullptr;
  void (*ran)(const Node& node, int64_t begin) = nullptr;
};
inline NodeTimer node_timer;

// Set by ops, for the engine's own arithmetic.
struct EngineOperations {
  Tensor (*add)(const Tensor& a, const Tensor& b) = nullptr;
  void (*add_in_place)(const Tensor& to, const Tensor& other) = nullptr;  // unrecorded
  Tensor (*sum_to)(const Tensor& grad, const Dims& sizes) = nullptr;
  Tensor (*cast)(const Tensor& grad, DType dtype) = nullptr;
  Tensor (*clone)(const Tensor& tensor) = nullptr;
  Tensor (*expand)(const Tensor& tensor, const Dims& sizes) = nullptr;
  // A gradient summed over the examples of calls of vmap.
  // A gradient as one that hides what another tensor hides too.
  Tensor (*spread)(const Tensor& grad, const BatchDims& batch) = nullptr;
  Tensor (*sum_examples)(const Tensor& grad, const SmallVec<uint64_t, 2>& levels) = nullptr;
  bool (*has_nan)(const Tensor& tensor) = nullptr;
};
extern EngineOperations engine_operations;

// The Python traceback of the running call (anomaly mode) and a way to warn. Set by the bindings.
extern std::string (*current_traceback)();
extern void (*warn)(const std::string& message);

}  // namespace penlight

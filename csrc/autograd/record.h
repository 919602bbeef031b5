// Recording an operation: its node, made from a function written beside the forward.
#pragma once

#include <cstring>
#include <utility>

#include "autograd/forward.h"
#include "autograd/grad_mode.h"
#include "autograd/node.h"

namespace penlight {

// Is an operation on the tensor to be recorded? Because a gradient is asked for, or a tangent carried along.
inline bool needs_grad(const Tensor& a) {
  return a.defined() && ((grad_mode.enabled && a.requires_grad()) || (grad_mode.forward && has_tangent(a)));
}
template <class... Rest>
bool needs_grad(const Tensor& a, const Rest&... rest) {
  return (grad_mode.enabled || grad_mode.forward) && (needs_grad(a) || (needs_grad(rest) || ...));
}
bool needs_grad_any(TensorList list);

struct NoNotes {
  Notes operator()() const { return {}; }
};

// The node of an operation with no class of its own.
template <class F, class N = NoNotes>
class FunctionNode final : public Node {
 public:
  FunctionNode(const char* name, F function, N notes = {})
      : name_(name), function_(std::move(function)), notes_(std::move(notes)) {}
  std::string name() const override { return name_; }
  Notes notes() const override {
    if constexpr (requires(const F& f) { f.notes(); })
      return function_.notes();
    else
      return notes_();
  }
  void rename(const char* name) override { name_ = name; }
  Grads apply(const Grads& grads) override {
    Backward context(*this);
    if constexpr (std::is_invocable_v<F&, Backward&, const Tensor&>)
      return Grads(function_(context, grads[0]));
    else
      return Grads(function_(context, grads));
  }

 private:
  const char* name_;
  F function_;
  [[no_unique_address]] N notes_;
};

// Told of every operation as it is recorded, where somebody listens; otherwise null.
using Observer = void (*)(const Ref<Node>& node, TensorList inputs, TensorList outputs);
inline Observer observer = nullptr;

namespace detail {
void connect(Node& node, TensorList inputs);
void attach_output(const Ref<Node>& node, const Tensor& output);
// The end of recording: what is kept, and word to the observer.
void finish(const Ref<Node>& node, TensorList inputs, TensorList outputs, Kept&& saved);
// Recording while tangents are carried along: the outputs get theirs by the rule.
void record_forward(const Ref<Node>& node, TensorList inputs, TensorList outputs, Kept&& saved,
                    const ForwardRule& rule);

inline const char* name_of(const char* name) {
  return name;
}
template <class Named>
const char* name_of(const Named& named) {
  return named.name;
}
inline ForwardRule rule_of(const char*) {
  return {};
}
template <class Named>
ForwardRule rule_of(const Named& named) {
  return named.rule();
}
}  // namespace detail

// kept(keep("self", x), keep_output("result", y)): the tensors an operation keeps for backward.
template <class... Saved>
Kept kept(Saved&&... saved) {
  Kept list;
  (list.emplace_back(std::forward<Saved>(saved)), ...);
  return list;
}

// Records an operation: output(s) computed from inputs, the tensors kept, and backward, called as
//   backward(Backward&, const Tensor& grad) -> Grads        (one output; grad is defined)
//   backward(Backward&, const Grads& grads) -> Grads        (several; some may be undefined)
// and giving one gradient for each input; undefined means zero. name is PyTorch's name of the node; said as
// elementwise(name), linear(name, f) or pushed(name, f), it states a cheaper rule of forward mode than the
// transpose of backward (autograd/forward.h).
// Call it only where needs_grad(...) holds for an input. notes() lists the numbers the operation was called
// with, [p] { return Notes{{"exponent", p}}; }: it costs what it captures, and is called by who shows the
// graph.
template <class Name, class F, class N = NoNotes>
void record(const Name& name, TensorList inputs, TensorList outputs, Kept saved, F backward, N notes = {}) {
  Ref<Node> node(new FunctionNode<F, N>(detail::name_of(name), std::move(backward), std::move(notes)));
  if (grad_mode.forward) [[unlikely]]
    return detail::record_forward(node, inputs, outputs, std::move(saved), detail::rule_of(name));
  detail::connect(*node, inputs);
  for (const Tensor& output : outputs) detail::attach_output(node, output);
  detail::finish(node, inputs, outputs, std::move(saved));
}

}  // namespace penlight

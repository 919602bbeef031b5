// Forward mode: tangents, the directions in which tensors change, carried along by each operation.
//
// A tensor has at most one tangent for each dual level: each call of jvp, and each dual_level, is one, so
// that derivatives of derivatives are not mixed up. Innermost levels have the greatest numbers. A tangent of
// one level may itself have tangents of the levels outside of it: that is a second derivative.
//
// An operation that is recorded gives its outputs tangents, for each level that one of its inputs has one of.
// Backward is a linear function of the gradient, g -> J^T g; forward mode needs t -> J t. There are three
// ways from the one to the other:
//   elementwise(name)   J is diagonal and so its own transpose: backward, called with the tangent for a
//   gradient linear(name, f)     the operation is linear: f, the operation itself, of the tangent
//   pushed(name, f)     f(inputs, tangents), as the sum over a product's factors
//   name alone          the transpose of backward: backward is recorded once, and its own backward is J
// All are made of operations, which carry the tangents of outer levels, and are recorded, in turn.
#pragma once

#include <functional>

#include "autograd/grad_mode.h"
#include "autograd/node.h"

namespace penlight {

// A list of tensors without a copy.
struct TensorList {
  const Tensor* data;
  std::size_t size;
  TensorList(const Tensor& one) : data(&one), size(1) {}
  TensorList(std::initializer_list<Tensor> list) : data(list.begin()), size(list.size()) {}
  TensorList(const Tensors& list) : data(list.data()), size(list.size()) {}
  TensorList(const std::vector<Tensor>& list) : data(list.data()), size(list.size()) {}
  const Tensor* begin() const { return data; }
  const Tensor* end() const { return data + size; }
  const Tensor& operator[](std::size_t i) const { return data[i]; }
};

// ---- levels

// The level that begins, which is now innermost on this thread; to be ended in the reverse order. Its end
// takes its tangents from all tensors.
uint64_t begin_dual_level();
void end_dual_level(uint64_t level);
uint64_t innermost_dual_level();  // 0: there is none

// ---- tangents

// Has it a tangent of a running level?
bool has_tangent(const Tensor& x);
// Undefined where it has none, which means zero.
Tensor tangent(const Tensor& x, uint64_t level);
void set_tangent(const Tensor& x, uint64_t level, const Tensor& value);
// Gives one tensor the tangents of another that stands for the same values.
void copy_tangents(const Tensor& to, const Tensor& from);
// After result was carried over into tensor's memory: the tangents follow.
void assign_tangents(const Tensor& tensor, const Tensor& result);
// The tensor as it is without tangents of this level: another object over the same memory, with the same
// place in the graph.
Tensor primal(const Tensor& x, uint64_t level);

// ---- rules

struct ForwardRule {
  enum Kind { transpose, elementwise, given } kind = transpose;
  // inputs, their tangents (some undefined) -> a tangent for each output
  std::function<Tensors(TensorList, const Tensors&)> push;
};

struct Elementwise {
  const char* name;
  ForwardRule rule() const { return {ForwardRule::elementwise, {}}; }
};
inline Elementwise elementwise(const char* name) {
  return {name};
}

template <class F>
struct Pushed {
  const char* name;
  const F& f;
  ForwardRule rule() const {
    return {ForwardRule::given, [&f = f](TensorList inputs, const Tensors& tangents) -> Tensors {
              return {f(inputs, tangents)};
            }};
  }
};
template <class F>
Pushed<F> pushed(const char* name, const F& f) {
  return {name, f};
}

template <class F>
struct Linear {
  const char* name;
  const F& f;
  ForwardRule rule() const {
    return {ForwardRule::given,
            [&f = f](TensorList, const Tensors& tangents) -> Tensors { return {f(tangents[0])}; }};
  }
};
template <class F>
Linear<F> linear(const char* name, const F& f) {
  return {name, f};
}

// Runs a rule with only the levels outside of one running.
class OuterLevels {
 public:
  explicit OuterLevels(uint64_t level);
  ~OuterLevels();
  OuterLevels(const OuterLevels&) = delete;
  OuterLevels& operator=(const OuterLevels&) = delete;

 private:
  SmallVec<uint64_t, 4> before_;
  bool forward_;
};

// Carries tangents over from inputs to outputs by a function of (level, tangents of the inputs), for each
// running level; the node of a Python Function calls its jvp there.
void push_levels(TensorList inputs, TensorList outputs, Kept* saved,
                 const std::function<Tensors(const Tensors&)>& push);

}  // namespace penlight

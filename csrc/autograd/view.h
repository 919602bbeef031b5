// Views and changes in place: how the graph follows memory that several tensors share.
#pragma once

#include "autograd/record.h"

namespace penlight {

// Makes result (an alias of tensor) known as a view of it: both share memory, and a change in place of either
// reaches the other's place in the graph. multi: one of several views made by one call.
void mark_view(const Tensor& result, const Tensor& tensor, bool multi = false);

// Raises where a function that is being transformed (func.grad, vjp, jvp) is about to change a tensor that it
// did not get as an argument nor make: the change would reach out of the transform, and its derivative not.
void check_own(const Tensor& tensor, const char* operation);

// Raises where a change in place of the tensor is not allowed: a leaf that requires grad, a view of one,
// memory written to by several elements (unless each gets what it has: unchanged), ... operation names it for
// the message.
void check_inplace(const Tensor& tensor, const char* operation, bool unchanged = false);

// What stands for a tensor about to be changed in place: its memory and its place in the graph, but another
// object. Hooks of a view stay behind, with the value that the view no longer has: its gradient goes to the
// base.
Tensor value_before(const Tensor& tensor);

// Carries a result computed out of place, with its history, into a tensor: memory, version and graph.
// The tensor has the result's sizes; check_inplace was called before. stand_in: what stood for the tensor
// where the result was computed; undefined if nothing did.
void assign(const Tensor& tensor, const Tensor& result, const Tensor& stand_in);

// The tensor's history after its memory was written by an operation that is recorded as node, output 0.
void rebase_history(const Tensor& tensor, const Ref<Node>& node);

// Rebuilds the grad_fn of a view whose base was changed in place since.
void refresh_view(const Tensor& view);

// A window on memory: what a view is of its base.
struct Window {
  Dims sizes, strides;
  int64_t offset = 0;
};
inline Window window_of(const Tensor& x) {
  return {x.sizes(), x.strides(), x->offset};
}

// What a view is of its base. Where it was made by vmap, which hides a dimension of the base, the window has
// that dimension too, in front.
struct Part {
  Window window;
  BatchDims hidden;  // of the view and not of its base
};
Part part_of(const Tensor& view, const Tensor& base);

// Set by ops.
struct ViewOperations {
  void (*copy_values)(const Tensor& to, const Tensor& from) = nullptr;
  Tensor (*clone_values)(const Tensor& tensor) = nullptr;
  Tensor (*as_strided)(const Tensor& tensor, const Window& window) = nullptr;
  // The part of a gradient of base that belongs to a window on it, and the rest with zeros there. Recorded.
  Tensor (*inside)(const Tensor& grad, const Window& base, const Window& window) = nullptr;
  Tensor (*outside)(const Tensor& grad, const Window& base, const Window& window) = nullptr;
  // The first dimensions hidden, and put in front again. Recorded.
  Tensor (*hide)(const Tensor& tensor, const BatchDims& hidden) = nullptr;
  Tensor (*show)(const Tensor& tensor, const BatchDims& hidden) = nullptr;
};
extern ViewOperations view_operations;

}  // namespace penlight

#include "autograd/view.h"

namespace penlight {

ViewOperations view_operations;

void mark_view(const Tensor& result, const Tensor& tensor, bool multi) {
  result->base = tensor->base ? tensor->base : Ref<TensorImpl>(tensor.impl());
  result->no_grad_view = !grad_mode.enabled || tensor->no_grad_view;
  result->multi_output_view = multi || tensor->multi_output_view;
  result->view_version = result->storage->version();
}

namespace {

const char* const kNoGradViewAdvice =
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by "
    "moving "
    "both the view and the inplace either both inside the no_grad block (if you don't want the inplace to be "
    "tracked) or both outside (if you want the inplace to be tracked).";

const char* const kMultiOutputAdvice =
    "This view is the output of a function that returns multiple views. Such functions do not allow the "
    "output views "
    "to be modified inplace. You should replace the inplace operation by an out-of-place one.";

std::string output_of(const Tensor& view) {
  const GradMeta* meta = grad_meta_or_null(view);
  return meta && meta->grad_fn ? text("Output ", meta->output_nr, " of ", meta->grad_fn->name())
                               : std::string("Output 0 of a function");
}

bool is_leaf(const Tensor& tensor) {
  const GradMeta* meta = grad_meta_or_null(tensor);
  return !meta || !meta->grad_fn;
}

// What may not be written to by an operation that is recorded.
void check_recorded_write(const Tensor& tensor) {
  if (tensor->base) {
    check(!tensor->no_grad_view,
          "A view was created in no_grad mode and is being modified inplace with grad mode enabled. ",
          kNoGradViewAdvice);
    const Tensor base{tensor->base};
    check(!(is_leaf(base) && base->requires_grad) && !(is_leaf(tensor) && tensor->requires_grad),
          "a view of a leaf Variable that requires grad is being used in an in-place operation.");
    check(!tensor->multi_output_view, output_of(tensor), " is a view and is being modified inplace. ",
          kMultiOutputAdvice);
  } else {
    check(!(tensor->requires_grad && is_leaf(tensor)),
          "a leaf Variable that requires grad is being used in an in-place operation.");
  }
}

}  // namespace

void check_own(const Tensor& tensor, const char* operation) {
  check(
      tensor->transform >= made_under.transform, operation,
      ": inside of func.grad, vjp or jvp a function may change in place what it was given or has made; this "
      "call would mutate a captured Tensor, of shape ",
      tensor.sizes(), ", from outside. Pass it as an argument, or change a clone of it.");
}

void check_inplace(const Tensor& tensor, const char* operation, bool unchanged) {
  check_own(tensor, operation);
  check(
      !(tensor->inference && !grad_mode.inference),
      "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
      "normal tensor before doing inplace update.");
  for (std::size_t d = 0; !unchanged && d < tensor.sizes().size() && tensor.numel() > 0; ++d)
    check(!(tensor.strides()[d] == 0 && tensor.sizes()[d] > 1),
          "unsupported operation: more than one element of the written-to tensor refers to a single memory "
          "location. "
          "Please clone() the tensor before performing the operation.");
  if (!grad_mode.enabled || !tensor.requires_grad()) return;
  check_recorded_write(tensor);
  check(!tensor->base || !is_leaf(Tensor(tensor->base)),  // detached in place since
        "a view of a leaf Variable that requires grad is being used in an in-place operation.");
}

namespace {

bool has_hooks(const Node& node) {
  const NodeExtras* extras = node.extras.get();
  return extras && !(extras->tensor_hooks.empty() && extras->pre_hooks.empty() &&
                     extras->post_hooks.empty() && extras->retained.empty());
}

// retain_grad goes on with the node that a tensor belongs to now.
void move_retained(const Tensor& tensor, const Ref<Node>& before, const Ref<Node>& now, uint32_t output) {
  if (!before || !before->extras) return;
  auto& retained = before->extras->retained;
  for (std::size_t i = 0; i < retained.size(); ++i)
    if (retained[i].second.get() == tensor.impl()) retained.erase(retained.begin() + static_cast<long>(i));
  now->extra().retained.emplace_back(output, Ref<TensorImpl>(tensor.impl()));
}

}  // namespace

Part part_of(const Tensor& view, const Tensor& base) {
  Part part{window_of(view), {}};
  if (!view.batched()) return part;
  const BatchDims& all = view->transforms->batch;
  for (std::size_t i = 0; i < all.levels.size(); ++i) {
    bool shared = false;
    if (base.batched())
      for (uint64_t level : base->transforms->batch.levels) shared |= level == all.levels[i];
    if (shared) continue;
    const std::size_t at = part.hidden.levels.size();
    part.hidden.levels.push_back(all.levels[i]);
    part.hidden.sizes.push_back(all.sizes[i]);
    part.hidden.strides.push_back(all.strides[i]);
    part.window.sizes.insert(at, all.sizes[i]);
    part.window.strides.insert(at, all.strides[i]);
  }
  return part;
}

namespace {

// A view made anew from its base as it is now. Recorded.
Tensor view_again(const Tensor& base, const Tensor& view) {
  const Part part = part_of(view, base);
  const Tensor again = view_operations.as_strided(base, part.window);
  return part.hidden.empty() ? again : view_operations.hide(again, part.hidden);
}

}  // namespace

void refresh_view(const Tensor& view) {
  const Tensor base{view->base};
  const GradMeta* meta = grad_meta_or_null(view);
  if (!base->requires_grad && !(meta && meta->grad_fn)) return;
  const uint32_t version = view->storage->version();
  if (view->view_version == version) return;
  check(!view->no_grad_view,
        "A view was created in no_grad mode and its base or another view of its base has been modified "
        "inplace with "
        "grad mode enabled. ",
        kNoGradViewAdvice);
  check(!view->multi_output_view, output_of(view),
        " is a view and its base or another view of its base has been modified inplace. ",
        kMultiOutputAdvice);
  view->view_version = version;
  GradModeGuard recording(true);
  const Tensor fresh = view_again(base, view);
  GradMeta& fresh_meta = grad_meta(fresh);
  if (!fresh_meta.grad_fn) {  // the base was detached in place: the view's new values lead nowhere
    const auto nowhere = [](Backward&, const Tensor&) { return Grads(1); };
    const Ref<Node> node(new FunctionNode<decltype(nowhere)>("AsStridedBackward0", nowhere));
    detail::connect(*node, base);
    node->add_output(view);
    fresh_meta.grad_fn = node;
  }
  if (meta && meta->retains_grad)
    move_retained(view, meta->grad_fn, fresh_meta.grad_fn, fresh_meta.output_nr);
  set_history(view, fresh_meta.grad_fn, fresh_meta.output_nr);
}

namespace {
// Do any of the view operations between a view and its base have hooks?
bool hooks_between(Ref<Node> node, const Node* base) {
  for (; node && node.get() != base; node = node->edges[0].node) {
    if (has_hooks(*node)) return true;
    if (node->edges.size() != 1) return false;
  }
  return false;
}
}  // namespace

Tensor value_before(const Tensor& tensor) {
  Tensor stand_in = shadow(tensor);
  if (!tensor->base || !tensor.requires_grad()) return stand_in;
  const Tensor base{tensor->base};
  if (!hooks_between(grad_fn(tensor), gradient_edge(base).node.get())) return stand_in;
  const Edge edge = gradient_edge(view_again(base, tensor));
  set_history(stand_in, edge.node, edge.input_nr);
  return stand_in;
}

void rebase_history(const Tensor& tensor, const Ref<Node>& node) {
  GradMeta& meta = grad_meta(tensor);
  // Hooks and retain_grad of the value before stay with the node before; retain_grad goes on with the new
  // one.
  if (meta.retains_grad) move_retained(tensor, meta.grad_fn, node, 0);
  set_history(tensor, node, 0);
}

namespace {

// The graph after a write into a window of base: what was there outside the window, and the new values
// inside.
void copy_slices(const Tensor& base, const Tensor& window, const Tensor& result) {
  const auto backward = [whole = window_of(base), part = part_of(window, base)](Backward& b,
                                                                                const Tensor& g) {
    check_not_released(b.node());  // it keeps nothing, but the write went with the graph that it is part of
    Grads grads(2);
    if (b.needs(0)) grads[0] = view_operations.outside(g, whole, part.window);
    if (b.needs(1)) {
      const Tensor inner = view_operations.inside(g, whole, part.window);
      grads[1] = part.hidden.empty() ? inner : view_operations.hide(inner, part.hidden);
    }
    return grads;
  };
  const Ref<Node> node(new FunctionNode<decltype(backward)>("CopySlices", backward));
  detail::connect(*node, {base, result});
  node->add_output(base);
  rebase_history(base, node);
  if (observer) [[unlikely]]
    observer(node, {base, result}, base);
}

// A node that kept the operand about to be overwritten keeps a copy instead. Another operand that shares its
// memory stays as it is: backward will find it changed and say so.
void move_saved_away(const Tensor& tensor, const Tensor& stand_in, Node& node) {
  for (SavedTensor& saved : node.saved()) {
    if (saved.packed() && !saved.is_output() && saved.packed()->storage == tensor->storage.get()) {
      saved.repack(view_operations.clone_values(saved.unpack(node)));
      continue;
    }
    const Tensor& kept = saved.raw();
    if (!kept.defined() || saved.is_output() || kept->storage.get() != tensor->storage.get()) continue;
    // Under function transforms an operand is known by its level, not by its object: it counts as the one
    // overwritten.
    const bool overwritten =
        stand_in.defined() && (kept.same(stand_in) || kept->base.get() == stand_in.impl() ||
                               kept->transforms || tensor->transforms || grad_mode.forward);
    if (!overwritten) {
      saved.replace(shadow(kept));  // not the tensor itself, which will belong to this node
      continue;
    }
    Tensor copy = view_operations.clone_values(kept);
    if (kept.requires_grad()) {
      // It is the value before: a second derivative finds its hooks, which value_before went past.
      const Edge edge = gradient_edge(kept.same(stand_in) ? tensor : kept);
      set_history(copy, edge.node, edge.input_nr);
    }
    copy_tangents(copy, kept);
    saved.replace(copy);
  }
}

}  // namespace

void assign(const Tensor& tensor, const Tensor& result, const Tensor& stand_in) {
  const bool recorded = grad_mode.enabled && result.requires_grad();
  Ref<Node> node;
  if (recorded) {
    node = grad_fn(result);
    if (node) move_saved_away(tensor, stand_in, *node);
    check_recorded_write(tensor);
  }
  const bool was_recorded = grad_mode.enabled && tensor.requires_grad();
  Tensor before;
  if (tensor->base && (recorded || was_recorded)) before = Tensor(tensor->base);
  view_operations.copy_values(tensor, result);
  tensor.changed();
  if (grad_mode.forward) [[unlikely]]
    assign_tangents(tensor, result);
  if (recorded && node) {
    // What the operation kept of its result is the tensor from now on: a later change of it must be noticed.
    for (SavedTensor& saved : node->saved())
      if (saved.is_output() && saved.raw().defined() && saved.raw()->storage == result->storage) {
        saved.replace(tensor);
        copy_tangents(saved.raw(), tensor);
      }
  }
  if (!recorded && !was_recorded) return;
  if (tensor->base) {
    copy_slices(before, tensor, result);
    // The view's own place in the graph is rebuilt from the base when it is asked for.
    tensor->view_version = tensor->storage->version() - 1;
    refresh_view(tensor);
    // What the operation kept of its result is the view, whose gradient flows through that place.
    if (node)
      for (SavedTensor& saved : node->saved())
        if (saved.is_output() && saved.raw().defined() && saved.raw()->storage == tensor->storage)
          saved.belongs_to(grad_fn(tensor), grad_meta(tensor).output_nr);
  } else if (recorded) {
    const Edge edge = gradient_edge(result);
    rebase_history(tensor, edge.node);
    grad_meta(tensor).output_nr = edge.input_nr;
  } else {
    // New values that need no gradient: the tensor is cut off from its past.
    GradMeta& meta = grad_meta(tensor);
    meta.grad_fn = nullptr;
    tensor->requires_grad = false;
  }
}

}  // namespace penlight

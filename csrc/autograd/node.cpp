#include "autograd/node.h"

#include "autograd/engine.h"
#include "autograd/record.h"
#include "autograd/view.h"

namespace penlight {

bool anomaly_enabled = false;
bool anomaly_check_nan = true;

// ---- saved tensors

SavedTensor::SavedTensor(const char* name, const Tensor& tensor, bool is_output)
    : name_(name), is_output_(is_output) {
  replace(tensor);
}

void SavedTensor::replace(const Tensor& tensor) {
  if (storage_) storage_->unsaved();
  tensor_ = tensor;
  storage_ = nullptr;
  packed_ = nullptr;
  if (!tensor.defined()) return;
  check(!tensor->inference,
        "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode "
        "in "
        "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor "
        "and use "
        "it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`.");
  if (is_output_) {
    // The node that will own it is not attached yet, or is its owner: keep the bare window.
    tensor_ = alias(tensor);
    if (GradMeta* meta = grad_meta_or_null(tensor)) output_nr_ = meta->output_nr;
  }
  const GradMeta* meta = grad_meta_or_null(tensor);
  recorded_ = !is_output_ && meta && meta->grad_fn;
  storage_ = tensor_->storage;
  version_ = storage_->version();
  storage_->saved();
}

SavedTensor::SavedTensor(SavedTensor&& other) noexcept
    : name_(other.name_),
      tensor_(std::move(other.tensor_)),
      storage_(std::move(other.storage_)),
      packed_(std::move(other.packed_)),
      place_(std::move(other.place_)),
      version_(other.version_),
      output_nr_(other.output_nr_),
      place_output_nr_(other.place_output_nr_),
      is_output_(other.is_output_),
      recorded_(other.recorded_) {}

SavedTensor& SavedTensor::operator=(SavedTensor&& other) noexcept {
  if (this != &other) {
    if (storage_) storage_->unsaved();
    name_ = other.name_;
    tensor_ = std::move(other.tensor_);
    storage_ = std::move(other.storage_);
    packed_ = std::move(other.packed_);
    place_ = std::move(other.place_);
    version_ = other.version_;
    output_nr_ = other.output_nr_;
    place_output_nr_ = other.place_output_nr_;
    is_output_ = other.is_output_;
    recorded_ = other.recorded_;
  }
  return *this;
}

SavedTensor::~SavedTensor() {
  if (storage_) storage_->unsaved();
}

void SavedTensor::belongs_to(const Ref<Node>& node, uint32_t output_nr) {
  if (!node) return;
  Ref<NodePlace>& place = node->extra().place;
  if (!place) place = make_ref<NodePlace>();
  place->node = node.get();
  place_ = place;
  place_output_nr_ = output_nr;
}

Ref<Packed> (*pack_by_hooks)(const Tensor&) = nullptr;

void SavedTensor::pack(const std::function<Ref<Packed>(const Tensor&)>& by) {
  if (!tensor_.defined() || packed_) return;
  const Tensor kept = tensor_;
  Ref<Packed> packed;
  {
    GradModeGuard unrecorded(false);
    const uint32_t before = storage_->version();
    if (is_output_) kept->requires_grad = true;  // as the hook would see the output, without its node
    packed = by(kept);
    check(storage_->version() == before,
          "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
          "can not be modified by in-place operations as this can lead to unexpected side-effects. Please "
          "make a copy to change.");
  }
  if (!is_output_) packed->edge = gradient_edge(kept);
  packed->storage = storage_.get();
  replace(Tensor());
  packed_ = std::move(packed);
}

void SavedTensor::repack(const Tensor& copy) {
  GradModeGuard unrecorded(false);
  Ref<Packed> packed = packed_->again(copy);
  packed->edge = packed_->edge;
  packed_ = std::move(packed);
}

void check_not_released(const Node& node) {
  check(
      !node.released(),
      "Trying to backward through the graph a second time (or directly access saved tensors after they have "
      "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
      "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or "
      "if you need to access saved tensors after calling backward.");
}

Tensor SavedTensor::unpack(Node& owner) const {
  check_not_released(owner);
  if (packed_) [[unlikely]] {
    const Ref<Packed> packed = packed_;  // its hook may run code that frees the node's
    Tensor value = alias(packed->unpack());
    if (is_output_)
      set_history(value, Ref<Node>(&owner), output_nr_);
    else if (packed->edge.valid())
      set_history(value, packed->edge.node, packed->edge.input_nr);
    return value;
  }
  if (!tensor_.defined()) return tensor_;
  // An input that was given other memory since (x.data = y) is read as it is now, as in PyTorch: its version
  // is its own and goes on. Scripts that take weights away and put them back rely on that.
  const uint32_t now = tensor_->storage->version();
  if (now != version_) [[unlikely]] {
    const std::string place = tensor_->storage == storage_ ? storage_->last_change() : std::string();
    fail(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        "[torch.",
        scalar_name(tensor_.dtype()), "Tensor ", tensor_.sizes(), "], which is ",
        is_output_ ? "output " : "input ", is_output_ ? text(output_nr_, " of ") : text("'", name_, "' of "),
        owner.name(), ", is at version ", now, "; expected version ", version_, " instead.",
        place.empty() ? std::string() : text(" It was last changed in place at ", place, "."),
        " Hint: change a copy, or move the in-place operation after backward; "
        "autograd.set_detect_anomaly(True) shows where the operation that needs it was called.");
  }
  check(!recorded_ || grad_meta(tensor_).grad_fn,
        "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_(). This is not "
        "supported. Please use out-of-place `.detach()` instead");
  if (!is_output_) return tensor_;
  Tensor output = alias(tensor_);
  if (place_ && place_->node && place_->node->alive())
    set_history(output, Ref<Node>(place_->node), place_output_nr_);
  else if (!owner.edges.empty())
    set_history(output, Ref<Node>(&owner), output_nr_);
  copy_tangents(output, tensor_);
  return output;
}

// ---- what a tensor knows of the graph

GradMeta& grad_meta(const Tensor& tensor) {
  if (!tensor->grad_meta) tensor->grad_meta.reset(new GradMeta);
  return static_cast<GradMeta&>(*tensor->grad_meta);
}

void set_history(const Tensor& tensor, Ref<Node> node, uint32_t output_nr) {
  GradMeta& meta = grad_meta(tensor);
  meta.grad_fn = std::move(node);
  meta.output_nr = output_nr;
  tensor->view_version = tensor->storage->version();
  tensor->requires_grad = true;
}

void set_requires_grad(const Tensor& tensor, bool value) {
  const GradMeta* meta = grad_meta_or_null(tensor);
  const bool leaf = !meta || !meta->grad_fn;
  check(leaf || value,
        "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
        "in a "
        "subgraph that doesn't require differentiation use var_no_grad = var.detach().");
  check(!value || is_floating(tensor.dtype()),
        "only Tensors of floating point and complex dtype can require gradients");
  check(!(value && tensor->inference && !grad_mode.inference),
        "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.");
  tensor->requires_grad = value;
  if (value) grad_meta(tensor);
}

Ref<Node> grad_fn(const Tensor& tensor) {
  if (tensor->base) refresh_view(tensor);
  const GradMeta* meta = grad_meta_or_null(tensor);
  return meta ? meta->grad_fn : Ref<Node>();
}

Edge gradient_edge(const Tensor& tensor) {
  if (Ref<Node> node = grad_fn(tensor)) return {std::move(node), grad_meta(tensor).output_nr};
  // A view made under no_grad of a tensor that requires grad does so too, but leads nowhere.
  if (!tensor->requires_grad) return {};
  GradMeta& meta = grad_meta(tensor);
  if (meta.accumulator && meta.accumulator->alive()) return {Ref<Node>(meta.accumulator), 0};
  return {make_ref<AccumulateGrad>(tensor), 0};
}

Tensor shadow(const Tensor& tensor) {
  Tensor copy = alias(tensor);
  copy->inference = tensor->inference;
  if (tensor.requires_grad()) {
    Edge edge = gradient_edge(tensor);
    set_history(copy, edge.node, edge.input_nr);
  }
  copy_tangents(copy, tensor);
  return copy;
}

uint64_t next_hook_id() {
  static uint64_t next = 0;
  return next++;
}

// ---- recording

void Node::add_output(const Tensor& output) {
  output_sizes.emplace_back(output.defined() ? output.sizes() : Dims{});
  output_dtypes.emplace_back(output.defined() ? output.dtype() : DType::f32);
  if (!output.batched()) return;
  extra().output_batch.resize(outputs());
  extra().output_batch.back() = output->transforms->batch;
}

bool needs_grad_any(TensorList list) {
  if (!grad_mode.enabled && !grad_mode.forward) return false;
  for (const Tensor& tensor : list)
    if (needs_grad(tensor)) return true;
  return false;
}

std::string (*current_traceback)() = +[] { return std::string(); };

namespace detail {

void connect(Node& node, TensorList inputs) {
  for (const Tensor& input : inputs) {
    if (input.defined() && input.requires_grad())
      node.edges.emplace_back(gradient_edge(input));
    else
      node.edges.emplace_back();
  }
  if (anomaly_enabled) [[unlikely]] {
    node.extra().traceback = current_traceback();
    node.extra().parent = Ref<Node>(running_node());
  }
}

void attach_output(const Ref<Node>& node, const Tensor& output) {
  const uint32_t number = node->outputs();
  node->add_output(output);
  if (output.defined() && is_floating(output.dtype())) set_history(output, node, number);
}

void finish(const Ref<Node>& node, TensorList inputs, TensorList outputs, Kept&& saved) {
  for (SavedTensor& entry : saved)
    for (std::size_t i = 0; i < outputs.size; ++i)
      if (entry.is_output() && outputs[i].defined() && outputs[i]->storage == entry.raw()->storage)
        entry.set_output_nr(static_cast<uint32_t>(i));
  node->saved() = std::move(saved);
  if (grad_mode.packs_saved) [[unlikely]]
    for (SavedTensor& entry : node->saved()) entry.pack(pack_by_hooks);
  if (observer) [[unlikely]]
    observer(node, inputs, outputs);
}

}  // namespace detail

}  // namespace penlight

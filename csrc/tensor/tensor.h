// A tensor: a typed, strided window on a storage.
#pragma once

#include <memory>

#include "kernels/dtype.h"
#include "tensor/error.h"
#include "tensor/ref.h"
#include "tensor/scalar.h"
#include "tensor/storage.h"

namespace penlight {

// What autograd keeps with a tensor; the tensor layer only owns it.
struct GradMetaBase : FromPool {
  virtual ~GradMetaBase() = default;
};

// Dimensions that vmap hides from the function it maps: a tensor's own sizes leave them out. Each belongs to
// a level, one call of vmap; levels ascend. (tensor/batch.h says what is done with them.)
struct BatchDims {
  SmallVec<uint64_t, 2> levels;
  Dims sizes, strides;
  bool empty() const { return levels.empty(); }
};

// What the function transforms keep with a tensor. Few tensors have any.
struct Transforms {
  BatchDims batch;
  std::unique_ptr<GradMetaBase> tangents;  // directions of change, in forward mode
};

// What is noted of tensors made on this thread.
struct MadeUnder {
  bool inference = false;  // inference_mode
  uint32_t transform =
      0;  // the innermost running call of func.grad, vjp or jvp; 0: none. Later ones are greater
};
inline thread_local MadeUnder made_under;

class TensorImpl final : public RefCounted, public FromPool {
 public:
  Ref<Storage> storage;
  int64_t offset = 0;   // of the first element, in elements
  Dims sizes, strides;  // strides in elements
  DType dtype = DType::f32;
  bool requires_grad = false;  // a leaf that asks for its gradient, or the result of recorded operations
  bool inference = made_under.inference;  // made under inference_mode: never recorded
  bool no_grad_view = false;              // a view made under no_grad
  bool multi_output_view = false;         // one of several views made by one call (split, unbind)
  uint32_t view_version = 0;  // for a view: the storage's version its place in the graph belongs to
  uint32_t transform = made_under.transform;  // whose function it belongs to: an alias, to its source's
  Ref<TensorImpl> base;                       // for a view: the tensor that owns the memory
  std::unique_ptr<GradMetaBase> grad_meta;
  std::unique_ptr<Transforms> transforms;
};

class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}
  explicit Tensor(TensorImpl* impl) : impl_(impl) {}

  bool defined() const { return static_cast<bool>(impl_); }
  explicit operator bool() const { return defined(); }
  TensorImpl* impl() const { return impl_.get(); }
  TensorImpl* operator->() const { return impl_.get(); }
  bool same(const Tensor& other) const { return impl_ == other.impl_; }

  int64_t dim() const { return static_cast<int64_t>(impl_->sizes.size()); }
  const Dims& sizes() const { return impl_->sizes; }
  const Dims& strides() const { return impl_->strides; }
  int64_t size(int64_t d) const { return impl_->sizes[static_cast<std::size_t>(d)]; }
  int64_t stride(int64_t d) const { return impl_->strides[static_cast<std::size_t>(d)]; }
  int64_t numel() const {
    int64_t count = 1;
    for (int64_t size : impl_->sizes) count *= size;
    return count;
  }
  DType dtype() const { return impl_->dtype; }
  // A view takes part in the graph as soon as its base does.
  bool requires_grad() const { return impl_->requires_grad || (impl_->base && impl_->base->requires_grad); }
  bool is_contiguous() const;

  // Does it have dimensions that vmap hides?
  bool batched() const { return impl_ && impl_->transforms && !impl_->transforms->batch.empty(); }

  // The first element. Valid for reading and writing within sizes and strides. A tensor with hidden
  // dimensions has no one first element: kernels are given its physical form (tensor/batch.h).
  void* raw() const {
    if (batched()) [[unlikely]]
      refuse_raw();
    // In unsigned arithmetic: of a window without elements the offset may be any number.
    return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(impl_->storage->data()) +
                                   static_cast<uint64_t>(impl_->offset) *
                                       static_cast<uint64_t>(itemsize(impl_->dtype)));
  }
  template <class T>
  T* data() const {
    return static_cast<T*>(raw());
  }
  // Announces a change in place.
  void changed() const { impl_->storage->changed(); }

 private:
  [[noreturn]] static void refuse_raw();
  Ref<TensorImpl> impl_;
};

using Tensors = SmallVec<Tensor, 3>;

// A new contiguous tensor, uninitialised. Sizes are checked: none negative, the product within 64 bits.
Tensor empty(const Dims& sizes, DType dtype);
// A tensor over the same memory that autograd knows nothing of. The caller has checked that it stays inside.
Tensor alias(const Tensor& tensor, Dims sizes, Dims strides, int64_t offset);
inline Tensor alias(const Tensor& tensor) {
  return alias(tensor, tensor.sizes(), tensor.strides(), tensor->offset);
}

constexpr std::size_t kMostDims = 64;

// Does every element of the memory between the first and the last belong to exactly one place?
bool is_dense(const Tensor& x);
// Could writing to one disturb the reading of the other? Not where they are apart, or the very same window,
// in which an elementwise loop reads each element before it writes it.
bool overlap(const Tensor& written, const Tensor& read);
// Raises where a tensor written to and one read share some memory, but are not the very same window. As in
// PyTorch, windows with gaps are not looked at: those are read before they are written.
// same_too: nor the same window.
void refuse_overlap(const Tensor& written, const Tensor& read, bool same_too = false);

Dims contiguous_strides(const Dims& sizes);
int64_t checked_numel(const Dims& sizes);
// A dimension counted from the end where negative; raises IndexError outside [-ndim, ndim).
int64_t wrap_dim(int64_t dim, int64_t ndim);

const char* dtype_name(DType dtype);   // "torch.float32"
const char* scalar_name(DType dtype);  // "Float", as PyTorch's errors call it

}  // namespace penlight

#include "tensor/tensor.h"

#include "tensor/batch.h"

namespace penlight {

bool Tensor::is_contiguous() const {
  int64_t expected = 1;
  bool contiguous = true;
  for (std::size_t d = impl_->sizes.size(); d-- > 0;) {
    const int64_t size = impl_->sizes[d];
    if (size == 0) return true;
    if (size != 1 && impl_->strides[d] != expected) contiguous = false;
    expected *= size;
  }
  return contiguous;
}

void Tensor::refuse_raw() {
  fail(
      "vmap: the values of a tensor were asked for (as .item(), bool(), .tolist(), .numpy() and printing "
      "do), "
      "but inside of vmap a tensor stands for one value for each example, so there is not one answer. "
      "Control "
      "flow that depends on data is not possible there: choose with torch.where instead, or use the values "
      "outside of vmap.");
}

int64_t checked_numel(const Dims& sizes) {
  check(sizes.size() <= kMostDims, "tensors have at most ", kMostDims, " dimensions, got ", sizes.size());
  int64_t count = 1;
  bool overflow = false, zero = false;
  for (int64_t size : sizes) {
    check(size >= 0, "Trying to create tensor with negative dimension ", size, ": ", sizes);
    zero |= size == 0;
    overflow |= __builtin_mul_overflow(count, size > 0 ? size : 1, &count);
  }
  // No memory is needed where a size is 0, but strides are.
  check(!overflow && (zero || count <= INT64_MAX / 8),
        "Storage size calculation overflowed with sizes=", sizes);
  return zero ? 0 : count;
}

Dims contiguous_strides(const Dims& sizes) {
  Dims strides(sizes.size());
  int64_t stride = 1;
  for (std::size_t d = sizes.size(); d-- > 0;) {
    strides[d] = stride;
    check(!__builtin_mul_overflow(stride, sizes[d] > 1 ? sizes[d] : 1, &stride),
          "Stride calculation overflowed with sizes=", sizes);
  }
  return strides;
}

Tensor empty(const Dims& sizes, DType dtype) {
  const int64_t count = checked_numel(sizes);
  auto impl = make_ref<TensorImpl>();
  impl->storage = make_ref<Storage>(count * itemsize(dtype));
  impl->sizes = sizes;
  impl->strides = contiguous_strides(sizes);
  impl->dtype = dtype;
  return Tensor(std::move(impl));
}

Tensor alias(const Tensor& tensor, Dims sizes, Dims strides, int64_t offset) {
  check(sizes.size() <= kMostDims, "tensors have at most ", kMostDims, " dimensions, got ", sizes.size());
  auto impl = make_ref<TensorImpl>();
  impl->storage = tensor->storage;
  impl->offset = offset;
  impl->sizes = std::move(sizes);
  impl->strides = std::move(strides);
  impl->dtype = tensor.dtype();
  impl->inference = tensor->inference;
  impl->transform = tensor->transform;
  if (tensor.batched()) [[unlikely]] {
    impl->transforms = std::make_unique<Transforms>();
    impl->transforms->batch = tensor->transforms->batch;
  }
  return Tensor(std::move(impl));
}

namespace {
struct Range {
  uintptr_t first, end;  // addresses
};
Range range_of(const Tensor& x) {
  int64_t last = 0;
  for (std::size_t d = 0; d < x.sizes().size(); ++d)
    if (x.sizes()[d] > 1) last += (x.sizes()[d] - 1) * x.strides()[d];
  const auto first = reinterpret_cast<uintptr_t>(x.raw());
  return {first, first + static_cast<uintptr_t>((last + 1) * itemsize(x.dtype()))};
}
}  // namespace

bool overlap(const Tensor& written, const Tensor& read) {
  if (any_batched(written, read)) [[unlikely]]
    return overlap(physical(written), physical(read));
  if (written.numel() == 0 || read.numel() == 0) return false;
  const Range a = range_of(written), b = range_of(read);
  if (a.end <= b.first || b.end <= a.first) return false;
  if (a.first != b.first || written.dtype() != read.dtype() || !(written.sizes() == read.sizes()))
    return true;
  for (std::size_t d = 0; d < written.sizes().size(); ++d)
    if (written.sizes()[d] > 1 && written.strides()[d] != read.strides()[d]) return true;
  return false;
}

bool is_dense(const Tensor& x) {
  if (x.is_contiguous()) return true;
  SmallVec<std::size_t, 8> order;
  for (std::size_t d = 0; d < x.sizes().size(); ++d)
    if (x.sizes()[d] != 1) order.push_back(d);
  for (std::size_t i = 1; i < order.size(); ++i)
    for (std::size_t j = i; j > 0 && x.strides()[order[j - 1]] > x.strides()[order[j]]; --j)
      std::swap(order[j - 1], order[j]);
  int64_t expected = 1;
  for (const std::size_t d : order) {
    if (x.strides()[d] != expected) return false;
    expected *= x.sizes()[d];
  }
  return true;
}

namespace {
// Strides, those of dimensions of size 1 left out.
Dims steps_of(const Tensor& x) {
  Dims steps;
  for (std::size_t d = 0; d < x.sizes().size(); ++d)
    if (x.sizes()[d] != 1) steps.push_back(x.strides()[d]);
  return steps;
}
}  // namespace

void refuse_overlap(const Tensor& written, const Tensor& read, bool same_too) {
  if (written->storage != read->storage || written.numel() == 0 || read.numel() == 0) return;
  if (any_batched(written, read)) [[unlikely]]
    return refuse_overlap(physical(written), physical(read), same_too);
  bool same = written.same(read);
  if (!same) {
    const Range a = range_of(written), b = range_of(read);
    if (a.end <= b.first || b.end <= a.first || !is_dense(written) || !is_dense(read)) return;
    same = a.first == b.first && a.end == b.end && steps_of(written) == steps_of(read);
  }
  check(
      same && !same_too,
      "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
      "memory location. Please clone() the tensor before performing the operation.");
}

int64_t wrap_dim(int64_t dim, int64_t ndim) {
  const int64_t count = ndim == 0 ? 1 : ndim;
  check<IndexError>(dim >= -count && dim < count, "Dimension out of range (expected to be in range of [",
                    -count, ", ", count - 1, "], but got ", dim, ")");
  return dim < 0 ? dim + count : dim;
}

const char* dtype_name(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return "torch.uint8";
    case DType::i8:
      return "torch.int8";
    case DType::i16:
      return "torch.int16";
    case DType::i32:
      return "torch.int32";
    case DType::i64:
      return "torch.int64";
    case DType::f16:
      return "torch.float16";
    case DType::bf16:
      return "torch.bfloat16";
    case DType::f32:
      return "torch.float32";
    case DType::f64:
      return "torch.float64";
    default:
      return "torch.bool";
  }
}

const char* scalar_name(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return "Byte";
    case DType::i8:
      return "Char";
    case DType::i16:
      return "Short";
    case DType::i32:
      return "Int";
    case DType::i64:
      return "Long";
    case DType::f16:
      return "Half";
    case DType::bf16:
      return "BFloat16";
    case DType::f32:
      return "Float";
    case DType::f64:
      return "Double";
    default:
      return "Bool";
  }
}

}  // namespace penlight

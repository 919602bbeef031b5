#include "tensor/batch.h"

namespace penlight {

namespace {

const BatchDims no_batch{};

const BatchDims& batch_of(const Tensor& x) {
  return x.batched() ? x->transforms->batch : no_batch;
}

// Where a level stands among the hidden dimensions, or -1.
int64_t find(const BatchDims& batch, uint64_t level) {
  for (std::size_t i = 0; i < batch.levels.size(); ++i)
    if (batch.levels[i] == level) return static_cast<int64_t>(i);
  return -1;
}

}  // namespace

BatchDims joint_batch(const Tensor* first, std::size_t count) {
  BatchDims joint;
  for (const Tensor* x = first; x != first + count; ++x) {
    const BatchDims& batch = batch_of(*x);
    for (std::size_t i = 0; i < batch.levels.size(); ++i) {
      if (find(joint, batch.levels[i]) >= 0) continue;
      std::size_t at = 0;
      while (at < joint.levels.size() && joint.levels[at] < batch.levels[i]) ++at;
      joint.levels.insert(at, batch.levels[i]);
      joint.sizes.insert(at, batch.sizes[i]);
    }
  }
  joint.strides.resize(joint.sizes.size(), 0);
  return joint;
}

int64_t examples(const BatchDims& batch) {
  int64_t count = 1;
  for (int64_t size : batch.sizes) count *= size;
  return count;
}

Tensor physical(const Tensor& x, const BatchDims& batch, int64_t rank) {
  const BatchDims& own = batch_of(x);
  for (uint64_t level : own.levels)
    check(find(batch, level) >= 0,
          "vmap: a tensor that is the same for all examples cannot be changed in place by values that differ "
          "between examples: it has no room for them. Use the operation that is not in place, or pass the "
          "tensor through in_dims.");
  const int64_t pad = rank < 0 ? 0 : rank - x.dim();
  Dims sizes = batch.sizes, strides;
  for (uint64_t level : batch.levels) {
    const int64_t at = find(own, level);
    strides.push_back(at < 0 ? 0 : own.strides[static_cast<std::size_t>(at)]);
  }
  for (int64_t d = 0; d < pad; ++d) {
    sizes.push_back(1);
    strides.push_back(1);
  }
  sizes.append(x.sizes().begin(), x.sizes().end());
  strides.append(x.strides().begin(), x.strides().end());
  Tensor y = alias(x, std::move(sizes), std::move(strides), x->offset);
  y->transforms = nullptr;
  return y;
}

Tensor hide(const Tensor& physical, const BatchDims& batch) {
  const auto n = static_cast<long>(batch.levels.size());
  const Dims &sizes = physical.sizes(), &strides = physical.strides();
  Tensor y = alias(physical, Dims(sizes.begin() + n, sizes.end()), Dims(strides.begin() + n, strides.end()),
                   physical->offset);
  y->transforms = std::make_unique<Transforms>();
  y->transforms->batch.levels = batch.levels;
  y->transforms->batch.sizes = Dims(sizes.begin(), sizes.begin() + n);
  y->transforms->batch.strides = Dims(strides.begin(), strides.begin() + n);
  return y;
}

Tensor example(const Tensor& x, const BatchDims& batch, const Dims& place) {
  if (!x.batched()) return x.defined() ? alias(x) : x;
  const BatchDims& own = batch_of(x);
  int64_t offset = x->offset;
  for (std::size_t i = 0; i < batch.levels.size(); ++i) {
    const int64_t at = find(own, batch.levels[i]);
    if (at >= 0) offset += place[i] * own.strides[static_cast<std::size_t>(at)];
  }
  Tensor y = alias(x, x.sizes(), x.strides(), offset);
  y->transforms = nullptr;
  return y;
}

Tensor empty_batched(const Dims& sizes, DType dtype, const BatchDims& batch) {
  if (batch.empty()) return empty(sizes, dtype);
  Dims all = batch.sizes;
  all.append(sizes.begin(), sizes.end());
  return hide(empty(all, dtype), batch);
}

bool same_batch(const Tensor& a, const Tensor& b) {
  return batch_of(a).levels == batch_of(b).levels;
}

bool vmap_running(uint64_t level) {
  for (const VmapLevel& running : vmap_levels)
    if (running.id == level) return true;
  return false;
}

}  // namespace penlight

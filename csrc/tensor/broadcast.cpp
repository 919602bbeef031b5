#include "tensor/broadcast.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "tensor/batch.h"
#include "tensor/unlocked.h"

namespace penlight {

Dims broadcast_shapes(const Dims& a, const Dims& b) {
  if (a == b) return a;
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims shape = longer;
  const std::size_t shift = longer.size() - shorter.size();
  for (std::size_t d = 0; d < shorter.size(); ++d) {
    const int64_t x = longer[shift + d], y = shorter[d];
    if (x == y || y == 1) continue;
    if (x == 1) {
      shape[shift + d] = y;
      continue;
    }
    fail("The size of tensor a (", a[a.size() - shorter.size() + d], ") must match the size of tensor b (",
         b[b.size() - shorter.size() + d], ") at non-singleton dimension ", shift + d);
  }
  return shape;
}

Dims broadcast_strides(const Tensor& tensor, const Dims& shape) {
  Dims strides(shape.size(), 0);
  const std::size_t shift = shape.size() - tensor.sizes().size();
  for (std::size_t d = shift; d < shape.size(); ++d)
    strides[d] = tensor.sizes()[d - shift] == 1 && shape[d] != 1 ? 0 : tensor.strides()[d - shift];
  return strides;
}

namespace {

constexpr int64_t kGrain = 16384;  // elements a chunk: tens of microseconds at least

struct Walk {
  int ndim = 0, count = 0;
  int64_t shape[64];                  // innermost first
  int64_t strides[64][kMaxOperands];  // bytes
  char* data[kMaxOperands];
};

void swap_dims(Walk& walk, int a, int b) {
  std::swap(walk.shape[a], walk.shape[b]);
  for (int i = 0; i < walk.count; ++i) std::swap(walk.strides[a][i], walk.strides[b][i]);
}

// Innermost the dimension in which the output (then the inputs) moves least.
void sort_dims(Walk& walk) {
  const auto before = [&](int inner, int outer) {  // should outer go inside inner?
    for (int i = 0; i < walk.count; ++i) {
      const int64_t a = std::abs(walk.strides[inner][i]), b = std::abs(walk.strides[outer][i]);
      if (a != b && a != 0 && b != 0) return b < a;
    }
    return false;
  };
  for (int d = 1; d < walk.ndim; ++d)
    for (int e = d; e > 0 && before(e - 1, e); --e) swap_dims(walk, e - 1, e);
}

void merge_dims(Walk& walk) {
  int last = 0;
  for (int d = 1; d < walk.ndim; ++d) {
    bool merges = true;
    for (int i = 0; i < walk.count; ++i)
      merges &= walk.strides[d][i] == walk.strides[last][i] * walk.shape[last];
    if (merges) {
      walk.shape[last] *= walk.shape[d];
    } else {
      ++last;
      if (last != d) swap_dims(walk, last, d);
    }
  }
  if (walk.ndim > 0) walk.ndim = last + 1;
}

void run_rows(const Walk& walk, RowLoop loop, int64_t first, int64_t last) {
  int64_t index[64];
  char* data[kMaxOperands];
  for (int i = 0; i < walk.count; ++i) data[i] = walk.data[i];
  int64_t rest = first;
  for (int d = 1; d < walk.ndim; ++d) {
    index[d] = rest % walk.shape[d];
    rest /= walk.shape[d];
    for (int i = 0; i < walk.count; ++i) data[i] += index[d] * walk.strides[d][i];
  }
  for (int64_t row = first; row < last; ++row) {
    loop(data, walk.strides[0], walk.shape[0]);
    for (int d = 1; d < walk.ndim; ++d) {
      for (int i = 0; i < walk.count; ++i) data[i] += walk.strides[d][i];
      if (++index[d] < walk.shape[d]) break;
      for (int i = 0; i < walk.count; ++i) data[i] -= walk.shape[d] * walk.strides[d][i];
      index[d] = 0;
    }
  }
}

constexpr int64_t kTileRows = 16, kTileColumns = 64;

// A dimension along which an input lies closer together than along the innermost one, which the output
// prefers: a transposed input. 0 where there is none.
int crossing_dim(const Walk& walk) {
  if (walk.shape[0] < kTileRows) return 0;
  for (int d = 1; d < walk.ndim; ++d)
    for (int i = 1; i < walk.count; ++i) {
      const int64_t inner = std::abs(walk.strides[0][i]), outer = std::abs(walk.strides[d][i]);
      if (outer != 0 && inner >= 64 && outer <= 16 && walk.shape[d] >= 4) return d;
    }
  return 0;
}

// Tiles of rows (dimension 1) and columns (dimension 0), so that a cache line of a transposed input serves
// all the rows of a tile.
void run_tiles(const Walk& walk, RowLoop loop, int64_t total) {
  const int64_t columns = walk.shape[0], rows = walk.shape[1], blocks = (rows + kTileRows - 1) / kTileRows;
  const int64_t work = columns * std::min(rows, kTileRows);
  const int64_t tasks = total / (columns * rows) * blocks;
  parallel::parallel_for(tasks, std::max<int64_t>(1, kGrain / work), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % blocks * kTileRows, last = std::min(rows, first + kTileRows);
      char* base[kMaxOperands];
      for (int i = 0; i < walk.count; ++i) base[i] = walk.data[i];
      int64_t rest = task / blocks;
      for (int d = 2; d < walk.ndim; ++d) {
        for (int i = 0; i < walk.count; ++i) base[i] += rest % walk.shape[d] * walk.strides[d][i];
        rest /= walk.shape[d];
      }
      for (int64_t column = 0; column < columns; column += kTileColumns) {
        const int64_t count = std::min(kTileColumns, columns - column);
        for (int64_t row = first; row < last; ++row) {
          char* data[kMaxOperands];
          for (int i = 0; i < walk.count; ++i)
            data[i] = base[i] + row * walk.strides[1][i] + column * walk.strides[0][i];
          loop(data, walk.strides[0], count);
        }
      }
    }
  });
}

void run_walk(Walk& walk, RowLoop loop, int64_t total) {
  if (walk.ndim == 0) {
    int64_t none[kMaxOperands] = {};
    loop(walk.data, none, 1);
    return;
  }
  if (walk.ndim > 1) {
    sort_dims(walk);
    merge_dims(walk);
  }
  Unlocked unlocked(total);
  if (walk.ndim == 1) {
    if (total <= kGrain) return loop(walk.data, walk.strides[0], total);
    parallel::parallel_for(total, kGrain, [&](int64_t begin, int64_t end) {
      char* data[kMaxOperands];
      for (int i = 0; i < walk.count; ++i) data[i] = walk.data[i] + begin * walk.strides[0][i];
      loop(data, walk.strides[0], end - begin);
    });
    return;
  }
  if (const int d = crossing_dim(walk)) {
    swap_dims(walk, 1, d);
    return run_tiles(walk, loop, total);
  }
  const int64_t rows = total / walk.shape[0];
  const int64_t grain = walk.shape[0] >= kGrain ? 1 : kGrain / walk.shape[0];
  parallel::parallel_for(rows, grain, [&](int64_t begin, int64_t end) { run_rows(walk, loop, begin, end); });
}

}  // namespace

void run_loop(RowLoop loop, const Dims& shape, const LoopOperand* operands, int count) {
  int64_t total = 1;
  bool simple = true;
  for (int64_t size : shape) total *= size;
  if (total == 0) return;
  for (int i = 0; i < count; ++i) simple &= operands[i].strides == nullptr;
  Walk walk;
  walk.count = count;
  for (int i = 0; i < count; ++i) walk.data[i] = static_cast<char*>(operands[i].data);
  if (simple) {
    walk.ndim = 1;
    walk.shape[0] = total;
    for (int i = 0; i < count; ++i) walk.strides[0][i] = operands[i].single ? 0 : operands[i].itemsize;
    return run_walk(walk, loop, total);
  }
  const Dims dense = contiguous_strides(shape);
  for (std::size_t d = shape.size(); d-- > 0;) {
    if (shape[d] == 1) continue;
    walk.shape[walk.ndim] = shape[d];
    for (int i = 0; i < count; ++i) {
      const LoopOperand& operand = operands[i];
      walk.strides[walk.ndim][i] =
          operand.single ? 0 : (operand.strides ? operand.strides[d] : dense[d]) * operand.itemsize;
    }
    ++walk.ndim;
  }
  run_walk(walk, loop, total);
}

namespace {

// The same with the tensors in their physical form.
void run_physical(RowLoop loop, std::initializer_list<const Tensor*> tensors) {
  const Tensor& out = **tensors.begin();
  const BatchDims batch = joint_batch({out});
  Tensor physicals[kMaxOperands];
  int count = 0;
  for (const Tensor* tensor : tensors) physicals[count++] = physical(*tensor, batch, out.dim());
  if (count == 2) return run_loop(loop, {&physicals[0], &physicals[1]});
  if (count == 3) return run_loop(loop, {&physicals[0], &physicals[1], &physicals[2]});
  run_loop(loop, {&physicals[0], &physicals[1], &physicals[2], &physicals[3]});
}

}  // namespace

void run_loop(RowLoop loop, std::initializer_list<const Tensor*> tensors) {
  for (const Tensor* tensor : tensors)
    if (tensor->batched()) [[unlikely]]
      return run_physical(loop, tensors);
  const Dims& shape = (*tensors.begin())->sizes();
  LoopOperand operands[kMaxOperands];
  Dims strides[kMaxOperands];
  int count = 0;
  for (const Tensor* tensor : tensors) {
    LoopOperand& operand = operands[count];
    operand = {tensor->raw(), nullptr, itemsize(tensor->dtype()), tensor->numel() == 1 && count > 0};
    if (!operand.single && !(tensor->sizes() == shape && tensor->is_contiguous())) {
      strides[count] = broadcast_strides(*tensor, shape);
      operand.strides = strides[count].data();
    }
    ++count;
  }
  run_loop(loop, shape, operands, count);
}

}  // namespace penlight

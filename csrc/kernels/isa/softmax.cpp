// Softmax: the dimension is walked three times (greatest element, exponentials and their sum, result), by
// rows where it is the last one, otherwise by tiles of columns so that every walk reads whole cache lines.
#include "kernels/softmax.h"

#include <cmath>

#include "kernels/exponential.h"
#include "kernels/parallel.h"
#include "kernels/run_sum.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t kLanes = 16;     // extremes of a row looked for side by side
constexpr int64_t kTile = 256;     // columns of a task: a handful of rows of accumulators stays in L1
constexpr int64_t kGrain = 16384;  // elements of a task

template <class C, class T>
inline C row_max(const T* x, int64_t n) {
  C lanes[kLanes];
  for (int64_t j = 0; j < kLanes; ++j) lanes[j] = C(-INFINITY);
  int64_t i = 0;
  if (constexpr int64_t wide = 4 * kLanes; n >= wide) {  // several in flight
    C many[wide];
    for (int64_t j = 0; j < wide; ++j) many[j] = C(x[j]);
    for (i = wide; i + wide <= n; i += wide)
      for (int64_t j = 0; j < wide; ++j) many[j] = C(x[i + j]) > many[j] ? C(x[i + j]) : many[j];
    for (int64_t j = 0; j < wide; ++j)
      lanes[j % kLanes] = many[j] > lanes[j % kLanes] ? many[j] : lanes[j % kLanes];
  }
  for (; i + kLanes <= n; i += kLanes)
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] = C(x[i + j]) > lanes[j] ? C(x[i + j]) : lanes[j];
  for (; i < n; ++i) lanes[0] = C(x[i]) > lanes[0] ? C(x[i]) : lanes[0];
  for (int64_t j = 1; j < kLanes; ++j) lanes[0] = lanes[j] > lanes[0] ? lanes[j] : lanes[0];
  return lanes[0];
}

template <class T>
void forward_row(bool log, int64_t n, const T* x, T* y) {
  using C = compute_t<T>;
  const C top = row_max<C>(x, n);
  if (log) {
    const C shift =
        C(std::log(run_sum<C>(n, [&](int64_t i) { return math::exp_of_negative(C(x[i]) - top); })));
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = T(C(x[i]) - top - shift);
  } else if constexpr (sizeof(T) == sizeof(C)) {
    // The exponentials are kept in the result, scaled so that only the shares are rounded to denormal
    // numbers.
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = math::scaled_exp_of_negative(x[i] - top);
    const C share = C(1 / run_sum<C>(n, [&](int64_t i) { return y[i]; }));
    for (int64_t i = 0; i < n; ++i) y[i] *= share;
  } else {
    const C sum = C(run_sum<C>(n, [&](int64_t i) { return math::exp_of_negative(C(x[i]) - top); }));
    for (int64_t i = 0; i < n; ++i) y[i] = T(math::exp_of_negative(C(x[i]) - top) / sum);
  }
}

template <class T>
void backward_row(bool log, int64_t n, const T* g, const T* y, T* result) {
  using C = compute_t<T>;
  if (log) {
    const C sum = C(run_sum<C>(n, [&](int64_t i) { return C(g[i]); }));
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) result[i] = T(C(g[i]) - math::exp(C(y[i])) * sum);
  } else {
    const C sum = C(run_sum<C>(n, [&](int64_t i) { return C(g[i]) * C(y[i]); }));
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) result[i] = T((C(g[i]) - sum) * C(y[i]));
  }
}

// A tile of width columns, inner apart from row to row.
template <class T>
void forward_tile(bool log, int64_t n, int64_t inner, int64_t width, const T* x, T* y) {
  using C = compute_t<T>;
  C top[kTile];
  double sum[kTile];
  for (int64_t j = 0; j < width; ++j) {
    top[j] = C(-INFINITY);
    sum[j] = 0;
  }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < width; ++j) {
      const C value = C(x[i * inner + j]);
      top[j] = value > top[j] ? value : top[j];
    }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < width; ++j)
      sum[j] += static_cast<double>(math::exp_of_negative(C(x[i * inner + j]) - top[j]));
  C last[kTile];
  for (int64_t j = 0; j < width; ++j) last[j] = C(log ? std::log(sum[j]) : 1 / sum[j]);
  for (int64_t i = 0; i < n; ++i) {
    const T* from = x + i * inner;
    T* to = y + i * inner;
    if (log) {
#pragma GCC ivdep
      for (int64_t j = 0; j < width; ++j) to[j] = T(C(from[j]) - top[j] - last[j]);
    } else {
#pragma GCC ivdep
      for (int64_t j = 0; j < width; ++j) to[j] = T(math::exp_of_negative(C(from[j]) - top[j]) * last[j]);
    }
  }
}

template <class T>
void backward_tile(bool log, int64_t n, int64_t inner, int64_t width, const T* g, const T* y, T* result) {
  using C = compute_t<T>;
  double sum[kTile] = {};
  for (int64_t i = 0; i < n; ++i) {
    const T* gi = g + i * inner;
    const T* yi = y + i * inner;
    for (int64_t j = 0; j < width; ++j) sum[j] += static_cast<double>(log ? C(gi[j]) : C(gi[j]) * C(yi[j]));
  }
  for (int64_t i = 0; i < n; ++i) {
    const T* gi = g + i * inner;
    const T* yi = y + i * inner;
    T* to = result + i * inner;
    if (log) {
#pragma GCC ivdep
      for (int64_t j = 0; j < width; ++j) to[j] = T(C(gi[j]) - math::exp(C(yi[j])) * C(sum[j]));
    } else {
#pragma GCC ivdep
      for (int64_t j = 0; j < width; ++j) to[j] = T((C(gi[j]) - C(sum[j])) * C(yi[j]));
    }
  }
}

// Calls row(offset) for every row, or tile(offset, width) for every tile of columns.
template <class Row, class Tile>
void walk(const SoftmaxShape& shape, const Row& row, const Tile& tile) {
  if (shape.outer == 0 || shape.n == 0 || shape.inner == 0) return;
  if (shape.inner == 1) {
    parallel::parallel_for(shape.outer, kGrain / shape.n, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) row(i * shape.n);
    });
    return;
  }
  const int64_t tiles = (shape.inner + kTile - 1) / kTile;
  const int64_t width = shape.inner < kTile ? shape.inner : kTile;
  parallel::parallel_for(shape.outer * tiles, kGrain / (shape.n * width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i % tiles * kTile;
      const int64_t left = shape.inner - column;
      tile(i / tiles * shape.n * shape.inner + column, left < kTile ? left : kTile);
    }
  });
}

template <class T>
void forward_of(bool log, const SoftmaxShape& shape, const T* x, T* y) {
  walk(
      shape, [&](int64_t at) { forward_row(log, shape.n, x + at, y + at); },
      [&](int64_t at, int64_t width) { forward_tile(log, shape.n, shape.inner, width, x + at, y + at); });
}

template <class T>
void backward_of(bool log, const SoftmaxShape& shape, const T* g, const T* y, T* result) {
  walk(
      shape, [&](int64_t at) { backward_row(log, shape.n, g + at, y + at, result + at); },
      [&](int64_t at, int64_t width) {
        backward_tile(log, shape.n, shape.inner, width, g + at, y + at, result + at);
      });
}

template <class Body>
void visit_floating(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::f64:
      return body(TypeTag<double>{});
    case DType::f16:
      return body(TypeTag<Half>{});
    case DType::bf16:
      return body(TypeTag<BFloat16>{});
    default:
      return body(TypeTag<float>{});
  }
}

void forward(DType dtype, bool log, const SoftmaxShape& shape, const void* x, void* y) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    forward_of(log, shape, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

void backward(DType dtype, bool log, const SoftmaxShape& shape, const void* g, const void* y, void* result) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    backward_of(log, shape, static_cast<const T*>(g), static_cast<const T*>(y), static_cast<T*>(result));
  });
}

}  // namespace

extern const SoftmaxKernels softmax_kernels = {forward, backward};

}  // namespace penlight::kernels::PENLIGHT_ISA

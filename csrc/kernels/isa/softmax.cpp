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
  if constexpr (sizeof(T) == sizeof(C)) {
    using V = Native<T>;
    constexpr int64_t wide = 4 * V::width;  // several in flight
    if (n >= wide) {
      V a = V::load(x), b = V::load(x + V::width), c = V::load(x + 2 * V::width),
        d = V::load(x + 3 * V::width);
      for (i = wide; i + wide <= n; i += wide) {
        a = math::greater(V::load(x + i), a);
        b = math::greater(V::load(x + i + V::width), b);
        c = math::greater(V::load(x + i + 2 * V::width), c);
        d = math::greater(V::load(x + i + 3 * V::width), d);
      }
      lanes[0] = math::greater(math::greater(a, b), math::greater(c, d)).fold([](auto one, auto other) {
        return math::greater(one, other);
      });
    }
  }
  for (; i + kLanes <= n; i += kLanes)
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] = C(x[i + j]) > lanes[j] ? C(x[i + j]) : lanes[j];
  for (; i < n; ++i) lanes[0] = C(x[i]) > lanes[0] ? C(x[i]) : lanes[0];
  for (int64_t j = 1; j < kLanes; ++j) lanes[0] = lanes[j] > lanes[0] ? lanes[j] : lanes[0];
  return lanes[0];
}

// y = f(x), and the sum of it; y may be null.
template <class T, class F>
[[gnu::always_inline]] inline double mapped_sum(const T* x, T* y, int64_t n, F f) {
  using V = Native<T>;
  constexpr int64_t W = V::width;
  double total = 0;
  int64_t i = 0;
  while (n - i >= 2 * W) {
    const int64_t end = n - i < run_block ? n : i + run_block;
    V one = V::zero(), other = V::zero();
    for (; i + 2 * W <= end; i += 2 * W) {
      const V a = f(V::load(x + i)), b = f(V::load(x + i + W));
      if (y) {
        a.store(y + i);
        b.store(y + i + W);
      }
      one = one + a;
      other = other + b;
    }
    total += static_cast<double>((one + other).sum());
  }
  for (; i < n; i += W) {
    const int64_t count = n - i < W ? n - i : W;
    T last[W];
    f(V::load_partial(x + i, count)).store(last);
    for (int64_t j = 0; j < count; ++j) {
      if (y) y[i + j] = last[j];
      total += static_cast<double>(last[j]);
    }
  }
  return total;
}

template <class T>
void forward_row(bool log, int64_t n, const T* x, T* y) {
  using C = compute_t<T>;
  const C top = row_max<C>(x, n);
  if constexpr (sizeof(T) == sizeof(C)) {
    const auto tops = Native<T>::broadcast(top);
    if (log) {
      const double sum =
          mapped_sum<T>(x, nullptr, n, [tops](auto at) { return math::exp_of_negative(at - tops); });
      const C shift = C(std::log(sum));
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) y[i] = x[i] - top - shift;
      return;
    }
    // The exponentials are kept in the result, scaled so that only the shares are rounded to denormal
    // numbers.
    const double sum =
        mapped_sum<T>(x, y, n, [tops](auto at) { return math::scaled_exp_of_negative(at - tops); });
    const C share = C(1 / sum);
    for (int64_t i = 0; i < n; ++i) y[i] *= share;
  } else {
    const auto exponential = [=](int64_t i) { return math::exp_of_negative(C(x[i]) - top); };
    const C sum = C(run_sum<C>(n, exponential)), shift = std::log(sum);
    for (int64_t i = 0; i < n; ++i) y[i] = T(log ? C(x[i]) - top - shift : exponential(i) / sum);
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

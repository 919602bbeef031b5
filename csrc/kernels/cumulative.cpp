#include "kernels/cumulative.h"

#include <algorithm>
#include <cmath>

#include "kernels/parallel.h"

namespace penlight::kernels {

namespace {

// Calls line(first element's place) for each line along n.
template <class Line>
void over_lines(const ReduceShape& shape, Line line) {
  const int64_t lines = shape.outer * shape.inner,
                grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(1, shape.n));
  parallel::parallel_for(lines, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) line(i / shape.inner * shape.n * shape.inner + i % shape.inner);
  });
}

template <class T>
bool is_nan(T x) {
  return x != x;
}

// log(exp(a) + exp(b)), from the greater one; equal infinities stay.
template <class T>
T log_add(T a, T b) {
  const T low = std::min(a, b), high = std::max(a, b);
  if (is_nan(a) || is_nan(b)) return a + b;
  return low == high && !std::isfinite(low) ? high : high + std::log1p(std::exp(low - high));
}

}  // namespace

void running_extreme(bool greatest, DType dtype, const ReduceShape& shape, const void* in, void* values,
                     int64_t* places) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const T* const from = static_cast<const T*>(in);
    T* const to = static_cast<T*>(values);
    over_lines(shape, [&](int64_t first) {
      C best = C(from[first]);
      int64_t place = 0;
      for (int64_t k = 0; k < shape.n; ++k) {
        const int64_t at = first + k * shape.inner;
        const C x = C(from[at]);
        if (is_nan(x) || (!is_nan(best) && (greatest ? x >= best : x <= best))) {
          best = x;
          place = k;
        }
        to[at] = T(best);
        places[at] = place;
      }
    });
  });
}

void running_logsumexp(DType dtype, const ReduceShape& shape, const void* in, void* out) {
  const auto run = [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const T* const from = static_cast<const T*>(in);
    T* const to = static_cast<T*>(out);
    over_lines(shape, [&](int64_t first) {
      C sum = -INFINITY;
      for (int64_t k = 0; k < shape.n; ++k) {
        const int64_t at = first + k * shape.inner;
        sum = log_add(sum, C(from[at]));
        to[at] = T(sum);
      }
    });
  };
  switch (dtype) {
    case DType::f16:
      return run(TypeTag<Half>{});
    case DType::bf16:
      return run(TypeTag<BFloat16>{});
    case DType::f32:
      return run(TypeTag<float>{});
    default:
      return run(TypeTag<double>{});
  }
}

}  // namespace penlight::kernels

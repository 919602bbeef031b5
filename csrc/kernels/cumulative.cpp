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
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    if constexpr (std::is_floating_point_v<C>) {
      const T* const from = static_cast<const T*>(in);
      T* const to = static_cast<T*>(out);
      over_lines(shape, [&](int64_t first) {
        C sum = -std::numeric_limits<C>::infinity();
        for (int64_t k = 0; k < shape.n; ++k) {
          const int64_t at = first + k * shape.inner;
          const C x = C(from[at]), greater = std::max(x, sum), less = std::min(x, sum);
          // The greater is taken out; where it is infinite it is the sum.
          sum = is_nan(x) || is_nan(sum) ? x + sum
                : std::isinf(greater)    ? greater
                                         : greater + std::log1p(std::exp(less - greater));
          to[at] = T(sum);
        }
      });
    }
  });
}

void recurrence(bool backward, DType dtype, const ReduceShape& shape, const void* factor, const void* in,
                void* out) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    if constexpr (std::is_floating_point_v<C>) {
      const T *const factors = static_cast<const T*>(factor), *const from = static_cast<const T*>(in);
      T* const to = static_cast<T*>(out);
      over_lines(shape, [&](int64_t first) {
        C value = 0;
        for (int64_t k = 0; k < shape.n; ++k) {
          const int64_t at = first + (backward ? shape.n - 1 - k : k) * shape.inner;
          value = k == 0 ? C(from[at]) : C(factors[at]) * value + C(from[at]);
          to[at] = T(value);
        }
      });
    }
  });
}

}  // namespace penlight::kernels

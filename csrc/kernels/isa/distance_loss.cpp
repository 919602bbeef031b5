// Losses of a distance: each a function of one element beside its derivative; the loops over them become
// vector code.
#include "kernels/distance_loss.h"

#include <cmath>

#include "kernels/parallel.h"
#include "kernels/run_sum.h"
#include "kernels/scratch.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t kGrain = 16384;  // elements of a task

template <class C>
struct Square {
  explicit Square(double) {}
  [[gnu::always_inline]] C value(C d) const { return d * d; }
  [[gnu::always_inline]] C slope(C d) const { return d + d; }
};

// factor is 1 / limit, or of the smallest normal number where that would be infinite.
template <class C>
struct SmoothL1 {
  C limit, factor;
  explicit SmoothL1(double given) : limit(C(given)) {
    constexpr double least = sizeof(C) == 4 ? 0x1p-126 : 0x1p-1022;
    factor = C(1 / (given > least ? given : least));
  }
  [[gnu::always_inline]] C value(C d) const {
    const C size = std::fabs(d);
    return size < limit ? C(0.5) * size * size * factor : size - C(0.5) * limit;
  }
  [[gnu::always_inline]] C slope(C d) const { return d <= -limit ? C(-1) : d >= limit ? C(1) : d * factor; }
};

template <class C>
struct Huber {
  C limit;
  explicit Huber(double given) : limit(C(given)) {}
  [[gnu::always_inline]] C value(C d) const {
    const C size = std::fabs(d);
    return size <= limit ? C(0.5) * size * size : limit * (size - C(0.5) * limit);
  }
  [[gnu::always_inline]] C slope(C d) const { return d <= -limit ? -limit : d >= limit ? limit : d; }
};

template <class T, class Loss>
void each_of(const Loss& loss, int64_t n, const T* x, const T* t, T* y) {
  using C = compute_t<T>;
  parallel::parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
    const Loss local = loss;  // not read again for each element
    const T *from = x, *target = t;
    T* to = y;
#pragma GCC ivdep
    for (int64_t i = begin; i < end; ++i) to[i] = T(local.value(C(from[i]) - C(target[i])));
  });
}

template <class T, class Loss>
double sum_of(const Loss& loss, int64_t n, const T* x, const T* t) {
  using C = compute_t<T>;
  const int64_t chunks = (n + kGrain - 1) / kGrain;
  const Scratch memory(chunks, sizeof(double));
  double* sums = static_cast<double*>(memory.get());
  parallel::parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
    const Loss local = loss;
    const T *from = x + begin, *target = t + begin;
    sums[begin / kGrain] =
        run_sum<C>(end - begin, [=](int64_t i) { return local.value(C(from[i]) - C(target[i])); });
  });
  double total = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) total += sums[chunk];
  return total;
}

template <class T, class Loss>
void gradient_of(const Loss& loss, int64_t n, const T* g, bool single, const T* x, const T* t, T* result) {
  using C = compute_t<T>;
  const C share = single ? C(*g) : C(0);
  parallel::parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
    const Loss local = loss;
    const C all = share;
    const T *gradient = g, *from = x, *target = t;
    T* to = result;
    if (single) {
#pragma GCC ivdep
      for (int64_t i = begin; i < end; ++i) to[i] = T(all * local.slope(C(from[i]) - C(target[i])));
    } else {
#pragma GCC ivdep
      for (int64_t i = begin; i < end; ++i)
        to[i] = T(C(gradient[i]) * local.slope(C(from[i]) - C(target[i])));
    }
  });
}

template <class Body>
void visit(DistanceLoss loss, DType dtype, double limit, const Body& body) {
  const auto typed = [&](auto tag) {
    using C = compute_t<typename decltype(tag)::type>;
    switch (loss) {
      case DistanceLoss::square:
        return body(Square<C>(limit), tag);
      case DistanceLoss::smooth_l1:
        return body(SmoothL1<C>(limit), tag);
      case DistanceLoss::huber:
        return body(Huber<C>(limit), tag);
    }
  };
  switch (dtype) {
    case DType::f64:
      return typed(TypeTag<double>{});
    case DType::f16:
      return typed(TypeTag<Half>{});
    case DType::bf16:
      return typed(TypeTag<BFloat16>{});
    default:
      return typed(TypeTag<float>{});
  }
}

void each(DistanceLoss loss, DType dtype, double limit, int64_t n, const void* x, const void* t, void* y) {
  visit(loss, dtype, limit, [&](const auto& function, auto tag) {
    using T = typename decltype(tag)::type;
    each_of(function, n, static_cast<const T*>(x), static_cast<const T*>(t), static_cast<T*>(y));
  });
}

double sum(DistanceLoss loss, DType dtype, double limit, int64_t n, const void* x, const void* t) {
  double total = 0;
  visit(loss, dtype, limit, [&](const auto& function, auto tag) {
    using T = typename decltype(tag)::type;
    total = sum_of(function, n, static_cast<const T*>(x), static_cast<const T*>(t));
  });
  return total;
}

void gradient(DistanceLoss loss, DType dtype, double limit, int64_t n, const void* g, bool single,
              const void* x, const void* t, void* result) {
  visit(loss, dtype, limit, [&](const auto& function, auto tag) {
    using T = typename decltype(tag)::type;
    gradient_of(function, n, static_cast<const T*>(g), single, static_cast<const T*>(x),
                static_cast<const T*>(t), static_cast<T*>(result));
  });
}

}  // namespace

extern const DistanceLossKernels distance_loss_kernels = {each, sum, gradient};

}  // namespace penlight::kernels::PENLIGHT_ISA

#include "kernels/nll_loss.h"

#include <cstring>

namespace penlight::kernels {

namespace {

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

}  // namespace

int64_t nll_first_bad_target(const NllShape& shape, const int64_t* target, int64_t ignore) {
  const int64_t count = shape.samples * shape.positions;
  for (int64_t i = 0; i < count; ++i)
    if (target[i] != ignore && (target[i] < 0 || target[i] >= shape.classes)) return i;
  return -1;
}

void nll_forward(DType dtype, const NllShape& shape, const void* x, const int64_t* target, const void* weight,
                 int64_t ignore, void* each, double* sum, double* total) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const T *from = static_cast<const T*>(x), *weights = static_cast<const T*>(weight);
    T* to = static_cast<T*>(each);
    double all = 0, used = 0;
    for (int64_t n = 0, i = 0; n < shape.samples; ++n)
      for (int64_t p = 0; p < shape.positions; ++p, ++i) {
        const int64_t t = target[i];
        if (t == ignore) {
          if (to) to[i] = T(C(0));
          continue;
        }
        const C w = weights ? C(weights[t]) : C(1);
        const C loss = -w * C(from[(n * shape.classes + t) * shape.positions + p]);
        if (to) to[i] = T(loss);
        all += static_cast<double>(loss);
        used += static_cast<double>(w);
      }
    *sum = all;
    *total = used;
  });
}

void nll_backward(DType dtype, const NllShape& shape, const void* g, bool single, const int64_t* target,
                  const void* weight, int64_t ignore, double factor, void* gx) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const T *gradient = static_cast<const T*>(g), *weights = static_cast<const T*>(weight);
    T* to = static_cast<T*>(gx);
    std::memset(gx, 0, static_cast<std::size_t>(shape.samples * shape.classes * shape.positions) * sizeof(T));
    for (int64_t n = 0, i = 0; n < shape.samples; ++n)
      for (int64_t p = 0; p < shape.positions; ++p, ++i) {
        const int64_t t = target[i];
        if (t == ignore) continue;
        const C w = weights ? C(weights[t]) : C(1);
        to[(n * shape.classes + t) * shape.positions + p] = T(-w * C(factor) * C(gradient[single ? 0 : i]));
      }
  });
}

}  // namespace penlight::kernels

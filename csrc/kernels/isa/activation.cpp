// Activations: each a function of one element beside its derivative; the loops over them become vector code.
#include "kernels/activation.h"

#include <cmath>

#include "kernels/error_function.h"
#include "kernels/logarithm.h"
#include "kernels/parallel.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t kGrain = 16384;  // elements of a task

template <class C>
struct Parameters {
  C a, b, c;
};

struct LeakyRelu {
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>& p) {
    return x > C(0) ? x : x * p.a;
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>& p) {
    return x > C(0) ? C(1) : p.a;
  }
};

struct Elu {
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>& p) {
    return x > C(0) ? x * p.b : math::expm1(x * p.c) * p.a * p.b;
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>& p) {
    return x > C(0) ? p.b : math::exp(x * p.c) * p.a * p.b * p.c;
  }
};

struct Gelu {
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>&) {
    return math::gelu(x);
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>&) {
    return math::normal_below(x) +
           x * math::exp_of_negative(C(-0.5) * x * x) * C(0.5 * M_2_SQRTPI * M_SQRT1_2);
  }
};

struct GeluTanh {
  static constexpr double scale = M_2_SQRTPI * M_SQRT1_2, cubic = 0.044715;
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>&) {
    return x * C(0.5) * (C(1) + math::tanh(C(scale) * (x + C(cubic) * x * x * x)));
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>&) {
    const C t = math::tanh(C(scale) * (x + C(cubic) * x * x * x));
    const C inner = C(scale) * (C(1) + C(3 * cubic) * x * x);
    return C(0.5) * (C(1) + t) + C(0.5) * x * (C(1) - t * t) * inner;
  }
};

struct Silu {
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>&) {
    return x * math::sigmoid(x);
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>&) {
    const C s = math::sigmoid(x);
    return s * (C(1) + x * (C(1) - s));
  }
};

struct Softplus {
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>& p) {
    const C z = x * p.a;
    return z > p.b ? x : math::log1p(math::exp(z)) / p.a;
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>& p) {
    const C z = x * p.a;
    return z > p.b ? C(1) : math::sigmoid(z);
  }
};

struct Hardtanh {
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>& p) {
    return x < p.a ? p.a : x > p.b ? p.b : x;
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>& p) {
    return x <= p.a || x >= p.b ? C(0) : C(1);
  }
};

struct LogSigmoid {
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>&) {
    const C size = x < C(0) ? x : -x;                              // -|x|
    return (x >= C(0) ? C(0) : x) - math::log1p(math::exp(size));  // NaN stays
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>&) {
    return math::sigmoid(-x);
  }
};

struct Mish {
  template <class C>
  [[gnu::always_inline]] static C soft(C x) {
    return x > C(20) ? x : math::log1p(math::exp(x));
  }
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>&) {
    return x * math::tanh(soft(x));
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>&) {
    const C t = math::tanh(soft(x));
    return t + x * math::sigmoid(x) * (C(1) - t * t);
  }
};

struct Hardswish {
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>&) {
    const C gate = x + C(3) < C(0) ? C(0) : x + C(3) > C(6) ? C(6) : x + C(3);
    return x * gate / C(6);
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>&) {
    return x <= C(-3) ? C(0) : x < C(3) ? x / C(3) + C(0.5) : C(1);
  }
};

struct SmoothL1 {
  template <class C>
  [[gnu::always_inline]] static C value(C x, const Parameters<C>& p) {
    const C size = std::fabs(x);
    return size < p.a ? C(0.5) * size * size * p.b : size - C(0.5) * p.a;
  }
  template <class C>
  [[gnu::always_inline]] static C slope(C x, const Parameters<C>& p) {
    return x <= -p.a ? C(-1) : x >= p.a ? C(1) : x * p.b;
  }
};

template <class Op, class T>
void forward_of(const ActivationParameters& given, int64_t n, const T* x, T* y) {
  using C = compute_t<T>;
  const Parameters<C> p{C(given.a), C(given.b), C(given.c)};
  parallel::parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
    const Parameters<C> local = p;  // not read again for each element
    const T* from = x;
    T* to = y;
#pragma GCC ivdep
    for (int64_t i = begin; i < end; ++i) to[i] = T(Op::value(C(from[i]), local));
  });
}

// A gradient of 0 through a closed gate stays 0 even where it was infinite: chosen, not multiplied, where
// slopes are 0 or 1.
template <class Op, class T>
void backward_of(const ActivationParameters& given, int64_t n, const T* g, const T* x, T* result) {
  using C = compute_t<T>;
  const Parameters<C> p{C(given.a), C(given.b), C(given.c)};
  parallel::parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
    const Parameters<C> local = p;
    const T *gradient = g, *at = x;
    T* to = result;
#pragma GCC ivdep
    for (int64_t i = begin; i < end; ++i) {
      const C slope = Op::slope(C(at[i]), local), product = C(gradient[i]) * slope;
      to[i] = T(slope == C(0) ? C(0) : product);
    }
  });
}

template <class Body>
void visit(Activation op, DType dtype, const Body& body) {
  const auto typed = [&](auto function) {
    switch (dtype) {
      case DType::f64:
        return body(function, TypeTag<double>{});
      case DType::f16:
        return body(function, TypeTag<Half>{});
      case DType::bf16:
        return body(function, TypeTag<BFloat16>{});
      default:
        return body(function, TypeTag<float>{});
    }
  };
  switch (op) {
    case Activation::leaky_relu:
      return typed(LeakyRelu{});
    case Activation::elu:
      return typed(Elu{});
    case Activation::gelu:
      return typed(Gelu{});
    case Activation::gelu_tanh:
      return typed(GeluTanh{});
    case Activation::silu:
      return typed(Silu{});
    case Activation::softplus:
      return typed(Softplus{});
    case Activation::hardtanh:
      return typed(Hardtanh{});
    case Activation::log_sigmoid:
      return typed(LogSigmoid{});
    case Activation::mish:
      return typed(Mish{});
    case Activation::hardswish:
      return typed(Hardswish{});
    case Activation::smooth_l1:
      return typed(SmoothL1{});
  }
}

void forward(Activation op, DType dtype, const ActivationParameters& p, int64_t n, const void* x, void* y) {
  visit(op, dtype, [&](auto function, auto tag) {
    using T = typename decltype(tag)::type;
    forward_of<decltype(function)>(p, n, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

void backward(Activation op, DType dtype, const ActivationParameters& p, int64_t n, const void* g,
              const void* x, void* result) {
  visit(op, dtype, [&](auto function, auto tag) {
    using T = typename decltype(tag)::type;
    backward_of<decltype(function)>(p, n, static_cast<const T*>(g), static_cast<const T*>(x),
                                    static_cast<T*>(result));
  });
}

}  // namespace

extern const ActivationKernels activation_kernels = {forward, backward};

}  // namespace penlight::kernels::PENLIGHT_ISA

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

// Functions without parameters that are written for registers.
struct OfRegisters {};

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

struct Gelu : OfRegisters {
  template <class N>
  [[gnu::always_inline]] static N value(N x) {
    return math::gelu(x);
  }
  template <class N>
  [[gnu::always_inline]] static N slope(N x) {
    using C = math::Number<N>;
    const N density = math::exp_of_negative(math::all<N>(C(-0.5)) * x * x);
    return math::normal_below(x) + x * density * math::all<N>(C(0.5 * M_2_SQRTPI * M_SQRT1_2));
  }
};

struct GeluTanh : OfRegisters {
  static constexpr double scale = M_2_SQRTPI * M_SQRT1_2, cubic = 0.044715;
  template <class N>
  [[gnu::always_inline]] static N constant(double value) {
    return math::all<N>(static_cast<math::Number<N>>(value));
  }
  template <class N>
  [[gnu::always_inline]] static N bend(N x) {
    return math::tanh(constant<N>(scale) * (x + constant<N>(cubic) * x * x * x));
  }
  template <class N>
  [[gnu::always_inline]] static N value(N x) {
    return x * constant<N>(0.5) * (constant<N>(1) + bend(x));
  }
  template <class N>
  [[gnu::always_inline]] static N slope(N x) {
    const N t = bend(x), half = constant<N>(0.5), one = constant<N>(1);
    const N inner = constant<N>(scale) * (one + constant<N>(3 * cubic) * x * x);
    return half * (one + t) + half * x * (one - t * t) * inner;
  }
};

struct Silu : OfRegisters {
  template <class N>
  [[gnu::always_inline]] static N value(N x) {
    return x * math::sigmoid(x);
  }
  template <class N>
  [[gnu::always_inline]] static N slope(N x) {
    const N s = math::sigmoid(x), one = math::all<N>(math::Number<N>(1));
    return s * (one + x * (one - s));
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

template <class Op, class T>
void forward_of(const ActivationParameters& given, int64_t n, const T* x, T* y) {
  using C = compute_t<T>;
  const Parameters<C> p{C(given.a), C(given.b), C(given.c)};
  parallel::parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
    if constexpr (std::is_base_of_v<OfRegisters, Op>) {
      const auto value = [](auto at) __attribute__((always_inline)) { return Op::value(at); };
      return math::each_register(y + begin, end - begin, value, x + begin);
    } else {
      const Parameters<C> local = p;  // not read again for each element
      const T* from = x;
      T* to = y;
#pragma GCC ivdep
      for (int64_t i = begin; i < end; ++i) to[i] = T(Op::value(C(from[i]), local));
    }
  });
}

// A gradient of 0 through a closed gate stays 0 even where it was infinite: chosen, not multiplied, where
// slopes are 0 or 1.
template <class Op, class T>
void backward_of(const ActivationParameters& given, int64_t n, const T* g, const T* x, T* result) {
  using C = compute_t<T>;
  const Parameters<C> p{C(given.a), C(given.b), C(given.c)};
  parallel::parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
    if constexpr (std::is_base_of_v<OfRegisters, Op>) {
      const auto product = [](auto by, auto at) __attribute__((always_inline)) {
        const auto slope = Op::slope(at), zero = math::all<decltype(at)>(0);
        return math::choose(math::equal(slope, zero), zero, by * slope);
      };
      return math::each_register(result + begin, end - begin, product, g + begin, x + begin);
    } else {
      const Parameters<C> local = p;
      const T *gradient = g, *at = x;
      T* to = result;
#pragma GCC ivdep
      for (int64_t i = begin; i < end; ++i) {
        const C slope = Op::slope(C(at[i]), local), product = C(gradient[i]) * slope;
        to[i] = T(slope == C(0) ? C(0) : product);
      }
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

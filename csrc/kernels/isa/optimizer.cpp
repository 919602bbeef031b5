// Optimizer steps. Options that are on or off are template arguments, so that each loop is plain vector code.
#include "kernels/optimizer.h"

#include <cmath>
#include <type_traits>

#include "kernels/parallel.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

// The part of a slot that a task works on.
template <class T>
struct Part {
  int64_t n;
  T* parameter;
  const T* gradient;
  T* state[3];
  double step;
};

template <class T, class Update>
void each_part(const OptimizerSlots& slots, const Update& update) {
  parallel::parallel_for(slots.tasks, 1, [&](int64_t begin, int64_t end) {
    int64_t low = 0, high = slots.count - 1;  // the last slot with first_task <= begin
    while (low < high) {
      const int64_t middle = (low + high + 1) / 2;
      (slots.data[middle].first_task <= begin ? low : high) =
          slots.data[middle].first_task <= begin ? middle : middle - 1;
    }
    for (int64_t task = begin; task < end; ++task) {
      while (low + 1 < slots.count && slots.data[low + 1].first_task <= task) ++low;
      const OptimizerSlot& slot = slots.data[low];
      const int64_t at = (task - slot.first_task) * optimizer_task, left = slot.n - at;
      Part<T> part{left < optimizer_task ? left : optimizer_task,
                   static_cast<T*>(slot.parameter) + at,
                   static_cast<const T*>(slot.gradient) + at,
                   {},
                   slot.step};
      for (int i = 0; i < 3; ++i)
        part.state[i] = slot.state[i] ? static_cast<T*>(slot.state[i]) + at : nullptr;
      update(part);
    }
  });
}

template <class F>
void choose(bool flag, const F& f) {
  flag ? f(std::true_type{}) : f(std::false_type{});
}

template <class F>
void typed(DType dtype, const F& f) {
  switch (dtype) {
    case DType::f64:
      return f(TypeTag<double>{});
    case DType::f16:
      return f(TypeTag<Half>{});
    case DType::bf16:
      return f(TypeTag<BFloat16>{});
    default:
      return f(TypeTag<float>{});
  }
}

// The gradient with its sign, and with the parameter's share where weights decay into it.
template <class C>
struct Gradient {
  C sign, decay;
  template <class Decays>
  [[gnu::always_inline]] C operator()(C g, C p, Decays) const {
    const C signed_gradient = g * sign;
    return Decays::value ? signed_gradient + p * decay : signed_gradient;
  }
};
template <class C>
Gradient<C> gradient_of(bool maximize, double decay) {
  return {maximize ? C(-1) : C(1), C(decay)};
}

// from + weight (to - from), from the nearer end
template <class C>
struct Lerp {
  C weight, rest;
  bool near;
  explicit Lerp(double w) : weight(C(w)), rest(C(1 - w)), near(w < 0.5) {}
  [[gnu::always_inline]] C operator()(C from, C to) const {
    const C difference = to - from, one = from + difference * weight, other = to - difference * rest;
    return near ? one : other;
  }
};

void sgd(DType dtype, const OptimizerSlots& slots, const SgdOptions& o) {
  typed(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const auto gradient = gradient_of<C>(o.maximize, o.weight_decay);
    const C lr = C(o.lr), momentum = C(o.momentum), share = C(1 - o.dampening);
    const auto update = [=](const Part<T>& part, auto decays, auto kept, auto first, auto nesterov) {
      T *p = part.parameter, *buffer = part.state[0];
      const T* given = part.gradient;
#pragma GCC ivdep
      for (int64_t i = 0; i < part.n; ++i) {
        C g = gradient(C(given[i]), C(p[i]), decays);
        if constexpr (kept) {
          const C moved = first ? g : C(buffer[i]) * momentum + g * share;
          buffer[i] = T(moved);
          g = nesterov ? g + moved * momentum : moved;
        }
        p[i] = T(C(p[i]) - g * lr);
      }
    };
    choose(o.weight_decay != 0, [&](auto decays) {
      choose(o.nesterov, [&](auto nesterov) {
        each_part<T>(slots, [&](const Part<T>& part) {
          choose(part.state[0] != nullptr, [&](auto kept) {
            choose(part.step == 1, [&](auto first) { update(part, decays, kept, first, nesterov); });
          });
        });
      });
    });
  });
}

void adam(DType dtype, const OptimizerSlots& slots, const AdamOptions& o) {
  typed(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const auto gradient = gradient_of<C>(o.maximize, o.weight_decay);
    const Lerp<C> lerp(1 - o.beta1);
    const C beta2 = C(o.beta2), share = C(1 - o.beta2), eps = C(o.eps);
    const C shrink = o.decoupled ? C(1 - o.lr * o.weight_decay) : C(1);
    const auto update = [=](const Part<T>& part, auto decays, auto largest) {
      const C size = C(o.lr / (1 - std::pow(o.beta1, part.step)));
      const C unbiased = C(1 / std::sqrt(1 - std::pow(o.beta2, part.step)));
      T *p = part.parameter, *mean = part.state[0], *square = part.state[1], *top = part.state[2];
      const T* given = part.gradient;
#pragma GCC ivdep
      for (int64_t i = 0; i < part.n; ++i) {
        const C at = C(p[i]), g = gradient(C(given[i]), at, decays);
        const C m = lerp(C(mean[i]), g);
        C second = C(square[i]) * beta2 + g * g * share;
        mean[i] = T(m);
        square[i] = T(second);
        if constexpr (largest) {
          const C before = C(top[i]);
          second = before > second ? before : second;  // once NaN, second stays so
          top[i] = T(second);
        }
        p[i] = T(at * shrink - m / (std::sqrt(second) * unbiased + eps) * size);
      }
    };
    choose(o.weight_decay != 0 && !o.decoupled, [&](auto decays) {
      each_part<T>(slots, [&](const Part<T>& part) {
        choose(part.state[2] != nullptr, [&](auto largest) { update(part, decays, largest); });
      });
    });
  });
}

void adamax(DType dtype, const OptimizerSlots& slots, const AdamaxOptions& o) {
  typed(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const auto gradient = gradient_of<C>(o.maximize, o.weight_decay);
    const Lerp<C> lerp(1 - o.beta1);
    const C beta2 = C(o.beta2), eps = C(o.eps);
    choose(o.weight_decay != 0, [&](auto decays) {
      each_part<T>(slots, [&](const Part<T>& part) {
        const C size = C(o.lr / (1 - std::pow(o.beta1, part.step)));
        T *p = part.parameter, *mean = part.state[0], *top = part.state[1];
        const T* given = part.gradient;
#pragma GCC ivdep
        for (int64_t i = 0; i < part.n; ++i) {
          const C at = C(p[i]), g = gradient(C(given[i]), at, decays);
          const C m = lerp(C(mean[i]), g);
          const C before = C(top[i]) * beta2, now = std::fabs(g) + eps;
          const C larger = before > now ? before : now;
          const C most = before != before ? before : larger;
          mean[i] = T(m);
          top[i] = T(most);
          p[i] = T(at - m / most * size);
        }
      });
    });
  });
}

void rmsprop(DType dtype, const OptimizerSlots& slots, const RmspropOptions& o) {
  typed(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const auto gradient = gradient_of<C>(o.maximize, o.weight_decay);
    const Lerp<C> lerp(1 - o.alpha);
    const C lr = C(o.lr), alpha = C(o.alpha), share = C(1 - o.alpha), eps = C(o.eps),
            momentum = C(o.momentum);
    const auto update = [=](const Part<T>& part, auto decays, auto centered, auto kept) {
      T *p = part.parameter, *square = part.state[0], *mean = part.state[1], *buffer = part.state[2];
      const T* given = part.gradient;
#pragma GCC ivdep
      for (int64_t i = 0; i < part.n; ++i) {
        const C at = C(p[i]), g = gradient(C(given[i]), at, decays);
        const C second = C(square[i]) * alpha + g * g * share;
        square[i] = T(second);
        C spread = second;
        if constexpr (centered) {
          const C m = lerp(C(mean[i]), g);
          mean[i] = T(m);
          spread = second - m * m;
        }
        C step = g / (std::sqrt(spread) + eps);
        if constexpr (kept) {
          step = C(buffer[i]) * momentum + step;
          buffer[i] = T(step);
        }
        p[i] = T(at - step * lr);
      }
    };
    choose(o.weight_decay != 0, [&](auto decays) {
      each_part<T>(slots, [&](const Part<T>& part) {
        choose(part.state[1] != nullptr, [&](auto centered) {
          choose(part.state[2] != nullptr, [&](auto kept) { update(part, decays, centered, kept); });
        });
      });
    });
  });
}

void adagrad(DType dtype, const OptimizerSlots& slots, const AdagradOptions& o) {
  typed(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const auto gradient = gradient_of<C>(o.maximize, o.weight_decay);
    const C eps = C(o.eps);
    choose(o.weight_decay != 0, [&](auto decays) {
      each_part<T>(slots, [&](const Part<T>& part) {
        const C size = C(o.lr / (1 + (part.step - 1) * o.lr_decay));
        T *p = part.parameter, *total = part.state[0];
        const T* given = part.gradient;
#pragma GCC ivdep
        for (int64_t i = 0; i < part.n; ++i) {
          const C at = C(p[i]), g = gradient(C(given[i]), at, decays), sum = C(total[i]) + g * g;
          total[i] = T(sum);
          p[i] = T(at - g / (std::sqrt(sum) + eps) * size);
        }
      });
    });
  });
}

void adadelta(DType dtype, const OptimizerSlots& slots, const AdadeltaOptions& o) {
  typed(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = compute_t<T>;
    const auto gradient = gradient_of<C>(o.maximize, o.weight_decay);
    const C lr = C(o.lr), rho = C(o.rho), share = C(1 - o.rho), eps = C(o.eps);
    choose(o.weight_decay != 0, [&](auto decays) {
      each_part<T>(slots, [&](const Part<T>& part) {
        T *p = part.parameter, *square = part.state[0], *steps = part.state[1];
        const T* given = part.gradient;
#pragma GCC ivdep
        for (int64_t i = 0; i < part.n; ++i) {
          const C at = C(p[i]), g = gradient(C(given[i]), at, decays);
          const C second = C(square[i]) * rho + g * g * share;
          const C step = std::sqrt(C(steps[i]) + eps) / std::sqrt(second + eps) * g;
          square[i] = T(second);
          steps[i] = T(C(steps[i]) * rho + step * step * share);
          p[i] = T(at - step * lr);
        }
      });
    });
  });
}

}  // namespace

extern const OptimizerKernels optimizer_kernels = {sgd, adam, adamax, rmsprop, adagrad, adadelta};

}  // namespace penlight::kernels::PENLIGHT_ISA

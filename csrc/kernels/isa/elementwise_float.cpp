// Elementwise kernels of the floating types.
#include "kernels/elementwise.h"
#include "kernels/error_function.h"
#include "kernels/exponential.h"
#include "kernels/logarithm.h"
#include "kernels/math.h"
#include "kernels/row_loops.h"
#include "kernels/trigonometric.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

// A function of registers, in which one number is computed as well.
template <class T, class F>
void row1_registers(char* const* data, const int64_t* strides, int64_t n) {
  const F f{};
  if (n == 1 || strides[1] == 0) {
    const auto x = static_cast<compute_t<T>>(*reinterpret_cast<const T*>(data[1]));
    const T value = T(f(Native<compute_t<T>>::broadcast(x))[0]);
    char* out = data[0];
    for (int64_t i = 0; i < n; ++i, out += strides[0]) *reinterpret_cast<T*>(out) = value;
    return;
  }
  each_run<T, T>(data, strides, n,
                 [f](T* to, const T* from, int64_t count) { math::each_register(to, count, f, from); });
}

template <class T>
RowLoop unary_of(UnaryOp op) {
  using C = compute_t<T>;
  const auto row = [](auto f) { return make_row1<T, T>(f); };
  const auto registers = []<class F>(F) -> RowLoop { return &row1_registers<T, F>; };
  // fast where the number is not too large for its reduction to a quarter of a turn
  const auto moderate = [](auto fast, auto any) {
    return make_row1_checked<T>([](C x) { return std::fabs(x) <= C(math::trigonometric_limit); }, fast, any);
  };
  switch (op) {
    case UnaryOp::abs:
      return row([](C x) { return std::fabs(x); });
    case UnaryOp::neg:
      return row([](C x) { return -x; });
    case UnaryOp::sign:
      return row([](C x) { return C(x > 0) - C(x < 0); });  // 0 for NaN, as PyTorch has it
    case UnaryOp::square:
      return row([](C x) { return x * x; });
    case UnaryOp::relu:
      return row([](C x) { return x < 0 ? C(0) : x; });
    case UnaryOp::reciprocal:
      return row([](C x) { return C(1) / x; });
    case UnaryOp::exp:
      return registers([](auto x) __attribute__((always_inline)) { return math::exp(x); });
    case UnaryOp::exp2:
      return registers([](auto x) __attribute__((always_inline)) { return math::exp2(x); });
    case UnaryOp::expm1:
      return registers([](auto x) __attribute__((always_inline)) { return math::expm1(x); });
    case UnaryOp::log:
      return row([](C x) { return math::log(x); });
    case UnaryOp::log2:
      return row([](C x) { return math::log2(x); });
    case UnaryOp::log10:
      return row([](C x) { return math::log10(x); });
    case UnaryOp::log1p:
      return row([](C x) { return math::log1p(x); });
    case UnaryOp::sqrt:
      return row([](C x) { return std::sqrt(x); });
    case UnaryOp::rsqrt:
      return row([](C x) { return C(1) / std::sqrt(x); });
    case UnaryOp::sin:
      return moderate([](C x) { return math::sin(x); }, [](C x) { return std::sin(x); });
    case UnaryOp::cos:
      return moderate([](C x) { return math::cos(x); }, [](C x) { return std::cos(x); });
    case UnaryOp::tan:
      return row([](C x) { return std::tan(x); });
    case UnaryOp::asin:
      return row([](C x) { return std::asin(x); });
    case UnaryOp::acos:
      return row([](C x) { return std::acos(x); });
    case UnaryOp::atan:
      return row([](C x) { return std::atan(x); });
    case UnaryOp::sinh:
      return row([](C x) { return std::sinh(x); });
    case UnaryOp::cosh:
      return row([](C x) { return std::cosh(x); });
    case UnaryOp::tanh:
      return registers([](auto x) __attribute__((always_inline)) { return math::tanh(x); });
    case UnaryOp::asinh:
      return row([](C x) { return std::asinh(x); });
    case UnaryOp::acosh:
      return row([](C x) { return std::acosh(x); });
    case UnaryOp::atanh:
      return row([](C x) { return std::atanh(x); });
    case UnaryOp::sigmoid:
      return registers([](auto x) __attribute__((always_inline)) { return math::sigmoid(x); });
    case UnaryOp::erf:
      return registers([](auto x) __attribute__((always_inline)) { return math::erf(x); });
    case UnaryOp::erfc:
      return row([](C x) { return std::erfc(x); });
    case UnaryOp::lgamma:
      return row([](C x) { return math::lgamma(x); });
    case UnaryOp::digamma:
      return row([](C x) { return math::digamma(double(x)); });
    case UnaryOp::trigamma:
      return row([](C x) { return math::trigamma(double(x)); });
    case UnaryOp::erfinv:
      return row([](C x) { return math::erfinv(double(x)); });
    case UnaryOp::floor:
      return row([](C x) { return std::floor(x); });
    case UnaryOp::ceil:
      return row([](C x) { return std::ceil(x); });
    case UnaryOp::round:
      return row([](C x) { return math::round_even(x); });
    case UnaryOp::trunc:
      return row([](C x) { return std::trunc(x); });
    case UnaryOp::frac:
      return row([](C x) { return x - std::trunc(x); });
    default:
      return nullptr;
  }
}

template <class T>
RowLoop test_of(TestOp op) {
  using C = compute_t<T>;
  const auto row = [](auto f) { return make_row1<bool, T>(f); };
  switch (op) {
    case TestOp::isnan:
      return row([](C x) { return x != x; });
    case TestOp::isinf:
      return row([](C x) { return std::fabs(x) == C(INFINITY); });
    case TestOp::isfinite:
      return row([](C x) { return std::fabs(x) < C(INFINITY); });
    case TestOp::logical_not:
      return row([](C x) { return x == 0; });
    case TestOp::signbit:
      return row([](C x) { return std::copysign(C(1), x) < 0; });
  }
  return nullptr;
}

// Where a quotient has few enough digits before the point, a - b * trunc(a / b) is exact in one rounding: a
// quotient rounded up to the next whole number, the one error there is, leaves a remainder of the other sign.
template <class C>
struct ShortQuotient {
  bool operator()(C a, C b) const {
#if defined(__FMA__) || defined(__aarch64__)
    constexpr C limit = sizeof(C) == 4 ? C(1 << 23) : C(int64_t{1} << 52);
#else
    constexpr C limit = 0;  // the one rounding is not to be had
#endif
    return (std::fabs(a / b) < limit) & (std::fabs(b) < C(INFINITY));
  }
};

// std::fmod for a short quotient.
template <class C>
inline C short_fmod(C a, C b) {
  const C r = std::fma(-std::trunc(a / b), b, a), back = r + std::copysign(b, a);
  return std::copysign(r != 0 && (r < 0) != (a < 0) ? back : r, a);
}

// Python's remainder, of C's: the sign of the divisor.
template <class C>
inline C python_remainder(C r, C b) {
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

// The largest integer not above a / b, found through the exact remainder r as Python's // does.
template <class C>
inline C floor_divide(C a, C b, C r) {
  C q = (a - r) / b;
  q = r != 0 && (b < 0) != (r < 0) ? q - 1 : q;
  const C below = std::floor(q), whole = q - below > C(0.5) ? below + 1 : below;
  return q == 0 ? std::copysign(C(0), a / b) : whole;
}

template <class T>
RowLoop binary_of(BinaryOp op) {
  using C = compute_t<T>;
  const auto row = [](auto f) { return make_row2<T, T>(f); };
  const auto divided = [](auto fast, auto any) {
    return make_row2_checked<T>(ShortQuotient<C>{}, fast, any);
  };
  switch (op) {
    case BinaryOp::add:
      return row([](C a, C b) { return a + b; });
    case BinaryOp::sub:
      return row([](C a, C b) { return a - b; });
    case BinaryOp::mul:
      return row([](C a, C b) { return a * b; });
    case BinaryOp::div:
      return row([](C a, C b) { return a / b; });
    case BinaryOp::floor_div:
      return divided([](C a, C b) { return floor_divide(a, b, short_fmod(a, b)); },
                     [](C a, C b) { return b == 0 ? a / b : floor_divide(a, b, std::fmod(a, b)); });
    case BinaryOp::trunc_div:
      return row([](C a, C b) { return std::trunc(a / b); });
    case BinaryOp::remainder:
      return divided([](C a, C b) { return python_remainder(short_fmod(a, b), b); },
                     [](C a, C b) { return python_remainder(std::fmod(a, b), b); });
    case BinaryOp::fmod:
      return divided([](C a, C b) { return short_fmod(a, b); }, [](C a, C b) { return std::fmod(a, b); });
    case BinaryOp::pow:
      if constexpr (sizeof(C) == 4)  // positive bases through double, where a logarithm has digits to spare
        return make_row2_checked<T>(
            [](C a, C b) { return (a > 0) & (a < C(INFINITY)) & (std::fabs(b) < C(INFINITY)); },
            [](C a, C b) {
              const double power = double(b) * math::log_of_normal(double(a));
              const double held = power < -700 ? -700 : power;  // beyond the range of float either way
              return static_cast<C>(math::exp_to_normal(held > 700 ? 700 : held));
            },
            [](C a, C b) { return std::pow(a, b); });
      return row([](C a, C b) { return std::pow(a, b); });
    case BinaryOp::atan2:
      return row([](C a, C b) { return std::atan2(a, b); });
    case BinaryOp::maximum:
      return row([](C a, C b) { return a != a ? a : b != b ? b : a > b ? a : b; });
    case BinaryOp::minimum:
      return row([](C a, C b) { return a != a ? a : b != b ? b : a < b ? a : b; });
    case BinaryOp::fmax:
      return row([](C a, C b) { return a != a ? b : b != b ? a : a > b ? a : b; });
    case BinaryOp::fmin:
      return row([](C a, C b) { return a != a ? b : b != b ? a : a < b ? a : b; });
    case BinaryOp::hypot:
      return row([](C a, C b) { return std::hypot(a, b); });
    case BinaryOp::copysign:
      return row([](C a, C b) { return std::copysign(a, b); });
    default:
      return nullptr;
  }
}

template <class T>
RowLoop compare_of(CompareOp op) {
  using C = compute_t<T>;
  const auto row = [](auto f) { return make_row2<bool, T>(f); };
  switch (op) {
    case CompareOp::eq:
      return row([](C a, C b) { return a == b; });
    case CompareOp::ne:
      return row([](C a, C b) { return a != b; });
    case CompareOp::lt:
      return row([](C a, C b) { return a < b; });
    case CompareOp::le:
      return row([](C a, C b) { return a <= b; });
    case CompareOp::gt:
      return row([](C a, C b) { return a > b; });
    case CompareOp::ge:
      return row([](C a, C b) { return a >= b; });
    case CompareOp::logical_and:
      return row([](C a, C b) { return a != 0 && b != 0; });
    case CompareOp::logical_or:
      return row([](C a, C b) { return a != 0 || b != 0; });
    case CompareOp::logical_xor:
      return row([](C a, C b) { return (a != 0) != (b != 0); });
  }
  return nullptr;
}

// A gradient of 0 through a closed gate stays 0 even where it was infinite: chosen, not multiplied.
template <class T>
RowLoop slope_of(SlopeOp op) {
  using C = compute_t<T>;
  const auto row = [](auto f) { return make_row2<T, T>(f); };
  switch (op) {
    case SlopeOp::relu:
      return row([](C g, C y) { return y <= 0 ? C(0) : g; });
    case SlopeOp::tanh:
      return row([](C g, C y) { return g * (C(1) - y * y); });
    case SlopeOp::sigmoid:
      return row([](C g, C y) { return g * (y * (C(1) - y)); });
    case SlopeOp::sqrt:
      return row([](C g, C y) { return g * (C(0.5) / y); });
  }
  return nullptr;
}

template <class F>
RowLoop pick(DType dtype, F f) {
  switch (dtype) {
    case DType::f32:
      return f(TypeTag<float>{});
    case DType::f64:
      return f(TypeTag<double>{});
    case DType::f16:
      return f(TypeTag<Half>{});
    case DType::bf16:
      return f(TypeTag<BFloat16>{});
    default:
      return nullptr;
  }
}

RowLoop unary(UnaryOp op, DType dtype) {
  return pick(dtype, [op](auto tag) { return unary_of<typename decltype(tag)::type>(op); });
}
RowLoop test(TestOp op, DType dtype) {
  return pick(dtype, [op](auto tag) { return test_of<typename decltype(tag)::type>(op); });
}
RowLoop binary(BinaryOp op, DType dtype) {
  return pick(dtype, [op](auto tag) { return binary_of<typename decltype(tag)::type>(op); });
}
RowLoop compare(CompareOp op, DType dtype) {
  return pick(dtype, [op](auto tag) { return compare_of<typename decltype(tag)::type>(op); });
}
RowLoop where(DType dtype) {
  return pick(dtype, [](auto tag) -> RowLoop { return &row_where<typename decltype(tag)::type>; });
}
RowLoop addcmul(DType dtype) {
  return pick(dtype, [](auto tag) -> RowLoop { return &row_addcmul<typename decltype(tag)::type>; });
}
RowLoop clamp(DType dtype) {
  return pick(dtype, [](auto tag) -> RowLoop { return &row_clamp<typename decltype(tag)::type>; });
}
RowLoop lerp(DType dtype) {
  return pick(dtype, [](auto tag) -> RowLoop { return &row_lerp<typename decltype(tag)::type>; });
}
RowLoop slope(SlopeOp op, DType dtype) {
  return pick(dtype, [op](auto tag) { return slope_of<typename decltype(tag)::type>(op); });
}

}  // namespace

extern constexpr ElementwiseKernels elementwise_float_kernels = {unary,   test,  binary, compare, where,
                                                                 addcmul, clamp, slope,  lerp};

}  // namespace penlight::kernels::PENLIGHT_ISA

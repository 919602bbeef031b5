// Elementwise kernels of integers and bool.
#include <cmath>

#include "kernels/elementwise.h"
#include "kernels/row_loops.h"

namespace penlight::kernels {

using namespace PENLIGHT_ISA;

namespace {

// Arithmetic that wraps around, as PyTorch's does, without signed overflow.
template <class T>
T wrap(uint64_t value) {
  return static_cast<T>(value);
}

template <class T>
RowLoop unary_of(UnaryOp op) {
  const auto row = [](auto f) { return make_row1<T, T>(f); };
  if constexpr (std::is_same_v<T, bool>) {
    switch (op) {
      case UnaryOp::bitwise_not:
        return row([](T x) { return !x; });
      case UnaryOp::abs:
      case UnaryOp::sign:
      case UnaryOp::square:
      case UnaryOp::relu:
        return row([](T x) { return x; });
      default:
        return nullptr;
    }
  } else {
    switch (op) {
      case UnaryOp::abs:
        return row([](T x) { return x < T(0) ? wrap<T>(-uint64_t(x)) : x; });
      case UnaryOp::neg:
        return row([](T x) { return wrap<T>(-uint64_t(x)); });
      case UnaryOp::sign:
        return row([](T x) { return T((x > T(0)) - (x < T(0))); });
      case UnaryOp::square:
        return row([](T x) { return wrap<T>(uint64_t(x) * uint64_t(x)); });
      case UnaryOp::relu:
        return row([](T x) { return x < T(0) ? T(0) : x; });
      case UnaryOp::bitwise_not:
        return row([](T x) { return T(~x); });
      case UnaryOp::floor:
      case UnaryOp::ceil:
      case UnaryOp::round:
      case UnaryOp::trunc:
        return row([](T x) { return x; });
      default:
        return nullptr;
    }
  }
}

template <class T>
RowLoop test_of(TestOp op) {
  const auto row = [](auto f) { return make_row1<bool, T>(f); };
  switch (op) {
    case TestOp::isnan:
    case TestOp::isinf:
      return row([](T) { return false; });
    case TestOp::isfinite:
      return row([](T) { return true; });
    case TestOp::logical_not:
      return row([](T x) { return x == T(0); });
    case TestOp::signbit:
      return row([](T x) { return x < T(0); });
  }
  return nullptr;
}

// Division by zero is found by the caller; here it gives 0 rather than a trap.
template <class T>
T floor_divide(T a, T b) {
  if (b == 0) return 0;
  if (std::is_signed_v<T> && b == T(-1)) return wrap<T>(-uint64_t(a));
  T q = static_cast<T>(a / b);
  if (a % b != 0 && (a < 0) != (b < 0)) --q;
  return q;
}
template <class T>
T trunc_divide(T a, T b) {
  if (b == 0) return 0;
  if (std::is_signed_v<T> && b == T(-1)) return wrap<T>(-uint64_t(a));
  return static_cast<T>(a / b);
}
template <class T>
T c_remainder(T a, T b) {
  if (b == 0 || (std::is_signed_v<T> && b == T(-1))) return 0;
  return static_cast<T>(a % b);
}
template <class T>
T python_remainder(T a, T b) {
  T r = c_remainder(a, b);
  if (r != 0 && (r < 0) != (b < 0)) r = static_cast<T>(r + b);
  return r;
}
// By squaring; a negative exponent gives 0 but for the bases 1 and -1.
template <class T>
T power(T base, T exponent) {
  if (exponent < 0) return base == T(1) ? T(1) : base == T(-1) ? (exponent % 2 ? T(-1) : T(1)) : T(0);
  uint64_t result = 1, square = static_cast<uint64_t>(base);
  for (uint64_t e = static_cast<uint64_t>(exponent); e; e >>= 1, square *= square)
    if (e & 1) result *= square;
  return wrap<T>(result);
}

template <class T>
RowLoop binary_of(BinaryOp op) {
  const auto row = [](auto f) { return make_row2<T, T>(f); };
  if constexpr (std::is_same_v<T, bool>) {
    switch (op) {
      case BinaryOp::add:
      case BinaryOp::maximum:
      case BinaryOp::bitwise_or:
      case BinaryOp::fmax:
        return row([](T a, T b) { return a || b; });
      case BinaryOp::mul:
      case BinaryOp::minimum:
      case BinaryOp::bitwise_and:
      case BinaryOp::fmin:
        return row([](T a, T b) { return a && b; });
      case BinaryOp::bitwise_xor:
        return row([](T a, T b) { return a != b; });
      default:
        return nullptr;
    }
  } else {
    constexpr int bits = sizeof(T) * 8;
    switch (op) {
      case BinaryOp::add:
        return row([](T a, T b) { return wrap<T>(uint64_t(a) + uint64_t(b)); });
      case BinaryOp::sub:
        return row([](T a, T b) { return wrap<T>(uint64_t(a) - uint64_t(b)); });
      case BinaryOp::mul:
        return row([](T a, T b) { return wrap<T>(uint64_t(a) * uint64_t(b)); });
      case BinaryOp::floor_div:
        return row([](T a, T b) { return floor_divide(a, b); });
      case BinaryOp::trunc_div:
        return row([](T a, T b) { return trunc_divide(a, b); });
      case BinaryOp::remainder:
        return row([](T a, T b) { return python_remainder(a, b); });
      case BinaryOp::fmod:
        return row([](T a, T b) { return c_remainder(a, b); });
      case BinaryOp::pow:
        return row([](T a, T b) { return power(a, b); });
      case BinaryOp::maximum:
      case BinaryOp::fmax:
        return row([](T a, T b) { return a > b ? a : b; });
      case BinaryOp::minimum:
      case BinaryOp::fmin:
        return row([](T a, T b) { return a < b ? a : b; });
      case BinaryOp::bitwise_and:
        return row([](T a, T b) { return T(a & b); });
      case BinaryOp::bitwise_or:
        return row([](T a, T b) { return T(a | b); });
      case BinaryOp::bitwise_xor:
        return row([](T a, T b) { return T(a ^ b); });
      case BinaryOp::shift_left:
        return row([](T a, T b) { return b < 0 || b >= bits ? T(0) : wrap<T>(uint64_t(a) << b); });
      case BinaryOp::shift_right:
        return row([](T a, T b) { return b < 0 || b >= bits ? T(a < 0 ? -1 : 0) : T(a >> b); });
      default:
        return nullptr;
    }
  }
}

template <class T>
RowLoop compare_of(CompareOp op) {
  const auto row = [](auto f) { return make_row2<bool, T>(f); };
  switch (op) {
    case CompareOp::eq:
      return row([](T a, T b) { return a == b; });
    case CompareOp::ne:
      return row([](T a, T b) { return a != b; });
    case CompareOp::lt:
      return row([](T a, T b) { return a < b; });
    case CompareOp::le:
      return row([](T a, T b) { return a <= b; });
    case CompareOp::gt:
      return row([](T a, T b) { return a > b; });
    case CompareOp::ge:
      return row([](T a, T b) { return a >= b; });
    case CompareOp::logical_and:
      return row([](T a, T b) { return a && b; });
    case CompareOp::logical_or:
      return row([](T a, T b) { return a || b; });
    case CompareOp::logical_xor:
      return row([](T a, T b) { return !a != !b; });
  }
  return nullptr;
}

template <class F>
RowLoop pick(DType dtype, F f) {
  switch (dtype) {
    case DType::u8:
      return f(TypeTag<uint8_t>{});
    case DType::i8:
      return f(TypeTag<int8_t>{});
    case DType::i16:
      return f(TypeTag<int16_t>{});
    case DType::i32:
      return f(TypeTag<int32_t>{});
    case DType::i64:
      return f(TypeTag<int64_t>{});
    case DType::boolean:
      return f(TypeTag<bool>{});
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
  return pick(dtype, [](auto tag) -> RowLoop {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool> || std::is_signed_v<T>)
      return nullptr;
    else
      return &row_addcmul<T>;
  });
}
RowLoop clamp(DType dtype) {
  return pick(dtype, [](auto tag) -> RowLoop {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>)
      return nullptr;
    else
      return &row_clamp<T>;
  });
}
RowLoop no_slope(SlopeOp, DType) {
  return nullptr;
}
RowLoop no_lerp(DType) {
  return nullptr;
}

}  // namespace

const ElementwiseKernels elementwise_integer = {unary,   test,  binary,   compare, where,
                                                addcmul, clamp, no_slope, no_lerp};

}  // namespace penlight::kernels

// Element types and the two 16-bit floating formats.
//
// The conversions are always inlined: they are compiled differently for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace penlight {

enum class DType : uint8_t { u8, i8, i16, i32, i64, f16, f32, f64, boolean, bf16 };
constexpr int kDTypeCount = 10;

// IEEE binary16, converted by hand where the processor has no instruction (round to nearest even).
struct Half {
  uint16_t bits;
  Half() = default;
  [[gnu::always_inline]] static inline uint16_t from_float(float value) {
#if defined(__F16C__)
    return static_cast<uint16_t>(
        __builtin_ia32_vcvtps2ph((float __attribute__((vector_size(16)))){value}, 0)[0]);
#else
    uint32_t u;
    std::memcpy(&u, &value, 4);
    const uint32_t sign = (u >> 16) & 0x8000u;
    u &= 0x7fffffffu;
    if (u > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
    if (u >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
    if (u < 0x38800000u) {  // below the smallest normal half: let a float addition do the rounding
      float f, magic;
      const uint32_t magic_bits = 0x3f000000u;  // 0.5: its last bit weighs 2^-24, half's smallest step
      std::memcpy(&f, &u, 4);
      std::memcpy(&magic, &magic_bits, 4);
      f += magic;
      uint32_t r;
      std::memcpy(&r, &f, 4);
      return static_cast<uint16_t>(sign | (r - magic_bits));
    }
    const uint32_t odd = (u >> 13) & 1u;
    return static_cast<uint16_t>(sign | ((u - 0x38000000u + 0xfffu + odd) >> 13));
#endif
  }
  [[gnu::always_inline]] static inline float to_float(uint16_t h) {
#if defined(__F16C__)
    typedef short V8 __attribute__((vector_size(16)));
    return __builtin_ia32_vcvtph2ps((V8){static_cast<short>(h)})[0];
#else
    const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
    uint32_t rest = h & 0x7fffu;
    float f;
    if (rest >= 0x7c00u) {
      rest = 0x7f800000u | (rest & 0x3ffu) << 13;
    } else if (rest >= 0x400u) {
      rest = (rest << 13) + 0x38000000u;
    } else {
      f = static_cast<float>(rest) * 0x1p-24f;
      std::memcpy(&rest, &f, 4);
    }
    rest |= sign;
    std::memcpy(&f, &rest, 4);
    return f;
#endif
  }
  [[gnu::always_inline]] inline Half(float value) : bits(from_float(value)) {}
  [[gnu::always_inline]] inline operator float() const { return to_float(bits); }
};

// The upper half of a binary32 (round to nearest even).
struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  [[gnu::always_inline]] inline BFloat16(float value) {
    uint32_t u;
    std::memcpy(&u, &value, 4);
    if ((u & 0x7fffffffu) > 0x7f800000u) {
      bits = 0x7fc0;
    } else {
      bits = static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
    }
  }
  [[gnu::always_inline]] inline operator float() const {
    const uint32_t u = static_cast<uint32_t>(bits) << 16;
    float f;
    std::memcpy(&f, &u, 4);
    return f;
  }
};

constexpr int64_t itemsize(DType dtype) {
  switch (dtype) {
    case DType::u8:
    case DType::i8:
    case DType::boolean:
      return 1;
    case DType::i16:
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::i32:
    case DType::f32:
      return 4;
    default:
      return 8;
  }
}

constexpr bool is_floating(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16;
}
constexpr bool is_half(DType dtype) {
  return dtype == DType::f16 || dtype == DType::bf16;
}
constexpr bool is_integral(DType dtype) {
  return !is_floating(dtype) && dtype != DType::boolean;
}

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<int8_t> {
  static constexpr DType value = DType::i8;
};
template <>
struct DTypeOf<int16_t> {
  static constexpr DType value = DType::i16;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<Half> {
  static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};

// The type arithmetic is done in: float for the 16-bit formats, itself otherwise.
template <class T>
struct ComputeType {
  using type = T;
};
template <>
struct ComputeType<Half> {
  using type = float;
};
template <>
struct ComputeType<BFloat16> {
  using type = float;
};
template <class T>
using compute_t = typename ComputeType<T>::type;

template <class T>
struct TypeTag {
  using type = T;
};

// Calls body(TypeTag<T>{}) for the C++ type of dtype.
template <class Body>
inline decltype(auto) visit_dtype(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::u8:
      return body(TypeTag<uint8_t>{});
    case DType::i8:
      return body(TypeTag<int8_t>{});
    case DType::i16:
      return body(TypeTag<int16_t>{});
    case DType::i32:
      return body(TypeTag<int32_t>{});
    case DType::i64:
      return body(TypeTag<int64_t>{});
    case DType::f16:
      return body(TypeTag<Half>{});
    case DType::bf16:
      return body(TypeTag<BFloat16>{});
    case DType::f32:
      return body(TypeTag<float>{});
    case DType::f64:
      return body(TypeTag<double>{});
    default:
      return body(TypeTag<bool>{});
  }
}

// The unsigned whole number of so many bytes.
template <std::size_t bytes>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
  using type = uint8_t;
};
template <>
struct UnsignedOf<2> {
  using type = uint16_t;
};
template <>
struct UnsignedOf<4> {
  using type = uint32_t;
};
template <>
struct UnsignedOf<8> {
  using type = uint64_t;
};

}  // namespace penlight

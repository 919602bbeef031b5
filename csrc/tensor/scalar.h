// A Python number: bool, int or float, and its place in type promotion.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/dtype.h"

namespace penlight {

class Scalar {
 public:
  enum class Kind : uint8_t { boolean, integer, floating };
  Scalar(bool value) : kind_(Kind::boolean), integer_(value) {}
  Scalar(int value) : kind_(Kind::integer), integer_(value) {}
  Scalar(int64_t value) : kind_(Kind::integer), integer_(value) {}
  Scalar(double value) : kind_(Kind::floating), floating_(value) {}

  Kind kind() const { return kind_; }
  bool is_floating() const { return kind_ == Kind::floating; }
  double to_double() const { return is_floating() ? floating_ : static_cast<double>(integer_); }
  int64_t to_int() const {
    if (!is_floating()) return integer_;
    // A float outside the range has no integer; the smallest one stands for it, as the processor gives.
    if (!(floating_ >= -0x1p63 && floating_ < 0x1p63)) return INT64_MIN;
    return static_cast<int64_t>(floating_);
  }
  bool to_bool() const { return is_floating() ? floating_ != 0 : integer_ != 0; }

  template <class T>
  T to() const {
    if constexpr (std::is_same_v<T, bool>)
      return to_bool();
    else if constexpr (std::is_integral_v<T>)
      return static_cast<T>(to_int());
    else if constexpr (std::is_same_v<T, double>)
      return to_double();
    else
      return T(static_cast<float>(to_double()));
  }
  // Writes the value as one element of the given type; place has room for 8 bytes.
  void store(DType dtype, void* place) const {
    visit_dtype(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T value = to<T>();
      std::memcpy(place, &value, sizeof(T));
    });
  }

 private:
  Kind kind_;
  union {
    int64_t integer_;
    double floating_;
  };
};

}  // namespace penlight

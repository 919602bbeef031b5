// Errors: one sentence naming the argument, what was got and what was expected.
#pragma once

#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "kernels/small_vec.h"

namespace penlight {

// Python's exceptions of the same names; RuntimeError, ValueError and IndexError are the standard library's
// runtime_error, invalid_argument and out_of_range.
struct TypeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct NotImplementedError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
using RuntimeError = std::runtime_error;
using ValueError = std::invalid_argument;
using IndexError = std::out_of_range;

inline std::ostream& operator<<(std::ostream& out, const Dims& dims) {
  out << '[';
  for (std::size_t i = 0; i < dims.size(); ++i) out << (i ? ", " : "") << dims[i];
  return out << ']';
}

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

template <class Exception = RuntimeError, class... Parts>
[[noreturn, gnu::noinline, gnu::cold]] void fail(const Parts&... parts) {
  throw Exception(text(parts...));
}

template <class Exception = RuntimeError, class... Parts>
inline void check(bool fine, const Parts&... parts) {
  if (!fine) [[unlikely]]
    fail<Exception>(parts...);
}

// Products and sums of sizes that must fit 64 bits.
inline int64_t checked_mul(int64_t a, int64_t b, const char* what) {
  int64_t result;
  if (__builtin_mul_overflow(a, b, &result)) fail(what, " is too large: ", a, " * ", b, " overflows 64 bits");
  return result;
}
inline int64_t checked_add(int64_t a, int64_t b, const char* what) {
  int64_t result;
  if (__builtin_add_overflow(a, b, &result)) fail(what, " is too large: ", a, " + ", b, " overflows 64 bits");
  return result;
}

}  // namespace penlight

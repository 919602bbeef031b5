// Row loops from functions of one element. Included by kernel files only: everything is in their namespace.
#pragma once

#include <bit>
#include <type_traits>

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace penlight::kernels::PENLIGHT_ISA {

inline constexpr int64_t row_block = 256;  // elements of a strided row worked on at a time

// Calls body(out, in, count) for runs that lie side by side in memory; strided ones go through a buffer.
template <class Out, class In, class Body>
[[gnu::always_inline]] inline void each_run(char* const* data, const int64_t* strides, int64_t n, Body body) {
  char* out = data[0];
  const char* in = data[1];
  if (strides[0] == sizeof(Out) && strides[1] == sizeof(In))
    return body(reinterpret_cast<Out*>(out), reinterpret_cast<const In*>(in), n);
  In from[row_block];
  Out to[row_block];
  while (n > 0) {
    const int64_t count = n < row_block ? n : row_block;
    for (int64_t i = 0; i < count; ++i, in += strides[1]) from[i] = *reinterpret_cast<const In*>(in);
    body(to, from, count);
    for (int64_t i = 0; i < count; ++i, out += strides[0]) *reinterpret_cast<Out*>(out) = to[i];
    n -= count;
  }
}

template <class Out, class In, class F>
void row1(char* const* data, const int64_t* strides, int64_t n) {
  const F f{};
  if (n == 1) {
    *reinterpret_cast<Out*>(data[0]) = Out(f(compute_t<In>(*reinterpret_cast<const In*>(data[1]))));
    return;
  }
  each_run<Out, In>(data, strides, n, [f](Out* o, const In* a, int64_t count) {
#pragma GCC ivdep
    for (int64_t i = 0; i < count; ++i) o[i] = Out(f(compute_t<In>(a[i])));
  });
}

// fast where near(x), otherwise any: a block at a time, in which numbers that are not near are rare.
template <class T, class Near, class Fast, class Any>
void row1_checked(char* const* data, const int64_t* strides, int64_t n) {
  using C = compute_t<T>;
  const Near near{};
  const Fast fast{};
  const Any any{};
  each_run<T, T>(data, strides, n, [&](T* o, const T* a, int64_t total) {
    for (int64_t begin = 0; begin < total; begin += row_block, o += row_block, a += row_block) {
      const int64_t count = total - begin < row_block ? total - begin : row_block;
      int others = 0;
      for (int64_t i = 0; i < count; ++i) others += !near(C(a[i]));
      if (others == 0) {
#pragma GCC ivdep
        for (int64_t i = 0; i < count; ++i) o[i] = T(fast(C(a[i])));
      } else {
        for (int64_t i = 0; i < count; ++i) o[i] = T(near(C(a[i])) ? fast(C(a[i])) : any(C(a[i])));
      }
    }
  });
}

template <class Out, class In, class F>
void row2(char* const* data, const int64_t* strides, int64_t n) {
  using C = compute_t<In>;
  const F f{};
  char* out = data[0];
  const char* x = data[1];
  const char* y = data[2];
  constexpr int64_t in = sizeof(In);
  if (strides[0] == sizeof(Out) && (strides[1] == in || strides[1] == 0) &&
      (strides[2] == in || strides[2] == 0)) {
    Out* o = reinterpret_cast<Out*>(out);
    const In* a = reinterpret_cast<const In*>(x);
    const In* b = reinterpret_cast<const In*>(y);
    if (strides[1] && strides[2]) {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) o[i] = Out(f(C(a[i]), C(b[i])));
    } else if (strides[1]) {
      const C other = C(*b);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) o[i] = Out(f(C(a[i]), other));
    } else if (strides[2]) {
      const C other = C(*a);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) o[i] = Out(f(other, C(b[i])));
    } else {
      const Out value = Out(f(C(*a), C(*b)));
      for (int64_t i = 0; i < n; ++i) o[i] = value;
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i, out += strides[0], x += strides[1], y += strides[2])
    *reinterpret_cast<Out*>(out) =
        Out(f(C(*reinterpret_cast<const In*>(x)), C(*reinterpret_cast<const In*>(y))));
}

template <class T>
void row_where(char* const* data, const int64_t* strides, int64_t n) {
  char* out = data[0];
  const char *c = data[1], *x = data[2], *y = data[3];
  // Both values are read and one is kept, without a branch, where memory is dense or one value serves all.
  const auto fits = [](int64_t stride) { return stride == 0 || stride == static_cast<int64_t>(sizeof(T)); };
  if (strides[0] == static_cast<int64_t>(sizeof(T)) && strides[1] == 1 && fits(strides[2]) &&
      fits(strides[3])) {
    T* to = reinterpret_cast<T*>(out);
    const bool* chosen = reinterpret_cast<const bool*>(c);
    const T *first = reinterpret_cast<const T*>(x), *second = reinterpret_cast<const T*>(y);
    const auto run = [&](auto one_first, auto one_second) {
      using Bits =
          std::conditional_t<sizeof(T) == 1, uint8_t,
                             std::conditional_t<sizeof(T) == 2, uint16_t,
                                                std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;
      const T a = *first, b = *second;
      for (int64_t i = 0; i < n; ++i) {
        const Bits p = std::bit_cast<Bits>(one_first ? a : first[i]);
        const Bits q = std::bit_cast<Bits>(one_second ? b : second[i]);
        const Bits mask = static_cast<Bits>(Bits(0) - Bits(chosen[i]));
        to[i] = std::bit_cast<T>(static_cast<Bits>((p & mask) | (q & static_cast<Bits>(~mask))));
      }
    };
    const bool one_x = strides[2] == 0, one_y = strides[3] == 0;
    if (one_x && one_y) return run(std::true_type{}, std::true_type{});
    if (one_x) return run(std::true_type{}, std::false_type{});
    if (one_y) return run(std::false_type{}, std::true_type{});
    return run(std::false_type{}, std::false_type{});
  }
  for (int64_t i = 0; i < n; ++i, out += strides[0], c += strides[1], x += strides[2], y += strides[3])
    *reinterpret_cast<T*>(out) = *reinterpret_cast<const T*>(*reinterpret_cast<const bool*>(c) ? x : y);
}

template <class T>
void row_addcmul(char* const* data, const int64_t* strides, int64_t n) {
  using C = compute_t<T>;
  char* out = data[0];
  const char *a = data[1], *b = data[2], *c = data[3];
  for (int64_t i = 0; i < n; ++i, out += strides[0], a += strides[1], b += strides[2], c += strides[3]) {
    const C product = C(*reinterpret_cast<const T*>(b)) * C(*reinterpret_cast<const T*>(c));
    *reinterpret_cast<T*>(out) = T(C(*reinterpret_cast<const T*>(a)) + product);
  }
}

// A function object from a lambda's type, so that a table of plain function pointers can be made of it.
template <class Out, class In, class F>
constexpr auto make_row1(F) {
  return &row1<Out, In, F>;
}
template <class T, class Near, class Fast, class Any>
constexpr auto make_row1_checked(Near, Fast, Any) {
  return &row1_checked<T, Near, Fast, Any>;
}
template <class Out, class In, class F>
constexpr auto make_row2(F) {
  return &row2<Out, In, F>;
}

}  // namespace penlight::kernels::PENLIGHT_ISA

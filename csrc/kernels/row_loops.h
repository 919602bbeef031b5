// Row loops from functions of one element. Included by kernel files only: everything is in their namespace.
#pragma once

#include <cstring>
#include <type_traits>

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace penlight::kernels::PENLIGHT_ISA {

inline constexpr int64_t row_block = 256;  // elements of a strided row worked on at a time

// For loops over two inputs and more, which wait for memory: loads and stores of 32 bytes, four of each in a
// row, take from a tenth to a third less time than those of 64 where a processor moves 32 at a time anyway.
#if defined(__AVX512F__) && !defined(__clang__)
#define PENLIGHT_STREAMING [[gnu::target("prefer-vector-width=256")]]
#else
#define PENLIGHT_STREAMING
#endif

// Calls body(out, in, count) for runs that lie side by side in memory; strided ones go through a buffer.
template <class Out, class In, class Body>
[[gnu::always_inline]] inline void each_run(char* const* data, const int64_t* strides, int64_t n, Body body) {
  char* out = data[0];
  const char* in = data[1];
  if (strides[0] == sizeof(Out) && strides[1] == sizeof(In))
    return body(reinterpret_cast<Out*>(out), reinterpret_cast<const In*>(in), n);
  constexpr int64_t size = sizeof(In);
  In from[row_block];
  Out to[row_block];
  while (n > 0) {
    const int64_t count = n < row_block ? n : row_block;
    if (strides[1] == -size) {  // backwards, as flip reads
      const In* last = reinterpret_cast<const In*>(in);
      for (int64_t i = 0; i < count; ++i) from[i] = last[-i];
      in -= count * size;
    } else {
      for (int64_t i = 0; i < count; ++i, in += strides[1]) from[i] = *reinterpret_cast<const In*>(in);
    }
    const bool direct = strides[0] == sizeof(Out);
    body(direct ? reinterpret_cast<Out*>(out) : to, from, count);
    if (direct)
      out += count * strides[0];
    else
      for (int64_t i = 0; i < count; ++i, out += strides[0]) *reinterpret_cast<Out*>(out) = to[i];
    n -= count;
  }
}

template <class Out, class In, class F>
void row1(char* const* data, const int64_t* strides, int64_t n) {
  const F f{};
  if (n == 1 || strides[1] == 0) {  // one number for all
    const Out value = Out(f(compute_t<In>(*reinterpret_cast<const In*>(data[1]))));
    char* out = data[0];
    if (strides[0] == sizeof(Out)) {
      Out* o = reinterpret_cast<Out*>(out);
      for (int64_t i = 0; i < n; ++i) o[i] = value;
    } else {
      for (int64_t i = 0; i < n; ++i, out += strides[0]) *reinterpret_cast<Out*>(out) = value;
    }
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
PENLIGHT_STREAMING void row2(char* const* data, const int64_t* strides, int64_t n) {
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
#pragma GCC unroll 4
      for (int64_t i = 0; i < n; ++i) o[i] = Out(f(C(a[i]), C(b[i])));
    } else if (strides[1]) {
      const C other = C(*b);
#pragma GCC ivdep
#pragma GCC unroll 4
      for (int64_t i = 0; i < n; ++i) o[i] = Out(f(C(a[i]), other));
    } else if (strides[2]) {
      const C other = C(*a);
#pragma GCC ivdep
#pragma GCC unroll 4
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

// Three inputs, where the last two are contiguous or the same for all; step is 1 or 0.
template <class Out, class A, class T, int B, int C, class F>
PENLIGHT_STREAMING void run3(Out* out, const A* a, const T* b, const T* c, int64_t n, F f) {
#pragma GCC ivdep
#pragma GCC unroll 4
  for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[B * i], c[C * i]);
}

template <class Out, class A, class T, class F>
[[gnu::always_inline]] inline void row3(char* const* data, const int64_t* strides, int64_t n, F f) {
  constexpr int64_t size = sizeof(T);
  char* out = data[0];
  const char *a = data[1], *b = data[2], *c = data[3];
  const bool run = strides[0] == sizeof(Out) && strides[1] == sizeof(A) &&
                   (strides[2] == size || strides[2] == 0) && (strides[3] == size || strides[3] == 0);
  if (run) {
    Out* o = reinterpret_cast<Out*>(out);
    const A* x = reinterpret_cast<const A*>(a);
    const T* y = reinterpret_cast<const T*>(b);
    const T* z = reinterpret_cast<const T*>(c);
    if (strides[2] && strides[3]) return run3<Out, A, T, 1, 1>(o, x, y, z, n, f);
    if (strides[2]) return run3<Out, A, T, 1, 0>(o, x, y, z, n, f);
    if (strides[3]) return run3<Out, A, T, 0, 1>(o, x, y, z, n, f);
    return run3<Out, A, T, 0, 0>(o, x, y, z, n, f);
  }
  for (int64_t i = 0; i < n; ++i, out += strides[0], a += strides[1], b += strides[2], c += strides[3])
    *reinterpret_cast<Out*>(out) =
        f(*reinterpret_cast<const A*>(a), *reinterpret_cast<const T*>(b), *reinterpret_cast<const T*>(c));
}

// count elements of a strided row, in the type of the computation.
template <class T, class C>
[[gnu::always_inline]] inline void load_row(C* to, const char* from, int64_t stride, int64_t count) {
  if (stride == sizeof(T)) {
    const T* row = reinterpret_cast<const T*>(from);
    for (int64_t i = 0; i < count; ++i) to[i] = C(row[i]);
  } else {
    for (int64_t i = 0; i < count; ++i, from += stride) to[i] = C(*reinterpret_cast<const T*>(from));
  }
}

// Two inputs: fast where near(a, b), otherwise any; a block at a time, through buffers.
template <class T, class Near, class Fast, class Any>
void row2_checked(char* const* data, const int64_t* strides, int64_t n) {
  using C = compute_t<T>;
  const Near near{};
  const Fast fast{};
  const Any any{};
  C x[row_block], y[row_block];
  T to[row_block];
  for (int64_t begin = 0; begin < n; begin += row_block) {
    const int64_t count = n - begin < row_block ? n - begin : row_block;
    // One number for all is there already after the first block.
    if (begin == 0 || strides[1]) load_row<T>(x, data[1] + begin * strides[1], strides[1], count);
    if (begin == 0 || strides[2]) load_row<T>(y, data[2] + begin * strides[2], strides[2], count);
    int others = 0;
    for (int64_t i = 0; i < count; ++i) others += !near(x[i], y[i]);
    if (others == 0)
      for (int64_t i = 0; i < count; ++i) to[i] = T(fast(x[i], y[i]));
    else
      for (int64_t i = 0; i < count; ++i) to[i] = T(near(x[i], y[i]) ? fast(x[i], y[i]) : any(x[i], y[i]));
    char* out = data[0] + begin * strides[0];
    if (strides[0] == sizeof(T)) {
      std::memcpy(out, to, static_cast<std::size_t>(count) * sizeof(T));
      continue;
    }
    for (int64_t i = 0; i < count; ++i, out += strides[0]) *reinterpret_cast<T*>(out) = to[i];
  }
}

// Chosen by a mask, as bits: a choice between two loads would become a branch.
template <class T>
void row_where(char* const* data, const int64_t* strides, int64_t n) {
  using Bits = typename UnsignedOf<sizeof(T)>::type;
  row3<Bits, uint8_t, Bits>(data, strides, n, [](uint8_t condition, Bits x, Bits y) {
    const Bits mask = static_cast<Bits>(-static_cast<Bits>(condition != 0));
    return static_cast<Bits>((x & mask) | (y & ~mask));
  });
}

template <class T>
void row_addcmul(char* const* data, const int64_t* strides, int64_t n) {
  using C = compute_t<T>;
  row3<T, T, T>(data, strides, n, [](T a, T b, T c) {
    const C product = C(b) * C(c);
    return T(C(a) + product);
  });
}

// start + weight (end - start), from the nearer end, so that weight 1 gives end exactly.
template <class T>
void row_lerp(char* const* data, const int64_t* strides, int64_t n) {
  using C = compute_t<T>;
  row3<T, T, T>(data, strides, n, [](T start, T end, T weight) {
    const C w = C(weight), difference = C(end) - C(start);
    const C one = C(start) + w * difference, other = C(end) - difference * (C(1) - w);
    return T(w < C(0.5) ? one : other);
  });
}

// NaN stays, a bound that is NaN wins, and the upper bound wins over the lower.
template <class T>
void row_clamp(char* const* data, const int64_t* strides, int64_t n) {
  using C = compute_t<T>;
  row3<T, T, T>(data, strides, n, [](T x, T low, T high) {
    C y = C(x), from = C(low), to = C(high);
    if constexpr (std::is_floating_point_v<C>) {
      y = y < from ? from : y;
      y = y > to ? to : y;
      y = from != from ? from : y;
      y = to != to ? to : y;
      return T(x != x ? C(x) : y);
    } else {
      y = y < from ? from : y;
      return T(y > to ? to : y);
    }
  });
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
template <class T, class Near, class Fast, class Any>
constexpr auto make_row2_checked(Near, Fast, Any) {
  return &row2_checked<T, Near, Fast, Any>;
}
template <class Out, class In, class F>
constexpr auto make_row2(F) {
  return &row2<Out, In, F>;
}

}  // namespace penlight::kernels::PENLIGHT_ISA

// Sums over a run of numbers, in an order that depends on its length alone. Included by kernel files only.
#pragma once

#include <cstdint>

#include "kernels/simd.h"

namespace penlight::kernels::PENLIGHT_ISA {

inline constexpr int64_t run_lanes = 32;   // accumulators: several registers, so that no addition waits
inline constexpr int64_t run_block = 512;  // elements added up in them before they join a sum in double

// Halves are added until one number is left.
template <class C>
[[gnu::always_inline]] inline double join_lanes(const C (&lanes)[run_lanes]) {
  constexpr int half = run_lanes / 2;
  return static_cast<double>((Vec<C, half>::load(lanes) + Vec<C, half>::load(lanes + half)).sum());
}

// The sum of f(0) ... f(n - 1).
template <class C, class F>
[[gnu::always_inline]] inline double run_sum(int64_t n, F f) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += run_block) {
    const int64_t end = begin + run_block < n ? begin + run_block : n;
    C lanes[run_lanes] = {};
    int64_t i = begin;
    for (; i + run_lanes <= end; i += run_lanes)
      for (int64_t j = 0; j < run_lanes; ++j) lanes[j] += f(i + j);
    for (int64_t j = 0; i < end; ++i, ++j) lanes[j] += f(i);
    total += join_lanes(lanes);
  }
  return total;
}

// The same of two functions in one pass.
struct TwoSums {
  double first, second;
};
template <class C, class F, class G>
[[gnu::always_inline]] inline TwoSums run_sums(int64_t n, F f, G g) {
  TwoSums total{0, 0};
  for (int64_t begin = 0; begin < n; begin += run_block) {
    const int64_t end = begin + run_block < n ? begin + run_block : n;
    C first[run_lanes] = {}, second[run_lanes] = {};
    int64_t i = begin;
    for (; i + run_lanes <= end; i += run_lanes)
      for (int64_t j = 0; j < run_lanes; ++j) {
        first[j] += f(i + j);
        second[j] += g(i + j);
      }
    for (int64_t j = 0; i < end; ++i, ++j) {
      first[j] += f(i);
      second[j] += g(i);
    }
    total.first += join_lanes(first);
    total.second += join_lanes(second);
  }
  return total;
}

}  // namespace penlight::kernels::PENLIGHT_ISA

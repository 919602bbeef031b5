// Arithmetic of sizes for kernel files. std::min and its kin would leave weak symbols that the linker keeps
// once for all instruction sets; these stand in the namespace of each.
#pragma once

#include <cstdint>

#include "kernels/isa.h"

namespace penlight::kernels::PENLIGHT_ISA {

[[gnu::always_inline]] inline int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
[[gnu::always_inline]] inline int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}
// How many blocks of `size` cover n.
[[gnu::always_inline]] inline int64_t blocks_of(int64_t n, int64_t size) {
  return (n + size - 1) / size;
}

}  // namespace penlight::kernels::PENLIGHT_ISA

// Products without the price of denormal numbers.
//
// Processors take a hundred cycles and more for a product that is, or meets, a number too small for the
// normal format (below 1.2e-38 in float32). Inside matrix products and convolutions such numbers count as
// zero; everything else keeps them. The setting is the thread's own and is put back at the end of every
// chunk.
#pragma once

#include "kernels/isa.h"
#include "kernels/parallel.h"

namespace penlight::kernels::PENLIGHT_ISA {

class FlushDenormals {
 public:
#if defined(__x86_64__)
  FlushDenormals() : before_(__builtin_ia32_stmxcsr()) {
    __builtin_ia32_ldmxcsr(before_ | 0x8040u);  // flush results to zero, take denormal operands as zero
    fence();
  }
  ~FlushDenormals() {
    fence();
    __builtin_ia32_ldmxcsr(before_);
  }

 private:
  unsigned before_;
#elif defined(__aarch64__)
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" : : "r"(before_ | (1ull << 24)) : "memory");
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" : : "r"(before_) : "memory"); }

 private:
  unsigned long long before_;
#else
  FlushDenormals() {}
  ~FlushDenormals() {}

 private:
#endif
  // Keeps the compiler from moving arithmetic on memory across the change.
  static void fence() { asm volatile("" : : : "memory"); }
};

// parallel_for whose chunks count denormal numbers as zero.
template <class Body>
void parallel_products(int64_t n, int64_t grain, Body&& body) {
  parallel::parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    const FlushDenormals flush;
    body(begin, end);
  });
}

}  // namespace penlight::kernels::PENLIGHT_ISA

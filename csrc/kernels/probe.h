// Loops that measure the machine: what it can do at most, for benchmarks to compare with.
#pragma once

#include <cstdint>

#include "kernels/isa.h"

namespace penlight::kernels {

enum class Stream { read, copy, copy_streaming, triad };

struct ProbeKernels {
  // Multiply-adds that touch registers only, on vectors of this instruction set; gives the count of
  // operations done (two for each number's multiply-add). result takes something that depends on all.
  int64_t (*fma_float)(int64_t rounds, float* result);
  int64_t (*fma_double)(int64_t rounds, double* result);
  // One pass over n floats: reads a; or c = a; or c = a with stores past the caches; or c = a + 3 b.
  // n is a multiple of 64 and the arrays are aligned to 64 bytes. Gives something that depends on all.
  float (*stream)(Stream kind, const float* a, const float* b, float* c, int64_t n);
};

PENLIGHT_DECLARE_KERNELS(ProbeKernels, probe)

}  // namespace penlight::kernels

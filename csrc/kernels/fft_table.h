// The constants of the Fourier transforms in fft.h. (Compiled once: kernel files must not hold such code, see
// isa.h.)
#pragma once

#include <cstdint>

namespace penlight::kernels {

inline constexpr int64_t least_fft = 16, largest_fft = 1 << 15;

// One table of factors for each size n = 2^size up to what was asked for (and perhaps larger ones). For k < n
// / 4 six numbers: real and imaginary parts of w^k, w^2k and w^3k, w = exp(-2 pi i / n). Computed once and
// kept.
struct FftTables {
  const float* of[16];
};
const FftTables& fft_tables(int64_t largest);

}  // namespace penlight::kernels

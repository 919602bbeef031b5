#include "kernels/fft_table.h"

#include <cmath>
#include <memory>
#include <mutex>
#include <numbers>

namespace penlight::kernels {

const FftTables& fft_tables(int64_t largest) {
  static std::once_flag made[16];
  static std::unique_ptr<float[]> owned[16];
  static FftTables tables = {};
  for (int size = 2; size < 16 && (int64_t(1) << size) <= largest; ++size)
    std::call_once(made[size], [&] {
      const int64_t n = int64_t(1) << size;
      owned[size].reset(new float[static_cast<size_t>(6 * (n / 4))]);
      float* to = owned[size].get();
      for (int64_t k = 0; k < n / 4; ++k)
        for (int64_t power = 1; power <= 3; ++power) {
          const double angle =
              -2 * std::numbers::pi * static_cast<double>(k * power) / static_cast<double>(n);
          *to++ = static_cast<float>(std::cos(angle));
          *to++ = static_cast<float>(std::sin(angle));
        }
      tables.of[size] = owned[size].get();
    });
  return tables;
}

}  // namespace penlight::kernels

#include "kernels/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace penlight::kernels::random {

namespace {

double uniform_double(Generator& g) {
  return static_cast<double>(static_cast<int64_t>(g.random64() & ((1ull << 53) - 1))) * 0x1p-53;
}

float uniform_float(Generator& g) {
  return static_cast<float>(g.random() & 0xffffffu) * 0x1p-24f;
}

double next_normal(Generator& g) {
  double value;
  if (g.take_normal(value)) return value;
  const double u1 = uniform_double(g), u2 = uniform_double(g);
  const double radius = std::sqrt(-2.0 * std::log1p(-u2)), angle = 2.0 * std::numbers::pi * u1;
  g.keep_normal(radius * std::sin(angle));
  return radius * std::cos(angle);
}

// Calls transform on every whole block of 16 of n uniforms, then on the last 16 places, filled anew.
template <class T, class Fill, class Transform>
void in_blocks(T* out, int64_t n, Fill fill, Transform transform) {
  transform(out, n / 16);
  if (n % 16) {
    fill(out + n - 16, 16);
    transform(out + n - 16, 1);
  }
}

}  // namespace

void uniform(Generator& g, float* out, int64_t n, float from, float to) {
  constexpr int64_t buffer_size = 1024;
  uint32_t raw[buffer_size];
  for (int64_t i = 0; i < n; i += buffer_size) {
    const int64_t here = std::min(buffer_size, n - i);
    g.random(raw, here);
    random_tables().uniform(raw, out + i, here, from, to);
  }
}

void uniform(Generator& g, double* out, int64_t n, double from, double to) {
  const double width = to - from;
  for (int64_t i = 0; i < n; ++i) {
    const double x = std::fma(uniform_double(g), width, from);
    out[i] = x == to ? from : x;
  }
}

void normal_pairs(Generator& g, double* out, int64_t n, double mean, double stddev) {
  for (int64_t i = 0; i < n; ++i) out[i] = std::fma(next_normal(g), stddev, mean);
}

void normal_blocks(Generator& g, float* out, int64_t n, float mean, float stddev) {
  auto fill = [&](float* to, int64_t count) { uniform(g, to, count, 0.0f, 1.0f); };
  fill(out, n);
  in_blocks(out, n, fill,
            [&](float* data, int64_t blocks) { random_tables().box_muller(data, blocks, mean, stddev); });
}

void normal_blocks(Generator& g, double* out, int64_t n, double mean, double stddev) {
  auto fill = [&](double* to, int64_t count) { uniform(g, to, count, 0.0, 1.0); };
  fill(out, n);
  in_blocks(out, n, fill, [&](double* data, int64_t blocks) {
    for (int64_t b = 0; b < blocks; ++b, data += 16)
      for (int i = 0; i < 8; ++i) {
        const double radius = std::sqrt(-2.0 * std::log(1.0 - data[i]));
        const double angle = 2.0 * std::numbers::pi * data[8 + i];
        data[i] = std::fma(radius * std::cos(angle), stddev, mean);
        data[8 + i] = std::fma(radius * std::sin(angle), stddev, mean);
      }
  });
}

void normal_blocks_half(Generator& g, float* out, int64_t n, float mean, float stddev) {
  auto fill = [&](float* to, int64_t count) { uniform(g, to, count, 0.0f, 1.0f); };
  fill(out, n / 16 * 16);
  in_blocks(out, n, fill,
            [&](float* data, int64_t blocks) { random_tables().box_muller(data, blocks, mean, stddev); });
}

void integers(Generator& g, int64_t* out, int64_t n, int64_t base, uint64_t range) {
  if (range == 0)
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<int64_t>(g.random64());
  else if (range >= (1ull << 28))
    for (int64_t i = 0; i < n; ++i)
      out[i] = static_cast<int64_t>(g.random64() % range + static_cast<uint64_t>(base));
  else
    for (int64_t i = 0; i < n; ++i)
      out[i] = static_cast<int64_t>(g.random() % static_cast<uint32_t>(range) + static_cast<uint64_t>(base));
}

void integers_mod(Generator& g, int64_t* out, int64_t n, uint64_t range, bool wide) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<int64_t>((wide ? g.random64() : g.random()) % range);
}

void permutation(Generator& g, int64_t* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = i;
  // From here on a draw of 32 bits would favour low numbers by more than a twentieth.
  const bool wide = n >= 0xffffffffll / 20;
  for (int64_t i = 0; i < n - 1; ++i) {
    const uint64_t left = static_cast<uint64_t>(n - i);
    const uint64_t step = (wide ? g.random64() : g.random()) % left;
    std::swap(out[i], out[i + static_cast<int64_t>(step)]);
  }
}

void bernoulli(Generator& g, uint8_t* out, int64_t n, double p) {
  for (int64_t i = 0; i < n; ++i) out[i] = uniform_double(g) < p;
}

void bernoulli(Generator& g, uint8_t* out, int64_t n, const float* p) {
  for (int64_t i = 0; i < n; ++i) out[i] = uniform_float(g) < p[i];
}

void bernoulli(Generator& g, uint8_t* out, int64_t n, const double* p) {
  for (int64_t i = 0; i < n; ++i) out[i] = uniform_double(g) < p[i];
}

void exponential(Generator& g, double* out, int64_t n, double lambda) {
  for (int64_t i = 0; i < n; ++i) out[i] = -1.0 / lambda * std::log1p(-uniform_double(g));
}

void geometric(Generator& g, double* out, int64_t n, double p) {
  for (int64_t i = 0; i < n; ++i) out[i] = std::ceil(std::log(uniform_double(g)) / std::log1p(-p));
}

void cauchy(Generator& g, double* out, int64_t n, double median, double sigma) {
  for (int64_t i = 0; i < n; ++i)
    out[i] = std::fma(sigma, std::tan(std::numbers::pi * (uniform_double(g) - 0.5)), median);
}

void log_normal(Generator& g, double* out, int64_t n, double mean, double stddev) {
  normal_pairs(g, out, n, mean, stddev);
  for (int64_t i = 0; i < n; ++i) out[i] = std::exp(out[i]);
}

void choices(Generator& g, int64_t* out, int64_t n, const double* cumulative, int64_t size) {
  for (int64_t i = 0; i < n; ++i) {
    const double u = uniform_double(g);
    out[i] = std::min<int64_t>(std::lower_bound(cumulative, cumulative + size, u) - cumulative, size - 1);
  }
}

}  // namespace penlight::kernels::random

// Uniform draws to floats and to normals, vectorised.
//
// log, sin and cos are S. Moshier's single-precision approximations (Cephes mathematical library: logf, sinf,
// cosf), in the order of operations in which PyTorch's AVX2 build evaluates them, fused multiply-adds
// included; every instruction set then gives the same bits. The loops are free of branches so that the
// compiler vectorises them.
#include "kernels/random.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

inline float fma(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
inline int32_t bits_of(float x) {
  return __builtin_bit_cast(int32_t, x);
}
inline float float_of(int32_t x) {
  return __builtin_bit_cast(float, x);
}

// log x for normal x > 0 (2^-24 to 1 here): x = m 2^e with m in [sqrt(1/2), sqrt(2)), then a polynomial in m
// - 1.
inline float log_positive(float x) {
  float e = static_cast<float>((bits_of(x) >> 23) - 127) + 1.0f;
  float m = float_of((bits_of(x) & 0x007fffff) | 0x3f000000);          // in [1/2, 1)
  const int32_t low = -(bits_of(m) < bits_of(0.707106781186547524f));  // all ones or zero; m is positive
  m = (m - 1.0f) + float_of(bits_of(m) & low);
  e = e + static_cast<float>(low);
  const float z = m * m;
  float y = 7.0376836292E-2f;
  y = fma(y, m, -1.1514610310E-1f);
  y = fma(y, m, 1.1676998740E-1f);
  y = fma(y, m, -1.2420140846E-1f);
  y = fma(y, m, 1.4249322787E-1f);
  y = fma(y, m, -1.6668057665E-1f);
  y = fma(y, m, 2.0000714765E-1f);
  y = fma(y, m, -2.4999993993E-1f);
  y = fma(y, m, 3.3333331174E-1f);
  y = y * m;
  y = fma(y, z, e * -2.12194440e-4f);
  y = fma(z, -0.5f, y);
  return fma(e, 0.693359375f, m + y);
}

// sin x and cos x for 0 <= x < 8: x less the nearest even multiple j of pi/4 (in three parts, exactly), then
// the polynomial of sine or cosine, chosen and signed by j.
inline void sin_cos(float x, float& sin, float& cos) {
  const int32_t j = (static_cast<int32_t>(x * 1.27323954473516f) + 1) & ~1;
  const float turns = static_cast<float>(j);
  x = fma(turns, -0.78515625f, x);
  x = fma(turns, -2.4187564849853515625e-4f, x);
  x = fma(turns, -3.77489497744594108e-8f, x);
  const float z = x * x;
  float c = 2.443315711809948E-005f;
  c = fma(c, z, -1.388731625493765E-003f);
  c = fma(c, z, 4.166664568298827E-002f);
  c = c * z;
  c = fma(c, z, z * -0.5f) + 1.0f;
  float s = -1.9515295891E-4f;
  s = fma(s, z, 8.3321608736E-3f);
  s = fma(s, z, -1.6666654611E-1f);
  s = s * z;
  s = fma(s, x, x);
  const int32_t swap = -((j >> 1) & 1), difference = (bits_of(s) ^ bits_of(c)) & swap;
  sin = float_of(bits_of(s) ^ difference ^ ((j & 4) << 29));
  cos = float_of(bits_of(c) ^ difference ^ ((~(j - 2) & 4) << 29));
}

void box_muller(float* data, int64_t blocks, float mean, float stddev) {
  for (int64_t b = 0; b < blocks; ++b, data += 16) {
    float first[8], second[8];
#pragma GCC unroll 1  // unrolled first, the loop would not be vectorised
    for (int i = 0; i < 8; ++i) {
      const float radius = __builtin_sqrtf(-2.0f * log_positive(1.0f - data[i]));
      float sin, cos;
      sin_cos(6.283185307179586f * data[8 + i], sin, cos);
      first[i] = fma(radius * cos, stddev, mean);
      second[i] = fma(radius * sin, stddev, mean);
    }
    for (int i = 0; i < 8; ++i) data[i] = first[i];
    for (int i = 0; i < 8; ++i) data[8 + i] = second[i];
  }
}

void uniform(const uint32_t* raw, float* out, int64_t n, float from, float to) {
  const float width = to - from;
  for (int64_t i = 0; i < n; ++i) {
    const float x = fma(static_cast<float>(static_cast<int32_t>(raw[i] & 0xffffffu)) * 0x1p-24f, width, from);
    out[i] = x == to ? from : x;
  }
}

}  // namespace

extern const RandomKernels random_tables_kernels = {uniform, box_muller};

}  // namespace penlight::kernels::PENLIGHT_ISA

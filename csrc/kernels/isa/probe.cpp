// What the machine can do at most. Twelve independent chains keep every multiply-add unit busy over its
// latency (at most 4-5 cycles, two units).
#include "kernels/probe.h"

#include "kernels/simd.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

template <class T>
int64_t multiply_add(int64_t rounds, T* result) {
  using V = Native<T>;
  constexpr int kChains = 12;
  V chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = V::broadcast(T(i));
  V factor = V::broadcast(T(0.999)), shift = V::broadcast(T(0.001));
  for (int64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) chain[i] = fma(chain[i], factor, shift);
  }
  V total = V::zero();
  for (int i = 0; i < kChains; ++i) total = total + chain[i];
  *result = total.sum();
  return rounds * kChains * V::width * 2;
}

// A store that goes to memory without reading the line first, where the instruction set has one.
inline void store_past_caches(float* to, Native<float> value) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, value.v);
#elif defined(__AVX2__)
  _mm256_stream_ps(to, value.v);
#elif defined(__x86_64__)
  _mm_stream_ps(to, value.v);
#else
  value.store(to);
#endif
}

float stream(Stream kind, const float* a, const float* b, float* c, int64_t n) {
  using V = Native<float>;
  constexpr int W = V::width;
  V sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  switch (kind) {
    case Stream::read:
      for (int64_t i = 0; i < n; i += 4 * W)
        for (int j = 0; j < 4; ++j) sums[j] = sums[j] + V::load(a + i + j * W);
      return (sums[0] + sums[1] + sums[2] + sums[3]).sum();
    case Stream::copy:
      for (int64_t i = 0; i < n; i += W) V::load(a + i).store(c + i);
      return c[0];
    case Stream::copy_streaming:
      for (int64_t i = 0; i < n; i += W) store_past_caches(c + i, V::load(a + i));
#if defined(__x86_64__)
      _mm_sfence();
#endif
      return 0;
    case Stream::triad:
      for (int64_t i = 0; i < n; i += W) fma(V::broadcast(3), V::load(b + i), V::load(a + i)).store(c + i);
      return c[0];
  }
  return 0;
}

}  // namespace

extern constexpr ProbeKernels probe_kernels = {multiply_add<float>, multiply_add<double>, stream};

}  // namespace penlight::kernels::PENLIGHT_ISA

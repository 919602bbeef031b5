#include "kernels/generator.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace penlight::kernels {

namespace {

// The bytes of a state as PyTorch lays them out (CPUGeneratorImplState).
struct StateBytes {
  uint64_t seed;
  int32_t left;
  int32_t seeded;
  uint64_t next;
  uint64_t state[624];
  double normal_x, normal_y, normal_rho;
  int32_t normal_is_valid;
  int32_t padding;
  float float_normal;
  uint8_t float_normal_is_valid;
  uint8_t padding_at_end[3];
};
static_assert(sizeof(StateBytes) == Generator::state_bytes);

uint32_t twist(uint32_t high, uint32_t low, uint32_t far) {
  const uint32_t mixed = (high & 0x80000000u) | (low & 0x7fffffffu);
  return far ^ (mixed >> 1) ^ ((0u - (low & 1u)) & 0x9908b0dfu);
}

}  // namespace

void Generator::manual_seed(uint64_t seed) {
  seed_ = seed;
  state_[0] = static_cast<uint32_t>(seed);
  for (uint32_t j = 1; j < N; ++j) state_[j] = 1812433253u * (state_[j - 1] ^ (state_[j - 1] >> 30)) + j;
  left_ = 1;
  next_ = 0;
  has_normal_ = false;
  normal_ = 0;
}

uint64_t Generator::seed() {
  std::random_device device;
  const uint64_t high = device(), low = device();
  manual_seed(high << 32 | low);
  return seed_;
}

void Generator::next_state() {
  for (int j = 0; j < N - M; ++j) state_[j] = twist(state_[j], state_[j + 1], state_[j + M]);
  for (int j = N - M; j < N - 1; ++j) state_[j] = twist(state_[j], state_[j + 1], state_[j + M - N]);
  state_[N - 1] = twist(state_[N - 1], state_[0], state_[M - 1]);
  left_ = N;
  next_ = 0;
}

void Generator::random(uint32_t* out, int64_t n) {
  while (n > 0) {
    if (left_ == 1) {
      *out++ = random();
      --n;
      continue;
    }
    const int64_t here = std::min<int64_t>(n, left_ - 1);
    for (int64_t i = 0; i < here; ++i) out[i] = temper(state_[next_ + i]);
    next_ += static_cast<uint32_t>(here);
    left_ -= static_cast<int32_t>(here);
    out += here;
    n -= here;
  }
}

void Generator::get_state(uint8_t* out) const {
  StateBytes bytes;
  std::memset(&bytes, 0, sizeof bytes);
  bytes.seed = seed_;
  bytes.left = left_;
  bytes.seeded = 1;
  bytes.next = next_;
  std::copy(state_, state_ + N, bytes.state);
  if (has_normal_) {
    bytes.normal_y = normal_;
    bytes.normal_is_valid = 1;
  }
  std::memcpy(out, &bytes, sizeof bytes);
}

bool Generator::set_state(const uint8_t* in) {
  StateBytes bytes;
  std::memcpy(&bytes, in, sizeof bytes);
  // A draw reads state[next] after taking one from left, so the two together must not lead past the end.
  const bool valid = bytes.seeded == 1 && bytes.left > 0 && bytes.left <= N && bytes.next <= N &&
                     (bytes.left == 1 || bytes.next + static_cast<uint64_t>(bytes.left) <= N + 1);
  if (!valid) return false;
  seed_ = bytes.seed;
  left_ = bytes.left;
  next_ = static_cast<uint32_t>(bytes.next);
  for (int j = 0; j < N; ++j) state_[j] = static_cast<uint32_t>(bytes.state[j]);
  has_normal_ = bytes.normal_is_valid != 0;
  normal_ = has_normal_ ? bytes.normal_y : 0;
  return true;
}

}  // namespace penlight::kernels

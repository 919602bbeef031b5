// The random number generator: the 32-bit Mersenne twister mt19937 (M. Matsumoto and T. Nishimura, "Mersenne
// Twister: a 623-dimensionally equidistributed uniform pseudo-random number generator", ACM TOMACS 8, 1998,
// with the initialisation of 2002), and beside it the second value of a pair of normals that is kept for the
// next call.
//
// Its numbers, its use of 64-bit seeds and the bytes of its state are those of PyTorch's CPU generator.
#pragma once

#include <cstdint>

namespace penlight::kernels {

class Generator {
 public:
  static constexpr uint64_t default_seed = 67280421310721;
  static constexpr int64_t state_bytes = 5056;

  explicit Generator(uint64_t seed = default_seed) { manual_seed(seed); }

  // Starts anew from the low 32 bits of the seed and forgets a kept normal.
  void manual_seed(uint64_t seed);
  // Starts anew from 64 bits of the operating system, and returns them.
  uint64_t seed();
  uint64_t initial_seed() const { return seed_; }

  uint32_t random() {
    if (--left_ == 0) next_state();
    return temper(state_[next_++]);
  }
  // Two draws; the first is the high half.
  uint64_t random64() {
    const uint64_t high = random();
    return high << 32 | random();
  }
  // n draws, as n calls of random() would give them.
  void random(uint32_t* out, int64_t n);

  // Writes state_bytes bytes.
  void get_state(uint8_t* out) const;
  // Reads state_bytes bytes; false, and nothing changed, if they are no valid state.
  bool set_state(const uint8_t* bytes);

  // The second normal of a pair: kept by one call, taken by the next.
  bool take_normal(double& value) {
    value = normal_;
    const bool had = has_normal_;
    has_normal_ = false;
    return had;
  }
  void keep_normal(double value) {
    normal_ = value;
    has_normal_ = true;
  }

 private:
  static constexpr int N = 624, M = 397;
  static uint32_t temper(uint32_t y) {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }
  void next_state();

  uint64_t seed_;
  int32_t left_;   // draws until the state is renewed
  uint32_t next_;  // the word of the next draw
  uint32_t state_[N];
  bool has_normal_;
  double normal_;
};

}  // namespace penlight::kernels

// Working memory for kernels: aligned for any vector register, never initialised.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penlight::kernels {

// A block of count * size bytes, freed at the end of its scope. Throws std::bad_alloc. (Compiled once: kernel
// files must not hold such code themselves, see isa.h.)
class Scratch {
 public:
  Scratch(int64_t count, size_t size);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void* get() const { return memory_; }

 private:
  void* memory_;
};

// A block that belongs to the calling thread and is kept for its next call; a larger request replaces it. For
// working sets bounded by a constant. `user` tells apart blocks in use at the same time on one thread.
enum class ScratchUser { gemm_left, gemm_right, convolution };
void* thread_scratch(ScratchUser user, size_t bytes);

}  // namespace penlight::kernels

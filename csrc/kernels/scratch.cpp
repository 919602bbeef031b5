#include "kernels/scratch.h"

#include <cstdlib>
#include <new>

namespace penlight::kernels {

namespace {

constexpr size_t alignment = 64;

void* allocate(size_t bytes) {
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (!memory && bytes) throw std::bad_alloc();
  return memory;
}

struct ThreadBlock {
  void* memory = nullptr;
  size_t bytes = 0;
  ~ThreadBlock() { std::free(memory); }
};

thread_local ThreadBlock blocks[3];

}  // namespace

Scratch::Scratch(int64_t count, size_t size) {
  size_t bytes;
  if (count < 0 || __builtin_mul_overflow(static_cast<size_t>(count), size, &bytes) || bytes > SIZE_MAX / 2)
    throw std::bad_alloc();
  memory_ = allocate(bytes);
}

Scratch::~Scratch() {
  std::free(memory_);
}

void* thread_scratch(ScratchUser user, size_t bytes) {
  ThreadBlock& block = blocks[static_cast<int>(user)];
  if (block.bytes < bytes) {
    std::free(block.memory);
    block.memory = nullptr;
    block.bytes = 0;
    block.memory = allocate(bytes);
    block.bytes = bytes;
  }
  return block.memory;
}

}  // namespace penlight::kernels

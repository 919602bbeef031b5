#include "kernels/scratch.h"

#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace penlight::kernels {

namespace {

constexpr size_t line = 64, large_page = size_t(2) << 20;

// Large blocks ask for large pages: touching fresh memory page by page costs about as much as a transform of
// it.
void* allocate(size_t bytes) {
  const size_t alignment = bytes >= 2 * large_page ? large_page : line;
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (!memory && bytes) throw std::bad_alloc();
#if defined(__linux__)
  if (alignment == large_page)
    madvise(memory, rounded, MADV_HUGEPAGE);  // where it is refused, nothing changes
#endif
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

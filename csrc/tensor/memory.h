// The memory of tensors and of the graph: two levels, both touched under Python's lock only.
//
// Small objects and small tensors come from slabs of 64 KiB, each cut into blocks of one size; a slab none of
// whose blocks is in use goes back to the system. Larger blocks are kept, when their tensor dies, for the
// next tensor of about their size: a training step then meets memory that is mapped already and often still
// in the cache. What is kept is bounded, and what several thousand deaths later was still of no use goes
// back.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penlight {

void* pool_allocate(std::size_t bytes);
void pool_free(void* memory, std::size_t bytes) noexcept;

// A base for classes whose objects come from the pool.
struct FromPool {
  static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
  static void operator delete(void* memory, std::size_t bytes) noexcept { pool_free(memory, bytes); }
};

// The elements of tensors, aligned to 64 bytes above 1 KiB; null where there is no memory to be had.
void* allocate_elements(int64_t bytes) noexcept;
void free_elements(void* memory, int64_t bytes) noexcept;

struct MemoryUse {
  int64_t allocated = 0;       // bytes of elements in live tensors
  int64_t most_allocated = 0;  // the most there ever were
  int64_t cached = 0;          // kept for reuse
  int64_t cache_limit = 0;     // the most that is ever kept
};
MemoryUse memory_use();
void reset_most_allocated();
// What is kept beyond the limit goes back at once. Less than 0: an eighth of the machine's memory, but
// between 256 MiB and 2 GiB.
void set_cache_limit(int64_t bytes);
void release_cached_memory();

}  // namespace penlight

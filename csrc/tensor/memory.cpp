#include "tensor/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vector>

namespace penlight {

#if defined(__SANITIZE_ADDRESS__)

// A sanitized build sees every block come and go.
void* pool_allocate(std::size_t bytes) {
  return ::operator new(bytes);
}
void pool_free(void* memory, std::size_t) noexcept {
  ::operator delete(memory);
}

#else

namespace {

constexpr std::size_t kStep = 16, kLargest = 1024, kSlab = 1 << 16;

struct FreeBlock {
  FreeBlock* next;
};

// The head of 64 KiB, found from any of its blocks by their address. Slabs with free blocks are in the list
// of their size, the one freed into last in front.
struct alignas(64) Slab {
  Slab *before, *after;
  FreeBlock* free;
  char* untouched;  // from here on no block was ever used
  uint32_t used, blocks;
};

constexpr int kSlabsAtOnce = 16, kMostFree = 16;

Slab* slabs[kLargest / kStep + 1];

// Slabs that belong to no size: with their memory, and as addresses only.
Slab *free_slabs = nullptr, *returned_slabs = nullptr;
int free_count = 0;

void put_in_front(Slab* slab, Slab*& list) {
  slab->before = nullptr, slab->after = list;
  if (list) list->before = slab;
  list = slab;
}

void take_out(Slab* slab, Slab*& list) {
  (slab->before ? slab->before->after : list) = slab->after;
  if (slab->after) slab->after->before = slab->before;
}

[[gnu::noinline]] Slab* new_slab(std::size_t index) {
  if (!free_slabs && !returned_slabs) {
    char* memory = static_cast<char*>(std::aligned_alloc(kSlab, kSlabsAtOnce * kSlab));
    if (!memory) throw std::bad_alloc();
    for (int i = kSlabsAtOnce; i-- > 0;)
      put_in_front(reinterpret_cast<Slab*>(memory + i * kSlab), returned_slabs);
  }
  free_count -= free_slabs != nullptr;
  Slab*& from = free_slabs ? free_slabs : returned_slabs;
  Slab* slab = from;
  take_out(slab, from);
  slab->free = nullptr, slab->used = 0;
  slab->untouched = reinterpret_cast<char*>(slab) + sizeof(Slab);
  slab->blocks = static_cast<uint32_t>((kSlab - sizeof(Slab)) / (index * kStep));
  put_in_front(slab, slabs[index]);
  return slab;
}

// All but the first page, which holds the head, goes back to the system where enough are at hand.
[[gnu::noinline]] void free_slab(Slab* slab) noexcept {
  if (free_count < kMostFree) {
    ++free_count;
    return put_in_front(slab, free_slabs);
  }
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGE_SIZE));
  if (page < kSlab) madvise(reinterpret_cast<char*>(slab) + page, kSlab - page, MADV_DONTNEED);
  put_in_front(slab, returned_slabs);
}

}  // namespace

void* pool_allocate(std::size_t bytes) {
  if (bytes > kLargest) return ::operator new(bytes);
  const std::size_t index = (bytes + kStep - 1) / kStep;
  Slab* slab = slabs[index];
  if (!slab) slab = new_slab(index);
  void* block = slab->free;
  if (block) {
    slab->free = slab->free->next;
  } else {
    block = slab->untouched;
    slab->untouched += index * kStep;
  }
  if (++slab->used == slab->blocks) take_out(slab, slabs[index]);
  return block;
}

void pool_free(void* memory, std::size_t bytes) noexcept {
  if (bytes > kLargest) return ::operator delete(memory);
  Slab*& list = slabs[(bytes + kStep - 1) / kStep];
  auto* slab = reinterpret_cast<Slab*>(reinterpret_cast<uintptr_t>(memory) & ~(uintptr_t(kSlab) - 1));
  auto* block = static_cast<FreeBlock*>(memory);
  block->next = slab->free;
  slab->free = block;
  if (slab->used-- == slab->blocks) put_in_front(slab, list);
  if (slab->used == 0 && (slab->before || slab->after)) {  // the last one stays for the next time
    take_out(slab, list);
    free_slab(slab);
  }
}

#endif

namespace {

MemoryUse use{0, 0, 0, -1};

// Lists by size, four sizes for each power of two, so that at most a quarter of a block is slack (and never
// touched).
constexpr int64_t kSmall = 1024, kAlignment = 64;

// Blocks with room for pages of 2 MiB ask for them: loops through memory are then not slowed down by the
// search for the addresses of pages, and the first touch of a block costs far fewer faults. A rest at the end
// stays in small pages, so that no more than the slack of a block is ever touched in vain.
constexpr std::size_t kHugePage = std::size_t(2) << 20;

void* map_block(std::size_t bytes) {
  void* memory = nullptr;
  const bool large = bytes >= kHugePage;
  if (posix_memalign(&memory, large ? kHugePage : kAlignment, bytes) != 0) return nullptr;
#if defined(MADV_HUGEPAGE)
  if (large) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return memory;
}

struct CachedBlock {
  void* memory;
  uint64_t since;  // how many blocks had been freed then
};
std::vector<CachedBlock> cached[64 * 4];
uint64_t freed = 0;
constexpr uint64_t kPatience = 4096;  // blocks freed before one that nobody took goes back to the system

int size_class(int64_t bytes) {
  const int log = 63 - __builtin_clzll(static_cast<uint64_t>(bytes - 1));  // 2^log < bytes <= 2^(log+1)
  return log * 4 + static_cast<int>((bytes - 1) >> (log - 2) & 3);
}
int64_t class_bytes(int index) {
  return (int64_t(5 + index % 4) << (index / 4)) / 4;
}

int64_t default_limit() {
  constexpr int64_t least = int64_t(256) << 20, most = int64_t(2) << 30;
  const int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && page > 0 ? std::clamp(pages / 8 * page, least, most) : least;
}
int64_t limit() {
  if (use.cache_limit < 0) use.cache_limit = default_limit();
  return use.cache_limit;
}

// Lets go of blocks freed before a moment: the oldest stand first in their list, as the last one is taken.
void release_older(uint64_t moment) {
  for (int index = 0; index < 64 * 4; ++index) {
    auto& list = cached[index];
    std::size_t old = 0;
    while (old < list.size() && list[old].since < moment) std::free(list[old++].memory);
    use.cached -= static_cast<int64_t>(old) * class_bytes(index);
    list.erase(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(old));
  }
}

}  // namespace

void* allocate_elements(int64_t bytes) noexcept {
  void* memory = nullptr;
  if (bytes <= kSmall) {
    memory = pool_allocate(static_cast<std::size_t>(bytes));
  } else if (bytes <= int64_t(1) << 47) {
    const int index = size_class(bytes);
    if (auto& list = cached[index]; !list.empty()) {
      memory = list.back().memory;
      list.pop_back();
      use.cached -= class_bytes(index);
    } else {
      memory = map_block(static_cast<std::size_t>(class_bytes(index)));
      if (!memory && use.cached > 0) {
        release_cached_memory();
        memory = map_block(static_cast<std::size_t>(class_bytes(index)));
      }
    }
  }
  if (!memory) return nullptr;
  use.allocated += bytes;
  if (use.allocated > use.most_allocated) use.most_allocated = use.allocated;
  return memory;
}

void free_elements(void* memory, int64_t bytes) noexcept {
  use.allocated -= bytes;
  if (bytes <= kSmall) return pool_free(memory, static_cast<std::size_t>(bytes));
#if !defined(__SANITIZE_ADDRESS__)
  if (++freed % 256 == 0 && freed > kPatience) release_older(freed - kPatience);
  const int index = size_class(bytes);
  if (use.cached + class_bytes(index) <= limit()) {
    cached[index].push_back({memory, freed});
    use.cached += class_bytes(index);
    return;
  }
#endif
  std::free(memory);
}

MemoryUse memory_use() {
  limit();
  return use;
}

void reset_most_allocated() {
  use.most_allocated = use.allocated;
}

void set_cache_limit(int64_t bytes) {
  use.cache_limit = bytes;
  if (use.cached > limit()) release_cached_memory();
}

void release_cached_memory() {
  release_older(UINT64_MAX);
}

}  // namespace penlight

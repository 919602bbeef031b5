#include "tensor/ref.h"

#include <new>
#include <vector>

#include "tensor/unlocked.h"

namespace penlight {

namespace python {
namespace {
void ignore(void*) noexcept {}
bool yes(void*) noexcept {
  return true;
}
void* nothing() noexcept {
  return nullptr;
}
}  // namespace
void (*incref)(void*) noexcept = ignore;
void (*decref)(void*) noexcept = ignore;
bool (*alive)(void*) noexcept = yes;
void* (*release_lock)() noexcept = nothing;
void (*acquire_lock)(void*) noexcept = ignore;
}  // namespace python

namespace {

constexpr std::size_t kStep = 16, kLargest = 1024, kBatch = 64;

struct FreeBlock {
  FreeBlock* next;
};
[[maybe_unused]] FreeBlock* free_blocks[kLargest / kStep + 1];

std::vector<RefCounted*> pending;
bool destroying = false;

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
void* pool_allocate(std::size_t bytes) {
  return ::operator new(bytes);
}
void pool_free(void* memory, std::size_t) noexcept {
  ::operator delete(memory);
}
#else
void* pool_allocate(std::size_t bytes) {
  if (bytes > kLargest) return ::operator new(bytes);
  const std::size_t bucket = (bytes + kStep - 1) / kStep;
  FreeBlock*& list = free_blocks[bucket];
  if (!list) {
    char* batch = static_cast<char*>(::operator new(bucket * kStep * kBatch));
    for (std::size_t i = kBatch; i-- > 0;) {
      auto* block = reinterpret_cast<FreeBlock*>(batch + i * bucket * kStep);
      block->next = list;
      list = block;
    }
  }
  FreeBlock* block = list;
  list = block->next;
  return block;
}

void pool_free(void* memory, std::size_t bytes) noexcept {
  if (bytes > kLargest) return ::operator delete(memory);
  FreeBlock*& list = free_blocks[(bytes + kStep - 1) / kStep];
  auto* block = static_cast<FreeBlock*>(memory);
  block->next = list;
  list = block;
}
#endif

void destroy_later(RefCounted* object) noexcept {
  pending.push_back(object);
  if (destroying) return;
  destroying = true;
  while (!pending.empty()) {
    RefCounted* next = pending.back();
    pending.pop_back();
    delete next;
  }
  destroying = false;
}

}  // namespace penlight

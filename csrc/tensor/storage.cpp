#include "tensor/storage.h"

#include <cstdlib>
#include <new>
#include <unordered_map>
#include <vector>

#include "tensor/error.h"
#include "tensor/unlocked.h"

namespace penlight {

namespace {

std::string no_line() {
  return {};
}

std::unordered_map<const Storage*, std::string>& change_notes() {
  static auto* notes = new std::unordered_map<const Storage*, std::string>;
  return *notes;
}

// Small blocks come from the pool of small objects; larger ones from lists by size class, four classes for
// each power of two, so that at most a quarter of a block is slack (and never touched).
constexpr int64_t kSmall = 1024, kAlignment = 64, kMostCached = int64_t(256) << 20;

int size_class(int64_t bytes) {
  const int log = 63 - __builtin_clzll(static_cast<uint64_t>(bytes - 1));  // 2^log < bytes <= 2^(log+1)
  return log * 4 + static_cast<int>((bytes - 1) >> (log - 2) & 3);
}
int64_t class_bytes(int index) {
  return (int64_t(5 + index % 4) << (index / 4)) / 4;
}

std::vector<void*> cached[64 * 4];
int64_t cached_total = 0;

void* allocate_block(int64_t bytes) {
  if (bytes > int64_t(1) << 47) return nullptr;
  const int index = size_class(bytes);
  if (auto& list = cached[index]; !list.empty()) {
    void* block = list.back();
    list.pop_back();
    cached_total -= class_bytes(index);
    return block;
  }
  const int64_t rounded = (class_bytes(index) + kAlignment - 1) / kAlignment * kAlignment;
  return std::aligned_alloc(kAlignment, static_cast<std::size_t>(rounded));
}

void free_block(void* block, int64_t bytes) {
#if !defined(__SANITIZE_ADDRESS__)
  const int index = size_class(bytes);
  if (cached_total + class_bytes(index) <= kMostCached) {
    cached[index].push_back(block);
    cached_total += class_bytes(index);
    return;
  }
#endif
  (void)bytes;
  std::free(block);
}

}  // namespace

std::string (*current_line)() = no_line;

Storage::Storage(int64_t bytes) : data_(nullptr), bytes_(bytes) {
  if (bytes == 0) return;
  if (bytes <= kSmall) {
    data_ = pool_allocate(static_cast<std::size_t>(bytes));
  } else {
    data_ = allocate_block(bytes);
    if (!data_) fail("DefaultCPUAllocator: can't allocate memory: you tried to allocate ", bytes, " bytes.");
  }
}

Storage::~Storage() {
  if (noted_) change_notes().erase(this);
  if (release_)
    release_(owner_);
  else if (!data_)
    return;
  else if (bytes_ <= kSmall)
    pool_free(data_, static_cast<std::size_t>(bytes_));
  else
    free_block(data_, bytes_);
}

void Storage::note_change() {
  noted_ = true;
  change_notes()[this] = current_line();
}

std::string Storage::last_change() const {
  auto found = change_notes().find(this);
  return found == change_notes().end() ? std::string() : found->second;
}

Ref<Storage> Storage::alias(const Ref<Storage>& other) {
  // An alias of an alias keeps the memory itself: x.data = x.data, repeated, makes no chain.
  Storage* owner = other->release_ == release_alias ? static_cast<Storage*>(other->owner_) : other.get();
  owner->retain();
  return make_ref<Storage>(other->data(), other->bytes(), release_alias, owner);
}

namespace {
std::vector<Ref<Storage>> retired;
}

void replace_storage(Ref<Storage>& place, Ref<Storage> storage) {
  if (kernels_unlocked > 0) retired.push_back(place);
  place = std::move(storage);
}

void free_retired_storages() noexcept {
  if (retired.empty()) return;
  const auto list = std::move(retired);
  retired.clear();
}

int64_t cached_bytes() {
  return cached_total;
}

void release_cached_memory() {
  for (auto& list : cached) {
    for (void* block : list) std::free(block);
    list.clear();
    list.shrink_to_fit();
  }
  cached_total = 0;
}

}  // namespace penlight

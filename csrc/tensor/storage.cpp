#include "tensor/storage.h"

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

}  // namespace

std::string (*current_line)() = no_line;

Storage::Storage(int64_t bytes) : data_(nullptr), bytes_(bytes) {
  if (bytes == 0) return;
  data_ = allocate_elements(bytes);
  if (!data_) fail("DefaultCPUAllocator: can't allocate memory: you tried to allocate ", bytes, " bytes.");
}

Storage::~Storage() {
  if (noted_) change_notes().erase(this);
  if (release_)
    release_(owner_);
  else if (data_)
    free_elements(data_, bytes_);
}

void Storage::note_change() {
  noted_ = true;
  change_notes()[this] = current_line();
}

std::string Storage::last_change() const {
  auto found = change_notes().find(this);
  return found == change_notes().end() ? std::string() : found->second;
}

Ref<Storage> Storage::alias(const Ref<Storage>& other, uint32_t version) {
  // An alias of an alias keeps the memory itself: x.data = x.data, repeated, makes no chain.
  Storage* owner = other->release_ == release_alias ? static_cast<Storage*>(other->owner_) : other.get();
  owner->retain();
  Ref<Storage> second = make_ref<Storage>(other->data(), other->bytes(), release_alias, owner);
  second->version_ = version;
  return second;
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

}  // namespace penlight

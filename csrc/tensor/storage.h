// The memory behind tensors: one block, shared by all views of it.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/ref.h"

namespace penlight {

class Storage final : public RefCounted, public FromPool {
 public:
  // Uninitialised memory. Raises where it cannot be had.
  explicit Storage(int64_t bytes);
  // Borrowed memory: release(owner) is called once it is no longer needed.
  Storage(void* data, int64_t bytes, void (*release)(void* owner), void* owner)
      : data_(data), bytes_(bytes), release_(release), owner_(owner) {}
  ~Storage() override;

  void* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

  // How often the contents were changed in place. A tensor saved for backward remembers the count it saw.
  uint32_t version() const { return version_; }
  void changed() {
    ++version_;
    if (saves_ > 0) [[unlikely]]
      note_change();
  }
  // Where the last change was made that a saved tensor could mind (file, line), or empty.
  std::string last_change() const;

  // Tensors saved for backward announce themselves, so that only then the place of a change is looked up.
  void saved() { ++saves_; }
  void unsaved() { --saves_; }

  // A second storage over the same memory with a version count of its own (Tensor.data).
  static Ref<Storage> alias(const Ref<Storage>& other, uint32_t version = 0);

 private:
  static void release_alias(void* owner) { static_cast<Storage*>(owner)->release(); }
  void note_change();

  void* data_;
  int64_t bytes_;
  void (*release_)(void*) = nullptr;
  void* owner_ = nullptr;
  uint32_t version_ = 0, saves_ = 0;
  bool noted_ = false;
};

// Puts another storage in place; the one before is kept until no kernel runs that may be reading it.
void replace_storage(Ref<Storage>& place, Ref<Storage> storage);

// The place in the user's program that is being executed ("file.py:12"). Set by the bindings.
extern std::string (*current_line)();

}  // namespace penlight

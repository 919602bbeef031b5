// Python's lock, released while a kernel runs.
#pragma once

#include <cstdint>

namespace penlight {

namespace python {
// Set by the bindings. release_lock returns what acquire_lock needs.
extern void* (*release_lock)() noexcept;
extern void (*acquire_lock)(void* state) noexcept;
}  // namespace python

inline int kernels_unlocked = 0;  // how many kernels run without the lock; changed under the lock
void free_retired_storages() noexcept;

// Releases the lock for its lifetime where the work (in elements, about a nanosecond each) is worth it.
// Inside, only raw pointers may be touched: no tensor, no reference count, no Python. The memory behind them
// stays: whoever takes a storage from a tensor meanwhile only retires it (replace_storage).
class Unlocked {
 public:
  explicit Unlocked(int64_t work) : state_(nullptr) {
    if (work > 20000 && keep_locked_ == 0) {
      ++kernels_unlocked;
      state_ = python::release_lock();
      if (!state_) --kernels_unlocked;
    }
  }
  ~Unlocked() {
    if (!state_) return;
    python::acquire_lock(state_);
    if (--kernels_unlocked == 0) free_retired_storages();
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  friend class KeepLocked;
  static inline thread_local int keep_locked_ = 0;
  void* state_;
};

// Keeps the lock through the kernels of its lifetime, for a change that other threads must see whole.
class KeepLocked {
 public:
  KeepLocked() { ++Unlocked::keep_locked_; }
  ~KeepLocked() { --Unlocked::keep_locked_; }
  KeepLocked(const KeepLocked&) = delete;
  KeepLocked& operator=(const KeepLocked&) = delete;
};

}  // namespace penlight

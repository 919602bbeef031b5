// Python's lock, released while a kernel runs.
#pragma once

#include <cstdint>

namespace penlight {

namespace python {
// Set by the bindings. release_lock returns what acquire_lock needs.
extern void* (*release_lock)() noexcept;
extern void (*acquire_lock)(void* state) noexcept;
}  // namespace python

// Releases the lock for its lifetime where the work (in elements, about a nanosecond each) is worth it.
// Inside, only raw pointers may be touched: no tensor, no reference count, no Python.
class Unlocked {
 public:
  explicit Unlocked(int64_t work) : state_(work > 20000 ? python::release_lock() : nullptr) {}
  ~Unlocked() {
    if (state_) python::acquire_lock(state_);
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  void* state_;
};

}  // namespace penlight

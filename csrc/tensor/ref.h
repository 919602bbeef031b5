// Reference counts shared with Python, and a pointer that keeps them.
//
// An object starts with a plain C++ count. The first time it is shown to Python its count moves into the
// Python object and stays there: one object, one identity, one count, so the same Python object comes back
// from wherever C++ kept a reference. Counts are plain integers: they are touched under Python's lock only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "tensor/memory.h"

namespace penlight {

namespace python {
// Set by the bindings.
extern void (*incref)(void* object) noexcept;
extern void (*decref)(void* object) noexcept;
extern bool (*alive)(void* object) noexcept;  // does it have references, or is it being destroyed?
}  // namespace python

class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;
  virtual ~RefCounted() = default;

  void retain() const noexcept {
    if (state_ & 1)
      state_ += 2;
    else
      python::incref(reinterpret_cast<void*>(state_));
  }
  void release() const noexcept {
    if (!(state_ & 1))
      python::decref(reinterpret_cast<void*>(state_));
    else if ((state_ -= 2) == 1)
      const_cast<RefCounted*>(this)->destroy();
  }

  // The Python object that holds the count, or null.
  void* python_object() const noexcept { return state_ & 1 ? nullptr : reinterpret_cast<void*>(state_); }
  // Moves the count into a Python object (which the bindings have just made, with a reference of its own).
  void move_count_to(void* object) noexcept {
    for (uintptr_t count = state_ >> 1; count > 0; --count) python::incref(object);
    state_ = reinterpret_cast<uintptr_t>(object);
  }
  // The Python object is going, and with it the last reference: the object is not alive any more.
  void leave_python() noexcept { state_ = 1; }
  // True when the caller's is the only reference and Python has never seen the object.
  bool unique() const noexcept { return state_ == 3; }
  // How many references there are to an object that Python has never seen.
  std::size_t references() const noexcept { return state_ & 1 ? state_ >> 1 : SIZE_MAX; }
  // False once the last reference is gone and destruction is under way or waiting its turn.
  bool alive() const noexcept {
    return state_ & 1 ? state_ != 1 : python::alive(reinterpret_cast<void*>(state_));
  }

 protected:
  virtual void destroy() noexcept { delete this; }

 private:
  mutable uintptr_t state_ = 1;  // odd: 1 + 2 * count; even: the Python object
};

// Destroys an object once the destructions under way are done: long chains are freed without recursion.
void destroy_later(RefCounted* object) noexcept;

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* object) : object_(object) {
    if (object_) object_->retain();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  Ref(const Ref<U>& other) : Ref(static_cast<T*>(other.get())) {}
  ~Ref() {
    if (object_) object_->release();
  }
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const Ref& other) const { return object_ == other.object_; }

 private:
  T* object_ = nullptr;
};

template <class T, class... Args>
Ref<T> make_ref(Args&&... args) {
  return Ref<T>(new T(std::forward<Args>(args)...));
}

}  // namespace penlight

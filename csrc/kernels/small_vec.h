// A vector whose first N elements need no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <utility>

namespace penlight {

template <class T, unsigned N>
class SmallVec {
 public:
  SmallVec() = default;
  SmallVec(std::initializer_list<T> values) { append(values.begin(), values.end()); }
  explicit SmallVec(std::size_t count, const T& value = T()) { resize(count, value); }
  template <class It>
    requires requires(It it) { *it; }
  SmallVec(It first, It last) {
    append(first, last);
  }
  SmallVec(const SmallVec& other) { append(other.begin(), other.end()); }
  SmallVec(SmallVec&& other) noexcept { steal(other); }
  ~SmallVec() { release(); }
  SmallVec& operator=(const SmallVec& other) {
    if (this != &other) {
      clear();
      append(other.begin(), other.end());
    }
    return *this;
  }
  SmallVec& operator=(SmallVec&& other) noexcept {
    if (this != &other) {
      release();
      steal(other);
    }
    return *this;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return heap_ ? heap_ : reinterpret_cast<T*>(inline_); }
  const T* data() const { return heap_ ? heap_ : reinterpret_cast<const T*>(inline_); }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }
  T& back() { return data()[size_ - 1]; }
  const T& back() const { return data()[size_ - 1]; }

  void reserve(std::size_t wanted) {
    if (wanted <= capacity_) return;
    const std::size_t capacity = wanted > 2 * std::size_t(capacity_) ? wanted : 2 * std::size_t(capacity_);
    T* heap = static_cast<T*>(::operator new(capacity * sizeof(T)));
    T* old = data();
    for (std::size_t i = 0; i < size_; ++i) {
      new (heap + i) T(std::move(old[i]));
      old[i].~T();
    }
    if (heap_) ::operator delete(heap_);
    heap_ = heap;
    capacity_ = static_cast<uint32_t>(capacity);
  }
  template <class... Args>
  T& emplace_back(Args&&... args) {
    if (size_ == capacity_) {
      T value(std::forward<Args>(args)...);  // may refer to an element: made before the move
      reserve(size_ + 1);
      return *new (data() + size_++) T(std::move(value));
    }
    return *new (data() + size_++) T(std::forward<Args>(args)...);
  }
  void push_back(T value) { emplace_back(std::move(value)); }
  void pop_back() { data()[--size_].~T(); }
  template <class It>
  void append(It first, It last) {
    for (; first != last; ++first) emplace_back(*first);
  }
  void resize(std::size_t count, const T& value = T()) {
    reserve(count);
    while (size_ < count) emplace_back(value);
    while (size_ > count) pop_back();
  }
  void insert(std::size_t at, T value) {
    emplace_back(std::move(value));
    for (std::size_t i = size_ - 1; i > at; --i) std::swap(data()[i], data()[i - 1]);
  }
  void erase(std::size_t at) {
    for (std::size_t i = at; i + 1 < size_; ++i) data()[i] = std::move(data()[i + 1]);
    pop_back();
  }
  void clear() {
    while (size_) pop_back();
  }
  bool operator==(const SmallVec& other) const {
    if (size_ != other.size_) return false;
    for (std::size_t i = 0; i < size_; ++i)
      if (!(data()[i] == other.data()[i])) return false;
    return true;
  }

 private:
  void release() {
    clear();
    if (heap_) ::operator delete(heap_);
    heap_ = nullptr;
    capacity_ = N;
  }
  void steal(SmallVec& other) {
    if (other.heap_) {
      heap_ = std::exchange(other.heap_, nullptr);
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, N);
    } else {
      for (T& value : other) emplace_back(std::move(value));
      other.clear();
    }
  }

  T* heap_ = nullptr;
  uint32_t size_ = 0, capacity_ = N;
  alignas(T) unsigned char inline_[N * sizeof(T)];
};

using Dims = SmallVec<int64_t, 4>;  // sizes, strides or a list of dimensions

}  // namespace penlight

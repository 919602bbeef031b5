#include "tensor/ref.h"

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

std::vector<RefCounted*> pending;
bool destroying = false;

}  // namespace

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

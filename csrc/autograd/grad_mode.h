// What is recorded on this thread.
#pragma once

namespace penlight {

struct GradMode {
  bool enabled = true;
  bool inference = false;
  bool forward = false;      // tangents are carried along (autograd/forward.h)
  bool packs_saved = false;  // hooks pack the tensors kept for backward
};
inline thread_local GradMode grad_mode;

inline bool grad_enabled() {
  return grad_mode.enabled;
}

// Sets recording for its lifetime.
class GradModeGuard {
 public:
  explicit GradModeGuard(bool enabled) : before_(grad_mode.enabled) { grad_mode.enabled = enabled; }
  ~GradModeGuard() { grad_mode.enabled = before_; }
  GradModeGuard(const GradModeGuard&) = delete;
  GradModeGuard& operator=(const GradModeGuard&) = delete;

 private:
  bool before_;
};

// Turns recording off, backward and forward, while an operation computes its values by other operations. (A
// user's no_grad turns off only the former.)
class Unrecorded {
 public:
  Unrecorded() : before_(grad_mode) { grad_mode.enabled = grad_mode.forward = false; }
  ~Unrecorded() {
    grad_mode.enabled = before_.enabled;
    grad_mode.forward = before_.forward;
  }
  Unrecorded(const Unrecorded&) = delete;
  Unrecorded& operator=(const Unrecorded&) = delete;

 private:
  GradMode before_;
};

extern bool anomaly_enabled;    // keep the Python line of every recorded operation
extern bool anomaly_check_nan;  // and look for NaN in every gradient

}  // namespace penlight

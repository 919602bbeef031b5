// What is recorded on this thread.
#pragma once

namespace penlight {

struct GradMode {
  bool enabled = true;
  bool inference = false;
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

extern bool anomaly_enabled;    // keep the Python line of every recorded operation
extern bool anomaly_check_nan;  // and look for NaN in every gradient

}  // namespace penlight

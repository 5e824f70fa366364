// Asking for work to stop.
#pragma once

#include <atomic>
#include <stdexcept>

namespace colordeploy {

// Set once, from any thread; long work looks at it between pieces of a millisecond or less.
class CancelFlag {
 public:
    void set() noexcept { set_.store(true, std::memory_order_relaxed); }
    bool is_set() const noexcept { return set_.load(std::memory_order_relaxed); }

 private:
    std::atomic<bool> set_{false};
};

struct Cancelled : std::runtime_error {
    Cancelled() : std::runtime_error("cancelled") {}
};

inline bool is_set(const CancelFlag* flag) { return flag != nullptr && flag->is_set(); }

inline void throw_if_set(const CancelFlag* flag) {
    if (is_set(flag)) throw Cancelled();
}

}  // namespace colordeploy

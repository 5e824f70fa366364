// What may go wrong while a factor is computed.
#pragma once

#include <atomic>
#include <cstdint>

namespace colordeploy::propagation {

// The first (in order of elimination) pivot that failed, or memory that ran out.
class Failure {
 public:
    bool any() const { return position_.load() >= 0 || memory_.load(); }
    bool of_memory() const { return memory_.load(); }
    std::int32_t position() const { return position_.load(); }
    void set_memory() { memory_ = true; }
    void set_position(std::int32_t where) {
        std::int32_t seen = position_.load();
        while ((seen < 0 || where < seen) && !position_.compare_exchange_weak(seen, where)) {
        }
    }

 private:
    std::atomic<std::int32_t> position_{-1};
    std::atomic<bool> memory_{false};
};

}  // namespace colordeploy::propagation

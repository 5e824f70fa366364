// Taking turns, across a fork too.
#pragma once

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace colordeploy {

// A mutex that a child process never finds locked by a thread that it does not have.
class Turn {
 public:
    // Whether the thread that had it is gone with the process before a fork: what it was at work on
    // is in no known state.
    bool take() noexcept {
        const int self = process();
        for (int holder = 0; !holder_.compare_exchange_strong(holder, self); holder = 0) {
            if (holder == self) {
                holder_.wait(holder);
            } else if (holder != 0 && holder_.compare_exchange_strong(holder, self)) {
                return true;
            }
        }
        return false;
    }

    void give_back() noexcept {
        holder_.store(0);
        holder_.notify_one();
    }

 private:
    static int process() noexcept {
#if defined(__unix__) || defined(__APPLE__)
        return static_cast<int>(getpid());
#else
        return 1;  // no fork
#endif
    }

    std::atomic<int> holder_{0};
};

}  // namespace colordeploy

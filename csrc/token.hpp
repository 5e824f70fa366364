// A request to stop that also reaches what cannot look at a flag.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "cancel.hpp"

namespace colordeploy {

// Set once, from any thread; once set it stays so.
class CancelToken {
 public:
    void set() {
        const std::lock_guard lock(mutex_);
        if (flag_.is_set()) return;
        flag_.set();
        for (const auto& [number, callback] : callbacks_) callback();
    }
    const CancelFlag& flag() const { return flag_; }

    // While this lives, `set` calls a callback: at most once, in the thread that sets, which must
    // be quick and wait for nobody. When this has ended it does not run, nor will it.
    class Calling {
     public:
        Calling(const CancelToken* token, std::function<void()> callback) : token_(token) {
            if (token_ == nullptr) return;
            const std::lock_guard lock(token_->mutex_);
            throw_if_set(&token_->flag_);
            number_ = token_->next_++;
            token_->callbacks_.emplace(number_, std::move(callback));
        }
        ~Calling() {
            if (token_ == nullptr) return;
            const std::lock_guard lock(token_->mutex_);
            token_->callbacks_.erase(number_);
        }
        Calling(const Calling&) = delete;
        Calling& operator=(const Calling&) = delete;

     private:
        const CancelToken* token_;
        long number_ = 0;
    };

 private:
    CancelFlag flag_;
    mutable std::mutex mutex_;
    mutable std::map<long, std::function<void()>> callbacks_;
    mutable long next_ = 0;
};

inline const CancelFlag* flag_of(const CancelToken* token) {
    return token == nullptr ? nullptr : &token->flag();
}

}  // namespace colordeploy

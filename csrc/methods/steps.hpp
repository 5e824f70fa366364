// Progress and cancellation of one call.
#pragma once

#include <functional>

#include "../token.hpp"

namespace colordeploy::methods {

// The steps of one call: each is reported, and none begins after a cancellation.
class Steps {
 public:
    using Progress = std::function<void(double done, const char* what)>;

    explicit Steps(const CancelToken* cancel = nullptr, Progress progress = nullptr)
        : cancel_(cancel), progress_(std::move(progress)) {}

    // Says how far the call is and what comes now. Throws Cancelled.
    void operator()(double done, const char* what) const {
        throw_if_set(flag());
        if (progress_) progress_(done, what);
    }

    const CancelToken* token() const { return cancel_; }
    const CancelFlag* flag() const { return flag_of(cancel_); }

 private:
    const CancelToken* cancel_;
    Progress progress_;
};

}  // namespace colordeploy::methods

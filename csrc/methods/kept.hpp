// The last few results by what they were made of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace colordeploy::methods {

// Safe to use from several threads.
template <typename Result>
class Kept {
 public:
    // Two guidances: the shown one and the one being edited.
    explicit Kept(std::size_t count = 2) : count_(count) {}

    // The result for a key, made when it is not there; two threads may both make it.
    template <typename Make>
    std::shared_ptr<const Result> get(const std::string& key, const Make& make) {
        {
            const std::lock_guard lock(mutex_);
            const auto found = std::find_if(results_.begin(), results_.end(),
                                            [&](const auto& one) { return one.first == key; });
            if (found != results_.end()) {
                results_.splice(results_.end(), results_, found);  // the latest leaves last
                return found->second;
            }
        }
        std::shared_ptr<const Result> result = make();
        const std::lock_guard lock(mutex_);
        results_.emplace_back(key, result);
        if (results_.size() > count_) results_.pop_front();
        return result;
    }

    // The sum of size(result) of all that is kept.
    template <typename Size>
    std::size_t sum(const Size& size) const {
        const std::lock_guard lock(mutex_);
        std::size_t total = 0;
        for (const auto& [key, result] : results_) total += size(*result);
        return total;
    }

 private:
    std::size_t count_;
    mutable std::mutex mutex_;
    std::list<std::pair<std::string, std::shared_ptr<const Result>>> results_;
};

// The bytes of values, as part of a key.
template <typename T>
void append_key(std::string& key, const T* values, std::size_t count) {
    key.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

}  // namespace colordeploy::methods

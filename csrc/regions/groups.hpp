// Things that belong together (union and find).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace colordeploy::regions {

class Groups {
 public:
    explicit Groups(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0); }

    std::int32_t find(std::int32_t i) {
        while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
        return i;
    }
    // The smaller number stands for both.
    void join(std::int32_t a, std::int32_t b) {
        a = find(a);
        b = find(b);
        parent_[std::max(a, b)] = std::min(a, b);
    }

 private:
    std::vector<std::int32_t> parent_;
};

}  // namespace colordeploy::regions

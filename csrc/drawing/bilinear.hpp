// Bilinear enlargement, centres aligned, borders repeated.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace colordeploy::drawing {

// The two source positions of an output position; the second has this share.
struct Pair {
    std::ptrdiff_t first, second;
    float share;
};

inline std::vector<Pair> pairs_of(std::ptrdiff_t small, std::ptrdiff_t full) {
    std::vector<Pair> result(full);
    const double scale = static_cast<double>(small) / static_cast<double>(full);
    for (std::ptrdiff_t i = 0; i < full; ++i) {
        const double place = (static_cast<double>(i) + 0.5) * scale - 0.5;
        const double first = std::floor(place);
        const auto at = static_cast<std::ptrdiff_t>(first);
        result[i] = {std::max<std::ptrdiff_t>(at, 0), std::min(at + 1, small - 1),
                     static_cast<float>(place - first)};
    }
    return result;
}

}  // namespace colordeploy::drawing

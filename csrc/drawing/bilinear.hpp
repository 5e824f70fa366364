// Bilinear enlargement, centres aligned, borders repeated.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "rows.hpp"

namespace colordeploy::drawing {

// For the outputs begin to end of `full` many.
inline std::vector<Pair> pairs_of(std::ptrdiff_t small, std::ptrdiff_t full, std::ptrdiff_t begin,
                                  std::ptrdiff_t end) {
    std::vector<Pair> result(end - begin);
    const double scale = static_cast<double>(small) / static_cast<double>(full);
    for (std::ptrdiff_t i = begin; i < end; ++i) {
        const double place = (static_cast<double>(i) + 0.5) * scale - 0.5;
        const double first = std::floor(place);
        const auto at = static_cast<std::ptrdiff_t>(first);
        result[i - begin] = {std::max<std::ptrdiff_t>(at, 0), std::min(at + 1, small - 1),
                             static_cast<float>(place - first)};
    }
    return result;
}

}  // namespace colordeploy::drawing

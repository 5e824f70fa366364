#include "labels.hpp"

#include <algorithm>
#include <vector>

namespace colordeploy::regions {

void nearest_labels(const Plane<const std::int32_t>& labels, const Plane<std::int32_t>& result) {
    const auto place = [](std::ptrdiff_t i, std::ptrdiff_t many, std::ptrdiff_t few) {
        return static_cast<std::ptrdiff_t>((static_cast<double>(i) + 0.5) *
                                           static_cast<double>(many) / static_cast<double>(few));
    };
    std::vector<std::ptrdiff_t> columns(result.columns);
    for (std::ptrdiff_t x = 0; x < result.columns; ++x) {
        columns[x] = place(x, labels.columns, result.columns);
    }
    for (std::ptrdiff_t y = 0; y < result.rows; ++y) {
        const std::ptrdiff_t row = place(y, labels.rows, result.rows);
        for (std::ptrdiff_t x = 0; x < result.columns; ++x) {
            result.at(y, x) = labels.at(row, columns[x]);
        }
    }
}

void inside_labels(const Plane<const std::int32_t>& labels, const Plane<std::int32_t>& result) {
    for (std::ptrdiff_t y = 0; y < labels.rows; ++y) {
        for (std::ptrdiff_t x = 0; x < labels.columns; ++x) {
            bool inside = true;
            for (std::ptrdiff_t v = std::max<std::ptrdiff_t>(y - 1, 0);
                 v <= std::min(y + 1, labels.rows - 1); ++v) {
                for (std::ptrdiff_t u = std::max<std::ptrdiff_t>(x - 1, 0);
                     u <= std::min(x + 1, labels.columns - 1); ++u) {
                    inside = inside && labels.at(v, u) > 0;
                }
            }
            result.at(y, x) = inside ? labels.at(y, x) : 0;
        }
    }
}

}  // namespace colordeploy::regions

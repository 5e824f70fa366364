// How many pixels of a plane have each of 256 levels of a lightness in [0, 1].
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace colordeploy::drawing {

constexpr int LEVELS = 256;

using Histogram = std::array<std::int64_t, LEVELS>;

inline int level_of(float value) {
    const float inside = value > 0.0F ? (value < 1.0F ? value : 1.0F) : 0.0F;  // NaN: 0
    return static_cast<int>(inside * (LEVELS - 1) + 0.5F);
}

inline float value_of(int level) { return static_cast<float>(level) / (LEVELS - 1); }

inline std::int64_t total_of(const Histogram& histogram) {
    return std::accumulate(histogram.begin(), histogram.end(), std::int64_t{0});
}

// The lowest level that has at least this part of the pixels at or below it.
inline int quantile(const Histogram& histogram, double part) {
    const double wanted = part * static_cast<double>(total_of(histogram));
    std::int64_t seen = 0;
    for (int level = 0; level < LEVELS; ++level) {
        seen += histogram[level];
        if (static_cast<double>(seen) >= wanted && seen > 0) return level;
    }
    return LEVELS - 1;
}

// Counts levels of a row; several counts side by side, for neighbours are mostly alike and would
// wait for each other.
class Counter {
 public:
    void add(const float* values, std::ptrdiff_t stride, std::ptrdiff_t n) {
        constexpr std::ptrdiff_t PIECE = 512;
        std::array<std::uint8_t, PIECE> levels;
        for (std::ptrdiff_t begin = 0; begin < n; begin += PIECE) {
            const std::ptrdiff_t count = std::min(PIECE, n - begin);
            const float* from = values + begin * stride;
            if (stride == 1) {
#pragma omp simd
                for (std::ptrdiff_t i = 0; i < count; ++i) {
                    levels[i] = static_cast<std::uint8_t>(level_of(from[i]));
                }
            } else {
                for (std::ptrdiff_t i = 0; i < count; ++i) {
                    levels[i] = static_cast<std::uint8_t>(level_of(from[i * stride]));
                }
            }
            for (std::ptrdiff_t i = 0; i < count; ++i) ++counts_[i % WAYS][levels[i]];
        }
    }
    void move_to(Histogram& sum) {
        for (auto& counts : counts_) {
            for (int level = 0; level < LEVELS; ++level) sum[level] += counts[level];
            counts.fill(0);
        }
    }

 private:
    static constexpr int WAYS = 8;
    std::array<std::array<std::uint32_t, LEVELS>, WAYS> counts_{};
};

}  // namespace colordeploy::drawing

#include "aggregate.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace colordeploy::regions {

void aggregate_max(const float* features, std::ptrdiff_t channels, std::ptrdiff_t pixels,
                   const std::int32_t* labels, std::ptrdiff_t count, float* result) {
    // Regions lie in runs: a run's largest value first, then one access to its region.
    struct Run {
        std::ptrdiff_t begin, end;
        std::int32_t label;
    };
    std::vector<Run> runs;
    for (std::ptrdiff_t i = 0; i < pixels;) {
        const std::int32_t label = labels[i];  // read once: others may write to it
        if (label < 0 || label >= count) throw std::out_of_range("label");
        std::ptrdiff_t end = i + 1;
        while (end < pixels && labels[end] == label) ++end;
        runs.push_back({i, end, label});
        i = end;
    }
    std::fill_n(result, count * channels, 0.0F);
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        const float* plane = features + c * pixels;
        for (const Run& run : runs) {
            float most = 0.0F;
#pragma omp simd reduction(max : most)
            for (std::ptrdiff_t i = run.begin; i < run.end; ++i) most = std::max(most, plane[i]);
            float& entry = result[run.label * channels + c];
            entry = std::max(entry, most);
        }
    }
}

void cover_lines(std::ptrdiff_t height, std::ptrdiff_t width, std::int32_t* labels) {
    // Distances stay small: a line's width. Far inside of large black areas they saturate, where
    // the first label that arrives is as good as any.
    constexpr std::uint16_t FAR = 0xFFFF;
    std::vector<std::uint16_t> distance(static_cast<std::size_t>(height * width));
    for (std::ptrdiff_t i = 0; i < height * width; ++i) distance[i] = labels[i] == 0 ? FAR : 0;
    const auto take = [&](std::ptrdiff_t to, std::ptrdiff_t from) {
        if (labels[from] == 0) return;
        const auto further = static_cast<std::uint16_t>(std::min<int>(distance[from] + 1, FAR - 1));
        if (further < distance[to]) {
            distance[to] = further;
            labels[to] = labels[from];
        }
    };
    for (std::ptrdiff_t y = 0; y < height; ++y) {
        for (std::ptrdiff_t x = 0; x < width; ++x) {
            const std::ptrdiff_t i = y * width + x;
            if (distance[i] == 0) continue;
            if (y > 0) take(i, i - width);
            if (x > 0) take(i, i - 1);
        }
        for (std::ptrdiff_t x = width - 2; x >= 0; --x) take(y * width + x, y * width + x + 1);
    }
    for (std::ptrdiff_t y = height - 1; y >= 0; --y) {
        for (std::ptrdiff_t x = width - 1; x >= 0; --x) {
            const std::ptrdiff_t i = y * width + x;
            if (distance[i] == 0) continue;
            if (y + 1 < height) take(i, i + width);
            if (x + 1 < width) take(i, i + 1);
        }
        for (std::ptrdiff_t x = 1; x < width; ++x) take(y * width + x, y * width + x - 1);
    }
}

}  // namespace colordeploy::regions

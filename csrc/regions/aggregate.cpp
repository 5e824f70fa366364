#include "aggregate.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "passes.hpp"

namespace colordeploy::regions {

void aggregate_max(const float* features, std::ptrdiff_t channels, std::ptrdiff_t pixels,
                   const std::int32_t* labels, std::ptrdiff_t count, float* result) {
    // Regions lie in stretches: a stretch's largest value first, then one access to its region.
    struct Stretch {
        std::ptrdiff_t begin, end;
        std::int32_t label;
    };
    std::vector<Stretch> stretches;
    for (std::ptrdiff_t i = 0; i < pixels;) {
        const std::int32_t label = labels[i];  // read once: others may write to it
        if (label < 0 || label >= count) throw std::out_of_range("label");
        std::ptrdiff_t end = i + 1;
        while (end < pixels && labels[end] == label) ++end;
        stretches.push_back({i, end, label});
        i = end;
    }
    std::fill_n(result, count * channels, 0.0F);
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        const float* plane = features + c * pixels;
        for (const Stretch& stretch : stretches) {
            float most = 0.0F;
#pragma omp simd reduction(max : most)
            for (std::ptrdiff_t i = stretch.begin; i < stretch.end; ++i)
                most = std::max(most, plane[i]);
            float& entry = result[stretch.label * channels + c];
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
    two_passes(line_runs(labels, height, width), height, width, take);
}

}  // namespace colordeploy::regions

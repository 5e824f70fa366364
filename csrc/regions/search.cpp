#include "search.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "screens.hpp"
#include "tones.hpp"
#include "trapped_ball.hpp"

namespace colordeploy::regions {

namespace {

constexpr int RADII[] = {3, 2, 1};  // at the working size; larger pictures get larger balls
constexpr int LARGEST_RADIUS = 31;
constexpr double SMALLEST = 8.0;  // pixels of a region at the working size
constexpr int CONFETTI = 64;      // fewer regions are no texture

std::vector<int> radii_of(double scale) {
    std::vector<int> radii;
    for (const int radius : RADII) {
        const auto scaled = std::min<long>(LARGEST_RADIUS, std::lrint(radius * scale));
        if (radii.empty() || radii.back() != scaled) radii.push_back(static_cast<int>(scaled));
    }
    return radii;
}

// The smallest go to the lines, so that MAXIMUM_REGIONS are left.
void keep_largest(std::int32_t* labels, std::ptrdiff_t pixels, std::int32_t count) {
    std::vector<std::int64_t> areas(count + 1, 0);
    for (std::ptrdiff_t i = 0; i < pixels; ++i) ++areas[labels[i]];
    std::vector<std::int32_t> order(count);
    std::iota(order.begin(), order.end(), 1);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int32_t i, std::int32_t j) { return areas[i] > areas[j]; });
    order.resize(MAXIMUM_REGIONS);
    std::sort(order.begin(), order.end());
    std::vector<std::int32_t> kept(count + 1, 0);
    for (std::int32_t i = 0; i < MAXIMUM_REGIONS; ++i) kept[order[i]] = i + 1;
    for (std::ptrdiff_t i = 0; i < pixels; ++i) labels[i] = kept[labels[i]];
}

}  // namespace

Found find_regions(const std::uint8_t* line, std::ptrdiff_t height, std::ptrdiff_t width,
                   const Search& search, std::int32_t* labels) {
    const std::ptrdiff_t pixels = height * width;
    const auto unit = static_cast<int>(std::lrint(search.scale));
    std::vector<std::uint8_t> opened(line, line + pixels);
    ScreenOptions screens;
    screens.dot =
        std::min<std::int32_t>(2 * unit + 1, static_cast<std::int32_t>(std::max(height, width)));
    open_screens(height, width, screens, opened.data());
    TrappedBallOptions balls;
    balls.radii = search.radii.empty() ? radii_of(search.scale) : search.radii;
    balls.smallest = std::lrint(SMALLEST * search.scale * search.scale);
    Found found{trapped_ball(opened.data(), height, width, balls, labels), 0};
    if (found.count >= CONFETTI) {
        ToneOptions tones;  // hatching: pieces and lines up to so thin
        tones.thin = tones.bridge = unit + 1;
        found.count = merge_tones(height, width, tones, labels);
    }
    if (found.count > MAXIMUM_REGIONS) found.before = found.count;
    while (found.count > MAXIMUM_REGIONS && balls.smallest < pixels) {
        balls.smallest = std::max<std::ptrdiff_t>(1, balls.smallest * 4);
        found.count = trapped_ball(opened.data(), height, width, balls, labels);
    }
    // Specks between lines that touch no other region cannot merge.
    if (found.count > MAXIMUM_REGIONS) {
        keep_largest(labels, pixels, found.count);
        found.count = MAXIMUM_REGIONS;
    }
    return found;
}

}  // namespace colordeploy::regions

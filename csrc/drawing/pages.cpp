#include "pages.hpp"

#include <algorithm>
#include <cmath>

namespace colordeploy::drawing {

namespace {

constexpr double LONG = 3.0;            // times as high as wide: a strip
constexpr double BAND = 0.01;           // of the width: so many rows without a line are a band
constexpr double TALLEST = 2.0;         // times as high as wide, or as wide as high: a regular page
constexpr double MINIMUM_HEIGHT = 0.3;  // of the width: lower pages go to their neighbour
constexpr int FEWEST = 3;               // pages of a regular strip

using Inked = std::vector<std::uint8_t>;
using Cuts = std::vector<std::ptrdiff_t>;

bool any(const Inked& inked, std::ptrdiff_t begin, std::ptrdiff_t end) {
    return std::any_of(inked.begin() + begin, inked.begin() + end, [](auto row) { return row; });
}

bool regular(const Inked& inked, std::ptrdiff_t side) {
    const auto height = static_cast<std::ptrdiff_t>(inked.size());
    for (std::ptrdiff_t y = 0; y < height; y += side) {
        if (!any(inked, y, y + side) || (y > 0 && any(inked, y - 1, y + 1))) return false;
    }
    return true;
}

// Between pages of one height, of heights that fit the nearest to the width; none when none fit.
Cuts regular_cuts(const Inked& inked, std::ptrdiff_t width) {
    const auto height = static_cast<std::ptrdiff_t>(inked.size());
    const double ratio = static_cast<double>(height) / static_cast<double>(width);
    std::vector<std::ptrdiff_t> sides;
    const auto most = static_cast<std::ptrdiff_t>(TALLEST * ratio);
    for (auto count =
             std::max<std::ptrdiff_t>(FEWEST, static_cast<std::ptrdiff_t>(ratio / TALLEST));
         count <= most; ++count) {
        if (height % count == 0) sides.push_back(height / count);
    }
    const auto apart = [width](std::ptrdiff_t side) {
        return std::fabs(std::log(static_cast<double>(side) / static_cast<double>(width)));
    };
    std::stable_sort(sides.begin(), sides.end(),
                     [&](auto one, auto other) { return apart(one) < apart(other); });
    const auto found =
        std::find_if(sides.begin(), sides.end(), [&](auto side) { return regular(inked, side); });
    Cuts cuts;
    if (found == sides.end()) return cuts;
    for (std::ptrdiff_t y = *found; y < height; y += *found) cuts.push_back(y);
    return cuts;
}

// In the middles of bands.
Cuts cuts_in_bands(const Inked& inked, std::ptrdiff_t width) {
    const auto height = static_cast<std::ptrdiff_t>(inked.size());
    const double least = std::max(2.0, BAND * static_cast<double>(width));
    Cuts cuts;
    std::ptrdiff_t begin = 0;
    for (std::ptrdiff_t y = 0; y < height; ++y) {
        if (inked[static_cast<std::size_t>(y)] == 0) continue;
        if (begin > 0 && static_cast<double>(y - begin) >= least) cuts.push_back((begin + y) / 2);
        begin = y + 1;
    }
    return cuts;
}

}  // namespace

bool is_long(std::ptrdiff_t height, std::ptrdiff_t width) {
    return static_cast<double>(height) >= LONG * static_cast<double>(width);
}

std::vector<Rows> pages_of(const std::vector<std::uint8_t>& inked, std::ptrdiff_t width) {
    const auto height = static_cast<std::ptrdiff_t>(inked.size());
    if (!is_long(height, width) || !any(inked, 0, height)) return {{0, height}};
    Cuts cuts = regular_cuts(inked, width);
    if (cuts.empty()) cuts = cuts_in_bands(inked, width);
    const double lowest = MINIMUM_HEIGHT * static_cast<double>(width);
    const auto is_page = [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        return static_cast<double>(end - begin) >= lowest && any(inked, begin, end);
    };
    Cuts borders{0};
    for (const std::ptrdiff_t cut : cuts) {
        if (is_page(borders.back(), cut)) borders.push_back(cut);
    }
    if (borders.size() > 1 && !is_page(borders.back(), height)) borders.pop_back();
    borders.push_back(height);
    std::vector<Rows> pages;
    for (std::size_t i = 1; i < borders.size(); ++i) pages.push_back({borders[i - 1], borders[i]});
    return pages;
}

}  // namespace colordeploy::drawing

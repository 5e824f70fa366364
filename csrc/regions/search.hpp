// Regions of a drawing, by rules for its size, and not too many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colordeploy::regions {

constexpr std::int32_t MAXIMUM_REGIONS = 2048;  // the paper's busiest drawing has 729

struct Search {
    double scale;            // pixels of the drawing for one of the working size
    std::vector<int> radii;  // of the balls in pixels of the drawing; none: by the scale
};

struct Found {
    std::int32_t count;   // labels are 1 to count
    std::int32_t before;  // regions before small ones were merged because they were too many; or 0
};

// line: one byte a pixel, non-zero on lines. labels: 0 on lines. Screens are opened, textures
// become one region; beyond MAXIMUM_REGIONS small ones join others, and specks go to the lines.
// Throws std::bad_alloc.
Found find_regions(const std::uint8_t* line, std::ptrdiff_t height, std::ptrdiff_t width,
                   const Search& search, std::int32_t* labels);

}  // namespace colordeploy::regions

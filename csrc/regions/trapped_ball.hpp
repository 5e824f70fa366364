// Regions of line art by the trapped-ball method (Zhang et al. 2009): balls of decreasing radius
// move between the lines; what one ball can reach is one region, so gaps narrower than the ball do
// not join regions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colordeploy::regions {

struct TrappedBallOptions {
    std::vector<int> radii;       // in pixels, decreasing; a ball of radius r is 2 r + 1 wide
    std::ptrdiff_t smallest = 1;  // pixels below which a region joins a touching one
};

// line: one byte a pixel, non-zero on lines. labels: 0 on lines, 1..K elsewhere, numbered in the
// order of their first pixels. Returns K. Throws std::bad_alloc.
std::int32_t trapped_ball(const std::uint8_t* line, std::ptrdiff_t height, std::ptrdiff_t width,
                          const TrappedBallOptions& options, std::int32_t* labels);

}  // namespace colordeploy::regions

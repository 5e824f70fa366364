// Sets of pixels as runs, and their connected parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bit_plane.hpp"
#include "groups.hpp"

namespace colordeploy::regions {

struct Run {
    std::int32_t y, begin, end;  // columns [begin, end)
};

// Runs of consecutive pixels, in raster order; first[y] is the first run of row y, and one more
// entry is the number of all.
struct Runs {
    std::vector<Run> all;
    std::vector<std::size_t> first;
};

Runs runs_of(const BitPlane& set, Index height, Index width);

// What joins pixels: a common side, or a common corner, too.
enum class Beside : std::uint8_t { sides, corners };

// Runs of neighbouring rows that touch.
Groups connected(const Runs& runs, Beside beside);

}  // namespace colordeploy::regions

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

// Runs of equal labels: all pixels.
Runs runs_of(const std::int32_t* labels, Index height, Index width);

// Runs of lines, which have the label 0.
Runs line_runs(const std::int32_t* labels, Index height, Index width);

// What joins pixels: a common side, or a common corner, too.
enum class Neighbours : std::uint8_t { sides, corners };

// Calls visit(i, j) for the runs i and j of neighbouring rows that touch, j above i.
template <typename Visit>
void for_touching(const Runs& runs, Neighbours neighbours, const Visit& visit) {
    const std::int32_t reach = neighbours == Neighbours::corners ? 1 : 0;
    for (std::size_t y = 1; y + 1 < runs.first.size(); ++y) {
        std::size_t above = runs.first[y - 1];
        for (std::size_t i = runs.first[y]; i < runs.first[y + 1]; ++i) {
            const Run& run = runs.all[i];
            while (above < runs.first[y] && runs.all[above].end + reach <= run.begin) ++above;
            for (std::size_t j = above; j < runs.first[y] && runs.all[j].begin < run.end + reach;
                 ++j) {
                visit(static_cast<std::int32_t>(i), static_cast<std::int32_t>(j));
            }
        }
    }
}

// Runs that are connected by others.
Groups connected(const Runs& runs, Neighbours neighbours);

}  // namespace colordeploy::regions

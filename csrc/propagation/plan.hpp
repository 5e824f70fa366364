// What a factorization needs to know of a picture's size alone: a fill-reducing order and the
// index lists of every dense front. Planned once per (height, width, global step).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../cancel.hpp"
#include "graph.hpp"
#include "kernels.hpp"

namespace colordeploy::propagation {

// One dense front of the multifrontal method: it eliminates `pivots` consecutive unknowns and
// updates `boundary` unknowns that are eliminated later.
struct Front {
    std::int32_t first = 0;  // elimination position of the first pivot
    std::int32_t pivots = 0;
    std::int32_t boundary = 0;
    std::int32_t parent = -1;  // -1: the root
    std::array<std::int32_t, 2> children{-1, -1};
    std::int32_t begin = 0;      // its subtree is the fronts [begin, itself]
    std::int32_t depth = 0;      // of the root: 0
    std::int32_t unit = -1;      // root of the unit it belongs to; -1: above the units
    std::int32_t in_parent = 0;  // boundary unknowns (the first) that are pivots of its parent
    std::size_t factor = 0;      // offset of its panel in the factor
    std::size_t update = 0;      // offset of its update among the kept ones (unit roots and above)
    std::size_t index = 0;       // offset of its boundary in Plan::boundary_pixel
    std::size_t runs = 0;        // offset of the way into its parent in Plan::runs
    std::size_t run_count = 0;
    std::size_t edges = 0;  // offset of its edges in Plan::edges
    std::size_t edge_count = 0;

    FrontShape shape() const { return {pivots, boundary}; }
};

// An 8-neighbour edge that is assembled into a front at (row, column), row > column, padding
// included.
struct FrontEdge {
    std::int32_t edge;  // direction * pixels + first pixel
    std::int32_t row, column;
};

// What a factorization takes at least, padding left out.
struct Counts {
    double operations = 0.0;           // multiplications and additions
    std::size_t factor = 0;            // entries
    std::size_t updates = 0;           // entries that fronts add to their parents
    std::vector<std::int32_t> pivots;  // of the largest front of each depth
};

struct Plan {
    // Throws Cancelled.
    explicit Plan(const Grid& grid, const CancelFlag* cancel = nullptr);

    Counts counts() const;

    // Largest work memory of the fronts at the given depth or deeper.
    std::size_t work_size(std::int32_t depth) const;

    // Whether the updates of unit roots and of the fronts above may be kept for the next edit.
    bool keeps() const { return kept_size <= kKeepLimit; }
    // Entries that a solver takes: the factor, updates, work.
    std::size_t memory_size() const;
    // Bytes of the lists themselves.
    std::size_t bytes() const;

    Grid grid;
    std::vector<std::int32_t> pixel_at;        // elimination position -> pixel
    std::vector<std::int32_t> front_of;        // pixel -> the front that eliminates it
    std::vector<Front> fronts;                 // children before parents
    std::vector<std::int32_t> boundary_pixel;  // in order of elimination, per front
    std::vector<Run> runs;
    std::vector<FrontEdge> edges;
    std::size_t factor_size = 0;  // entries of the factor, padding included
    std::size_t kept_size = 0;    // entries of the updates of unit roots and of the fronts above
    std::size_t live_size = 0;    // of those that exist at one time when they are not kept
    std::size_t largest_rows = 0;
    // Units are subtrees that are eliminated by one thread, always as a whole: the updates inside
    // are not kept. Entries that these take, in two stacks: fronts of even and of odd depth.
    std::array<std::size_t, 2> stack_size{0, 0};

 private:
    static constexpr std::size_t kKeepLimit = std::size_t{1} << 27;  // entries: 1 GiB

    std::vector<std::size_t> work_size_;  // by depth
};

}  // namespace colordeploy::propagation

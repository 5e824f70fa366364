// What a factorization needs to know of a picture's size alone: a fill-reducing order and the
// index lists of every dense front. Planned once per (height, width, global step).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph.hpp"

namespace colordeploy::propagation {

// One dense front of the multifrontal method: it eliminates `pivots` consecutive unknowns and
// updates `boundary` unknowns that are eliminated later.
struct Front {
    std::int32_t first = 0;  // elimination position of the first pivot
    std::int32_t pivots = 0;
    std::int32_t boundary = 0;
    std::int32_t parent = -1;  // -1: a root
    std::size_t factor = 0;    // offset of its (pivots + boundary) x pivots panel in the factor
    std::size_t index = 0;     // offset of its boundary in Plan::boundary_position / _row
    std::size_t edges = 0;     // offset of its edges in Plan::edges
    std::size_t edge_count = 0;

    std::int32_t rows() const { return pivots + boundary; }
};

// An 8-neighbour edge that is assembled into a front at (row, column), row > column.
struct FrontEdge {
    std::int32_t edge;  // direction * pixels + first pixel
    std::int32_t row, column;
};

struct Plan {
    explicit Plan(const Grid& grid);

    Grid grid;
    std::vector<std::int32_t> pixel_at;           // elimination position -> pixel
    std::vector<Front> fronts;                    // children before parents
    std::vector<std::int32_t> boundary_position;  // elimination positions, ascending per front
    std::vector<std::int32_t> boundary_row;       // the same unknowns' rows in the parent front
    std::vector<FrontEdge> edges;
    std::size_t factor_size = 0;  // entries of the factor
};

}  // namespace colordeploy::propagation

// What a factorization needs to know of a picture's size alone: a fill-reducing order and the
// index lists of every front. Planned once per (height, width, global step).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../cancel.hpp"
#include "cells.hpp"
#include "graph.hpp"
#include "kernels.hpp"

namespace colordeploy::propagation {

// One front of the multifrontal method: it eliminates `pivots` consecutive unknowns and updates
// `boundary` unknowns that are eliminated later. Either a separator, eliminated as a dense matrix,
// or a cell, a leaf.
struct Front {
    std::int32_t first_pivot = 0;  // its place in the order of elimination
    std::int32_t pivots = 0;
    std::int32_t boundary = 0;
    std::int32_t parent = -1;  // -1: the root
    std::array<std::int32_t, 2> children{-1, -1};
    std::int32_t first_front = 0;    // its subtree is the fronts [first_front, itself]
    std::int32_t depth = 0;          // of the root: 0
    std::int32_t cell = -1;          // in Plan::cells; -1: a separator
    std::size_t factor = 0;          // offset of a separator's panel in the factor
    std::size_t update = 0;          // offset of its update among the kept ones
    std::size_t boundary_begin = 0;  // offset of its boundary in Plan::boundary_pixel
    std::size_t run_begin = 0;       // offset of the way into its parent in Plan::runs
    std::size_t run_count = 0;
    std::size_t edge_begin = 0;  // offset of a separator's edges in Plan::edges
    std::size_t edge_count = 0;

    FrontShape shape() const { return {pivots, boundary}; }
};

// An 8-neighbour edge that is assembled into a front at (row, column), row > column, padding
// included.
struct FrontEdge {
    std::int32_t edge;  // direction * pixels + first pixel
    std::int32_t row, column;
};

struct Cell {
    std::int32_t front;
    std::int32_t shape;   // in Plan::shapes
    std::int32_t origin;  // its first pixel
};

// What a factorization with every front dense takes at least, padding left out.
struct Counts {
    double operations = 0.0;           // multiplications and additions
    std::size_t factor = 0;            // entries
    std::size_t updates = 0;           // entries that fronts add to their parents
    std::vector<std::int32_t> pivots;  // of the largest front of each depth
};

struct Plan {
    // Throws Cancelled, std::bad_alloc.
    explicit Plan(const Grid& grid, const CancelFlag* cancel = nullptr);

    Counts counts() const;

    // Largest work memory of the separators at the given depth or deeper.
    std::size_t work_size(std::int32_t depth) const;

    // Whether the updates of all fronts may be kept for the next edit, entries of so many bytes.
    bool keeps(std::size_t entry) const { return kept_size * entry <= kKeepLimit; }
    // Bytes of the lists themselves.
    std::size_t bytes() const;

    // Of any front; Plan::edges holds those of separators.
    std::vector<FrontEdge> edges_of(std::int32_t front) const;

    Grid grid;
    std::vector<std::int32_t> pixel_at;        // elimination position -> pixel
    std::vector<std::int32_t> front_of;        // pixel -> the front that eliminates it
    std::vector<Front> fronts;                 // children before parents
    std::vector<CellShape> shapes;             // of the cells
    std::vector<Cell> cells;                   // by shape
    std::vector<std::int32_t> boundary_pixel;  // in order of elimination, per front
    // Beside that, for cells: the place in it, and in its update, of each unknown of the boundary,
    // in the shape's order.
    std::vector<UpdatePlace> boundary_place;
    std::vector<Run> runs;
    std::vector<FrontEdge> edges;
    std::size_t factor_size = 0;       // entries of the separators' factor, padding included
    std::size_t cell_factor_size = 0;  // entries of the cells'
    std::size_t kept_size = 0;         // entries of all updates
    std::size_t largest_rows = 0;      // of a separator

    static constexpr std::size_t kKeepLimit = std::size_t{1} << 30;  // bytes

 private:
    std::vector<std::size_t> work_size_;  // by depth
};

}  // namespace colordeploy::propagation

// Fronts of one depth put together: their edges, their marks, and what their children add.
#pragma once

#include "device_plan.hpp"
#include "factorization.hpp"
#include "launch.hpp"

namespace colordeploy::propagation::cuda {

// What the kernels of fronts look at. Block.x is the front's place in the list.
struct Fronts {
    const DeviceFront* fronts;
    const std::int32_t* list;
    const std::uint8_t* chosen;  // by front: to be eliminated (again)
    double* factor;
    double* update;
    double* inverse;

    COLORDEPLOY_DEVICE bool leaves_out(const Block& block) const {
        return chosen[list[block.x]] == 0;
    }
    COLORDEPLOY_DEVICE DeviceFront of(const Block& block) const { return fronts[list[block.x]]; }
    COLORDEPLOY_DEVICE double* entry(const DeviceFront& front, std::int64_t r,
                                     std::int64_t c) const {
        if (c < front.pivots) return factor + front.factor + r + c * front.rows();
        return update + front.update + (r - front.pivots) +
               (c - front.pivots) * (std::int64_t{front.boundary} + 1);
    }
};

// Sums over the rows below a panel, of each of its columns: several for a front, to be added up.
struct PanelSums {
    double* values;
    std::int64_t parts;  // places for each front

    COLORDEPLOY_DEVICE double* of(const Block& block, std::int64_t part) const {
        return values + (block.x * parts + part) * kTile;
    }
};

// Writes every entry of the fronts once: edges, marks, the clique, and the children's updates,
// looked up from the parent's side. Also sums the columns of the first panel below its rows.
// Block.y: a column, every `pieces`-th.
struct Assemble {
    static constexpr int kMost = 128;
    static constexpr int kAtOnce = 1;
    static constexpr int kSharedSize = kMost;

    Fronts at;
    const std::int32_t* from_child;  // two for each row of the fronts: its row in a child's update
    const FrontEdge* edges;
    const std::int32_t* edges_begin;  // by elimination position
    const std::int32_t* pixel_at;
    const std::uint8_t* mask;
    Weights weights;
    bool clique;  // these fronts' pivots are the global points
    int pieces;
    PanelSums sums;

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        if (at.leaves_out(block)) return;
        const DeviceFront front = at.of(block);
        for (std::int64_t c = block.y; c < front.ground(); c += pieces) column(block, front, c);
    }

 private:
    COLORDEPLOY_DEVICE void column(const Block& block, const DeviceFront& front,
                                   std::int64_t c) const {
        const std::int32_t* rows = from_child + 2 * front.vector;
        const double* added[2];  // a child's column, by its rows
        for (int k = 0; k < 2; ++k) {
            const std::int32_t from = front.child[k] < 0 ? -1 : rows[2 * c + k];
            added[k] = nullptr;
            if (from < 0) continue;
            const DeviceFront below = at.fronts[front.child[k]];
            added[k] = at.update + below.update + from * (std::int64_t{below.boundary} + 1);
        }
        const bool own = c < front.pivots;
        const std::int32_t* begin = edges_begin + front.first + (own ? c : 0);
        const std::int32_t first = own ? begin[0] : 0, last = own ? begin[1] : 0;
        const bool in_panel = own && c < kTile;
        const std::int64_t end = front.pivots < kTile ? front.pivots : kTile;  // of the panel
        double* target = at.entry(front, 0, c);
        double below_panel = 0.0;
        block.each(front.rows() - c - 1, [&](std::int64_t i) {
            const std::int64_t r = c + 1 + i;
            double value = 0.0;
            for (std::int32_t e = first; e < last; ++e) {
                if (edges[e].row == r) value = edge(edges[e].edge);
            }
            if (own && r == front.ground()) {
                value = mask[pixel_at[front.first + c]] ? 1.0 : weights.screening;
            }
            if (clique && own && r < front.pivots) {
                value += weights.alpha * weights.global[r * (r - 1) / 2 + c];
            }
            for (int k = 0; k < 2; ++k) {
                if (added[k] == nullptr) continue;
                const std::int32_t from = rows[2 * r + k];
                if (from >= 0) value += added[k][from];
            }
            target[r] = value;
            if (in_panel && r >= end) below_panel += value;
        });
        if (!in_panel) return;
        const double sum = sum_of_block(block, below_panel, block.shared);
        if (block.thread == 0) sums.of(block, 0)[c] = sum;
        block.sync();  // before the space is used for the next column
    }

    COLORDEPLOY_DEVICE double edge(std::int64_t number) const {
        return weights.alpha * weights.local[number] + weights.phi;
    }
};

// Chooses the fronts of pixels whose mark has changed, and all above them. Block.x: a piece of the
// pixels.
struct FindChanges {
    static constexpr int kMost = 256;
    static constexpr int kAtOnce = 1;
    static constexpr int kPiece = 1024;

    const std::uint8_t* before;
    const std::uint8_t* now;
    const std::int32_t* front_of;
    const std::int32_t* parent;
    std::int64_t pixels;
    std::uint8_t* chosen;  // by front

    COLORDEPLOY_DEVICE void operator()(const Block& block) const {
        block.each(kPiece, [&](std::int64_t i) {
            const std::int64_t pixel = block.x * kPiece + i;
            if (pixel >= pixels || (before[pixel] != 0) == (now[pixel] != 0)) return;
            // Whoever chose a front goes on up from there.
            for (std::int32_t f = front_of[pixel]; f >= 0 && !marked(chosen + f); f = parent[f]) {
                mark(chosen + f);
            }
        });
    }
};

}  // namespace colordeploy::propagation::cuda

// The order of elimination.
#pragma once

#include "../cancel.hpp"
#include "plan.hpp"

namespace colordeploy::propagation {

inline constexpr int kCellSide = 12;  // rectangles up to this side are cells

// Geometric nested dissection (George 1973), down to cells: a one-pixel line separates an
// 8-neighbour grid. The global points are left out: they form a clique, so they come last, in the
// root. Fills the plan's pixel_at, fronts (their pivots and the tree), shapes and cells.
void dissect(Plan& plan, const CancelFlag* cancel);

}  // namespace colordeploy::propagation

// The four directions of edges, for device code, which cannot look into an array of the host.
#pragma once

#include "../graph.hpp"
#include "device_plan.hpp"

namespace colordeploy::propagation::cuda {

COLORDEPLOY_BOTH constexpr int dy_of(int direction) { return direction > 0 ? 1 : 0; }
COLORDEPLOY_BOTH constexpr int dx_of(int direction) {
    return direction == 2 ? 0 : direction == 1 ? -1 : 1;
}

constexpr bool same_direction(int d) {
    return dy_of(d) == kDirections[d].dy && dx_of(d) == kDirections[d].dx;
}
static_assert(kDirections.size() == 4 && same_direction(0) && same_direction(1) &&
              same_direction(2) && same_direction(3));

}  // namespace colordeploy::propagation::cuda

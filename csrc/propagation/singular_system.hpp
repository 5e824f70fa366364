// A system without a solution.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace colordeploy::propagation {

struct SingularSystem : std::runtime_error {
    // pixel: in raster order.
    explicit SingularSystem(std::int32_t pixel)
        : std::runtime_error("the system is singular: pixel " + std::to_string(pixel) +
                             " (raster order) is not tied to any marked pixel, or its weights "
                             "overflow; use phi > 0, or a smaller alpha, phi or weights") {}
};

}  // namespace colordeploy::propagation

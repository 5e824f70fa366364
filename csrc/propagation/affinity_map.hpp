// Affinities of one pixel, to look at (LGA-Net, Fig. 6).
#pragma once

#include <vector>

#include "graph.hpp"

namespace colordeploy::propagation {

// exp(-|f_i - f_j|^2 / (2 sigma^2)) (Eq. 1) of pixel (y, x) with every other, raster order.
std::vector<float> affinity_map(const View3<const float>& features, double sigma, std::ptrdiff_t y,
                                std::ptrdiff_t x);

}  // namespace colordeploy::propagation

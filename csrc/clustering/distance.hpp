// Distances of points: what is compiled for each instruction set.
#pragma once

#include <cstddef>

namespace colordeploy::clustering {

struct DistanceTable {
    // Of two points of n coordinates.
    double (*squared)(const double* a, const double* b, std::ptrdiff_t n);
};

}  // namespace colordeploy::clustering

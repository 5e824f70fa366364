#pragma once

#include "distance.hpp"

namespace colordeploy::clustering::COLORDEPLOY_TARGET {

static double squared(const double* a, const double* b, std::ptrdiff_t n) {
    constexpr std::ptrdiff_t PARTS = 8;  // partial sums, whatever the width of the vectors
    double sums[PARTS] = {};
    std::ptrdiff_t i = 0;
    for (; i + PARTS <= n; i += PARTS) {
#pragma omp simd
        for (std::ptrdiff_t j = 0; j < PARTS; ++j) {
            const double d = a[i + j] - b[i + j];
            sums[j] += d * d;
        }
    }
    double sum =
        ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    for (; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

extern const DistanceTable distance_table = {squared};

}  // namespace colordeploy::clustering::COLORDEPLOY_TARGET

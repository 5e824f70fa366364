#pragma once

#include "resize.hpp"

namespace colordeploy::color::COLORDEPLOY_TARGET {

static void across(const float* __restrict block, const double* __restrict weights,
                   std::ptrdiff_t taps, float* __restrict sums) {
    double wide[RESIZED_ROWS] = {};
    for (std::ptrdiff_t k = 0; k < taps; ++k) {
#pragma omp simd
        for (std::ptrdiff_t j = 0; j < RESIZED_ROWS; ++j) {
            wide[j] += static_cast<double>(block[k * RESIZED_ROWS + j]) * weights[k];
        }
    }
    for (std::ptrdiff_t j = 0; j < RESIZED_ROWS; ++j) sums[j] = static_cast<float>(wide[j]);
}

static void add(const float* __restrict row, double weight, std::ptrdiff_t n,
                double* __restrict sums) {
#pragma omp simd
    for (std::ptrdiff_t x = 0; x < n; ++x) sums[x] += static_cast<double>(row[x]) * weight;
}

extern const ResizeTable resize_table = {across, add};

}  // namespace colordeploy::color::COLORDEPLOY_TARGET

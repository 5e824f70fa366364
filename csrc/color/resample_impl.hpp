#pragma once

#include "../isa/vector.hpp"
#include "resample.hpp"

namespace colordeploy::color::COLORDEPLOY_TARGET {

using namespace colordeploy::COLORDEPLOY_TARGET;

static void add_floats(const float* __restrict row, float weight, std::ptrdiff_t n,
                       float* __restrict sums) {
#pragma omp simd
    for (std::ptrdiff_t x = 0; x < n; ++x) sums[x] += weight * row[x];
}

static void add_bytes(const std::uint8_t* __restrict row, float weight, std::ptrdiff_t n,
                      float* __restrict sums) {
#pragma omp simd
    for (std::ptrdiff_t x = 0; x < n; ++x) sums[x] += weight * static_cast<float>(row[x]);
}

static float dot(const float* a, const float* b, std::ptrdiff_t n) {
    constexpr int PARTS = 16 / LANES;
    F sums[PARTS] = {};
    for (std::ptrdiff_t i = 0; i < n; i += 16) {
#pragma GCC unroll 4
        for (int p = 0; p < PARTS; ++p) {
            sums[p] += load(a + i + p * LANES) * load(b + i + p * LANES);
        }
    }
    float all[16];
    std::memcpy(all, sums, sizeof all);
    for (int half = 8; half > 0; half /= 2) {
        for (int j = 0; j < half; ++j) all[j] += all[j + half];
    }
    return all[0];
}

extern const ResampleTable resample_table = {add_floats, add_bytes, dot};

}  // namespace colordeploy::color::COLORDEPLOY_TARGET

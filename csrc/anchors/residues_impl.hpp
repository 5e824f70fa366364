#pragma once

#include "../isa/vector.hpp"
#include "residues.hpp"

namespace colordeploy::anchors::COLORDEPLOY_TARGET {

using namespace colordeploy::COLORDEPLOY_TARGET;

// Chosen on training photos with eight anchors in their true colours.
static constexpr float LIKENESS = 0.2F;    // cosine of features, centred on the picture's mean
static constexpr float REACH = 30.0F;      // cells
static constexpr float LIGHTNESS = 20.0F;  // of 100

static void project(const float* __restrict plane, float factor, std::ptrdiff_t n,
                    float* __restrict cosines) {
#pragma omp simd
    for (std::ptrdiff_t i = 0; i < n; ++i) cosines[i] += factor * plane[i];
}

static void add_residue(const ResidueRow& row, std::ptrdiff_t n, float* total, float* a, float* b) {
    for (std::ptrdiff_t x = 0; x < n; x += LANES) {
        const F columns = load(row.columns + x), lighter = load(row.lightness + x);
        const F away = row.away + columns * columns;
        const F weight =
            exponential((load(row.alike + x) - 1.0F) / LIKENESS - away / (2.0F * REACH * REACH) -
                        lighter * lighter / (2.0F * LIGHTNESS * LIGHTNESS));
        store(total + x, load(total + x) + weight);
        store(a + x, load(a + x) + weight * row.residue[0]);
        store(b + x, load(b + x) + weight * row.residue[1]);
    }
}

extern const ResidueTable residue_table = {project, add_residue};

}  // namespace colordeploy::anchors::COLORDEPLOY_TARGET

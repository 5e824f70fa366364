// Probable colours of a place (DISCO, Sec. 4).
#pragma once

#include <cstddef>
#include <vector>

#include "bins.hpp"

namespace colordeploy::anchors {

constexpr std::size_t CANDIDATES = 10;  // of the most probable bins, diverse results choose

// Indices of the most probable bins, best first; of equally probable ones the first. The bins'
// probabilities lie `stride` values apart.
std::vector<std::size_t> most_probable(const float* probabilities, std::ptrdiff_t stride);

struct Chroma {
    double a, b;
};
// The mean colour, as float.
Chroma expected(const float* probabilities, std::ptrdiff_t stride);

// Candidates, most probable first, in the order that diverse results take them: the most probable
// one, then the one with the largest sum of distances to those before. Ties go to the more probable
// one.
std::vector<std::size_t> diverse_order(const std::vector<Bin>& candidates);

}  // namespace colordeploy::anchors

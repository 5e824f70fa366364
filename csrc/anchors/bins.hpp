// The 313 colour bins of Zhang et al. 2016: centres of the cells of a 10x10 grid in ab that hold a
// colour of sRGB.
#pragma once

#include <array>
#include <cstddef>

namespace colordeploy::anchors {

struct Bin {
    int a, b;
};

constexpr std::size_t BINS = 313;
const std::array<Bin, BINS>& bins();  // by a, then by b

// Index of the bin nearest to a colour; the first of equally near ones.
std::size_t nearest_bin(double a, double b);

}  // namespace colordeploy::anchors

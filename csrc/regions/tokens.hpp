// What a network is told of a drawing's regions: where they are, how large, and beside which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../view.hpp"

namespace colordeploy::regions {

constexpr std::ptrdiff_t STRIDE = 4;     // pixels of the cells that shares are counted in
constexpr std::ptrdiff_t GEOMETRY = 14;  // numbers for each region

// Of the regions 1 to K, in this order.
struct Tokens {
    std::ptrdiff_t regions, rows, columns;
    // Which share of a region's pixels each cell holds: K x rows x columns, they add up to 1.
    std::vector<float> shares;
    // K x GEOMETRY, about in [-1, 1]: logarithm of the share of the picture, its square root,
    // middle (y, x), box (top, left, bottom, right), share of the box, share of the picture's edge,
    // 1 where it touches that edge, length of the border for the area, share of the whole border,
    // lightness.
    std::vector<float> geometry;
    // K x K: which share of region i's border it has in common with each other one, lines being no
    // regions; zeros for a region alone.
    std::vector<float> borders;
};

// Pairs y, x of each label 0 to count: a pixel of `labels` for each region that has none there,
// where its first one of `full`, the drawing's own labels, lies; zeros for others.
std::vector<std::int64_t> places_of(const Plane<const std::int32_t>& full,
                                    const Plane<const std::int32_t>& labels, std::ptrdiff_t count);

// labels, covered: at the size that the network sees, 0 on lines, and with lines given to regions;
// luma: of that size, in [0, 1]. places: of `places_of`. count: the number of regions, at least 1;
// labels must not exceed it. rows, columns: of cells, at least as many as cover the labels; those
// beyond hold nothing.
Tokens tokens_of(const Plane<const std::int32_t>& labels, const Plane<const std::int32_t>& covered,
                 const Plane<const float>& luma, const std::int64_t* places, std::ptrdiff_t count,
                 std::ptrdiff_t rows, std::ptrdiff_t columns);

}  // namespace colordeploy::regions

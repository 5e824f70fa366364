// Dabs of colour in regions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../strokes/dabs.hpp"

namespace colordeploy::regions {

constexpr std::int32_t MOST_HINTS = 32;  // of one region

// What dabs say of a drawing's regions.
struct Hints {
    std::vector<std::int32_t> counts;  // of each label: how many colours it has
    std::vector<std::int64_t> pixels;  // the marks, in reading order
    std::vector<std::int32_t> owners;  // of each mark: which of its region's colours it is
    // Regions with a hint, ascending; a region with several colours is there as often, in the order
    // of its owners. And the colours.
    std::vector<std::int32_t> regions;
    std::vector<std::array<std::uint8_t, 3>> colors;
    std::vector<std::int32_t> crowded;  // regions with MOST_HINTS or more: the most frequent count

    bool divided() const;  // whether any region has several colours
};

// A dab hints at every region that it lies in, save where a small part of it slipped over a line;
// on lines alone it hints at what they cover. Nearly equal colours in a region are one hint, in the
// colour that most of it has. labels, covered: a pixel each, 0 on lines, and with lines given to
// regions; areas: pixels of each of `count` labels.
Hints hints_of(const strokes::Dabs& dabs, const std::int32_t* labels, const std::int32_t* covered,
               const std::int64_t* areas, std::ptrdiff_t count);

}  // namespace colordeploy::regions

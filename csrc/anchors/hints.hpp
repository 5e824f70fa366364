// Anchors as a network is told of them.
#pragma once

#include <cstddef>
#include <vector>

#include "places.hpp"

namespace colordeploy::anchors {

struct Anchor {
    double y, x;  // in pixels of the picture
    double a, b;  // CIE Lab chroma
};

struct Picture {
    std::ptrdiff_t height, width;
};

struct Middle {
    double y, x;
};
// The middle of a place's cell, in pixels of the picture.
Middle middle_of(const Picture& picture, const Grid& grid, std::ptrdiff_t row,
                 std::ptrdiff_t column);

struct Hints {
    std::vector<float> mask;  // rows x columns: 1 where an anchor is
    std::vector<float>
        colors;  // a, then b, of the anchors; of several in one place the last counts
};
// rows, columns: of the grid with its padding. Throws InputError for anchors outside of the picture
// and colours outside of sRGB.
Hints hints_of(const std::vector<Anchor>& anchors, const Picture& picture, const Grid& grid,
               std::ptrdiff_t rows, std::ptrdiff_t columns);

}  // namespace colordeploy::anchors

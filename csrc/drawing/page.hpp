// Line art on any paper: its ground, which way round it is, and its lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../cancel.hpp"
#include "../view.hpp"

namespace colordeploy::drawing {

// What is found out about a page. Values are lightness over the ground's, so that the ground is
// about 1 everywhere; of an inverted page (light lines on dark ground) all values are those of its
// negative.
struct Page {
    bool inverted;
    bool even;        // the ground is white all over: values are the page's own
    float threshold;  // darker values are lines; 0 where no line stands out from the ground
    float contrast;   // of the lines, in values; 0 where there are none
    float noise;      // standard deviation of the ground, in values
    float level;      // of the ground: the values' median
    // The ground's lightness in the middles of tiles that cover the page.
    std::ptrdiff_t rows, columns;
    std::vector<float> ground;
};

// luma in [0, 1] (others are clipped). Throws std::invalid_argument, and Cancelled when the flag
// (may be null) is set.
Page examined(const Plane<const float>& luma, int threads, const CancelFlag* cancel);

// The page's values, clipped to [0, 1], lines of little contrast darkened to the usual; and 1 on
// lines, 0 elsewhere. Both are of the luma's size, row by row. Returns the number of line pixels
// that have two others beside them, which chance rarely makes.
std::int64_t separated(const Plane<const float>& luma, const Page& page, int threads,
                       const CancelFlag* cancel, float* values, std::uint8_t* lines);

// Whether no line stands out from the ground: it is empty, or noise alone. Lines and what
// `separated` returned; a dot is a drawing where there is no noise.
bool is_blank(const Page& page, const std::uint8_t* lines, std::ptrdiff_t pixels,
              std::int64_t joined);

}  // namespace colordeploy::drawing

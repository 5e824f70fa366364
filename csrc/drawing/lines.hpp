// A drawing taken apart into ink of some opacity over white, and laid over colours again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "means.hpp"

namespace colordeploy::drawing {

// values: pixels times `channels` (1 or 3), floats in [0, 1] or bytes. opacity: pixels, the least
// with which some ink over white gives the drawing. ink: its colour, pixels triples, for three
// channels; for one it is black and nothing is written. Returns the lightest value of the ink.
template <typename T>
std::uint8_t separate_lines(const T* values, std::ptrdiff_t pixels, int channels, int threads,
                            std::uint8_t* opacity, std::uint8_t* ink);

// What varies within regions: colours less their region's, enlarged bilinearly. Where `ground` (a
// label for each of the colours) is 0 nothing varies.
struct Shading {
    Colors colors;
    const std::int32_t* ground;
};

// Lines over the colours; ink is black where it is null.
struct Lines {
    const std::uint8_t* opacity;  // rows * columns
    const std::uint8_t* ink;      // as many triples
};

// The picture: each label's colour (count triples in [0, 1]), shading added, in eight bits, under
// the lines. `shading` and `lines` may be null. Throws std::out_of_range for labels that are not
// below count.
void compose_drawing(const float* palette, std::ptrdiff_t count, const Labels& labels,
                     const Shading* shading, const Lines* lines, int threads, std::uint8_t* rgb);

}  // namespace colordeploy::drawing

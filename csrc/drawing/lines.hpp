// A drawing taken apart into ink of some opacity over white.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::drawing {

constexpr std::uint8_t BLACK =
    8;  // of 255: gray drawings saved in colour are black but for rounding

// values: pixels times `channels` (1 or 3), floats in [0, 1] or bytes. opacity: pixels, the least
// with which some ink over white gives the drawing. ink: its colour, pixels triples, for three
// channels; for one it is black and nothing is written. Returns the lightest value of the ink.
template <typename T>
std::uint8_t separate_lines(const T* values, std::ptrdiff_t pixels, int channels, int threads,
                            std::uint8_t* opacity, std::uint8_t* ink);

}  // namespace colordeploy::drawing

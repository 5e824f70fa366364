// The coloured pixels of strokes at the picture's own size, and which of them belong together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../cancel.hpp"
#include "../view.hpp"
#include "constraints.hpp"

namespace colordeploy::strokes {

// One entry a marked pixel, in reading order.
struct Dabs {
    std::vector<std::int64_t> pixels;              // y * width + x
    std::vector<std::array<std::uint8_t, 3>> rgb;  // not multiplied by alpha
    std::vector<std::int32_t> dabs;  // connected pixels (eight neighbours) of one colour
};

// Of an RGBA layer, by marks.hpp's rule.
Dabs dabs_of_layer(const Channels<const std::uint8_t>& rgba, int threads, const CancelFlag* cancel);

// Of lines on a picture of that size, later ones over earlier ones.
Dabs dabs_of_lines(const std::vector<Line>& lines, std::ptrdiff_t height, std::ptrdiff_t width,
                   const CancelFlag* cancel);

}  // namespace colordeploy::strokes

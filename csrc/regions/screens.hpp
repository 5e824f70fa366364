// Screentone: dots over an area, which are laid over its colour and bound nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::regions {

struct ScreenOptions {
    std::int32_t dot = 5;     // pixels: a dot is nowhere wider or higher
    std::int32_t around = 5;  // dots that a dot of a screen has about it; a dotted line's has four
    std::int32_t members = 32;  // fewer are no screen
};

// Takes the dots of screens out of the lines. A dot's neighbours are the dots within a little more
// than twice the way to its nearest one; where many have enough of them, they cover an area, in
// whatever pattern. Dotted lines, single dots and what encloses something stay. line: one byte a
// pixel, non-zero on lines. Returns the number of dots taken out. Throws std::bad_alloc.
std::int64_t open_screens(std::ptrdiff_t height, std::ptrdiff_t width, const ScreenOptions& options,
                          std::uint8_t* line);

}  // namespace colordeploy::regions

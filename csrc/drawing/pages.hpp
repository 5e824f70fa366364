// Where the pages of a long strip of drawings begin and end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colordeploy::drawing {

// First and last row (exclusive).
struct Rows {
    std::ptrdiff_t begin, end;

    std::ptrdiff_t count() const { return end - begin; }
};

// Whether a drawing may be a strip: three times as high as wide.
bool is_long(std::ptrdiff_t height, std::ptrdiff_t width);

// The pages of a drawing, one below the other. They are cut in the blank bands between them; where
// three pages of one height or more fit, with a blank row at each border, they are of that height.
// One page unless the drawing is long and has bands. inked: rows with a line.
std::vector<Rows> pages_of(const std::vector<std::uint8_t>& inked, std::ptrdiff_t width);

}  // namespace colordeploy::drawing

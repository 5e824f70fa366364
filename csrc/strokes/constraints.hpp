// Colour constraints at a working size, from strokes on a layer or from their lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../cancel.hpp"
#include "../view.hpp"

namespace colordeploy::strokes {

// A polyline of one colour with round ends and joints: the pixels whose distance from it is at
// most half the width. Pixel centres are at whole numbers; lines of an even width lie between
// pixels, half a pixel up and to the left.
struct Line {
    std::vector<double> points;  // y, x, y, x ...; at least one point
    double width;
    std::uint8_t rgb[3];
};

// Where the constraints go: rows * columns each, chroma as pairs. A working pixel is marked when
// any part of a stroke falls into it; its chroma (U and V of BT.601) is the mean over that part,
// weighted by alpha, and 0 where nothing is marked. A working size larger than the picture repeats
// the picture's pixels. The result does not depend on threads.
struct Constraints {
    std::uint8_t* mask;
    double* chroma;
    std::ptrdiff_t rows, columns;
};

// Of an RGBA layer, by marks.hpp's rule; colours may be multiplied by alpha. Both return the number
// of marked pixels of the picture and throw std::invalid_argument, and Cancelled when the flag (may
// be null) is set.
std::int64_t constrain_layer(const Channels<const std::uint8_t>& rgba, const Constraints& result,
                             int threads, const CancelFlag* cancel);

// Of lines on a picture of that size, later ones over earlier ones.
std::int64_t constrain_lines(const std::vector<Line>& lines, std::ptrdiff_t height,
                             std::ptrdiff_t width, const Constraints& result, int threads,
                             const CancelFlag* cancel);

// The lines on an RGBA layer: alpha is 255 on them, all else 0.
void draw_lines(const std::vector<Line>& lines, const Channels<std::uint8_t>& rgba);

}  // namespace colordeploy::strokes

// Pictures of given lightness and chroma (CIE Lab), brought into sRGB without touching lightness.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace colordeploy::color {

// Row-major, CIE XYZ relative to the white point to linear sRGB.
using Matrix = std::array<float, 9>;

// lightness: n values, L in [0, 100] (others are clipped). ab: n pairs. rgb: n triples, rounded
// sRGB. Where a colour lies outside sRGB its chroma is scaled down until it fits.
void compose_lab(const float* lightness, const float* ab, std::ptrdiff_t n, const Matrix& to_rgb,
                 std::uint8_t* rgb);

}  // namespace colordeploy::color

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

// L in [0, 100] of n sRGB triples in [0, 1] (others are clipped). `to_y`: linear RGB to Y.
void lightness_of(const float* rgb, std::ptrdiff_t n, const std::array<float, 3>& to_y, int threads,
                  float* lightness);
// The same of eight-bit values.
void lightness_of(const std::uint8_t* rgb, std::ptrdiff_t n, const std::array<float, 3>& to_y,
                  int threads, float* lightness);
// Sums of the weighted values, in [0, 1] (weights: for values in [0, 1], their sum 1).
void luma_of(const std::uint8_t* rgb, std::ptrdiff_t n, const std::array<float, 3>& weights,
             int threads, float* luma);

}  // namespace colordeploy::color

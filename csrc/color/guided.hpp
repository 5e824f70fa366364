// Chroma brought to full size along the edges of the lightness, and made into pixels on the way.
#pragma once

#include <cstddef>
#include <cstdint>

#include "compose.hpp"

namespace colordeploy::color {

// What is enlarged, interleaved: two of chroma, two of slope (chroma a unit of lightness), and the
// lightness itself.
constexpr int PLANES = 5;

struct Small {
    const float* planes;  // rows * columns * PLANES
    std::ptrdiff_t rows, columns;
};

// How chroma follows the lightness in the windows of the small size.
struct Slopes {
    int radius;                      // half a window's side
    double epsilon;                  // regularization: windows of less variance count as flat
    double power;                    // of r^2, which weights a window
    double flat_light, flat_chroma;  // variances below which a correlation means nothing
};

// Fills the slopes (planes 2 and 3) from the chroma and the lightness (planes 0, 1 and 4).
void fit_slopes(float* planes, std::ptrdiff_t rows, std::ptrdiff_t columns, const Slopes& slopes);

// Chroma at full size is the enlarged one plus slope times the lightness that the small size lost.
// Enlarging is bicubic (a = -0.5, centres aligned, weights at the border normalized, as Pillow
// does it). `light`: rows * columns in [0, 1]; `rgb`: as many triples.

// BT.601 luma and chroma: `to_rgb` is 2x3, chroma to what is added to the luma.
void compose_guided_luma(const float* light, std::ptrdiff_t rows, std::ptrdiff_t columns,
                         const Small& small, const float* to_rgb, int threads, std::uint8_t* rgb);

// CIE Lab: lightness in hundredths, chroma in units of `ab_scale`.
void compose_guided_lab(const float* light, std::ptrdiff_t rows, std::ptrdiff_t columns,
                        const Small& small, float ab_scale, const Matrix& to_rgb, int threads,
                        std::uint8_t* rgb);

}  // namespace colordeploy::color

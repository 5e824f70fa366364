// Luma, lightness and Lab of pictures.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::color {

// L in [0, 100] of n sRGB triples in [0, 1] (others are clipped).
void lightness_of(const float* rgb, std::ptrdiff_t n, int threads, float* lightness);
// The same of eight-bit values.
void lightness_of(const std::uint8_t* rgb, std::ptrdiff_t n, int threads, float* lightness);
// The same of gray values.
void lightness_of_gray(const float* gray, std::ptrdiff_t n, int threads, float* lightness);
void lightness_of_gray(const std::uint8_t* gray, std::ptrdiff_t n, int threads, float* lightness);
// CIE Lab of n sRGB triples in [0, 1] (others are clipped), triples again.
void lab_of(const float* rgb, std::ptrdiff_t n, int threads, float* lab);
// Luma in [0, 1] of n eight-bit triples.
void luma_of(const std::uint8_t* rgb, std::ptrdiff_t n, int threads, float* luma);

}  // namespace colordeploy::color

// Luma and chroma (BT.601) of sRGB triples of floats.
#pragma once

#include <cstddef>

namespace colordeploy::color {

// Y of n triples; with values in [0, 1] it is there too, but for rounding.
void luma_of(const float* rgb, std::ptrdiff_t n, int threads, float* luma);
// U and V, pairs.
void chroma_of(const float* rgb, std::ptrdiff_t n, int threads, float* chroma);

}  // namespace colordeploy::color

// What is done with finished regions: features of each, and labels for the lines between them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colordeploy::regions {

// features: channels x pixels, none negative. labels: pixels, below count (not checked). result:
// count x channels; 0 for regions without a pixel.
void aggregate_max(const float* features, std::ptrdiff_t channels, std::ptrdiff_t pixels,
                   const std::int32_t* labels, std::ptrdiff_t count, float* result);

// Gives pixels with label 0 the label of a near region (by the path length of two sweeps, which is
// nearly the city-block distance); without any region nothing changes.
void cover_lines(std::ptrdiff_t height, std::ptrdiff_t width, std::int32_t* labels);

}  // namespace colordeploy::regions

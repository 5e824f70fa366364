// Mean colours of regions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../view.hpp"

namespace colordeploy::drawing {

// Mean colour of every label that is `wanted`, 0 to count - 1: `means` is count triples, `pixels`
// how many pixels each of them has; zeros for others. Colours are enlarged bilinearly to the
// labels' size. The result does not depend on `threads`. Throws std::out_of_range for other labels.
void region_means(const Channels<const float>& colors, const Plane<const std::int32_t>& labels,
                  const std::uint8_t* wanted, std::ptrdiff_t count, int threads, float* means,
                  std::int64_t* pixels);

}  // namespace colordeploy::drawing

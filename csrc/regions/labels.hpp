// Maps of labels at other sizes.
#pragma once

#include <cstdint>

#include "../view.hpp"

namespace colordeploy::regions {

// The labels at the middles of the cells that a smaller map has; any size is allowed.
void nearest_labels(const Plane<const std::int32_t>& labels, const Plane<std::int32_t>& result);

// Labels of pixels that have no line (0) among their eight neighbours; 0 elsewhere.
void inside_labels(const Plane<const std::int32_t>& labels, const Plane<std::int32_t>& result);

}  // namespace colordeploy::regions

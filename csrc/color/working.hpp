// Between a picture and what networks see of it.
#pragma once

#include <vector>

#include "../cancel.hpp"
#include "../view.hpp"

namespace colordeploy::color {

// Means of the blocks that a plane falls into, as many as `means` has values: its sides divide the
// plane's. Sums of floats in NumPy's order: eight partial ones in a row of a block, row after row.
void block_means(const Plane<const float>& plane, const Plane<float>& means);

// A network's chroma at the working size, pairs of a and b. `ab` is two planes; smaller than
// `gray`, it is enlarged along the edges of the lightness. `gray` is what the network saw, (L - 50)
// / 50, padded; rows and columns are those of the working size, without the padding.
std::vector<float> chroma_at_working_size(const Channels<const float>& ab,
                                          const Plane<const float>& gray, std::ptrdiff_t rows,
                                          std::ptrdiff_t columns, int threads,
                                          const CancelFlag* cancel);

}  // namespace colordeploy::color

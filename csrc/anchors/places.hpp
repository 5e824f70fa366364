// Places of a picture: cells of a grid, or the superpixels that belong to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../view.hpp"

namespace colordeploy::anchors {

struct Grid {
    std::ptrdiff_t height, width;  // of the working size, without padding
    std::ptrdiff_t cell;           // side of a cell in working pixels

    // Places of the picture; those of the padding are none.
    std::ptrdiff_t rows() const { return (height + cell - 1) / cell; }
    std::ptrdiff_t columns() const { return (width + cell - 1) / cell; }
};

// How far each pixel belongs to the superpixels of the nine cells around it: nine planes, those of
// the cell above to the left, above, ... . Null data: each pixel belongs to its own cell.
using Association = Channels<const float>;

// Means of values (of the grid's size) in each place: channel after channel, rows * columns each.
std::vector<float> pooled(const Channels<const float>& values, std::ptrdiff_t channels,
                          const Association& association, const Grid& grid);

// Places of anchors in reading order, row * columns + column: the largest one of each cluster of
// the features (DISCO, Sec. 4.2), or where all are as large (null sizes), the one nearest to its
// middle. At most `count`: a cluster left empty has none. Features and sizes must be finite.
std::vector<std::int64_t> located(const Channels<const float>& features, std::ptrdiff_t channels,
                                  const Plane<const float>& sizes, std::ptrdiff_t count,
                                  std::uint64_t seed);

}  // namespace colordeploy::anchors

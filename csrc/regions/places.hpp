// How wide the places of regions are, on coarse cells (`free_cells`). Depths and widths are in
// thirds of a cell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colordeploy::regions {

struct Cells {
    const std::vector<std::int32_t>& labels;  // 0 where a line or another region has a part
    std::ptrdiff_t rows, columns;

    // At the page's edge, around which all is open.
    bool outer(std::ptrdiff_t y, std::ptrdiff_t x) const {
        return y == 0 || x == 0 || y == rows - 1 || x == columns - 1;
    }
};

constexpr float STEP = 3.0F, DIAGONAL = 4.0F;
constexpr float WIDE = 21 * STEP;  // half of a width that is wide: more makes no difference

// How far each cell is from the next one that is not of its region (chamfer distance). The page's
// edge is no border.
std::vector<float> depths_of(const Cells& cells);

// How wide the place of each cell is: the depth of the deepest cell whose ball, which no border
// cuts, reaches it (local thickness), up to WIDE.
std::vector<float> thickness_of(const Cells& cells, const std::vector<float>& depths);

// Rooms: parts of regions that narrow ways part from each other, each named by one of its cells.
std::vector<std::int32_t> rooms_of(const Cells& cells, const std::vector<float>& depths);

// The next cell on the way from a border to the middle between borders, where depth grows by the
// whole step; the cell itself on the middle.
std::ptrdiff_t inward(const Cells& cells, const std::vector<float>& depths, std::ptrdiff_t at);

}  // namespace colordeploy::regions

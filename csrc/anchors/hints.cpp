#include "hints.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "../errors.hpp"
#include "../text.hpp"
#include "bins.hpp"

namespace colordeploy::anchors {

namespace {

constexpr double FARTHEST = 10.0;  // from the nearest bin, in ab units: beyond is no colour of sRGB

}  // namespace

Middle middle_of(const Picture& picture, const Grid& grid, std::ptrdiff_t row,
                 std::ptrdiff_t column) {
    const auto along = [&](std::ptrdiff_t index, std::ptrdiff_t full, std::ptrdiff_t working) {
        const std::ptrdiff_t begin = index * grid.cell;
        const std::ptrdiff_t end = std::min(begin + grid.cell, working);
        return std::min(static_cast<double>(begin + end) / 2 * static_cast<double>(full) /
                            static_cast<double>(working),
                        static_cast<double>(full) - 1.0);
    };
    return {along(row, picture.height, grid.height), along(column, picture.width, grid.width)};
}

Hints hints_of(const std::vector<Anchor>& anchors, const Picture& picture, const Grid& grid,
               std::ptrdiff_t rows, std::ptrdiff_t columns) {
    if (rows < grid.rows() || columns < grid.columns()) {
        throw std::invalid_argument("the grid must hold the picture");
    }
    Hints hints{std::vector<float>(rows * columns, 0.0F),
                std::vector<float>(2 * rows * columns, 0.0F)};
    for (const Anchor& anchor : anchors) {
        // NaN is outside, too.
        if (!(anchor.y >= 0 && anchor.y < static_cast<double>(picture.height) && anchor.x >= 0 &&
              anchor.x < static_cast<double>(picture.width))) {
            throw InputError(text("the anchor at (%g, %g) is outside the picture of %tdx%td pixels",
                                  anchor.y, anchor.x, picture.height, picture.width));
        }
        if (!std::isfinite(anchor.a) || !std::isfinite(anchor.b)) {
            throw InputError(
                text("the chroma of an anchor is two numbers, not (%g, %g)", anchor.a, anchor.b));
        }
        const Bin& bin = bins()[nearest_bin(anchor.a, anchor.b)];
        if (std::hypot(bin.a - anchor.a, bin.b - anchor.b) > FARTHEST) {
            throw InputError(
                text("ab = (%g, %g) is no colour of sRGB; the nearest is about (%d, %d)", anchor.a,
                     anchor.b, bin.a, bin.b));
        }
        const auto cell = [&](double place, std::ptrdiff_t full, std::ptrdiff_t working) {
            return static_cast<std::ptrdiff_t>(place * static_cast<double>(working) /
                                               static_cast<double>(full) /
                                               static_cast<double>(grid.cell));
        };
        const std::ptrdiff_t at = cell(anchor.y, picture.height, grid.height) * columns +
                                  cell(anchor.x, picture.width, grid.width);
        hints.mask[at] = 1.0F;
        hints.colors[at] = static_cast<float>(anchor.a);
        hints.colors[rows * columns + at] = static_cast<float>(anchor.b);
    }
    return hints;
}

}  // namespace colordeploy::anchors
